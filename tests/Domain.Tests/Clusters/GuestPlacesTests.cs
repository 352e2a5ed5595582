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

    [Fact]
    public void Of_two_that_list_a_guest_the_one_with_quorum_is_believed_whoever_spoke_last()
    {
        var lab = Lab((Pve1, Taken(Pve1, Inventory(Container()))), (Pve2, Taken(Pve2, Noon.AddHours(1), Inventory(Container(), Container(101)).WithQuorum(false))));
        Assert.Equal([(100, "pve1", GuestFate.Present), (101, "pve2", GuestFate.Present)], Places(lab));
    }

    [Fact]
    public void Of_two_with_quorum_the_one_that_spoke_last_is_believed()
    {
        var lab = Lab((Pve2, Taken(Pve2, Noon.AddSeconds(1), Inventory(Container()))), (Pve1, Taken(Pve1, Inventory(Container()))));
        Assert.Equal([(100, "pve2", GuestFate.Present)], Places(lab));
    }

    [Fact]
    public void A_guest_that_moved_is_on_its_way_until_its_new_node_lists_it()
    {
        var left = Lab((Pve1, Taken(Pve1, Inventory(Container()), Inventory().Placing((Pve2, 100)))));
        Assert.Equal([(100, "pve2", GuestFate.Moving)], Places(left));
        var arrived = left.RecordInventory(Pve2, Taken(Pve2, Noon.AddSeconds(2), Inventory(Container())), Noon);
        Assert.Equal([(100, "pve2", GuestFate.Present)], Places(arrived));
    }

    [Fact]
    public void A_guest_that_its_new_node_does_not_list_is_missing_not_on_its_way_for_ever()
    {
        var empty = Taken(Pve2, Inventory() with { Fingerprint = "none" });
        var left = Lab((Pve2, empty), (Pve1, Taken(Pve1, Inventory(Container()), Inventory().Placing((Pve2, 100)))));
        Assert.Equal([(100, "pve2", GuestFate.Moving)], Places(left));

        // No guest has changed on the other node: its list is the same object, and still a word on what is not there.
        var again = InventoryMachine.Take(empty, new(Cluster, Pve2), Inventory() with { Since = "none" }, Noon.AddMinutes(5)).Value!;
        Assert.Same(empty.Report!.Guests, again.Report!.Guests);
        Assert.Equal([(100, "pve2", GuestFate.Missing)], Places(left.RecordInventory(Pve2, again, Noon)));
    }

    [Fact]
    public void A_guest_that_moved_to_a_node_nobody_knows_is_missing_where_it_was_until_that_node_is_known()
    {
        var unknown = NodeName.Parse("pve9");
        var left = Lab((Pve1, Taken(Pve1, Inventory(Container()), Inventory().Placing((unknown, 100)))));
        Assert.Equal([(100, "pve1", GuestFate.Missing)], Places(left));
        Assert.Equal([(100, "pve9", GuestFate.Moving)], Places(left.Enrol(unknown, new(OtherAgent, "pve9", "lab"))));
    }

    [Fact]
    public void A_guest_the_cluster_has_nowhere_is_deleted_and_forgotten_after_thirty_days()
    {
        var lab = Lab((Pve1, Taken(Pve1, Inventory(Container()).Placing((Pve1, 100)), Inventory().Placing())));
        Assert.Equal([(100, "pve1", GuestFate.Deleted)], Places(lab));
        var guest = lab.Find(new(100))!;
        Assert.False(guest.IsForgotten(Noon.AddDays(30)));
        Assert.True(guest.IsForgotten(Noon.AddSeconds(1).AddDays(30)));
        Assert.NotNull(View(lab).Nodes[0].Guests![0].DeletedAt);
        Assert.Empty(View(lab, Noon.AddDays(31)).Nodes[0].Guests!);
    }

    [Fact] // its host died, HA started it elsewhere, and there it was deleted
    public void A_dead_hosts_list_does_not_bring_back_what_was_deleted_since()
    {
        var lab = Lab(
            (Pve1, Taken(Pve1, Inventory(Container(), Container(101)))),
            (Pve2, Taken(Pve2, Noon.AddMinutes(5), Inventory(Container()), Inventory().Placing((Pve1, 101)))));
        Assert.Equal([(100, "pve2", GuestFate.Deleted), (101, "pve1", GuestFate.Present)], Places(lab));

        // Once that host is back and lists it, it is there again.
        Assert.Equal([(100, "pve1", GuestFate.Present)], Places(lab.RecordInventory(Pve1, Taken(Pve1, Noon.AddMinutes(10), Inventory(Container())), Noon)));
    }

    [Fact]
    public void A_dead_hosts_list_does_not_hold_what_has_moved_on_since()
    {
        var lab = Lab((Pve1, Taken(Pve1, Inventory(Container()))), (Pve2, Taken(Pve2, Noon.AddMinutes(5), Inventory(Container()) with { Cluster = Three }, (Inventory() with { Cluster = Three }).Placing((Pve3, 100)))));
        Assert.Equal([(100, "pve3", GuestFate.Moving)], Places(lab));
    }

    [Fact]
    public void What_a_host_missed_without_knowing_why_stays_where_another_lists_it()
    {
        var lab = Lab((Pve1, Taken(Pve1, Inventory(Container()))), (Pve2, Taken(Pve2, Noon.AddMinutes(5), Inventory(Container()), Inventory())));
        Assert.Equal([(100, "pve1", GuestFate.Present)], Places(lab));
    }

    [Fact]
    public void Nodes_where_nothing_has_changed_keep_their_lists()
    {
        var lab = Lab((Pve1, Taken(Pve1, Inventory(Container()))), (Pve2, Taken(Pve2, Inventory(Container(101)))));
        var later = lab.RecordInventory(Pve2, Taken(Pve2, Noon.AddMinutes(5), Inventory(Container(102))), Noon);
        Assert.Same(lab.Guests[Pve1], later.Guests[Pve1]);
        Assert.NotSame(lab.Guests[Pve2], later.Guests[Pve2]);
    }

    [Fact]
    public void Every_vmid_is_at_most_once_whatever_is_said_in_whatever_order_and_nothing_is_lost() => Histories.Sample(history =>
    {
        var (said, index) = (new Dictionary<NodeName, NodeInventory>(), new ClusterIndex { Stored = new() });
        foreach (var node in Nodes)
        {
            index = index.Enrol(node, new(Agent, node.Value, "lab"));
        }

        var at = Noon;
        foreach (var (node, guests, quorate, places) in history)
        {
            at = at.AddSeconds(1);
            said[Nodes[node]] = InventoryMachine.Take(said.GetValueOrDefault(Nodes[node]) ?? new(), new(Cluster, Nodes[node]), Report(guests, quorate, places), at).Value!;
            index = index.RecordInventory(Nodes[node], said[Nodes[node]], at);
            AssertEachOnce(index, said);
        }

        // The same words gathered after a restart, in whatever order, say the same.
        foreach (var order in new[] { said.Keys.ToArray(), said.Keys.Reverse().ToArray() })
        {
            var again = new ClusterIndex { Stored = index.Stored };
            foreach (var node in order)
            {
                again = again.RecordInventory(node, said[node], at);
            }

            Assert.Equal(Placed(index), Placed(again));
        }

        // One with quorum beats those without: no guest that any node listed with quorum is shown where only one without lists it.
        foreach (var guest in index.Guests.Values.SelectMany(guests => guests).Where(guest => guest.Fate is GuestFate.Present && !said[guest.Node].GuestsQuorate))
        {
            Assert.DoesNotContain(said, node => node.Value.GuestsQuorate && node.Value.Report!.Guests!.Any(one => one.Vmid == guest.Seen.Vmid));
        }
    });

    private static ClusterSeen Three => new("lab", true, [new(Pve1, true, 1), new(Pve2, true, 1), new(Pve3, true, 1)]);

    private static Gen<(int Node, int[] Guests, bool Quorate, int[]? Places)[]> Histories => Gen.Select(
        Gen.Int[0, 2], Gen.Int[100, 104].Array[0, 5], Gen.Bool, Gen.Int[0, 3].Array[5].Null()).Array[0, 12];

    // Places: for each of the five vmids the node the cluster has it on; 3 is nowhere.
    private static Inventory Report(int[] guests, bool quorate, int[]? places)
    {
        var report = Inventory([.. guests.Distinct().Select(vmid => Container(vmid))]) with { Cluster = Three };
        return (places is null ? report : report.Placing([.. places.Select((node, index) => (node, index)).Where(place => place.node < 3).Select(place => (Nodes[place.node], 100 + place.index))])).WithQuorum(quorate);
    }

    private static void AssertEachOnce(ClusterIndex index, Dictionary<NodeName, NodeInventory> said)
    {
        var placed = index.Guests.Values.SelectMany(guests => guests).Select(guest => guest.Seen.Vmid).ToArray();
        Assert.Equal(placed.Length, placed.Distinct().Count());
        var everHeardOf = said.Values.SelectMany(node => node.Report!.Guests!.Select(guest => guest.Vmid).Concat(node.Departed.Select(guest => guest.Seen.Vmid))).Distinct();
        Assert.Equal(everHeardOf.Order(), placed.Order());
        Assert.All(index.Guests, node => Assert.All(node.Value, guest => Assert.Equal(node.Key, guest.Node)));
        Assert.All(index.Guests, node => Assert.Equal(node.Value.Select(guest => guest.Seen.Vmid).Order(), node.Value.Select(guest => guest.Seen.Vmid)));
        Assert.Subset(index.Stored.Nodes.Select(member => member.Node).ToHashSet(), index.Guests.Keys.ToHashSet()); // on a node that is shown
    }

    private static (int Vmid, string Node, GuestFate Fate)[] Places(ClusterIndex index) =>
        [.. index.Guests.Values.SelectMany(guests => guests).OrderBy(guest => guest.Seen.Vmid).Select(guest => (guest.Seen.Vmid.Value, guest.Node.Value, guest.Fate))];

    private static string Placed(ClusterIndex index) =>
        string.Join("; ", index.Guests.Values.SelectMany(guests => guests).OrderBy(guest => guest.Seen.Vmid).Select(guest => $"{guest.Seen.Vmid} {guest.Node} {guest.Fate} {guest.At:O} {guest.From}"));
}
