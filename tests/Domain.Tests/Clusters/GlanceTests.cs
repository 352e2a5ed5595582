using NannyOrleans.Domain.Clusters;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Clusters;

/// <summary>What is to be seen of a cluster at a glance: how far it is patched, and what is wrong.</summary>
public sealed class GlanceTests
{
    private static readonly DateTimeOffset LastWeek = Noon - PatchCounts.Fresh;

    [Theory]
    [InlineData(0, 0, 1, 0, 0)]
    [InlineData(3, 0, 0, 1, 0)]
    [InlineData(0, 7 * 24, 1, 0, 0)]
    [InlineData(0, (7 * 24) + 1, 0, 0, 1)] // what was seen before that says nothing of today
    [InlineData(null, 0, 0, 0, 1)] // who could not tell did not see none
    public void A_container_counts_as_what_was_last_seen_of_it(int? pending, int hoursAgo, int upToDate, int waiting, int unknown)
    {
        var counts = Of(Guest() with { Patches = new(Id(1), Noon.AddHours(-hoursAgo), pending, RebootRequired: true, Failure: null) });
        Assert.Equal(new PatchCounts(upToDate, waiting, unknown, 0, waiting > 0 ? pending!.Value : 0, 1), counts);
    }

    [Fact]
    public void One_that_nobody_has_looked_at_is_unknown_and_what_can_not_be_patched_is_nowhere()
    {
        var guest = Guest();
        Assert.Equal(new PatchCounts(0, 0, 1, 0, 0, 0), Of(guest));
        Assert.Equal(new PatchCounts(0, 0, 0, 0, 0, 0), Of(guest with { Seen = guest.Seen with { Template = true } }, guest with { DeletedAt = Noon }));
        var machine = guest with { Seen = Machine(), Management = GuestManagement.RequiresAgent };
        Assert.Equal(new PatchCounts(0, 0, 0, 1, 0, 0), Of(machine));
        Assert.Equal(new PatchCounts(0, 0, 1, 0, 0, 0), Of(machine with { AgentlessVm = true }));
        Assert.Equal(new PatchCounts(0, 0, 0, 0, 0, 0), Of(machine with { Agent = Agent }));
    }

    [Theory]
    [InlineData(NodeStatus.Online, 0, 0, 1, 0)]
    [InlineData(NodeStatus.Online, 0, 8, 0, 1)]
    [InlineData(NodeStatus.Offline, 0, 0, 0, 1)]
    public void A_host_counts_while_it_reports_and_its_lists_are_young(NodeStatus status, int pending, int daysAgo, int upToDate, int unknown)
    {
        var host = Node() with { Agent = Agent, Status = status, Host = new() { PendingUpdates = pending, PackageListsAt = Noon.AddDays(-daysAgo) } };
        Assert.Equal((upToDate, unknown), (PatchCounts.Of([host], Noon).UpToDate, PatchCounts.Of([host], Noon).Unknown));
    }

    [Fact]
    public void A_healthy_cluster_has_no_alerts() =>
        Assert.Empty(View(Lab((Pve1, Taken(Pve1, Inventory()))).Enrol(Pve2, new(OtherAgent, "pve2", "lab")).RecordInventory(Pve2, Taken(Pve2, Inventory()), remembered: false, Noon)).Overview.Alerts!);

