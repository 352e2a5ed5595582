using System.Globalization;
using System.Text.Json;
using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Exceptions;

public sealed class ExceptionTests(SharedServer shared)
{
    private const string Path = "/api/packages/exceptions";

    [Fact] // curl without a content type, a name for an id.
    public async Task The_guides_example_works_as_written()
    {
        var node = $"proxmox-host-{Some.Vmid()}";
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster(), node);
        await host.ConnectWith(shared.Server.Url);
        var made = (await shared.Admin.PostLikeCurl(Path, $$"""
            {
              "agent_id": "{{node}}",
              "package_names": ["pve-kernel-5.15", "pve-manager"],
              "reason": "Hold until scheduled maintenance window"
            }
            """)).Is(201);
        Assert.Equal((host.Id.Value, "Hold until scheduled maintenance window", "admin"), (made.Text("agent_id"), made.Text("reason"), made.Text("created_by")));
        Assert.Equal(["pve-kernel-5.15", "pve-manager"], Texts(made.Json, "package_names"));
        Assert.Equal((JsonValueKind.Null, false), (made.Json.GetProperty("expires_at").ValueKind, made.Json.GetProperty("expired").GetBoolean()));
        Assert.Equal($"{Path}/{made.Text("id")}", made.Header("Location"));
        Assert.Equal(made.Body, (await shared.Admin.Get($"{Path}/{made.Text("id")}")).Is(200).Body);
    }

    [Fact]
    public async Task Every_operation_on_the_guest_leaves_the_packages_alone_and_says_why()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (web, other) = (Some.Container(), Some.Container());
        await host.ConnectWith(shared.Server.Url, web, other);
        var made = await Make(Some.GuestId(host, web), "\"mysql-*\"");
        await Make(host.Id.Value, "\"pve-*\""); // the host's, not its guests'

        var started = (await shared.Admin.PostLikeCurl("/api/patches", $$"""{"agent_id":"{{Some.GuestId(host, web)}}","mode":"apply","exclusions":["nginx"]}""")).Is(202);
        Assert.Equal(["nginx", "mysql-*"], Texts(started.Json, "exclusions"));
        var applied = Assert.Single(started.Json.GetProperty("exceptions").EnumerateArray());
        Assert.Equal((made.Text("id"), "because"), (applied.GetProperty("id").GetString(), applied.GetProperty("reason").GetString()));
        Assert.Equal(["nginx", "mysql-*"], (await host.NextJob()).Exclusions);

        (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(Some.GuestId(host, other), "apply"))).Is(202);
        Assert.Empty((await host.NextJob()).Exclusions);

        (await shared.Admin.Send("DELETE", $"{Path}/{made.Text("id")}")).Is(204);
        (await shared.Admin.Get($"{Path}/{made.Text("id")}")).IsProblem(404, "not-found");
        (await shared.Admin.Send("DELETE", $"{Path}/{made.Text("id")}")).IsProblem(404, "not-found");
        await using var fresh = await HostPeer.Register(shared.Admin, Some.Cluster());
        var clean = Some.Container();
        await fresh.ConnectWith(shared.Server.Url, clean);
        (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(Some.GuestId(fresh, clean), "apply"))).Is(202);
        Assert.Empty((await fresh.NextJob()).Exclusions);
    }

    [Fact]
    public async Task Too_many_exclusions_together_are_refused_and_nothing_is_started()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var web = Some.Container();
        await host.ConnectWith(shared.Server.Url, web);
        await Make(Some.GuestId(host, web), string.Join(',', Enumerable.Range(0, 200).Select(i => $"\"a{i}\"")));
        var asked = JsonSerializer.Serialize(Enumerable.Range(0, 57).Select(i => $"b{i}"));
        (await shared.Admin.PostLikeCurl("/api/patches", $$"""{"agent_id":"{{Some.GuestId(host, web)}}","mode":"apply","exclusions":{{asked}}}""")).IsProblem(409, "too-many-exclusions");
        await host.ReportInventory(Some.Inventory(host, web));
        Assert.True(host.HasNoJob());
    }

    [Fact]
    public async Task They_are_listed_for_one_target_by_any_form_of_its_id()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (web, other) = (Some.Container(), Some.Container());
        await host.ConnectWith(shared.Server.Url, web, other);
        var (one, two) = (await Make(Some.GuestId(host, web), "\"a\""), await Make(Some.GuestId(host, other), "\"b\""));
        Assert.Equal([one.Text("id")], await Listed($"?agent_id=lxc-{web.Vmid}-{web.Name}"));
        var all = await Listed(string.Empty);
        Assert.Contains(one.Text("id"), all);
        Assert.Contains(two.Text("id"), all);
        (await shared.Admin.Get($"{Path}?agent_id=nobody-of-this-name")).IsProblem(404, "not-found");
        (await shared.Admin.Get($"{Path}?agent=x")).NamesField("agent");

        async Task<string[]> Listed(string query) => [.. (await shared.Admin.Get(Path + query)).Is(200).Json.EnumerateArray().Select(row => row.GetProperty("id").GetString()!)];
    }

    [Fact]
    public async Task A_change_names_what_it_changes_and_is_audited()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var web = Some.Container();
        await host.ConnectWith(shared.Server.Url, web);
        var id = (await Make(Some.GuestId(host, web), "\"a\"")).Text("id");
        var end = DateTimeOffset.UtcNow.AddDays(1).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        var changed = (await shared.Admin.Patch($"{Path}/{id}", $$"""{"package_names":["b"],"expires_at":"{{end}}"}""")).Is(200);
        Assert.Equal(["b"], Texts(changed.Json, "package_names"));
        Assert.Equal(("because", DateTimeOffset.Parse(end, CultureInfo.InvariantCulture)), (changed.Text("reason"), changed.Json.GetProperty("expires_at").GetDateTimeOffset()));
        Assert.Equal(JsonValueKind.Null, (await shared.Admin.Patch($"{Path}/{id}", """{"expires_at":null,"reason":null}""")).Is(200).Json.GetProperty("expires_at").ValueKind);
        (await shared.Admin.Patch($"{Path}/{id}", "{}")).NamesField("body");
        (await shared.Admin.Patch($"{Path}/{id}", """{"agent_id":"x"}""")).NamesField("agent_id");
        (await shared.Admin.Patch($"{Path}/01M83HW1FS84TGPXTCYJ45S8G9", """{"reason":"x"}""")).IsProblem(404, "not-found");
        (await shared.Admin.Patch($"{Path}/nothing", """{"reason":"x"}""")).IsProblem(404, "not-found");
        (await shared.Admin.Send("DELETE", $"{Path}/{id}")).Is(204);

        Assert.Equal(
            [
                "delete-package-exception done", "delete-package-exception asked", "change-package-exception invalid-request", "change-package-exception asked", "change-package-exception invalid-request",
                "change-package-exception asked", "change-package-exception asked", "change-package-exception asked",
            ],
            await Audited(id));
        Assert.Equal(["add-package-exception done", "add-package-exception asked"], await Audited(Some.GuestId(host, web)));

        async Task<string[]> Audited(string target) =>
            [.. (await shared.Admin.Get($"/api/audit?target={target}")).Is(200).Json.EnumerateArray().Select(entry => $"{entry.GetProperty("action")} {entry.GetProperty("result")}")];
    }

    [Theory]
    [InlineData("""{"package_names":["a"]}""", "agent_id")]
    [InlineData("""{"agent_id":null,"package_names":["a"]}""", "agent_id")]
    [InlineData("""{"agent_id":" ","package_names":["a"]}""", "agent_id")]
    [InlineData("""{"agent_id":5,"package_names":["a"]}""", "agent_id")]
    [InlineData("""{"agent_id":"\ud800","package_names":["a"]}""", "agent_id")]
    [InlineData("""{"agent_id":"x"}""", "package_names")]
    [InlineData("""{"agent_id":"x","package_names":[]}""", "package_names")] // an exception of nothing holds nothing back
    [InlineData("""{"agent_id":"x","package_names":null}""", "package_names")]
    [InlineData("""{"agent_id":"x","package_names":"a"}""", "package_names")]
    [InlineData("""{"agent_id":"x","package_names":["a","b","-o"]}""", "package_names[2]")] // would be an option
    [InlineData("""{"agent_id":"x","package_names":["a,b"]}""", "package_names[0]")]
    [InlineData("""{"agent_id":"x","package_names":["$(id)"]}""", "package_names[0]")]
    [InlineData("""{"agent_id":"x","package_names":[null]}""", "package_names[0]")]
    [InlineData("""{"agent_id":"x","package_names":["\udc00"]}""", "package_names[0]")]
    [InlineData("""{"agent_id":"x","package_names":["a"],"reason":5}""", "reason")]
    [InlineData("""{"agent_id":"x","package_names":["a"],"expires_at":"tomorrow"}""", "expires_at")]
    [InlineData("""{"agent_id":"x","package_names":["a"],"expires_at":"10:30"}""", "expires_at")]
    [InlineData("""{"agent_id":"x","package_names":["a"],"expires_at":"2020-01-01T00:00:00Z"}""", "expires_at")] // is over
    [InlineData("""{"agent_id":"x","package_names":["a"],"expires":"2099-01-01"}""", "expires")] // would hold for ever
    public async Task A_request_that_is_not_whole_is_refused_by_the_fields_name(string body, string field) =>
        (await shared.Admin.PostLikeCurl(Path, body)).NamesField(field);

    [Fact]
    public async Task A_name_of_two_guests_is_answered_with_both()
    {
        var name = $"twin-{Some.Vmid()}";
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        await host.ConnectWith(shared.Server.Url, Some.Container(name), Some.Container(name));
        Assert.Equal(2, (await shared.Admin.PostLikeCurl(Path, $$"""{"agent_id":"{{name}}","package_names":["a"]}""")).IsProblem(409, "ambiguous-id").GetProperty("candidates").GetArrayLength());
        (await shared.Admin.PostLikeCurl(Path, """{"agent_id":"nobody-of-this-name","package_names":["a"]}""")).IsProblem(404, "not-found");
    }

    private async Task<Answer> Make(string agent, string names) =>
        (await shared.Admin.PostLikeCurl(Path, $$"""{"agent_id":"{{agent}}","package_names":[{{names}}],"reason":"because"}""")).Is(201);

    private static string[] Texts(JsonElement json, string field) => [.. json.GetProperty(field).EnumerateArray().Select(one => one.GetString()!)];
}
