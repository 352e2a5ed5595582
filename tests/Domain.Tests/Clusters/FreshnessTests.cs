using NannyOrleans.Domain.Clusters;
using NannyOrleans.Protocol.Inventories;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Clusters;

public sealed class FreshnessTests
{
    [Fact]
    public void What_is_only_remembered_is_shown_as_last_said_of_a_node_that_is_offline()
    {
        // A second after a restart: the node may have died with the server.
        var index = Remembered();
        var view = View(index, Noon.AddSeconds(1));
        Assert.Equal((NodeStatus.Offline, Noon, "pve-manager/9.2.11/0"), (view.Nodes[0].Status, view.Nodes[0].LastSeen, view.Nodes[0].PveVersion));
        Assert.Equal((GuestStatus.Unknown, "its node does not report"), (view.Nodes[0].Guests![0].Status, view.Nodes[0].Guests![0].Problem));
        Assert.Equal((null, null, null), (view.Quorate, view.Overview.Votes, view.Overview.ReportedBy));
        Assert.Equal((0, 1, 1), (view.Overview.NodeCount.Online, view.Overview.NodeCount.Offline, view.Overview.NodeCount.NoAgent));
    }

    [Fact]
    public void One_word_of_now_makes_what_is_remembered_count_as_long_as_it_is_young()
    {
        var spoken = Remembered().RecordMetrics(Pve1, Sample(), Noon.AddSeconds(30));
        Assert.Equal((NodeStatus.Online, GuestStatus.Running), Short(spoken, Noon.AddSeconds(30)));
        var late = Remembered().RecordMetrics(Pve1, Sample(), Noon.AddHours(1));
        Assert.Equal((NodeStatus.Online, GuestStatus.Unknown), Short(late, Noon.AddHours(1)));
        // What is remembered again does not silence a node that has spoken.
        Assert.Equal(NodeStatus.Online, Short(spoken.RecordInventory(Pve1, Taken(Pve1, Inventory(Container())), remembered: true, Noon), Noon.AddSeconds(30)).Node);
    }

    [Theory]
    [InlineData(90, NodeStatus.Online)]
    [InlineData(91, NodeStatus.Offline)]
    public void A_node_whose_samples_come_is_offline_after_three_missed_samples(int seconds, NodeStatus status) =>
        Assert.Equal(status, Short(Reporting().RecordMetrics(Pve1, Sample(), Noon), Noon.AddSeconds(seconds)).Node);

    [Fact]
    public void A_node_whose_samples_stopped_is_online_while_its_inventories_come()
    {
        var index = Reporting().RecordMetrics(Pve1, Sample(), Noon).RecordInventory(Pve1, Taken(Pve1, Noon.AddSeconds(300), Inventory(Container())), remembered: false, Noon);
        Assert.Equal((NodeStatus.Online, GuestStatus.Running), Short(index, Noon.AddSeconds(599)));
    }

    [Fact]
    public void A_node_without_a_report_is_judged_by_its_own_interval()
    {
        var slow = Lab((Pve1, Taken(Pve1, Inventory(Container()) with { IntervalSeconds = 86400 })));
        Assert.Equal((NodeStatus.Online, GuestStatus.Running), Short(slow, Noon.AddDays(1)));
        Assert.Equal(NodeStatus.Offline, Short(slow, Noon.AddDays(4)).Node);
        Assert.Equal(NodeStatus.Offline, View(Lab()).Nodes[0].Status); // registered, and never heard
    }

    [Fact]
    public void A_new_agent_of_a_node_is_not_online_by_the_word_of_the_one_before_it()
    {
        var sampled = Reporting().RecordMetrics(Pve1, Sample(), Noon);
        Assert.Equal(NodeStatus.Online, Short(sampled.Enrol(Pve1, new(Agent, "pve1", "lab")), Noon).Node); // the same agent again changes nothing
        var replaced = sampled.Enrol(Pve1, new(OtherAgent, "pve1", "lab"));
        Assert.Equal((NodeStatus.Offline, GuestStatus.Unknown), Short(replaced, Noon));
        Assert.Equal((null, Noon), (View(replaced).Quorate, View(replaced).Nodes[0].LastSeen));
        Assert.Equal(NodeStatus.Online, Short(replaced.RecordMetrics(Pve1, Sample(), Noon.AddSeconds(1)), Noon.AddSeconds(1)).Node);
    }

    [Fact]
    public void What_was_said_at_a_time_to_come_is_no_word_of_now()
    {
        // The server's clock was set back by an hour.
        var now = Noon.AddHours(-1);
        var index = Reporting().RecordMetrics(Pve1, Sample(), Noon);
        Assert.Equal((NodeStatus.Offline, GuestStatus.Unknown), Short(index, now));
        var sampled = index.RecordMetrics(Pve1, Sample(), now);
        Assert.Equal((NodeStatus.Online, GuestStatus.Unknown), Short(sampled, now));
        var listed = sampled.RecordInventory(Pve1, Taken(Pve1, now, Inventory(Container())), remembered: false, now);
        Assert.Equal((NodeStatus.Online, GuestStatus.Running), Short(listed, now));
        Assert.Equal(now, View(listed, now).Nodes[0].LastSeen);
    }

