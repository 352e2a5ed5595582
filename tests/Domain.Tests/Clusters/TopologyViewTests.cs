using NannyOrleans.Domain.Agents;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Clusters;

public sealed class TopologyViewTests
{
    private static readonly GuestSeen[] TwoGuests = [Container(), Machine()];

    [Fact]
    public void Guests_that_could_not_be_listed_stay_and_are_unknown_not_gone()
    {
        var later = Known(Inventory(TwoGuests), Inventory() with { Guests = null, Problems = ["pct list failed"] });
        var node = View(later).Nodes[0];
        Assert.Equal([100, 200], node.Guests!.Select(guest => guest.Vmid.Value));
        Assert.All(node.Guests!, guest => Assert.Equal((GuestStatus.Unknown, "its node could not list its guests"), (guest.Status, guest.Problem)));
        Assert.Equal(Noon, node.GuestsAt);
        Assert.Equal(["pct list failed"], node.Problems);
    }

    [Fact]
    public void A_node_is_offline_after_three_missed_intervals_and_its_guests_are_unknown()
    {
        var deadline = Noon + (3 * TimeSpan.FromSeconds(300));
        Assert.Equal(NodeStatus.Online, View(Known(), deadline).Nodes[0].Status);
        var node = View(Known(), deadline.AddSeconds(1)).Nodes[0];
        Assert.Equal((NodeStatus.Offline, Noon), (node.Status, node.LastSeen));
        Assert.All(node.Guests!, guest => Assert.Equal((GuestStatus.Unknown, "its node does not report"), (guest.Status, guest.Problem)));
    }

    [Fact]
    public void A_node_that_never_listed_its_guests_has_unknown_guests_not_none()
    {
        var view = View(Known());
        Assert.Equal((NodeStatus.NoAgent, null), (view.Nodes[1].Status, view.Nodes[1].Guests));
        Assert.Equal((2, 1), (view.Overview.GuestCount.Total, view.Overview.GuestCount.NodesUnlisted));
    }

    [Fact]
    public void A_node_that_another_says_a_guest_moved_to_still_has_unknown_guests()
    {
        var moved = Known(Inventory(TwoGuests).Placing((Pve1, 100), (Pve1, 200)), Inventory(Machine()).Placing((Pve1, 200), (Pve2, 100)));
        var node = View(moved).Nodes[1];
        var guest = Assert.Single(node.Guests!);
        Assert.Equal((GuestStatus.Unknown, "it moved to pve2, which has not reported it yet", Noon.AddSeconds(1)), (guest.Status, guest.Problem, guest.LastSeen));
        Assert.Equal((1, 1), (node.GuestCount.Total, node.GuestCount.NodesUnlisted));
        Assert.Contains("other guests unknown", TopologyText.Of(new([View(moved)], [])));
    }