    [Fact]
    public void Each_thing_that_is_wrong_is_said_the_worst_first()
    {
        var healthy = View(Lab((Pve1, Taken(Pve1, Inventory())))).Overview;
        (ClusterOverview Cluster, NodeView[] Nodes, string Code, AlertLevel Level)[] cases =
        [
            (healthy with { Quorate = false, QuorateReason = "no quorum" }, [], "quorum", AlertLevel.Error),
            (healthy with { Quorate = null, QuorateReason = null }, [], "quorum", AlertLevel.Warning),
            (healthy with { Clustered = true, Votes = new(3, 2, 2) }, [], "last-vote", AlertLevel.Warning),
            (healthy, [Node() with { Status = NodeStatus.Offline }], "node-offline", AlertLevel.Error),
            (healthy, [Node() with { Status = NodeStatus.NoAgent }], "node-without-agent", AlertLevel.Warning),
            (healthy, [Node() with { Status = NodeStatus.Maintenance }], "node-maintenance", AlertLevel.Info),
            (healthy, [Node() with { Problems = ["pct list failed"] }], "node-problem", AlertLevel.Warning),
            (healthy with { Ha = new(true, Pve1, false, new Dictionary<string, string>(), []) }, [], "ha-manager", AlertLevel.Error),
            (healthy with { Ha = new(true, Pve1, true, new Dictionary<string, string>(), ["ct:100"]) }, [], "ha-service", AlertLevel.Error),
            (healthy with { Ceph = new("HEALTH_WARN", ["OSD_DOWN"], null) }, [], "ceph", AlertLevel.Warning),
            (healthy with { Ceph = new(null, [], "it did not answer") }, [], "ceph", AlertLevel.Warning),
            (healthy with { Storages = [Storage() with { Health = "DEGRADED" }] }, [], "storage-health", AlertLevel.Error),
            (healthy with { Storages = [Storage() with { UsedBytes = 90, TotalBytes = 100 }] }, [], "storage-full", AlertLevel.Warning),
            (healthy with { Storages = [Storage() with { Status = "unknown" }] }, [Node()], "storage-unknown", AlertLevel.Warning),
            (healthy with { Storages = [Storage() with { Status = "unknown", Node = null, Shared = true }] }, [Node()], "storage-unknown", AlertLevel.Warning),
            (healthy with { Storages = [Storage() with { Status = "unknown" }] }, [Node() with { Status = NodeStatus.Offline }], "node-offline", AlertLevel.Error), // which says it all
        ];
        Assert.All(cases, one =>
        {
            var alert = Assert.Single(ClusterAlert.Of(one.Cluster, one.Nodes));
            Assert.Equal((one.Code, one.Level), (alert.Code, alert.Level));
        });

        NodeView[] all = [.. cases.SelectMany(one => one.Nodes)];
        var levels = ClusterAlert.Of(cases[0].Cluster, all).Select(alert => alert.Level).ToArray();
        Assert.Equal(levels.OrderDescending(), levels);
    }

    [Fact]
    public void Votes_that_are_all_needed_are_no_news_and_nor_is_a_disabled_storage()
    {
        var healthy = View(Lab((Pve1, Taken(Pve1, Inventory())))).Overview;
        Assert.Empty(ClusterAlert.Of(healthy with { Clustered = true, Votes = new(2, 2, 2) }, []));
        Assert.Empty(ClusterAlert.Of(healthy with { Storages = [Storage() with { Status = "disabled", Health = "DEGRADED" }] }, []));
    }

    [Fact]
    public void What_was_seen_a_week_ago_is_the_oldest_that_counts() =>
        Assert.Equal(1, Of(Guest() with { Patches = new(Id(1), LastWeek, 0, RebootRequired: null, Failure: null) }).UpToDate);

    [Fact]
    public void A_sum_with_a_gap_is_none()
    {
        Assert.Equal(new PatchCounts(2, 4, 6, 8, 10, 12), PatchCounts.Sum([new(1, 2, 3, 4, 5, 6), new(1, 2, 3, 4, 5, 6)]));
        Assert.Null(PatchCounts.Sum([new(1, 2, 3, 4, 5, 6), null]));
    }

    private static PatchCounts Of(params GuestView[] guests) => PatchCounts.Of([Node() with { Guests = guests }], Noon);

    private static GuestView Guest() => View(Lab((Pve1, Taken(Pve1, Inventory(Container()))))).Nodes[0].Guests![0];

    private static NodeView Node() => View(Lab((Pve1, Taken(Pve1, Inventory())))).Nodes[0] with { Agent = null, Guests = [] };

    private static StorageView Storage() => new("local", Pve1, "dir", ["rootdir"], false, "available", null, 1, 100);
}
