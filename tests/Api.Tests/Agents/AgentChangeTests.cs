using System.Text.Json;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Api.Tests.Agents;

/// <summary>What a person says of hosts, guests and machines.</summary>
public sealed class AgentChangeTests(SharedServer shared)
{
    [Fact] // The guide's troubleshooting section.
    public async Task A_corrected_family_holds_at_once_and_over_rediscovery_until_it_is_taken_back()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var odd = Some.Container() with { OsType = "unmanaged", Os = null };
        await host.ConnectWith(shared.Server.Url, odd);
        var id = Some.GuestId(host, odd);
        (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(id))).IsProblem(409, "unknown-family");

        var changed = (await shared.Admin.Patch($"/api/agents/{id}", """{"platform_family":"debian"}""")).Is(200);
        Assert.Equal((id, "debian", true), (changed.Text("id"), changed.Text("platform_family"), changed.Json.GetProperty("platform_family_overridden").GetBoolean()));
        Assert.Equal([id], await List(host, "platform_family=='debian'"));
        await host.ReportInventory(Some.Inventory(host, odd with { Os = new("alpine", [], null, "Alpine Linux") }));
        Assert.Equal("debian", (await shared.Admin.Get($"/api/agents/{id}")).Text("platform_family"));
        (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(id))).Is(202);
        Assert.Equal("apt-update.sh", (await host.NextJob()).Script.Name);

        var back = (await shared.Admin.Patch($"/api/agents/{id}", """{"platform_family":null}""")).Is(200);
        Assert.Equal(("alpine", false), (back.Text("platform_family"), back.Json.GetProperty("platform_family_overridden").GetBoolean()));
        Assert.Empty(await List(host, "platform_family=='debian'"));
    }

    [Fact]
    public async Task Tags_and_notes_are_added_stay_and_are_taken_back_one_by_one()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container() with { Tags = ["pve-tag"] };
        await host.ConnectWith(shared.Server.Url, container);
        var id = Some.GuestId(host, container);

        var row = (await shared.Admin.Patch($"/api/agents/{id}", """{"tags":["web","prod","web","pve-tag"],"notes":"größe 😀\nsecond line"}""")).Is(200);
        Assert.Equal(["prod", "pve-tag", "web"], Tags(row));
        Assert.Equal("größe 😀\nsecond line", row.Text("notes"));
        Assert.Equal([id], await List(host, "tags=='prod' && tags=='pve-tag' && notes~'second'"));

        Assert.Equal(["prod", "pve-tag", "web"], Tags((await shared.Admin.Patch($"/api/agents/{id}", """{"notes":null}""")).Is(200))); // absent stays
        row = (await shared.Admin.Patch($"/api/agents/{id}", """{"tags":null}""")).Is(200);
        Assert.Equal(["pve-tag"], Tags(row)); // Proxmox VE's own is not ours to take
        Assert.Equal(JsonValueKind.Null, row.Json.GetProperty("notes").ValueKind);
        Assert.Empty(await List(host, "tags=='prod'"));

        // A host and a machine can have them too.
        Assert.Equal(["rack-1"], Tags((await shared.Admin.Patch($"/api/agents/{host.Id}", """{"tags":["rack-1"],"notes":"n"}""")).Is(200)));
        Assert.Equal(["rack-1"], Tags((await shared.Admin.Get($"/api/agents/{host.Id}")).Is(200)));
        await using var machine = await HostPeer.Register(shared.Admin, Some.Outside(), "box");
        var other = (await shared.Admin.Patch($"/api/agents/{machine.Id}", """{"tags":["rack-2"],"platform_family":"suse"}""")).Is(200);
        Assert.Equal("suse", other.Text("platform_family"));
        Assert.Equal(["rack-2"], Tags(other));
    }

    [Theory]
    [InlineData("""{"platform_family":"windows"}""", "platform_family")]
    [InlineData("""{"platform_family":"unknown"}""", "platform_family")]
    [InlineData("""{"platform_family":"Debian"}""", "platform_family")]
    [InlineData("""{"platform_family":5}""", "platform_family")]
    [InlineData("""{"platform_family":"\ud800"}""", "platform_family")]
    [InlineData("""{"tags":"web"}""", "tags")]
    [InlineData("""{"tags":["Web"]}""", "tags")]
    [InlineData("""{"tags":["web tag"]}""", "tags")]
    [InlineData("""{"tags":[""]}""", "tags")]
    [InlineData("""{"tags":[null]}""", "tags")]
    [InlineData("""{"tags":[5]}""", "tags")]
    [InlineData("""{"tags":["\udc00"]}""", "tags")]
    [InlineData("""{"tags":{}}""", "tags")]
    [InlineData("""{"notes":5}""", "notes")]
    [InlineData("""{"notes":["x"]}""", "notes")]
    [InlineData("""{"notes":"half \ud83d"}""", "notes")]
    [InlineData("""{"vm_agent":5}""", "vm_agent")]
    [InlineData("""{"vm_agent":""}""", "vm_agent")]
    [InlineData("""{"vm_agent":"\ud800"}""", "vm_agent")]
    [InlineData("""{"vm_agent":"nobody-of-this-name"}""", "vm_agent")]
    [InlineData("""{"colour":"red"}""", "colour")]
    [InlineData("""{"notes ":"x"}""", "['notes ']")]
    [InlineData("""{"platformFamily":"debian"}""", "platformFamily")]
    [InlineData("""{"notes":"a","notes":"b"}""", "notes")]
    [InlineData("{}", "body")]
    [InlineData("null", "body")]
    [InlineData("", "body")]
    [InlineData("[]", "body")]
    [InlineData("\"notes\"", "body")]
    [InlineData("notes=x", "body")]
    public async Task What_is_wrong_with_a_change_is_named_and_nothing_is_changed(string body, string field)
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var machine = Some.Machine();
        await host.ConnectWith(shared.Server.Url, machine);
        var before = (await shared.Admin.Get($"/api/agents/{Some.GuestId(host, machine)}")).Is(200).Body;
        Assert.NotEqual(string.Empty, (await shared.Admin.Patch($"/api/agents/{Some.GuestId(host, machine)}", body)).NamesField(field));
        Assert.Equal(before, (await shared.Admin.Get($"/api/agents/{Some.GuestId(host, machine)}")).Is(200).Body);
    }

    [Fact]
    public async Task What_is_too_long_is_refused_and_the_longest_is_kept()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        foreach (var (field, most, more) in new[]
        {
            ("notes", JsonSerializer.Serialize(new string('n', 10_000)), JsonSerializer.Serialize(new string('n', 10_001))),
            ("tags", JsonSerializer.Serialize(Enumerable.Range(0, 64).Select(i => $"t{i}")), JsonSerializer.Serialize(Enumerable.Range(0, 65).Select(i => $"t{i}"))),
            ("tags", JsonSerializer.Serialize(new[] { new string('t', 128) }), JsonSerializer.Serialize(new[] { new string('t', 129) })),
        })
        {
            (await shared.Admin.Patch($"/api/agents/{host.Id}", $$"""{"{{field}}":{{most}}}""")).Is(200);
            (await shared.Admin.Patch($"/api/agents/{host.Id}", $$"""{"{{field}}":{{more}}}""")).NamesField(field);
        }

        (await shared.Admin.Patch($"/api/agents/{host.Id}", $$"""{"notes":"{{new string('n', 1_100_000)}}"}""")).IsProblem(413, "body-too-large");
    }

    [Fact]
    public async Task What_cannot_be_said_of_a_thing_is_refused_with_the_reason()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        await using var machine = await HostPeer.Register(shared.Admin, Some.Outside(), "box");
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, container);
        var link = $$"""{"vm_agent":"{{machine.Id}}"}""";
        (await shared.Admin.Patch($"/api/agents/{Some.GuestId(host, container)}", link)).IsProblem(409, "not-a-vm");
        (await shared.Admin.Patch($"/api/agents/{host.Id}", link)).IsProblem(409, "not-a-vm");
        (await shared.Admin.Patch($"/api/agents/{machine.Id}", link)).IsProblem(409, "not-a-vm");
        (await shared.Admin.Patch($"/api/agents/{host.Id}", """{"platform_family":"rhel"}""")).IsProblem(409, "fixed-family");
        (await shared.Admin.Patch("/api/agents/nobody-of-this-name", """{"notes":"x"}""")).IsProblem(404, "not-found");

        // A node of which only the name is known is no agent, and nothing is kept of it.
        var inventory = Some.Inventory(host, container);
        var named = NannyOrleans.Protocol.Ids.NodeName.Parse($"y{host.Cluster.Value[^8..]}");
        await host.ReportInventory(inventory with { Cluster = inventory.Cluster! with { Members = [.. inventory.Cluster.Members, new(named, true, 1)] } });
        (await shared.Admin.Patch($"/api/agents/{named}", """{"notes":"kept?"}""")).IsProblem(404, "not-found");
        (await shared.Admin.Send("POST", $"/api/agents/{named}/discover")).IsProblem(404, "not-found");
        (await shared.Admin.Get($"/api/agents/{named}/metrics")).IsProblem(404, "not-found");
        Assert.DoesNotContain("kept?", (await shared.Admin.Get("/api/topology")).Body, StringComparison.Ordinal);
        Assert.Equal(["not-found", "asked"], (await shared.Admin.Get($"/api/audit?target={named}&action=annotate")).Json.EnumerateArray().Select(entry => entry.GetProperty("result").GetString()));
    }

    [Fact]
    public async Task Who_said_what_is_in_the_audit_log()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        (await shared.Admin.Patch($"/api/agents/{host.Id}", """{"notes":null,"tags":["a"]}""")).Is(200);
        var entry = Assert.Single((await shared.Admin.Get("/api/audit?limit=1000")).Is(200).Json.EnumerateArray(), one => one.GetProperty("target").GetString() == host.Id.Value);
        Assert.Equal(("person admin", "annotate", "asked"), (entry.GetProperty("actor").GetString(), entry.GetProperty("action").GetString(), entry.GetProperty("result").GetString()));
        var detail = JsonElement.Parse(entry.GetProperty("detail").GetString()!);
        Assert.Equal(["notes", "tags"], detail.EnumerateObject().Select(field => field.Name).Order(StringComparer.Ordinal));

        // The newest first, and no more than asked for.
        (await shared.Admin.Patch($"/api/agents/{host.Id}", """{"notes":"second"}""")).Is(200);
        Assert.Equal(1, (await shared.Admin.Get("/api/audit?limit=1")).Is(200).Json.GetArrayLength());
        var mine = (await shared.Admin.Get("/api/audit?limit=1000")).Json.EnumerateArray().Where(one => one.GetProperty("target").GetString() == host.Id.Value).ToArray();
        Assert.Contains("second", mine[0].GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1001")]
    [InlineData("-1")]
    [InlineData("many")]
    public async Task A_count_of_entries_that_is_none_is_refused(string limit) => (await shared.Admin.Get($"/api/audit?limit={limit}")).NamesField("limit");

    [Fact]
    public async Task A_host_is_asked_to_look_anew_when_it_is_there()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (container, vm) = (Some.Container(), Some.Machine());
        (await shared.Admin.Send("POST", $"/api/agents/{host.Id}/discover")).IsProblem(409, "agent-offline");
        await host.ConnectWith(shared.Server.Url, container, vm);

        foreach (var (id, vmid) in new[] { (host.Id.Value, (GuestSeen?)null), (Some.GuestId(host, container), container), ($"qemu-{vm.Vmid}", vm) })
        {
            var answer = (await shared.Admin.Send("POST", $"/api/agents/{id}/discover")).Is(202);
            Assert.Equal(vmid is null ? host.Id.Value : Some.GuestId(host, vmid), answer.Text("id"));
            Assert.Equal($"/api/agents/{answer.Text("id")}", answer.Header("Location"));
            Assert.Equal(JsonValueKind.String, answer.Json.GetProperty("requested_at").ValueKind);
            Assert.Equal(vmid?.Vmid, (await host.NextDiscover()).Vmid);
        }

        (await shared.Admin.Send("POST", "/api/agents/nobody-of-this-name/discover")).IsProblem(404, "not-found");
        await host.Disconnect();
        await Waiting.Until(() => shared.Admin.Send("POST", $"/api/agents/{host.Id}/discover"), answer => answer.Status is 409, "the host to be seen disconnected");
    }

    private static string[] Tags(Answer row) => [.. row.Json.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()!)];

    private async Task<string[]> List(HostPeer host, string filter) =>
    [
        .. (await shared.Admin.Get($"/api/agents?filter={Uri.EscapeDataString($"proxmox_parent_host=='{host.Id}' && ({filter})")}")).Is(200).Json.EnumerateArray()
            .Select(row => row.GetProperty("id").GetString()!),
    ];
}
