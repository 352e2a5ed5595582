using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.People;

/// <summary>On a server of its own: with one administrator, and with duties separated.</summary>
public sealed class DutiesTests
{
    private const string Password = "a password of its own";

    [Fact]
    public async Task The_last_administrator_stays_one_and_who_starts_a_campaign_does_not_approve_its_reboots()
    {
        using var data = new DataDirectory();
        await using var server = await ServerProcess.Start(data.Path, Password, more: ("NANNY_Access__SeparationOfDuties", "true"));
        var admin = await new Caller(server.Url).SignIn("admin", Password);

        foreach (var body in new[] { """{"disabled":true}""", """{"roles":[{"role":"operator"}]}""", """{"roles":[]}""" })
        {
            (await admin.Patch("/api/people/admin", body)).IsProblem(409, "last-administrator");
        }

        (await admin.Send("DELETE", "/api/people/admin")).IsProblem(409, "last-administrator");

        // Nor do two who remove each other at once leave none.
        (await admin.PostLikeCurl("/api/people", $$"""{"user_name":"other","password":"{{Password}}","roles":[{"role":"administrator"}]}""")).Is(201);
        var other = await admin.With(null).SignIn("other", Password);
        var both = await Task.WhenAll(admin.Patch("/api/people/other", """{"roles":[{"role":"operator"}]}"""), other.Patch("/api/people/admin", """{"roles":[{"role":"operator"}]}"""));
        Assert.Contains(both, answer => answer.Status is 200);
        Assert.Contains(both, answer => answer.Status is 403 or 409);
        var (boss, operators) = (await admin.Get("/api/people")).Status is 200 ? (admin, other) : (other, admin);

        (await boss.PostLikeCurl("/api/people", $$"""{"user_name":"approver","password":"{{Password}}","roles":[{"role":"approver"}]}""")).Is(201);
        var approver = await admin.With(null).SignIn("approver", Password);
        await using var host = await HostPeer.Register(boss, Some.Cluster());
        await host.ConnectWith(server.Url);
        foreach (var starter in new[] { boss, operators })
        {
            var campaign = (await starter.PostLikeCurl($"/api/clusters/{host.Cluster}/campaigns", """{"mode":"apply","approve_reboots":true}""")).Is(202).Text("id");
            var path = $"/api/clusters/{host.Cluster}/campaigns/{campaign}";
            (await starter.PostLikeCurl($"{path}/approve", """{"node":"pve1"}""")).IsProblem(403, starter == boss ? "own-campaign" : "forbidden");
            (await approver.PostLikeCurl($"{path}/approve", """{"node":"pve1"}""")).IsProblem(409, "nothing-to-approve");
            (await approver.PostLikeCurl($"{path}/abort", "")).IsProblem(403, "forbidden");
            (await operators.PostLikeCurl($"{path}/abort", "")).Is(202);
            await Waiting.Until(() => boss.Get(path), one => one.Text("status") is "aborted" or "failed" or "completed", "the campaign to end");
        }
    }
}
