using CsCheck;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Nodes;

public sealed class InventoryMachineTests
{
    private static readonly DateTimeOffset Later = Noon.AddMinutes(5);

    [Fact] // each step changes some guests, and is told either as a whole or as what has changed
    public void Changes_in_any_sequence_give_the_same_guests_as_whole_reports() =>
        Gen.Select(Gen.Select(Gen.Int[100, 107], Gen.Int[0, 3]).Array[0, 6], Gen.Bool).Array[1, 12].Sample(steps =>
        {
            var guests = new SortedDictionary<int, GuestSeen>();
            var (byDeltas, byWholes, at) = (new NodeInventory(), new NodeInventory(), 0);
            foreach (var (changes, whole) in steps)
            {
                var before = guests.ToDictionary();
                foreach (var (vmid, version) in changes)
                {
                    _ = version is 0 ? guests.Remove(vmid) : (guests[vmid] = Container(vmid, $"v{version}")) is null;
                }

                var report = Inventory([.. guests.Values]) with { Fingerprint = $"{at}" };
                byWholes = Take(byWholes, report, Noon.AddSeconds(at));
                byDeltas = Take(byDeltas, whole || at is 0 ? report : report with
                {
                    Since = $"{at - 1}",
                    Guests = [.. guests.Where(guest => !before.TryGetValue(guest.Key, out var old) || !old.SameAs(guest.Value)).Select(guest => guest.Value)],
                    Gone = [.. before.Keys.Where(vmid => !guests.ContainsKey(vmid)).Select(vmid => new GuestGone(new(vmid), null, false))],
                }, Noon.AddSeconds(at));
                Assert.Equal(guests.Values.Select(guest => (guest.Vmid, guest.Name)), byDeltas.Report!.Guests!.Select(guest => (guest.Vmid, guest.Name)));
                Assert.Equal(byWholes.Report!.Guests!.Select(guest => guest.Name), byDeltas.Report.Guests!.Select(guest => guest.Name));
                Assert.Equal(byWholes.Departed.Select(guest => (guest.Seen.Vmid, guest.At)).Order(), byDeltas.Departed.Select(guest => (guest.Seen.Vmid, guest.At)).Order());
                Assert.Empty(byDeltas.Departed.Select(guest => guest.Seen.Vmid).Intersect(byDeltas.Report.Guests!.Select(guest => guest.Vmid)));
                at++;
            }
        });

    [Theory]
    [InlineData("other")]
    [InlineData("")]
    public void A_change_to_what_is_not_here_is_refused(string since)
    {
        var known = Take(new(), Inventory(Container()) with { Fingerprint = "f1" }, Noon);
        Assert.Equal("needs-whole", Refusal(known, Inventory() with { Since = since }));
        Assert.Equal("needs-whole", Refusal(new(), Inventory() with { Since = "f1" }));
        Assert.Equal("needs-whole", Refusal(Take(new(), Inventory() with { Guests = null, Fingerprint = "f1" }, Noon), Inventory() with { Since = "f1" }));
    }

    [Fact]
    public void Guests_that_could_not_be_listed_keep_their_last_list_and_nothing_builds_on_it()
    {
        var known = Take(new(), Inventory(Container()) with { Fingerprint = "f1" }, Noon);
        var next = Take(known, Inventory() with { Guests = null, Fingerprint = "f2" }, Later);
        Assert.Same(known.Report!.Guests, next.Report!.Guests);
        Assert.Equal((Noon, Later, true), (next.GuestsAt, next.ReceivedAt, next.GuestsQuorate));
        Assert.Empty(next.Departed);
        Assert.Equal("needs-whole", Refusal(next, Inventory() with { Since = "f1" }));
        Assert.Equal("needs-whole", Refusal(next, Inventory() with { Since = "f2" }));
    }

