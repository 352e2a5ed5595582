using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Nodes;

public sealed class DepartedGuestTests
{
    private static readonly DateTimeOffset Later = Noon.AddSeconds(1);

    private static readonly NodeInventory Stored = Taken(Pve1, Before);

    private static Inventory Before => Inventory(Container(), Container(101, "db")) with { Fingerprint = "a" };

    private static Inventory After => Inventory(Container()) with { Fingerprint = "b" };

    [Theory]
    [InlineData("pve2", false, "pve2", false)]
    [InlineData(null, true, null, true)]
    [InlineData(null, false, null, false)] // the host could not read where it is
    [InlineData("pve1", false, null, false)] // of a moment before it was gone
    [InlineData("pve2", true, "pve2", false)] // what is somewhere is not deleted
    public void A_report_of_changes_says_where_each_went(string? node, bool deleted, string? movedTo, bool isDeleted)
    {
        var changes = After with { Since = "a", Guests = [], Gone = [new(new(101), Node(node), deleted)] };
        Assert.Equal([new(Before.Guests![1], Node(movedTo), isDeleted, Later)], Taken(Pve1, Before, changes).Departed, Same);
    }

    [Fact]
    public void A_whole_report_says_so_by_the_clusters_list()
    {
        Assert.Equal((Pve2, false), Fate(Taken(Pve1, Before, After.Placing((Pve1, 100), (Pve2, 101)))));
        Assert.Equal((null, true), Fate(Taken(Pve1, Before, After.Placing((Pve1, 100)))));
        Assert.Equal((null, false), Fate(Taken(Pve1, Before, After))); // the list could not be read
        Assert.Equal((null, false), Fate(Taken(Pve1, Before, After.Placing((Pve1, 100), (Pve1, 101))))); // it is older than the guests
    }

    [Fact]
    public void A_host_without_quorum_does_not_know_where_anything_is()
    {
        Assert.Equal((null, false), Fate(Taken(Pve1, Before, After.Placing((Pve1, 100)).WithQuorum(false))));
        Assert.Equal((null, false), Fate(Taken(Pve1, Before, (After with { Since = "a", Guests = [], Gone = [new(new(101), null, true)] }).WithQuorum(false))));
        Assert.Equal((null, false), Fate(Taken(Pve1, Before, After with { Cluster = null })));
    }

    [Theory]
    [InlineData("unknown")]
    [InlineData("pve2")]
    public void A_later_whole_report_mends_what_was_not_known_or_is_not_so_any_more(string first)
    {
        var left = first is "unknown" ? After : After.Placing((Pve1, 100), (Pve2, 101));
        Assert.Equal((Pve3, false), Fate(Taken(Pve1, Before, left, After.Placing((Pve1, 100), (Pve3, 101)))));
        var deleted = Taken(Pve1, Before, left, After.Placing((Pve1, 100)));
        Assert.Equal((null, true), Fate(deleted));
        Assert.Equal(Noon.AddSeconds(2), Assert.Single(deleted.Departed).At);
    }

    [Fact]
    public void What_says_nothing_new_of_one_that_is_gone_leaves_it_and_its_time()
    {
        var moved = After.Placing((Pve1, 100), (Pve2, 101));
        foreach (var next in new[] { moved, After, After.Placing((Pve1, 100)).WithQuorum(false), After with { Since = "b", Guests = [] }, After with { Guests = null } })
        {
            var known = Taken(Pve1, Before, moved, next);
            Assert.Equal((Pve2, false), Fate(known));
            Assert.Equal(Later, known.Departed[0].At);
        }
    }

    [Fact]
    public void One_that_was_deleted_stays_so_when_its_number_is_given_anew_elsewhere()
    {
        var known = Taken(Pve1, Before, After.Placing((Pve1, 100)), After.Placing((Pve1, 100), (Pve2, 101)));
        Assert.Equal((null, true), Fate(known));
        Assert.Equal(Later, known.Departed[0].At);
    }

    [Fact]
    public void One_that_comes_back_has_not_departed()
    {
        Assert.Empty(Taken(Pve1, Before, After, Before).Departed);
        Assert.Empty(Taken(Pve1, Before, After, After with { Since = "b", Guests = [Container(101, "db")] }).Departed);
    }

