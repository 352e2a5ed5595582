using NannyOrleans.Domain.Clusters;
using NannyOrleans.Protocol.Inventories;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Clusters;

public sealed class ClusterTests
{
    [Fact]
    public void Guests_that_could_not_be_listed_stay_and_are_unknown_not_gone()
    {
        var later = Known().Hear(Pve1, Inventory() with { Guests = null, Problems = ["pct list failed"] }, Noon.AddMinutes(5));
        var node = TopologyView.Of(Cluster, later, [], Noon.AddMinutes(5)).Nodes[0];
        Assert.Equal([100, 200], node.Guests!.Select(guest => guest.Vmid.Value));
        Assert.All(node.Guests!, guest => Assert.Equal((GuestStatus.Unknown, "its node could not list its guests"), (guest.Status, guest.Problem)));
        Assert.Equal(Noon, node.GuestsAt);
        Assert.Equal(["pct list failed"], node.Problems);
    }

    [Fact]
    public void A_node_that_does_not_report_is_offline_and_its_guests_are_unknown()
    {
        var node = TopologyView.Of(Cluster, Known(), [], Noon.AddDays(1)).Nodes[0];
        Assert.Equal(NodeStatus.Offline, node.Status);
        Assert.All(node.Guests!, guest => Assert.Equal((GuestStatus.Unknown, "its node does not report"), (guest.Status, guest.Problem)));
    }

    [Fact]
    public void A_node_that_never_listed_its_guests_has_unknown_guests_not_none() =>
        Assert.Null(TopologyView.Of(Cluster, Known(), [], Noon).Nodes[1].Guests);

    [Fact]
    public void A_guest_that_moved_is_on_one_node_only()
    {
        var moved = Known().Hear(Pve2, Inventory(Container()) with { Hostname = "pve2" }, Noon.AddSeconds(1));
        var view = TopologyView.Of(Cluster, moved, [], Noon.AddSeconds(1));
        Assert.Equal([200], view.Nodes[0].Guests!.Select(guest => guest.Vmid.Value));
        Assert.Equal([100], view.Nodes[1].Guests!.Select(guest => guest.Vmid.Value));
    }

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(false, false, false)]
    [InlineData(true, false, null)] // they contradict each other: nobody knows
    public void Quorum_is_what_all_online_nodes_agree_on(bool first, bool second, bool? quorate)
    {
        var cluster = Enrolled().Hear(Pve1, Inventory().Quorate(first), Noon).Hear(Pve2, Inventory().Quorate(second), Noon);
        Assert.Equal(quorate, TopologyView.Of(Cluster, cluster, [], Noon).Quorate);
        Assert.Null(TopologyView.Of(Cluster, cluster, [], Noon.AddDays(1)).Quorate);
    }

    [Fact]
    public void What_was_said_too_long_ago_is_unknown_although_the_agent_is_online()
    {
        var later = Noon + (2 * TimeSpan.FromSeconds(Inventory().IntervalSeconds)) + TimeSpan.FromMinutes(1);
        var sampled = Known().RecordMetrics(Pve1, new(Noon, 30), later);
        var fresh = TopologyView.Of(Cluster, sampled, [], later);
        Assert.Equal((true, GuestStatus.Running), (fresh.Quorate, fresh.Nodes[0].Guests![0].Status));
        var old = TopologyView.Of(Cluster, sampled, [], later.AddSeconds(1));
        Assert.Equal((null, GuestStatus.Unknown, NodeStatus.Online), (old.Quorate, old.Nodes[0].Guests![0].Status, old.Nodes[0].Status));
    }

    [Fact]
    public void A_node_without_quorum_lists_what_has_moved_on_and_takes_nothing()
    {
        var view = TopologyView.Of(Cluster, Known().Hear(Pve2, Inventory(Container(), Container(101)).Quorate(false), Noon), [], Noon);
        Assert.Equal([100, 200], view.Nodes[0].Guests!.Select(guest => guest.Vmid.Value));
        Assert.Equal([101], view.Nodes[1].Guests!.Select(guest => guest.Vmid.Value));
    }

    [Fact]
    public void A_rename_keeps_the_cluster()
    {
        var renamed = Known().Hear(Pve1, Inventory() with { Cluster = Inventory().Cluster! with { Name = "prod" } }, Noon);
        Assert.Equal("prod", TopologyView.Of(Cluster, renamed, [], Noon).Name);
        Assert.Equal([Pve1, Pve2], renamed.Stored.Nodes.Select(member => member.Node));
    }

    private static ClusterIndex Known() => Enrolled().Hear(Pve1, Inventory(Container(), Machine()), Noon);
}