    [Fact]
    public void Members_that_disagree_on_quorum_are_named()
    {
        var index = Lab((Pve1, Taken(Pve1, Inventory())), (Pve2, Taken(Pve2, Inventory().WithQuorum(false))));
        Assert.Equal((null, "quorum unknown: pve2 report none, others do", Pve1), (View(index).Quorate, View(index).QuorateReason, View(index).Overview.ReportedBy));
        Assert.Equal("quorum unknown: no connected node has reported it lately", View(Lab()).QuorateReason);
    }

    [Fact]
    public void A_guest_that_is_not_where_it_was_says_why_it_is_unknown()
    {
        var guests = Inventory(Container(), Container(101), Container(102));
        var left = Taken(Pve1, guests, Inventory().Placing((Pve2, 100)));
        var view = View(Lab((Pve1, left), (Pve2, Taken(Pve2, Noon.AddMinutes(1), Inventory()))), Noon.AddMinutes(1));
        Assert.Equal([(101, "it was deleted"), (102, "it was deleted")], view.Nodes[0].Guests!.Select(guest => (guest.Vmid.Value, guest.Problem!)));
        Assert.Equal("it moved to pve2, which does not list it", Assert.Single(view.Nodes[1].Guests!).Problem);
        Assert.All(view.Nodes.SelectMany(node => node.Guests!), guest => Assert.Equal((GuestStatus.Unknown, null, null), (guest.Status, guest.Metrics, guest.UptimeSeconds)));
        Assert.Equal((1, 1), (view.Overview.GuestCount.Total, view.Overview.GuestCount.Unknown)); // deleted ones count nowhere

        var lost = View(Lab((Pve1, Taken(Pve1, guests, Inventory()))), Noon.AddMinutes(1)).Nodes[0].Guests!;
        Assert.All(lost, guest => Assert.Equal(("pve1 does not list it any more, and it is not known where it is", null), (guest.Problem, guest.DeletedAt)));
    }

    [Fact]
    public void What_is_gone_for_thirty_days_is_shown_no_more()
    {
        var index = Lab((Pve1, Taken(Pve1, Inventory(Container()), Inventory().Placing())));
        Assert.Equal(Noon.AddSeconds(1), Assert.Single(View(index, Noon.AddDays(29)).Nodes[0].Guests!).DeletedAt);
        Assert.Empty(View(index, Noon.AddDays(31)).Nodes[0].Guests!);
    }

    [Fact]
    public void Counts_name_what_runs_by_kind_and_count_unknown_for_itself()
    {
        var view = View(Lab((Pve1, Taken(Pve1, Inventory(
            Container(),
            Container(101) with { Status = GuestStatus.Stopped },
            Container(102) with { Status = GuestStatus.Unknown },
            Machine() with { Status = GuestStatus.Running },
            Machine(201) with { Status = GuestStatus.Paused })))));
        Assert.Equal(new GuestCounts(5, 1, 2, 1, 1, 1), view.Overview.GuestCount);
        Assert.Equal(new GuestCounts(5, 0, 0, 0, 5, 1), View(Lab((Pve1, Taken(Pve1, Inventory([.. view.Nodes[0].Guests!.Select(guest => guest.Seen)])))), Noon.AddHours(1)).Overview.GuestCount);
    }

    [Theory]
    [InlineData(100, 100L)]
    [InlineData(-5, 0L)] // the host's clock was set back
    public void A_guest_has_been_up_for_as_long_as_its_host_says(int seconds, long uptime)
    {
        var started = Container() with { StartedAt = Noon.AddSeconds(-seconds) };
        Assert.Equal(uptime, View(Lab((Pve1, Taken(Pve1, Inventory(started))))).Nodes[0].Guests![0].UptimeSeconds);
    }

    [Fact]
    public void Freshness_is_equal_as_long_as_nothing_of_it_has_changed()
    {
        var index = Reporting();
        Assert.Equal(Of(0), Of(60));
        Assert.NotEqual(Of(0), Of(901)); // offline
        Assert.NotEqual(Of(3599), Of(3600)); // what is gone for thirty days by then is not shown any more

        Freshness Of(int seconds) => Freshness.Of(index, index.Stored.Nodes[0], Noon.AddSeconds(seconds));
    }

    private static ClusterIndex Reporting() => Lab((Pve1, Taken(Pve1, Inventory(Container()))));

    private static ClusterIndex Remembered() => Lab().RecordInventory(Pve1, Taken(Pve1, Inventory(Container())), remembered: true, Noon);

    private static (NodeStatus Node, GuestStatus Guest) Short(ClusterIndex index, DateTimeOffset now)
    {
        var node = View(index, now).Nodes[0];
        return (node.Status, node.Guests![0].Status);
    }
}
