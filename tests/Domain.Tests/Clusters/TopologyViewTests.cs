using NannyOrleans.Domain.Clusters;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Clusters;

public sealed class ClusterTests
{
    private static readonly HashSet<NodeName> BothOnline = [Pve1, Pve2];

    [Fact]
    public void The_tree_is_the_guides()
    {
        var cluster = Known();
        Assert.Equal(
            """
            Proxmox Cluster: "lab"
            ├── Node: pve1 (Host Agent: 01M83HW1FS84TGPXTCYJ45S8G9)
            │   ├── LXC 100: web-01 (Debian GNU/Linux 12 (bookworm)) [Agentless]
            │   └── VM 200: win (win11) [Requires Agent] [stopped]
            └── Node: pve2 (no agent)
                └── guests unknown

            """,
            TopologyView.ToText(new([TopologyView.Of(Cluster, cluster, new HashSet<NodeName> { Pve1 }, Noon)])));
    }

    [Fact]
    public void Guests_that_could_not_be_listed_stay_and_are_unknown_not_gone()
    {
        var later = ClusterMachine.RecordInventory(Known(), Pve1, Inventory() with { Guests = null, Problems = ["pct list failed"] }, Noon.AddMinutes(5));
        var node = TopologyView.Of(Cluster, later, BothOnline, Noon.AddMinutes(5)).Nodes[0];
        Assert.Equal([100, 200], node.Guests!.Select(guest => guest.Vmid.Value));
        Assert.All(node.Guests!, guest => Assert.Equal(GuestStatus.Unknown, guest.Status));
        Assert.Equal(Noon, node.GuestsAt);
        Assert.Equal(["pct list failed"], node.Problems);
    }

    [Fact]
    public void A_node_that_is_not_connected_is_offline_and_its_guests_are_unknown()
    {
        var node = TopologyView.Of(Cluster, Known(), new HashSet<NodeName>(), Noon).Nodes[0];
        Assert.Equal(NodeStatus.Offline, node.Status);
        Assert.All(node.Guests!, guest => Assert.Equal((GuestStatus.Unknown, "its node is not connected"), (guest.Status, guest.Problem)));
    }

    [Fact]
    public void A_node_that_never_listed_its_guests_has_unknown_guests_not_none() =>
        Assert.Null(TopologyView.Of(Cluster, Known(), BothOnline, Noon).Nodes[1].Guests);

    [Fact]
    public void A_guest_that_moved_is_on_one_node_only()
    {
        var moved = ClusterMachine.RecordInventory(Known(), Pve2, Inventory(Container()) with { Hostname = "pve2" }, Noon.AddSeconds(1));
        var view = TopologyView.Of(Cluster, moved, BothOnline, Noon);
        Assert.Equal([200], view.Nodes[0].Guests!.Select(guest => guest.Vmid.Value));
        Assert.Equal([100], view.Nodes[1].Guests!.Select(guest => guest.Vmid.Value));
    }

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(false, false, false)]
    [InlineData(true, false, null)] // they contradict each other: nobody knows
    public void Quorum_is_what_all_connected_nodes_agree_on(bool first, bool second, bool? quorate)
    {
        var cluster = ClusterMachine.RecordInventory(Seen(first), Pve2, With(second), Noon);
        Assert.Equal(quorate, TopologyView.Of(Cluster, cluster, BothOnline, Noon).Quorate);
        Assert.Null(TopologyView.Of(Cluster, cluster, new HashSet<NodeName>(), Noon).Quorate);

        static ClusterState Seen(bool quorate) => ClusterMachine.RecordInventory(new(), Pve1, With(quorate), Noon);
        static Inventory With(bool quorate) => Inventory() with { Cluster = Inventory().Cluster! with { Quorate = quorate } };
    }

    [Fact]
    public void What_was_said_too_long_ago_is_unknown_although_the_agent_is_connected()
    {
        var later = Noon + (2 * TimeSpan.FromSeconds(Inventory().IntervalSeconds)) + TimeSpan.FromMinutes(1);
        var fresh = TopologyView.Of(Cluster, Known(), BothOnline, later);
        Assert.Equal((true, GuestStatus.Running), (fresh.Quorate, fresh.Nodes[0].Guests![0].Status));
        var old = TopologyView.Of(Cluster, Known(), BothOnline, later.AddSeconds(1));
        Assert.Equal((null, GuestStatus.Unknown), (old.Quorate, old.Nodes[0].Guests![0].Status));
    }

    [Fact]
    public void A_node_without_quorum_lists_what_has_moved_on_and_takes_nothing()
    {
        var cutOff = Inventory(Container(), Container(101)) with { Cluster = Inventory().Cluster! with { Quorate = false } };
        var view = TopologyView.Of(Cluster, ClusterMachine.RecordInventory(Known(), Pve2, cutOff, Noon), BothOnline, Noon);
        Assert.Equal([100, 200], view.Nodes[0].Guests!.Select(guest => guest.Vmid.Value));
        Assert.Equal([101], view.Nodes[1].Guests!.Select(guest => guest.Vmid.Value));
    }

    [Fact]
    public void A_rename_keeps_the_cluster()
    {
        var renamed = ClusterMachine.RecordInventory(Known(), Pve1, Inventory() with { Cluster = Inventory().Cluster! with { Name = "prod" } }, Noon);
        Assert.Equal("prod", TopologyView.Of(Cluster, renamed, BothOnline, Noon).Name);
        Assert.Equal(2, renamed.Nodes.Count);
    }

    [Fact]
    public void Hostile_names_do_not_reach_a_terminal_raw()
    {
        var cluster = ClusterMachine.RecordInventory(new(), Pve1, Inventory(Container(name: "a\u001b[31m\u202Eb\nc")), Noon);
        var text = TopologyView.ToText(new([TopologyView.Of(Cluster, cluster, BothOnline, Noon)]));
        Assert.DoesNotContain('\u001b', text);
        Assert.DoesNotContain('\u202E', text);
        Assert.Contains("a?[31m?b?c", text);
    }

    private static ClusterState Known() => ClusterMachine.RecordInventory(
        ClusterMachine.Enrol(new(), Pve1, new(Agent, "pve1", "lab")),
        Pve1,
        Inventory(Container(), new(new(200), GuestType.Qemu, "win", GuestStatus.Stopped, "win11", null, null, false, null)),
        Noon);
}
