using CsCheck;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Nodes;

public sealed class InventoryMachineTests
{
    private static readonly GuestSeen[] Two = [Container(), Container(101, "db")];

    [Fact]
    public void A_report_of_changes_gives_what_a_whole_one_would()
    {
        // Each step is a change of some guests: 0 takes the guest away, anything else renames it or makes it anew.
        Gen.Select(Gen.Int[100, 105], Gen.Int[0, 3]).Array[0, 4].Array[1, 12].Sample(steps =>
        {
            var host = new SortedDictionary<int, GuestSeen>();
            var (byWhole, byChanges) = (new NodeInventory(), new NodeInventory());
            for (var step = 0; step < steps.Length; step++)
            {
                var before = host.ToDictionary();
                foreach (var (vmid, name) in steps[step])
                {
                    _ = name is 0 ? host.Remove(vmid) : (host[vmid] = Container(vmid, $"name-{name}")) is not null;
                }

                var whole = Inventory([.. host.Values]) with { Fingerprint = $"after-{step}" };
                var changes = whole with
                {
                    Since = $"after-{step - 1}",
                    Guests = [.. host.Values.Where(guest => !before.TryGetValue(guest.Vmid.Value, out var old) || !old.SameAs(guest))],
                    Gone = [.. before.Keys.Except(host.Keys).Select(vmid => new GuestGone(new(vmid), null, true))],
                };
                var at = Noon.AddMinutes(step);
                byWhole = Take(byWhole, whole.Placing([.. host.Keys.Select(vmid => (Pve1, vmid))]), at);
                byChanges = Take(byChanges, step is 0 ? whole : changes, at);
            }

            Assert.Equal(byWhole.Report!.Guests, byChanges.Report!.Guests);
            Assert.Equal(host.Values, byChanges.Report.Guests);
            Assert.Equal(byWhole.Departed, byChanges.Departed);
            Assert.Equal((byWhole.Report.Fingerprint, null, null), (byChanges.Report.Fingerprint, byChanges.Report.Since, byChanges.Report.Gone));
        });
    }

    [Fact]
    public void Changes_to_what_is_not_here_are_refused_and_a_whole_report_is_wanted()
    {
        var known = Take(new(), Inventory(Two) with { Fingerprint = "a" }, Noon);
        Assert.Equal(InventoryMachine.NeedsWhole, Refused(known, Inventory() with { Since = "b" }));
        Assert.Equal(InventoryMachine.NeedsWhole, Refused(new(), Inventory() with { Since = "a" }));
        Assert.Equal(InventoryMachine.NeedsWhole, Refused(Take(new(), Inventory(Two), Noon), Inventory() with { Since = "a" })); // nothing can build on it
        Assert.Same(known.Report!.Guests, Take(known, Inventory() with { Since = "a", Fingerprint = "a" }, Noon).Report!.Guests);
    }

    [Fact]
    public void Guests_that_could_not_be_listed_stay_with_their_time_and_are_not_built_on()
    {
        var known = Take(new(), Inventory(Two).WithQuorum(true) with { Fingerprint = "a" }, Noon);
        var next = Take(known, Inventory().WithQuorum(false) with { Guests = null, Fingerprint = "b", Problems = ["pct list failed"] }, Noon.AddMinutes(5));
        Assert.Same(known.Report!.Guests, next.Report!.Guests);
        Assert.Equal((Noon, true, Noon.AddMinutes(5)), (next.GuestsAt, next.GuestsQuorate, next.ReceivedAt));
        Assert.Null(next.Report.Fingerprint);
        Assert.Equal(["pct list failed"], next.Report.Problems);
        Assert.Equal(InventoryMachine.NeedsWhole, Refused(next, Inventory() with { Since = "b" }));
    }

    [Fact]
    public void A_guest_whose_configuration_cannot_be_read_keeps_what_was_known_of_it()
    {
        var known = Take(new(), Inventory(Container(100, "web-01") with { Tags = ["prod"] }), Noon);
        var unread = new GuestSeen(new(100), GuestType.Lxc, "CT100", GuestStatus.Stopped, null, null, null, false, "its configuration could not be read");
        var guest = Take(known, Inventory(unread), Noon).Report!.Guests!.Single();
        Assert.Equal(("web-01", GuestStatus.Stopped, unread.Problem), (guest.Name, guest.Status, guest.Problem));
        Assert.Equal(["prod"], guest.Tags!);

        // Of one that was never read there is nothing better, and another kind of guest is another guest.
        Assert.Equal("CT100", Take(new(), Inventory(unread), Noon).Report!.Guests!.Single().Name);
        Assert.Equal("CT100", Take(known, Inventory(unread with { Type = GuestType.Qemu }), Noon).Report!.Guests!.Single().Name);
    }

    [Fact]
    public void A_node_that_never_could_list_its_guests_has_none_known_which_is_not_none()
    {
        var known = Take(new(), Inventory() with { Guests = null }, Noon);
        Assert.Equal((null, null), (known.Report!.Guests, known.GuestsAt));
        Assert.Empty(Take(known, Inventory(), Noon.AddMinutes(5)).Report!.Guests!);
    }

