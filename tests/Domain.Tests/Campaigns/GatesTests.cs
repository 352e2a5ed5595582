using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Tests.Campaigns;

public sealed class GatesTests
{
    private static readonly CampaignState Campaign = new() { Id = Some.Id(1), Order = new(PatchMode.Apply, "admin"), Nodes = [new(Some.Pve1, NodeStep.Ready)] };
    private static readonly HaSeen Ha = new(true, Some.Pve2, true, new Dictionary<string, string> { ["pve1"] = "online", ["pve2"] = "online", ["pve3"] = "online" }, [])
    {
        MaintenanceRequested = [],
        Lrms = new Dictionary<string, LrmSeen>(),
    };

    public static TheoryData<string, string> Troubles => new()
    {
        { "report", "the node is silent" },
        { "report", "its guests are unknown" },
        { "votes", "another is down" },
        { "nodes", "another is silent" },
        { "nodes", "it lacks quorum itself" },
        { "ha", "local managers are unknown" },
        { "ha", "requests are unknown" },
        { "ha", "HA is unread" },
        { "ha", "a service is in error" },
        { "ha", "another is in maintenance" },
        { "ha", "maintenance is asked for" },
        { "ha", "the master is dead" },
        { "ha", "a local manager is dead" },
        { "ceph", "Ceph warns" },
        { "ceph", "Ceph does not answer" },
        { "tasks", "a backup runs" },
        { "tasks", "tasks are unknown" },
        { "agent", "the agent says no version" },
        { "window", "the window ends" },
        { "room", "nobody has measured the others" },
    };

    [Fact]
    public void All_hold_for_a_cluster_in_good_order()
    {
        Assert.True(Gates.BeforeTakeDown(Campaign, Some.Pve1, Seen.Cluster(1, 1, 1).WithHa(Ha), Some.Noon).Hold());
        Assert.True(Gates.BeforePatch(Campaign, Some.Pve1, Seen.Cluster(1, 1, 1), Some.Noon).Hold());
    }

    [Fact]
    public void Memory_is_waited_for_only_where_it_decides_something()
    {
        var unmeasured = Unmeasured(Seen.Cluster(1, 1, 1).WithHa(Ha));
        Assert.False(Room(Campaign, unmeasured));
        Assert.True(Room(Campaign with { Order = Campaign.Order! with { Drain = DrainPolicy.ShutDown } }, unmeasured)); // it goes down either way
        Assert.True(Room(Campaign with { Order = Campaign.Order! with { Drain = DrainPolicy.Leave } }, unmeasured));
        Assert.True(Room(Campaign with { Nodes = [new(Some.Pve1, NodeStep.LastLook) { Guests = [] }] }, unmeasured)); // it was decided before
        Assert.True(Room(Campaign, unmeasured.With("pve1", one => one with { Guests = [] })));
        Assert.True(Room(Campaign, unmeasured.With("pve3", one => one with { MemoryBytes = 64L << 30, MemoryFreeBytes = 32L << 30 }))); // one that is known takes it
        Assert.False(Room(Campaign, unmeasured.With("pve3", one => one with { MemoryBytes = 64L << 30, MemoryFreeBytes = 0 })));
        Assert.True(Room(Campaign, unmeasured.Silent("pve2").With("pve3", one => one with { MemoryBytes = 64L << 30, MemoryFreeBytes = 0 }))); // that one is silent is another condition's

        static bool Room(CampaignState campaign, ClusterPicture picture) => Gates.BeforeTakeDown(campaign, Some.Pve1, picture, Some.Noon).All(gate => gate.Name is not "room");
    }

    private static ClusterPicture Unmeasured(ClusterPicture picture) => new(
    [
        .. picture.Nodes.Select(one => one.Node == Some.Pve1 ? one with { Guests = [Seen.Guest(100)] } : one with { MemoryBytes = null, MemoryFreeBytes = null }),
    ]);

