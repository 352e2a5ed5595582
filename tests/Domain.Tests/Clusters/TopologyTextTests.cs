using NannyOrleans.Domain.Clusters;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Clusters;

public sealed class TopologyTextTests
{
    private static readonly ClusterId OneMachine = ClusterId.Parse("m0123456789abcdef");

    [Fact]
    public void The_tree_is_the_guides()
    {
        var lab = Lab((Pve1, Taken(Pve1, Inventory(Container(), Container(101, "old"), Machine(), Machine(201, "k8s", "uuid-1")).Placing((Pve1, 100)), Inventory(Container(), Machine(), Machine(201, "k8s", "uuid-1")).Placing((Pve1, 100), (Pve1, 200), (Pve1, 201)))));
        var cluster = View(lab, null, new MachineLink(OtherAgent, "uuid-1"));
        var inside = Alone("k8s-node", "uuid-1");
        var linked = new LinkedVm(OtherAgent, $"{Cluster}-qemu-201", new(201), Cluster, "lab", Pve1, Agent);
        Assert.Equal(
            """
            Proxmox Cluster: "lab"
            ├── Node: pve1 (Host Agent: 01M83HW1FS84TGPXTCYJ45S8G9)
            │   ├── LXC 100: web-01 (Debian GNU/Linux 12 (bookworm)) [Agentless]
            │   ├── LXC 101: old (Debian GNU/Linux 12 (bookworm)) [Agentless] [deleted 2026-11-23]
            │   ├── VM 200: win (win11) [Requires Agent] [stopped]
            │   └── VM 201: k8s (win11) [Agent: 01M83HYC366EDV4QB830883JAT] [stopped]
            └── Node: pve2 (no agent)
                └── guests unknown
            Standalone agents
            ├── k8s-node (Debian GNU/Linux 12 (bookworm)) (Agent: 01M83HYC366EDV4QB830883JAT, VM 201 of "lab")
            └── k8s-node (Debian GNU/Linux 12 (bookworm)) (Agent: 01M83HYC366EDV4QB830883JAT, offline, last seen 2026-11-23 12:00:00Z)

            """,
            TopologyText.Of(new([cluster], [TopologyView.Machine(OneMachine, inside(Noon), [linked]), TopologyView.Machine(OneMachine, inside(Noon.AddHours(1)), [])])));
    }

    [Fact]
    public void Nothing_yet_is_a_sentence_and_machines_alone_have_no_clusters()
    {
        Assert.Equal("No clusters yet: register an agent on a Proxmox VE host.\n", TopologyText.Of(new([], [])));
        Assert.StartsWith("Standalone agents\n└── k8s-node", TopologyText.Of(new([], [TopologyView.Machine(OneMachine, Alone("k8s-node", null)(Noon), [])])), StringComparison.Ordinal);
    }

    [Fact]
    public void Doubt_is_written_beside_what_is_in_doubt()
    {
        var text = TopologyText.Of(new([View(Lab((Pve1, Taken(Pve1, Inventory(Container())))), Noon.AddHours(1))], []));
        Assert.Contains("Proxmox Cluster: \"lab\" [quorum unknown: no connected node has reported it lately]", text);
        Assert.Contains("offline, last seen 2026-11-23 12:00:00Z", text);
        Assert.Contains("web-01 (Debian GNU/Linux 12 (bookworm)) [Agentless] [unknown]", text);
    }

    [Fact]
    public void Hostile_names_do_not_reach_a_terminal_raw()
    {
        var text = TopologyText.Of(new([View(Lab((Pve1, Taken(Pve1, Inventory(Container(name: "a\u001b[31m\u202Eb\nc\u2028d\u0085e\uD800f"))))))], []));
        Assert.Contains("a?[31m?b?c?d?e\uFFFDf", text);
        Assert.Equal(6, text.Split('\n').Length); // the cluster, two nodes, one line below each, and the end
    }

    private static Func<DateTimeOffset, NodeView> Alone(string name, string? uuid)
    {
        var report = new Inventory(Noon, "0.1.0", name, null, "boot", null, null, []) { Host = new() { SmbiosUuid = uuid, Os = new("debian", [], "12", "Debian GNU/Linux 12 (bookworm)") } };
        var index = new ClusterIndex { Stored = new() }.Enrol(Pve1, new(OtherAgent, name, name)).RecordInventory(Pve1, Taken(Pve1, report), Noon);
        return now => TopologyView.Of(OneMachine, index, [], now).Nodes[0];
    }
}