    [Theory]
    [InlineData("c0123456789abcdef", "pve1", "c0123456789abcdef", "pve1", true)]
    [InlineData("c0123456789abcdef", "pve1", null, null, true)] // it cannot tell
    [InlineData("c0123456789abcdef", "pve1", "c0123456789abcdef", "pve2", false)]
    [InlineData("c0123456789abcdef", "pve1", "cfedcba9876543210", "pve1", false)] // it left for another cluster
    [InlineData("m0123456789abcdef", "web-01", "m0123456789abcdef", "web-02", true)] // a machine is who it is under any name
    [InlineData("m0123456789abcdef", "web-01", "mfedcba9876543210", "web-01", false)] // a clone
    public void A_host_speaks_for_the_node_of_its_token_alone(string cluster, string node, string? itsCluster, string? itsNode, bool taken)
    {
        var report = Inventory() with { ClusterId = itsCluster is null ? null : ClusterId.Parse(itsCluster), Node = itsNode is null ? null : NodeName.Parse(itsNode) };
        var outcome = InventoryMachine.Take(new(), new(ClusterId.Parse(cluster), NodeName.Parse(node)), report, Noon);
        Assert.Equal(taken ? null : InventoryMachine.NotItsOwn, outcome.Refusal?.Code);
    }

    public static TheoryData<string, Inventory> Bad => new()
    {
        { "a guest twice", Inventory(Container(), Container()) },
        { "a guest gone twice", Inventory() with { Gone = [new(new(100), null, true), new(new(100), null, false)] } },
        { "no guest at all", Inventory(null!, Container()) },
        { "no problem at all", Inventory() with { Problems = [null!] } },
        { "no member at all", With(cluster => cluster with { Members = [null!] }) },
        { "a member twice", With(cluster => cluster with { Members = [new(Pve1, true, 1), new(Pve1, false, 1)] }) },
        { "votes below zero", With(cluster => cluster with { Members = [new(Pve1, true, -1)] }) },
        { "votes without end", With(cluster => cluster with { QDevice = new("net", null, null, int.MaxValue, true) }) },
        { "no list of a node's guests", With(cluster => cluster with { GuestsByNode = new Dictionary<NodeName, IReadOnlyList<Vmid>> { [Pve1] = null! } }) },
        { "no tag at all", Inventory(Container() with { Tags = [null!] }) },
        { "no disk at all", Inventory(Container() with { Disks = [null!] }) },
        { "processors below zero", Inventory(Container() with { Cores = -1 }) },
        { "memory below zero", Inventory(Container() with { MemoryBytes = -1 }) },
        { "a disk below zero", Inventory(Container() with { Disks = [new("rootfs", "local:1", -1, "/")] }) },
        { "a storage below zero", Inventory() with { Storages = [new("local", "dir", [], false, "available", -1, 1, null)] } },
        { "host memory below zero", Inventory() with { Host = new() { MemoryBytes = -1 } } },
        { "updates below zero", Inventory() with { Host = new() { PendingUpdates = -1 } } },
        { "a name without end", Inventory(Container(name: Long)) },
        { "a tag without end", Inventory(Container() with { Tags = [Long] }) },
        { "a system's name without end", Inventory(Container() with { Os = new("debian", [], null, Long) }) },
        { "a bridge without end", Inventory(Container() with { Networks = [new("net0", null, Long, null)] }) },
        { "a host name without end", Inventory() with { Hostname = Long } },
        { "a host's system without end", Inventory() with { Host = new() { Os = new("debian", [Long], null, null) } } },
        { "a fingerprint without end", Inventory() with { Fingerprint = Long } },
        { "a cluster's name without end", With(cluster => cluster with { Name = Long }) },
        { "a service without end", With(cluster => cluster with { Ha = new(true, null, false, new Dictionary<string, string>(), [Long]) }) },
        { "a problem without end", Inventory() with { Problems = [Long + Long] } },
        { "guests without end", Inventory([.. Enumerable.Range(100, NannyOrleans.Protocol.Inventories.Inventory.MaxItems + 1).Select(vmid => Container(vmid))]) },
        { "no interval", Inventory() with { IntervalSeconds = 0 } },
        { "an interval below zero", Inventory() with { IntervalSeconds = int.MinValue } },
        { "an interval of more than a day", Inventory() with { IntervalSeconds = 86401 } },
    };

    [Theory]
    [MemberData(nameof(Bad), DisableDiscoveryEnumeration = true)]
    public void What_no_honest_agent_says_is_refused(string what, Inventory report)
    {
        var refusal = InventoryMachine.Take(Take(new(), Inventory(Two), Noon), Key, report, Noon).Refusal;
        Assert.True(refusal is { Code: "bad-inventory", Message.Length: < 200 }, what);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(86400)]
    public void An_interval_of_a_second_to_a_day_is_taken(int seconds) =>
        Assert.Equal(seconds, Take(new(), Inventory() with { IntervalSeconds = seconds }, Noon).Report!.IntervalSeconds);

    [Fact]
    public void Reports_of_changes_cannot_add_up_to_more_guests_than_one_report_may_have()
    {
        var most = NannyOrleans.Protocol.Inventories.Inventory.MaxItems;
        var known = Take(new(), Inventory([.. Enumerable.Range(100, most).Select(vmid => Container(vmid))]) with { Fingerprint = "a" }, Noon);
        Assert.Equal("bad-inventory", Refused(known, Inventory(Container(most + 100)) with { Since = "a" }));
        Assert.Equal(most, Take(known, Inventory(Container(most + 100)) with { Since = "a", Gone = [new(new(100), null, true)] }, Noon).Report!.Guests!.Count);
    }

    private static string Long => new('x', NannyOrleans.Protocol.Inventories.Inventory.MaxText + 1);

    private static Inventory With(Func<ClusterSeen, ClusterSeen> change) => Inventory() with { Cluster = change(Inventory().Cluster!) };

    private static NodeInventory Take(NodeInventory known, Inventory report, DateTimeOffset at)
    {
        var outcome = InventoryMachine.Take(known, Key, report, at);
        Assert.Null(outcome.Refusal);
        return outcome.Value!;
    }

    private static string? Refused(NodeInventory known, Inventory report) => InventoryMachine.Take(known, Key, report, Noon).Refusal?.Code;
}
