using System.Collections.Immutable;
using CsCheck;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Clusters;

public sealed class GuestPlacesTests
{
    private static readonly NodeName[] Nodes = [Pve1, Pve2, Pve3];
    private static readonly ClusterState Members = new() { Nodes = [.. Nodes.Select(node => new Member(node, Agent, null))] };

    [Theory]
    [InlineData(true, 0, true, 1, "pve2")] // the newer word
    [InlineData(true, 1, true, 0, "pve1")]
    [InlineData(true, 0, false, 9, "pve1")] // without quorum it lists what has long moved on
    [InlineData(false, 9, true, 0, "pve2")]
    [InlineData(false, 0, false, 1, "pve2")] // nobody knows better
    [InlineData(true, 0, true, 0, "pve1")] // a tie, decided alike everywhere
    public void Of_two_nodes_that_list_a_guest_one_is_believed(bool firstQuorate, int firstAt, bool secondQuorate, int secondAt, string node)
    {
        var placed = Assert.Single(Places(
            (Pve1, Taken(Pve1, Noon.AddMinutes(firstAt), Inventory(Container()).WithQuorum(firstQuorate))),
            (Pve2, Taken(Pve2, Noon.AddMinutes(secondAt), Inventory(Container()).WithQuorum(secondQuorate)))));
        Assert.Equal((node, GuestFate.Present), (placed.Node.Value, placed.Fate));
    }

    [Fact]
    public void What_moved_to_a_node_that_has_not_spoken_since_is_moving_there()
    {
        var left = Taken(Pve1, Inventory(Container()), Inventory().Placing((Pve2, 100)));
        Assert.Equal(("pve2", GuestFate.Moving, Noon.AddSeconds(1), "pve1"), Short(Places((Pve1, left))));
        Assert.Equal(("pve2", GuestFate.Moving, Noon.AddSeconds(1), "pve1"), Short(Places((Pve1, left), (Pve2, Taken(Pve2, Noon, Inventory())))));
    }

    [Fact]
    public void What_moved_to_a_node_that_does_not_list_it_is_missing_there_and_present_once_it_does()
    {
        var left = Taken(Pve1, Inventory(Container()), Inventory().Placing((Pve2, 100)));
        Assert.Equal(("pve2", GuestFate.Missing, Noon.AddSeconds(1), "pve1"), Short(Places((Pve1, left), (Pve2, Taken(Pve2, Noon.AddMinutes(5), Inventory())))));
        Assert.Equal(("pve2", GuestFate.Present, Noon.AddMinutes(5), "pve2"), Short(Places((Pve1, left), (Pve2, Taken(Pve2, Noon.AddMinutes(5), Inventory(Container()))))));
    }

    [Fact]
    public void What_went_nobody_knows_where_is_missing_where_it_was()
    {
        Assert.Equal(("pve1", GuestFate.Missing, Noon.AddSeconds(1), "pve1"), Short(Places((Pve1, Taken(Pve1, Inventory(Container()), Inventory())))));
        // A node that is no member is nowhere to show it.
        var away = Taken(Pve1, Inventory(Container()), Inventory().Placing((NodeName.Parse("pve9"), 100)));
        Assert.Equal(("pve1", GuestFate.Missing, Noon.AddSeconds(1), "pve1"), Short(Places((Pve1, away))));
    }

    [Fact]
    public void What_the_cluster_has_nowhere_is_deleted() =>
        Assert.Equal(("pve1", GuestFate.Deleted, Noon.AddSeconds(1), "pve1"), Short(Places((Pve1, Taken(Pve1, Inventory(Container()), Inventory().Placing())))));

    [Fact]
    public void A_host_that_died_does_not_bring_back_what_was_deleted_or_moved_since()
    {
        // pve2 listed the guest and died; HA had it on pve1, where a person then destroyed or moved it.
        var dead = Taken(Pve2, Noon, Inventory(Container()));
        var (listed, at) = (Inventory(Container()), Noon.AddMinutes(5));
        Assert.Equal(("pve1", GuestFate.Deleted), FateOf(listed, Inventory().Placing()));
        Assert.Equal(("pve3", GuestFate.Moving), FateOf(listed, Inventory().Placing((Pve3, 100))));
        Assert.Equal(("pve2", GuestFate.Present), FateOf(listed, Inventory().Placing((Pve2, 100)))); // back where it was
        Assert.Equal(("pve2", GuestFate.Present), FateOf(listed, Inventory())); // where it went nobody said
        Assert.Equal(("pve2", GuestFate.Present), FateOf(listed, Inventory().Placing().WithQuorum(false)));

        (string, GuestFate) FateOf(params Inventory[] reports)
        {
            var placed = Assert.Single(Places((Pve1, Taken(Pve1, at, reports)), (Pve2, dead)));
            return (placed.Node.Value, placed.Fate);
        }
    }