    public static TheoryData<string, Inventory> Wrong => new()
    {
        { "a guest twice", Inventory(Container(), Container()) },
        { "gone twice", Inventory() with { Gone = [new(new(100), null, false), new(new(100), null, true)] } },
        { "no guest", Inventory([null!]) },
        { "no problem", Inventory() with { Problems = [null!] } },
        { "no tag", Inventory(Container() with { Tags = [null!] }) },
        { "memory below zero", Inventory(Container() with { MemoryBytes = -1 }) },
        { "swap below zero", Inventory(Container() with { SwapBytes = -1 }) },
        { "cores below zero", Inventory(Container() with { Cores = -1 }) },
        { "disk below zero", Inventory(Container() with { Disks = [new("rootfs", "v", -1, "/")] }) },
        { "a long name", Inventory(Container(name: new('x', 1001))) },
        { "a long tag", Inventory(Container() with { Tags = [new('x', 1001)] }) },
        { "a long volume", Inventory(Container() with { Disks = [new("rootfs", new('x', 1001), 1, "/")] }) },
        { "a long bridge", Inventory(Container() with { Networks = [new("net0", null, new('x', 1001), null)] }) },
        { "a long system", Inventory(Container() with { Os = new("debian", [], "12", new('x', 1001)) }) },
        { "many disks", Inventory(Container() with { Disks = [.. Enumerable.Repeat(new GuestDisk("a", "b", 1, null), 10_001)] }) },
        { "many guests", Inventory([.. Enumerable.Range(100, 10_001).Select(vmid => Container(vmid))]) },
        { "a long host name", Inventory() with { Hostname = new('x', 1001) } },
        { "a long problem", Inventory() with { Problems = [new('x', 2001)] } },
        { "a long fingerprint", Inventory() with { Fingerprint = new('x', 1001) } },
        { "no interval", Inventory() with { IntervalSeconds = 0 } },
        { "a long interval", Inventory() with { IntervalSeconds = 86401 } },
        { "a storage below zero", Inventory() with { Storages = [new("s", "dir", [], false, "available", -1, 1, null)] } },
        { "a long storage", Inventory() with { Storages = [new(new('x', 1001), "dir", [], false, "available", 1, 1, null)] } },
        { "updates below zero", Inventory() with { Host = new() { PendingUpdates = -1 } } },
        { "a long kernel", Inventory() with { Host = new() { KernelRunning = new('x', 1001) } } },
        { "a long distribution", Inventory() with { Host = new() { Os = new("debian", [], null, new('x', 1001)) } } },
        { "votes below zero", Inventory() with { Cluster = new("lab", true, [new(Pve1, true, -1)]) } },
        { "votes whose sum is too large", Inventory() with { Cluster = new("lab", true, [new(Pve1, true, int.MaxValue)]) } },
        { "votes of a device below zero", Inventory() with { Cluster = Inventory().Cluster! with { QDevice = new("net", null, null, -1, true) } } },
        { "a member twice", Inventory() with { Cluster = new("lab", true, [new(Pve1, true, 1), new(Pve1, true, 1)]) } },
        { "a long cluster name", Inventory() with { Cluster = new(new('x', 1001), true, []) } },
        { "a long HA state", Inventory() with { Cluster = Inventory().Cluster! with { Ha = new(true, null, true, new Dictionary<string, string> { ["pve1"] = new('x', 1001) }, []) } } },
        { "a long check", Inventory() with { Cluster = Inventory().Cluster! with { Ceph = new("HEALTH_WARN", [new('x', 2001)], null) } } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_no_honest_agent_sends_is_refused_and_says_what(string what, Inventory report)
    {
        var outcome = InventoryMachine.Take(Take(new(), Inventory(Container()), Noon), Key, report, Later);
        Assert.True(outcome.Refusal?.Code is "bad-inventory", what);
        Assert.True(outcome.Refusal.Message.Length is > 10 and < 200, what);
    }

    [Fact]
    public void The_longest_that_is_allowed_is_taken() => Assert.NotNull(Take(
        new(),
        Inventory(Container(name: new('x', 1000)) with { MemoryBytes = long.MaxValue, Disks = [new("a", "b", long.MaxValue, null)] }) with { IntervalSeconds = 86400, Problems = [new('x', 2000)] },
        Noon));

    [Fact]
    public void A_host_that_is_another_by_its_own_word_is_refused()
    {
        Assert.Equal("not-its-own-node", Refusal(new(), Inventory() with { Node = Pve2 }));
        Assert.Equal("not-its-own-node", Refusal(new(), Inventory() with { Node = Pve1, ClusterId = ClusterId.Parse("cfedcba9876543210") }));
        Assert.NotNull(Take(new(), Inventory() with { Node = Pve1, ClusterId = Cluster }, Noon));
        Assert.NotNull(Take(new(), Inventory() with { Node = null, ClusterId = null }, Noon));

        // A machine outside Proxmox VE may be renamed; it may not be another machine.
        var machine = new NodeKey(ClusterId.Parse("m0123456789abcdef"), Pve1);
        Assert.False(InventoryMachine.Take(new(), machine, Inventory() with { Node = Pve2, ClusterId = machine.Cluster }, Noon).IsRefused);
        Assert.Equal("not-its-own-node", InventoryMachine.Take(new(), machine, Inventory() with { ClusterId = ClusterId.Parse("mfedcba9876543210") }, Noon).Refusal?.Code);
    }

    [Theory]
    [InlineData(true, true, null, false, null, true)] // the cluster's own list has it nowhere
    [InlineData(true, true, "pve2", false, "pve2", false)]
    [InlineData(true, false, "pve2", true, "pve2", false)] // a change says so itself
    [InlineData(true, false, null, true, null, true)]
    [InlineData(true, false, null, false, null, false)] // its host could not tell
    [InlineData(false, true, "pve2", false, null, false)] // without quorum it is yesterday's list
    [InlineData(false, false, null, true, null, false)]
    [InlineData(true, true, "pve1", false, null, false)] // here, where it is not
    [InlineData(true, false, "pve1", false, null, false)]
    public void Where_a_guest_went_is_what_a_host_with_quorum_says(bool quorate, bool whole, string? place, bool deleted, string? movedTo, bool isDeleted)
    {
        var known = Take(new(), Inventory(Container()) with { Fingerprint = "f1" }, Noon);
        var report = whole
            ? Inventory().Placing(place is null ? [] : [(NodeName.Parse(place), 100)])
            : Inventory() with { Since = "f1", Gone = [new(new(100), place is null ? null : NodeName.Parse(place), deleted)] };
        var gone = Assert.Single(Take(known, report.WithQuorum(quorate), Later).Departed);
        Assert.Equal((movedTo, isDeleted, Later, "web-01"), (gone.MovedTo?.Value, gone.Deleted, gone.At, gone.Seen.Name));
    }

    [Fact]
    public void Without_the_clusters_list_a_guest_that_is_missed_is_not_deleted()
    {
        var gone = Assert.Single(Take(Take(new(), Inventory(Container()), Noon), Inventory(), Later).Departed);
        Assert.Equal((null, false), (gone.MovedTo, gone.Deleted));
    }

    [Fact]
    public void What_was_not_known_of_a_departed_guest_is_mended_by_the_next_whole_report()
    {
        var missed = Take(Take(new(), Inventory(Container()).WithQuorum(false), Noon), Inventory().WithQuorum(false), Noon.AddSeconds(1));
        Assert.Equal((null, false), (missed.Departed[0].MovedTo, missed.Departed[0].Deleted));
        var moved = Take(missed, Inventory().Placing((Pve2, 100)), Noon.AddSeconds(2));
        Assert.Equal((Pve2, false, Noon.AddSeconds(2)), (moved.Departed[0].MovedTo!.Value, moved.Departed[0].Deleted, moved.Departed[0].At));
        Assert.True(InventoryMachine.IsNews(missed, moved));
        var same = Take(moved, Inventory().Placing((Pve2, 100)), Noon.AddSeconds(3));
        Assert.Equal(Noon.AddSeconds(2), same.Departed[0].At);
        Assert.True(Take(same, Inventory().Placing(), Later).Departed[0].Deleted);
        Assert.Equal(Pve2, Take(same, Inventory(), Later).Departed[0].MovedTo); // a report that does not say changes nothing
    }

    [Fact]
    public void A_guest_that_is_gone_is_kept_for_thirty_days_and_one_that_is_back_is_not_gone()
    {
        var gone = Take(Take(new(), Inventory(Container(), Container(101)).Placing(), Noon), Inventory(Container(101)).Placing((Pve1, 101)), Noon);
        Assert.Single(Take(gone, Inventory(Container(101)), Noon.AddDays(30).AddSeconds(-1)).Departed);
        Assert.Empty(Take(gone, Inventory(Container(101)), Noon.AddDays(30)).Departed);
        Assert.Empty(Take(gone, Inventory(Container(), Container(101)), Later).Departed);
    }

    [Fact]
    public void Guests_that_come_and_go_by_the_minute_do_not_make_the_state_grow_without_end()
    {
        var known = new NodeInventory();
        for (var round = 0; round < 3; round++)
        {
            known = Take(known, Inventory([.. Enumerable.Range(100 + (round * 10_000), 10_000).Select(vmid => Container(vmid))]).Placing(), Noon.AddSeconds(round));
        }

        Assert.Equal(InventoryMachine.MaxDeparted, known.Departed.Count);
        Assert.Equal(Noon.AddSeconds(2), known.Departed.Min(guest => guest.At)); // the newest are kept
    }

    [Fact]
    public void The_places_of_all_guests_are_not_kept() =>
        Assert.Null(Take(new(), Inventory(Container()).Placing((Pve1, 100)), Noon).Report!.Cluster!.GuestsByNode);

    [Fact]
    public void What_says_nothing_new_need_not_be_stored_for_an_hour()
    {
        var stored = Take(new(), Inventory(Container()) with { Fingerprint = "f1" }, Noon);
        var nothing = Inventory() with { Since = "f1", Fingerprint = "f1", CollectedAt = Later };
        Assert.False(InventoryMachine.IsNews(stored, Take(stored, nothing, Later)));
        Assert.False(InventoryMachine.IsNews(stored, Take(stored, nothing, Noon.AddHours(1))));
        Assert.True(InventoryMachine.IsNews(stored, Take(stored, nothing, Noon.AddHours(1).AddTicks(1))));
        Assert.True(InventoryMachine.IsNews(new(), stored));
        Assert.False(InventoryMachine.IsNews(stored, Take(stored, Inventory(Container()) with { Fingerprint = "f1" }, Later))); // the same as a whole
    }

    public static TheoryData<string, Func<Inventory, Inventory>> News => new()
    {
        { "a guest", report => report with { Guests = [Container(name: "renamed")], Fingerprint = "f2" } },
        { "none left", report => report with { Guests = [], Fingerprint = "f2" } },
        { "not listed", report => report with { Guests = null, Problems = ["pct list failed"] } },
        { "quorum", report => report.WithQuorum(false) },
        { "no /etc/pve", report => report with { Cluster = null } },
        { "a member", report => report with { Cluster = report.Cluster! with { Members = [.. report.Cluster.Members, new(Pve3, true, 1)] } } },
        { "a cluster's name", report => report with { Cluster = report.Cluster! with { Name = "prod" } } },
        { "a host name", report => report with { Hostname = "other" } },
        { "a version", report => report with { PveVersion = "pve-manager/9.3" } },
        { "the agent's version", report => report with { AgentVersion = "0.2.0" } },
        { "a boot", report => report with { BootId = "other" } },
        { "an interval", report => report with { IntervalSeconds = 60 } },
        { "a problem", report => report with { Problems = ["slow"] } },
        { "a reboot wanted", report => report with { Host = new() { RebootRequired = true } } },
        { "updates", report => report with { Host = new() { PendingUpdates = 3 } } },
        { "a kernel", report => report with { Host = new() { KernelNewest = "6.17" } } },
    };

    [Theory]
    [MemberData(nameof(News))]
    public void What_is_news_is_stored(string what, Func<Inventory, Inventory> change)
    {
        var report = Inventory(Container()) with { Fingerprint = "f1" };
        var stored = Take(new(), report, Noon);
        Assert.True(InventoryMachine.IsNews(stored, Take(stored, change(report), Later)), what);
    }

    [Fact]
    public void A_list_made_without_quorum_is_news_although_it_is_empty()
    {
        var stored = Take(new(), Inventory(), Noon);
        var unlisted = Take(stored, Inventory().WithQuorum(false) with { Guests = null }, Later);
        Assert.True(InventoryMachine.IsNews(unlisted, Take(unlisted, Inventory().WithQuorum(false), Later)));
    }

    [Fact] // whatever comes, what was known before is there or a refusal says why it is not changed
    public void Never_throws_whatever_a_host_says() => Gen.Select(
        Gen.Select(Gen.Int[99, 103], Gen.String[0, 5], Gen.Long, Gen.Int).Array[0, 5].Null(),
        Gen.String[0, 3].Null(),
        Gen.String[0, 3].Null(),
        Gen.Select(Gen.Int[99, 103], Gen.Bool).Array[0, 3].Null(),
        Gen.Bool).Sample((guests, since, fingerprint, gone, quorate) =>
        {
            var known = Take(new(), Inventory(Container()) with { Fingerprint = "f" }, Noon);
            var report = Inventory() with
            {
                Guests = guests?.Select(guest => Container(guest.Item1, guest.Item2) with { MemoryBytes = guest.Item3, Cores = guest.Item4 }).ToArray(),
                Since = since,
                Fingerprint = fingerprint,
                Gone = gone?.Select(guest => new GuestGone(new(guest.Item1), guest.Item2 ? Pve2 : null, guest.Item2)).ToArray(),
            };
            var outcome = InventoryMachine.Take(known, Key, report.WithQuorum(quorate), Later);
            Assert.True(outcome.IsRefused || outcome.Value.Report!.Guests!.Select(guest => guest.Vmid).SequenceEqual(outcome.Value.Report.Guests!.Select(guest => guest.Vmid).Distinct().Order()));
            Assert.True(outcome.IsRefused || outcome.Value.Report!.Guests!.Concat(outcome.Value.Departed.Select(one => one.Seen)).Any(guest => guest.Vmid.Value is 100));
        });

    private static NodeInventory Take(NodeInventory known, Inventory report, DateTimeOffset at) =>
        InventoryMachine.Take(known, Key, report, at) is { IsRefused: false } taken ? taken.Value : throw new InvalidOperationException("It was refused.");

    private static string? Refusal(NodeInventory known, Inventory report) => InventoryMachine.Take(known, Key, report, Later).Refusal?.Code;
}