    [Theory]
    [MemberData(nameof(Troubles))]
    public void Each_trouble_holds_back_what_takes_a_node_down_and_says_why(string gate, string trouble)
    {
        var good = Seen.Cluster(1, 1, 1).WithHa(Ha);
        var (picture, campaign) = (good, Campaign);
        switch (trouble)
        {
            case "the node is silent": picture = good.Silent("pve1"); break;
            case "nobody has measured the others": picture = Unmeasured(good); break;
            case "its guests are unknown": picture = good.With("pve1", one => one with { Guests = null }); break;
            case "another is down": picture = good.Down("pve3"); break;
            case "another is silent": picture = good.Silent("pve3"); break;
            case "it lacks quorum itself": picture = good.With("pve1", one => one with { Sees = one.Sees! with { Quorate = false } }); break;
            case "local managers are unknown": picture = good.WithHa(Ha with { Lrms = null }); break;
            case "requests are unknown": picture = good.WithHa(Ha with { MaintenanceRequested = null }); break;
            case "HA is unread": picture = good.WithHa(null); break;
            case "a service is in error": picture = good.WithHa(Ha with { ServicesInError = ["ct:100"] }); break;
            case "another is in maintenance": picture = good.WithHa(Ha with { Nodes = new Dictionary<string, string> { ["pve1"] = "online", ["pve3"] = "maintenance" } }); break;
            case "maintenance is asked for": picture = good.WithHa(Ha with { MaintenanceRequested = ["pve1"] }); break;
            case "the master is dead": picture = good.WithHa(Ha with { ManagerActive = false }); break;
            case "a local manager is dead": picture = good.WithHa(Ha with { Lrms = new Dictionary<string, LrmSeen> { ["pve2"] = new("active", "active", Alive: false) } }); break;
            case "Ceph warns": picture = good.With("pve2", one => one with { Sees = one.Sees! with { Ceph = new("HEALTH_WARN", ["OSD_DOWN: 1 osds down"], null) } }); break;
            case "Ceph does not answer": picture = good.With("pve2", one => one with { Sees = one.Sees! with { Ceph = new(null, [], "timeout") } }); break;
            case "a backup runs": picture = good.With("pve1", one => one with { RunningTasks = ["vzdump of CT 100"] }); break;
            case "tasks are unknown": picture = good.With("pve1", one => one with { RunningTasks = null }); break;
            case "the agent says no version": picture = good.With("pve1", one => one with { AgentVersion = "?" }); break;
            case "the window ends": campaign = Campaign with { Order = Campaign.Order! with { WindowEnd = Some.Noon.AddMinutes(10) } }; break;
            default: Assert.Fail(trouble); break;
        }

        var result = Gates.BeforeTakeDown(campaign, Some.Pve1, picture, Some.Noon).Single(one => one.Name == gate);
        Assert.NotEqual(GateVerdict.Pass, result.Verdict);
        Assert.NotEmpty(result.Reason);
    }

    [Fact]
    public void What_the_campaign_itself_changed_is_no_trouble()
    {
        var own = Campaign with { CephFlags = ["noout"], Nodes = [new(Some.Pve1, NodeStep.LastLook) { Maintenance = true }] };
        var picture = Seen.Cluster(1, 1, 1)
            .WithHa(Ha with { Nodes = new Dictionary<string, string> { ["pve1"] = "maintenance", ["pve2"] = "online" }, MaintenanceRequested = ["pve1"] })
            .With("pve2", one => one with { Sees = one.Sees! with { Ceph = new("HEALTH_WARN", ["OSDMAP_FLAGS: noout flag(s) set"], null) } });
        Assert.Empty(Gates.BeforeTakeDown(own, Some.Pve1, picture, Some.Noon).Reasons());
        Assert.Equal(2, Gates.BeforeTakeDown(Campaign, Some.Pve1, picture, Some.Noon).Count(gate => gate.Verdict is not GateVerdict.Pass));
    }

    [Fact]
    public void A_full_disk_or_a_broken_repository_holds_back_a_patch_and_the_latter_may_be_accepted()
    {
        var full = Seen.Cluster(1, 1, 1).With("pve1", one => one with { RootFreeBytes = 5 << 20 });
        Assert.Contains("5 MiB free on /", Gates.BeforePatch(Campaign, Some.Pve1, full, Some.Noon).Reasons(), StringComparison.Ordinal);

        var broken = Seen.Cluster(1, 1, 1).With("pve1", one => one with { RepositoryProblems = ["The enterprise repository needs a subscription."] });
        Assert.False(Gates.BeforePatch(Campaign, Some.Pve1, broken, Some.Noon).Hold());
        Assert.True(Gates.BeforePatch(Campaign with { Order = Campaign.Order! with { AcceptRepositoryProblems = true } }, Some.Pve1, broken, Some.Noon).Hold());
    }

    [Fact]
    public void A_node_that_can_never_go_is_not_waited_for()
    {
        var votes = Gates.BeforeTakeDown(Campaign, Some.Pve1, Seen.Cluster(1, 1), Some.Noon).Single(gate => gate.Name is "votes");
        Assert.Equal((GateVerdict.Never, "Only 1 votes would stay online without pve1; 2 are needed."), (votes.Verdict, votes.Reason));
    }
}