    [Fact]
    public void Lists_each_guest_of_a_node_that_moved_on_with_the_node_it_moved_to()
    {
        var view = View(Known().RecordInventory(Pve2, Taken(Pve2, Noon.AddSeconds(1), Inventory(Container())), Noon));
        Assert.Equal([200], view.Nodes[0].Guests!.Select(guest => guest.Vmid.Value));
        Assert.Equal([100], view.Nodes[1].Guests!.Select(guest => guest.Vmid.Value));
    }

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(false, false, false)]
    [InlineData(true, false, null)] // they contradict each other: nobody knows
    public void Quorum_is_what_all_nodes_that_report_agree_on(bool first, bool second, bool? quorate)
    {
        var lab = Lab((Pve1, Taken(Pve1, Inventory().WithQuorum(first))), (Pve2, Taken(Pve2, Inventory().WithQuorum(second))));
        Assert.Equal(quorate, View(lab).Quorate);
        Assert.Null(View(lab, Noon.AddHours(1)).Quorate);
        Assert.NotNull(View(lab, Noon.AddHours(1)).QuorateReason);
    }

    [Fact]
    public void A_fresh_sample_says_more_of_quorum_than_the_inventory_and_an_old_one_nothing()
    {
        var lost = Lab((Pve1, Taken(Pve1, Inventory()))).RecordMetrics(Pve1, Sample() with { Quorate = false }, Noon.AddSeconds(60));
        Assert.Equal((false, "no quorum"), (View(lost, Noon.AddSeconds(60)).Quorate, View(lost, Noon.AddSeconds(60)).QuorateReason));
        var healed = lost.RecordInventory(Pve1, Taken(Pve1, Noon.AddSeconds(300), Inventory()), Noon);
        Assert.True(View(healed, Noon.AddSeconds(300)).Quorate);
    }

    [Fact]
    public void What_was_said_too_long_ago_is_unknown_although_the_node_reports()
    {
        // Samples go on coming, inventories do not.
        var later = Noon + (2 * TimeSpan.FromSeconds(300)) + TimeSpan.FromMinutes(1);
        var reporting = Known().RecordMetrics(Pve1, Sample() with { Guests = null }, later);
        var fresh = View(reporting, later);
        Assert.Equal((true, GuestStatus.Running), (fresh.Quorate, fresh.Nodes[0].Guests![0].Status));
        var old = View(reporting, later.AddSeconds(1));
        Assert.Equal((NodeStatus.Online, null, GuestStatus.Unknown), (old.Nodes[0].Status, old.Quorate, old.Nodes[0].Guests![0].Status));
    }

    [Fact]
    public void A_sample_that_is_too_old_is_shown_no_more_although_inventories_come()
    {
        var index = Known().RecordMetrics(Pve1, Sample(new GuestMetrics(new(100), GuestType.Lxc, GuestStatus.Running) { CpuCores = 1 }) with { CpuPercent = 50 }, Noon);
        Assert.Equal(50, View(index, Noon.AddSeconds(90)).Nodes[0].Metrics?.CpuPercent);
        var later = index.RecordInventory(Pve1, Taken(Pve1, Noon.AddSeconds(300), Inventory(TwoGuests)), Noon);
        var node = View(later, Noon.AddSeconds(300)).Nodes[0];
        Assert.Equal((NodeStatus.Online, null, null), (node.Status, node.Metrics, node.Guests![0].Metrics));
    }

    [Theory]
    [InlineData(GuestStatus.Running, GuestStatus.Stopped, GuestStatus.Stopped)] // the sample is younger
    [InlineData(GuestStatus.Stopped, GuestStatus.Running, GuestStatus.Running)]
    [InlineData(GuestStatus.Paused, GuestStatus.Running, GuestStatus.Paused)] // only an inventory can tell
    [InlineData(GuestStatus.Running, GuestStatus.Unknown, GuestStatus.Running)]
    public void A_guest_is_as_its_newest_word_says(GuestStatus inventory, GuestStatus sample, GuestStatus shown)
    {
        var index = Lab((Pve1, Taken(Pve1, Inventory(Container() with { Status = inventory })))).RecordMetrics(Pve1, Sample(new GuestMetrics(new(100), GuestType.Lxc, sample)), Noon);
        Assert.Equal(shown, View(index).Nodes[0].Guests![0].Status);
    }

    [Fact]
    public void A_sample_that_has_a_guest_twice_hides_nothing()
    {
        var index = Known().RecordMetrics(Pve1, Sample(new(new(100), GuestType.Lxc, GuestStatus.Stopped), new(new(100), GuestType.Lxc, GuestStatus.Running)), Noon);
        Assert.Equal(2, View(index).Nodes[0].Guests!.Count);
    }

    [Theory]
    [InlineData("maintenance", NodeStatus.Maintenance)]
    [InlineData("online", NodeStatus.Online)]
    public void A_node_in_maintenance_says_so(string haState, NodeStatus status)
    {
        var ha = new HaSeen(true, Pve1, true, new Dictionary<string, string> { ["pve1"] = haState }, []);
        var view = View(Known(Inventory() with { Cluster = Inventory().Cluster! with { Ha = ha } }));
        Assert.Equal((status, 1), (view.Nodes[0].Status, view.Overview.NodeCount.Online));
        Assert.Equal(status, View(Known().RecordMetrics(Pve1, Sample() with { HaState = haState }, Noon)).Nodes[0].Status);
    }

    [Fact]
    public void A_rename_keeps_the_cluster()
    {
        var renamed = Known().RecordInventory(Pve1, Taken(Pve1, Inventory() with { Cluster = Inventory().Cluster! with { Name = "prod" } }), Noon);
        Assert.Equal("prod", View(renamed).Name);
        Assert.Equal(2, renamed.Stored.Nodes.Count);
    }

    [Theory]
    [InlineData(1, 1, null, null, 2, 2, 2)]
    [InlineData(1, 1, 1, true, 3, 2, 3)] // with a device that votes
    [InlineData(1, 1, 1, false, 3, 2, 2)]
    [InlineData(1, 1, 1, null, 3, 2, null)] // whether it votes is not known
    public void Votes_count_the_quorum_device_if_it_votes(int first, int second, int? device, bool? voting, int expected, int quorum, int? online)
    {
        var cluster = new ClusterSeen("lab", true, [new(Pve1, true, first), new(Pve2, true, second)])
        {
            QDevice = device is null ? null : new("net", "10.0.0.9", "ffsplit", device, voting),
        };
        Assert.Equal(new VotesView(expected, quorum, online), View(Known(Inventory() with { Cluster = cluster })).Overview.Votes);
    }

    [Fact]
    public void Votes_with_a_gap_are_no_votes()
    {
        var gap = Inventory() with { Cluster = new("lab", true, [new(Pve1, true, 1), new(Pve2, false, null)]) };
        Assert.Null(View(Known(gap)).Overview.Votes);
        Assert.Null(View(Known(), Noon.AddHours(1)).Overview.Votes);
    }

    [Fact]
    public void A_shared_storage_is_there_once_and_the_node_that_reaches_it_speaks()
    {
        var view = View(Lab(
            (Pve1, Taken(Pve1, With(Storage("nfs", shared: true, "unknown", null), Storage("local", shared: false, "available", 10)))),
            (Pve2, Taken(Pve2, With(Storage("nfs", shared: true, "available", 100), Storage("local", shared: false, "available", 20))))));
        Assert.Equal(
            [("local", "pve1", 10L, "available"), ("local", "pve2", 20L, "available"), ("nfs", null, 100L, "available")],
            view.Overview.Storages.Select(storage => (storage.Name, storage.Node?.Value, storage.TotalBytes!.Value, storage.Status)));
    }

    [Fact]
    public void A_storage_of_a_node_that_does_not_report_is_unknown()
    {
        var view = View(Lab((Pve1, Taken(Pve1, With(Storage("zfs", shared: false, "available", 10) with { Health = "ONLINE" })))), Noon.AddHours(1));
        var storage = Assert.Single(view.Overview.Storages);
        Assert.Equal(("unknown", null, null), (storage.Status, storage.TotalBytes, storage.Health));
    }

    [Fact]
    public void Sums_say_how_many_are_not_in_them()
    {
        var index = Lab((Pve1, Taken(Pve1, Inventory(
                Container() with { Cores = 2, MemoryBytes = 100, Disks = [new("rootfs", "a", 10, "/"), new("mp0", "/srv", null, "/srv")] },
                Container(101) with { Cores = 4, MemoryBytes = 200 },
                Container(102) with { Template = true, Cores = 64 }))))
            .RecordMetrics(Pve1, Sample(new GuestMetrics(new(100), GuestType.Lxc, GuestStatus.Running) { CpuCores = 0.5, Memory = new(50, 100) }, new GuestMetrics(new(101), GuestType.Lxc, GuestStatus.Running)), Noon);
        var guests = View(index).Overview.GuestResources;
        Assert.Equal((2, 1, 6L, 0.5, 300L, 50L, 10L), (guests.Of, guests.Measured, guests.Cores, guests.CpuCoresUsed, guests.MemoryBytes, guests.MemoryUsedBytes, guests.DiskBytes));
        var hosts = View(index).Overview.Resources;
        Assert.Equal((2, 0), (hosts.Of, hosts.Measured)); // a first sample has no processor figure yet
    }

    [Fact]
    public void Sums_of_absurd_figures_stop_at_the_greatest_number()
    {
        var huge = Container() with { MemoryBytes = long.MaxValue, Disks = [new("rootfs", "a", long.MaxValue, "/"), new("mp0", "b", long.MaxValue, "/b")] };
        var view = View(Known(Inventory(huge, huge with { Vmid = new(101) })));
        Assert.Equal((long.MaxValue, long.MaxValue), (view.Overview.GuestResources.MemoryBytes, view.Overview.GuestResources.DiskBytes));
        Assert.Equal(long.MaxValue, AgentRow.Of(view).OfType<GuestRow>().First().DiskBytes);
    }

    [Fact]
    public void A_host_that_does_not_report_has_an_unknown_number_of_guests_that_run()
    {
        var host = Assert.Single(AgentRow.Of(View(Known(), Noon.AddHours(1))).OfType<HostRow>());
        Assert.Equal((2, null, null), (host.GuestCount, host.RunningContainers, host.RunningVms));
        host = Assert.Single(AgentRow.Of(View(Known())).OfType<HostRow>());
        Assert.Equal((2, 1, 0), (host.GuestCount, host.RunningContainers, host.RunningVms));
    }

    [Fact]
    public void A_guest_whose_disks_have_no_known_size_has_no_known_disk_space()
    {
        var rows = AgentRow.Of(View(Known(Inventory(
            Container() with { Disks = [new("mp0", "/srv", null, "/srv")] }, Container(101) with { Disks = [] }, Container(102))))).OfType<GuestRow>();
        Assert.Equal([null, 0L, null], rows.Select(row => row.DiskBytes));
    }

    [Fact]
    public void Annotations_are_shown_with_what_proxmox_has()
    {
        var index = Known(Inventory(Container() with { Tags = ["b", "a"] })).Annotate(new(100), new(new(PlatformFamily.Alpine), new(["c", "a"]), new("note"), null)).Value!
            .Annotate(Pve1, new(null, new(["rack1"]), null, null), isMachine: false).Value!;
        var node = View(index).Nodes[0];
        var guest = node.Guests![0];
        Assert.Equal(["rack1"], node.Tags);
        Assert.Equal(["a", "b", "c"], guest.Tags);
        Assert.Equal((PlatformFamily.Alpine, true, "note"), (guest.PlatformFamily, guest.FamilyOverridden, guest.Notes));
    }

    private static ClusterIndex Known(params Inventory[] reports) => Lab((Pve1, Taken(Pve1, reports is [] ? [Inventory(TwoGuests)] : reports)));

    private static Inventory With(params StorageSeen[] storages) => Inventory() with { Storages = storages };

    private static StorageSeen Storage(string name, bool shared, string status, long? total) => new(name, "dir", ["images"], shared, status, total, total, null);
}