    [Fact]
    public void One_that_leaves_twice_is_there_once_with_its_last_state()
    {
        var renamed = Inventory(Container(), Container(101, "db2"));
        Assert.Equal([new(renamed.Guests![1], Pve2, false, Noon.AddSeconds(3))], Taken(Pve1, Before, After, renamed, After.Placing((Pve2, 101))).Departed, Same);
    }

    [Fact]
    public void One_that_is_gone_is_kept_for_thirty_days()
    {
        var known = Taken(Pve1, Before, After);
        Assert.Single(At(TimeSpan.FromDays(30) - TimeSpan.FromSeconds(1)));
        Assert.Empty(At(TimeSpan.FromDays(30)));

        IReadOnlyList<DepartedGuest> At(TimeSpan after) => InventoryMachine.Take(known, Key, After with { Since = "b", Guests = [] }, Later + after).Value!.Departed;
    }

    [Fact]
    public void No_more_are_kept_than_a_report_may_have_and_the_oldest_go_first()
    {
        var known = new NodeInventory();
        for (var round = 0; round < 3; round++)
        {
            var many = Inventory([.. Enumerable.Range(100 + (round * 9000), 9000).Select(vmid => Container(vmid))]);
            known = InventoryMachine.Take(known, Key, many, Noon.AddMinutes(round)).Value!;
        }

        Assert.Equal(InventoryMachine.MaxDeparted, known.Departed.Count);
        Assert.Equal(9000, known.Departed.Count(guest => guest.At == Noon.AddMinutes(2)));
    }

    public static TheoryData<string, bool, Inventory> News => new()
    {
        { "the same", false, Before },
        { "no change", false, Before with { Since = "a", Guests = [] } },
        { "another time of the host", false, Before with { CollectedAt = Noon.AddMinutes(5) } },
        { "guests that could not be listed", false, Before with { Guests = null } },
        { "a guest", true, After },
        { "guests that nothing names", true, Before with { Fingerprint = null } },
        { "quorum lost", true, Before.WithQuorum(false) },
        { "a problem", true, Before with { Problems = ["pct list failed"] } },
        { "a reboot", true, Before with { BootId = "another" } },
        { "a reboot that is wanted", true, Before with { Host = new() { RebootRequired = true } } },
        { "updates", true, Before with { Host = new() { PendingUpdates = 3 } } },
        { "another version", true, Before with { AgentVersion = "0.2.0" } },
        { "another interval", true, Before with { IntervalSeconds = 60 } },
    };

    [Theory]
    [MemberData(nameof(News), DisableDiscoveryEnumeration = true)]
    public void Is_stored_when_it_says_something_new(string what, bool isNews, Inventory report) =>
        Assert.True(isNews == InventoryMachine.IsNews(Stored, InventoryMachine.Take(Stored, Key, report, Later).Value!), what);

    [Theory]
    [InlineData(3600, false)]
    [InlineData(3601, true)]
    public void Is_stored_now_and_then_when_it_says_nothing_new(int seconds, bool isNews) =>
        Assert.Equal(isNews, InventoryMachine.IsNews(Stored, InventoryMachine.Take(Stored, Key, Before, Noon.AddSeconds(seconds)).Value!));

    [Fact]
    public void What_became_of_a_guest_is_news()
    {
        var known = Taken(Pve1, Before, After);
        Assert.False(InventoryMachine.IsNews(known, InventoryMachine.Take(known, Key, After, Later).Value!));
        Assert.True(InventoryMachine.IsNews(known, InventoryMachine.Take(known, Key, After.Placing((Pve1, 100)), Later).Value!));
    }

    [Fact]
    public void The_first_report_is_news() => Assert.True(InventoryMachine.IsNews(new(), Taken(Pve1, Before)));

    private static NodeName? Node(string? name) => name is null ? null : NodeName.Parse(name);

    private static (NodeName? Node, bool Deleted) Fate(NodeInventory known)
    {
        var guest = Assert.Single(known.Departed);
        Assert.Equal(101, guest.Seen.Vmid.Value);
        return (guest.MovedTo, guest.Deleted);
    }

    private static bool Same(DepartedGuest one, DepartedGuest other) => one with { Seen = other.Seen } == other && one.Seen.SameAs(other.Seen);
}
