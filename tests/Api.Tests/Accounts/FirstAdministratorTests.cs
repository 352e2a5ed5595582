using System.Text.RegularExpressions;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Accounts;

public sealed partial class FirstAdministratorTests(SharedServer shared)
{
    [Fact]
    public async Task Without_a_password_from_outside_one_is_made_and_said_once()
    {
        using var data = new DataDirectory();
        string password;
        await using (var first = await ServerProcess.Start(data.Path, adminPassword: null))
        {
            password = Assert.Single(first.Program.Lines.Select(line => Said().Match(line)), match => match.Success).Groups[1].Value;
            (await new Caller(first.Url).AskForToken("admin", password)).Is(200);
            await first.Kill();
            Assert.Single(first.Program.Lines, line => line.Contains(password, StringComparison.Ordinal));
        }

        // Nor does a password from outside replace it later: whoever may set a variable is not whoever may sign in.
        await using var second = await ServerProcess.Start(data.Path, "another password altogether");
        await (await new Caller(second.Url).SignIn("admin", password)).Get("/api/agents");
        Assert.NotEqual(200, (await new Caller(second.Url).AskForToken("admin", "another password altogether")).Status);
        await second.Kill();
        Assert.DoesNotContain(second.Program.Lines, line => Said().IsMatch(line) || line.Contains("password", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_password_from_outside_is_never_written()
    {
        var form = ("user_code", "BBBB-BBBB");
        (await shared.Anonymous.PostForm("/device", form, ("username", "admin"), ("password", SharedServer.Password), ("decision", "approve"))).Is(400);
        Assert.DoesNotContain(shared.Server.Program.Lines, line => line.Contains(SharedServer.Password, StringComparison.Ordinal) || Said().IsMatch(line));
    }

    [Fact]
    public async Task A_password_from_outside_that_is_too_short_stops_the_start_and_says_so()
    {
        using var data = new DataDirectory();
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => ServerProcess.Start(data.Path, "short"));
        Assert.Contains("at least 12 characters", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_person_is_refused_like_a_wrong_password() =>
        Assert.Contains("do not match", (await shared.Anonymous.AskForToken("nobody", "x")).IsOAuthError("invalid_grant"), StringComparison.Ordinal);

    [Fact]
    public async Task A_persons_refresh_token_gives_a_token_that_works()
    {
        var refresh = (await shared.Anonymous.AskForToken("admin", SharedServer.Password)).Text("refresh_token");
        var renewed = (await shared.Anonymous.Refresh(TokenSetup.CommandLineClient, refresh)).Is(200).Text("access_token");
        (await shared.Admin.With(renewed).Get("/api/agents")).Is(200);

        // A client may not use what another client was given.
        (await shared.Anonymous.Refresh("nannyagent", refresh)).IsOAuthError("invalid_grant");
    }

    [Fact]
    public async Task Two_servers_on_one_machine_know_nothing_of_each_other()
    {
        using var data = new DataDirectory();
        await using var other = await ServerProcess.Start(data.Path, "a password of its own");
        var there = await new Caller(other.Url).SignIn("admin", "a password of its own");
        var here = await HostPeer.Register(shared.Admin, Some.Cluster());
        (await shared.Admin.Get($"/api/agents/{here.Id}")).Is(200);
        (await there.Get($"/api/agents/{here.Id}")).IsProblem(404, "not-found");
        (await there.With(shared.Admin.Token).Get("/api/agents")).IsProblem(401, "unauthorized");
        Assert.Equal("[]", (await there.Get("/api/agents")).Body);
    }

    [GeneratedRegex("First administrator: user name 'admin', password '([^']{20})'")]
    private static partial Regex Said();
}
