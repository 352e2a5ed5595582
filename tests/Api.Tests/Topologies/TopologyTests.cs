using System.Text.Json;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Tests.Topologies;

public sealed class TopologyTests(SharedServer shared)
{
    [Fact]
    public async Task The_tree_is_the_guides_and_the_JSON_says_the_same()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (running, stopped, machine) = (Some.Container(), Some.Container() with { Status = GuestStatus.Stopped }, Some.Machine("evil\n├── Node: \u001b[31m"));
        var named = NodeName.Parse($"x{host.Cluster.Value[^8..]}");
        await host.Connect(shared.Server.Url);
        var inventory = Some.Inventory(host, running, stopped, machine);
        await host.ReportInventory(inventory with { Cluster = inventory.Cluster! with { Members = [.. inventory.Cluster.Members, new(named, true, 1)] } });

        Assert.Contains(
            $"""
            Proxmox Cluster: "{host.ClusterName}"
            ├── Node: pve1 (Host Agent: {host.Id})
            │   ├── LXC {running.Vmid}: {running.Name} (Debian GNU/Linux 12 (bookworm)) [Agentless]
            │   ├── LXC {stopped.Vmid}: {stopped.Name} (Debian GNU/Linux 12 (bookworm)) [Agentless] [stopped]
            │   └── VM {machine.Vmid}: evil?├── Node: ?[31m (l26) [Requires Agent]
            └── Node: {named} (no agent)
                └── guests unknown

            """,
            (await Text()).Is(200).Body,
            StringComparison.Ordinal);
        Assert.Equal("text/plain", (await Text()).ContentType);

        var cluster = (await shared.Admin.Get("/api/topology?format=json")).Is(200).Json.GetProperty("clusters").EnumerateArray()
            .Single(one => one.GetProperty("id").GetString() == host.Cluster.Value);
        Assert.True(cluster.GetProperty("quorate").GetBoolean());
        var nodes = cluster.GetProperty("nodes").EnumerateArray().ToArray();
        Assert.Equal(["pve1", named.Value], nodes.Select(node => node.GetProperty("name").GetString()!));
        Assert.Equal(["online", "no-agent"], nodes.Select(node => node.GetProperty("status").GetString()!));
        Assert.Equal(JsonValueKind.Null, nodes[1].GetProperty("guests").ValueKind); // unknown is not none
        Assert.Equal(["agentless", "agentless", "requires-agent"], nodes[0].GetProperty("guests").EnumerateArray().Select(guest => guest.GetProperty("management").GetString()!));
        Assert.Equal(JsonValueKind.Object, (await shared.Admin.Get("/api/topology")).Json.ValueKind);

        // A node that is only named can be found, but is no agent.
        (await shared.Admin.Get($"/api/agents/{named}")).IsProblem(404, "not-found");
    }

    [Theory]
    [InlineData("bad")]
    [InlineData("TEXT")]
    public async Task A_format_that_is_none_is_refused(string format) => (await shared.Admin.Get($"/api/topology?format={format}")).NamesField("format");

    private Task<Answer> Text() => shared.Admin.Get("/api/topology?format=text");
}