    [Fact]
    public void A_guest_that_two_nodes_miss_is_where_the_last_to_miss_it_said()
    {
        var first = Taken(Pve1, Noon, Inventory(Container()), Inventory().Placing((Pve2, 100)));
        var second = Taken(Pve2, Noon.AddMinutes(5), Inventory(Container(name: "renamed")), Inventory().Placing((Pve3, 100)));
        var placed = Assert.Single(Places((Pve1, first), (Pve2, second)));
        Assert.Equal(("pve3", GuestFate.Moving, "renamed"), (placed.Node.Value, placed.Fate, placed.Seen.Name));
    }

    [Theory]
    [InlineData(GuestFate.Present, false)] // however old: its node may come back
    [InlineData(GuestFate.Moving, false)]
    [InlineData(GuestFate.Missing, true)]
    [InlineData(GuestFate.Deleted, true)]
    public void What_is_gone_is_forgotten_after_thirty_days(GuestFate fate, bool forgotten)
    {
        var placed = new PlacedGuest(Pve1, Container(), fate, Noon, Pve1);
        Assert.False(placed.IsForgotten(Noon.AddDays(30).AddSeconds(-1)));
        Assert.Equal(forgotten, placed.IsForgotten(Noon.AddDays(30)));
    }

    [Fact]
    public void Every_guest_is_in_one_place_whatever_its_nodes_say_and_in_whatever_order_their_words_come()
    {
        // A word: which node, whether it has quorum, which of six guests it lists, and where it places the others (3: nowhere).
        var word = Gen.Select(Gen.Int[0, 2], Gen.Bool, Gen.Int[0, 63], Gen.Int[0, 3].Array[6]);
        Gen.Select(word.Array[1, 15], Gen.Int[0, 1_000_000]).Sample((words, seed) =>
        {
            var said = new List<(NodeName Node, NodeInventory Inventory)>();
            for (var at = 0; at < words.Length; at++)
            {
                var (node, quorate, lists, places) = words[at];
                var here = Enumerable.Range(0, 6).Where(guest => (lists & (1 << guest)) != 0).ToArray();
                var elsewhere = Enumerable.Range(0, 6).Except(here).Where(guest => places[guest] < 3).Select(guest => (Nodes[places[guest]], 100 + guest));
                var report = Inventory([.. here.Select(guest => Container(100 + guest))]).Placing([.. elsewhere]).WithQuorum(quorate);
                var known = said.LastOrDefault(one => one.Node == Nodes[node]).Inventory ?? new();
                said.Add((Nodes[node], InventoryMachine.Take(known, new(Cluster, Nodes[node]), report, Noon.AddMinutes(at)).Value!));
            }

            var start = new ClusterIndex { Stored = Members };
            var inOrder = said.Aggregate(start, Hear);
            var placed = inOrder.Guests.SelectMany(node => node.Value.Select(guest => (node.Key, guest))).ToArray();
            Assert.All(placed, one => Assert.Equal(one.Key, one.guest.Node));
            Assert.All(inOrder.Guests.Values, guests => Assert.Equal(guests.OrderBy(guest => guest.Seen.Vmid), guests));
            Assert.Equal(placed.Length, placed.Select(one => one.guest.Seen.Vmid).Distinct().Count());

            // Nothing is lost: what any node has ever listed is somewhere.
            var heard = said.SelectMany(one => one.Inventory.Report!.Guests!).Select(guest => guest.Vmid).Distinct().Order();
            Assert.Equal(heard, placed.Select(one => one.guest.Seen.Vmid).Order());

            // What is listed with quorum in somebody's last word is not taken for deleted by an older one.
            foreach (var (node, last) in said.GroupBy(one => one.Node).Select(group => group.Last()).Where(one => one.Inventory.GuestsQuorate))
            {
                Assert.All(last.Report!.Guests!, guest => Assert.True(
                    inOrder.Find(guest.Vmid) is var found && (found!.Node == node || found.At >= last.GuestsAt), $"{guest.Vmid} is on {node}"));
            }

            var shuffled = said.ToArray();
            new Random(seed).Shuffle(shuffled);
            Assert.Equal(All(inOrder.Guests), All(shuffled.Aggregate(start, Hear).Guests));
        });

        static ClusterIndex Hear(ClusterIndex index, (NodeName Node, NodeInventory Inventory) said) => index.RecordInventory(said.Node, said.Inventory, remembered: false, Noon.AddMinutes(15));
    }

    private static PlacedGuest[] Places(params (NodeName Node, NodeInventory Inventory)[] said)
    {
        var known = said.ToImmutableDictionary(one => one.Node, one => NodeKnown.Nothing with { Inventory = one.Inventory });
        return All(GuestPlaces.Of(Members, known));
    }

    private static PlacedGuest[] All(ImmutableDictionary<NodeName, IReadOnlyList<PlacedGuest>> places) => [.. places.Values.SelectMany(guests => guests).OrderBy(guest => guest.Seen.Vmid)];

    private static (string Node, GuestFate Fate, DateTimeOffset At, string From) Short(PlacedGuest[] placed)
    {
        var one = Assert.Single(placed);
        return (one.Node.Value, one.Fate, one.At, one.From.Value);
    }
}
