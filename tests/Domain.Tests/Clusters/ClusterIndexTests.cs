using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Clusters;

public sealed class ClusterIndexTests
{
    private static readonly AnnotationChange Alpine = new(new(PlatformFamily.Alpine), null, new("by hand"), null);
    private static readonly PatchState Patched = new(Id(1), Noon, 3, false, null);

    [Fact]
    public void What_a_person_said_goes_with_a_guest_that_migrates()
    {
        var moved = Hear(Hear(Noted(), Pve1, 10, Inventory().Placing((Pve2, 100))), Pve2, 11, Inventory(Container()));
        var guest = Assert.Single(View(moved, Noon.AddMinutes(11)).Nodes[1].Guests!);
        Assert.Equal((PlatformFamily.Alpine, "by hand", Patched), (guest.PlatformFamily, guest.Notes, guest.Patches));
    }

    [Fact]
    public void What_a_person_said_is_there_after_a_restart_whichever_host_is_remembered_first()
    {
        var before = Noted();
        foreach (var order in new NodeName[][] { [Pve1, Pve2], [Pve2, Pve1] })
        {
            var after = order.Aggregate(
                new ClusterIndex { Stored = before.Stored }, (index, node) => index.RecordInventory(node, before.Known[node].Inventory!, remembered: true, Noon.AddDays(1)));
            Assert.Equal(before.Stored.Guests, after.Stored.Guests);
            Assert.Equal(PlatformFamily.Alpine, View(after, Noon.AddDays(1)).Nodes[0].Guests![0].PlatformFamily);
        }
    }

    [Fact]
    public void Remembering_takes_back_nothing_that_was_said_since()
    {
        // pve1 remembers that the old guest of this number was deleted; the new one on pve2 was annotated.
        var old = Hear(Hear(Hear(Lab(), Pve1, 0, Inventory(Container())), Pve1, 1, Inventory().Placing()), Pve2, 2, Inventory(Container(name: "new")));
        var before = old.Annotate(new(100), Alpine).Value!;
        var after = new[] { Pve1, Pve2 }.Aggregate(
            new ClusterIndex { Stored = before.Stored }, (index, node) => index.RecordInventory(node, before.Known[node].Inventory!, remembered: true, Noon.AddDays(1)));
        Assert.Equal(before.Stored.Guests, after.Stored.Guests);
    }

    [Theory]
    [InlineData(true, true)] // pve2 lists the new guest where it had others before
    [InlineData(true, false)] // pve2 reports for the first time
    [InlineData(false, true)]
    public void What_a_person_said_of_a_deleted_guest_does_not_hold_for_the_next_of_its_number(bool elsewhere, bool heardBefore)
    {
        var index = Hear(Lab(), Pve1, 0, Inventory(Container())).Annotate(new(100), Alpine).Value!;
        index = heardBefore ? Hear(index, Pve2, 1, Inventory(Container(101))) : index;
        var deleted = Hear(index, Pve1, 2, Inventory().Placing());
        Assert.NotEmpty(deleted.Stored.Guests); // it is still shown
        var successor = Hear(deleted, elsewhere ? Pve2 : Pve1, 3, Inventory(Container(name: "new")));
        Assert.Empty(successor.Stored.Guests);
    }

    [Fact]
    public void What_a_person_said_of_a_container_does_not_hold_for_a_machine_of_its_number()
    {
        Assert.Empty(Hear(Noted(), Pve1, 10, Inventory(Machine(100))).Stored.Guests);
        Assert.Empty(Hear(Noted(), Pve2, 10, Inventory(Machine(100))).Stored.Guests);
        Assert.NotEmpty(Hear(Noted(), Pve2, 10, Inventory(Machine(100)).WithQuorum(false)).Stored.Guests); // it lists what is long over
    }

    [Theory]
    [InlineData(true, 29, true)]
    [InlineData(true, 31, false)]
    [InlineData(false, 31, true)] // it may be on the host that has not spoken
    public void Notes_are_forgotten_when_all_hosts_have_spoken_and_the_guest_is_gone_for_thirty_days(bool allSpoke, int days, bool kept)
    {
        var index = Hear(Lab(), Pve1, 0, Inventory(Container())).Annotate(new(100), Alpine).Value!.RecordPatch(new(100), Patched);
        index = allSpoke ? Hear(index, Pve2, 1, Inventory()) : index;
        index = Hear(Hear(index, Pve1, 2, Inventory().Placing()), Pve1, days * 24 * 60, Inventory().Placing());
        Assert.Equal(kept, index.Stored.Guests.Any(note => note.Vmid.Value is 100));
    }

    [Fact]
    public void Notes_of_a_guest_on_a_silent_host_are_never_forgotten() =>
        Assert.NotEmpty(Hear(Noted(), Pve2, 400 * 24 * 60, Inventory()).Stored.Guests);

    [Fact]
    public void An_older_inventory_changes_nothing()
    {
        var index = Hear(Lab(), Pve1, 10, Inventory(Container()));
        Assert.Same(index, index.RecordInventory(Pve1, Taken(Pve1, Noon.AddMinutes(9), Inventory(Container(101)) with { Hostname = "old" }), remembered: false, Noon.AddMinutes(10)));
    }

    [Fact]
    public void Samples_change_nothing_that_is_stored_or_placed()
    {
        var index = Noted();
        var sampled = index.RecordMetrics(Pve1, Sample(), Noon.AddMinutes(1));
        Assert.Same(index.Stored, sampled.Stored);
        Assert.Same(index.Guests, sampled.Guests);
        Assert.Equal(Noon.AddMinutes(1), sampled.Known[Pve1].HeardAt);
        Assert.Same(index.Stored, index.RecordMetrics(NodeName.Parse("pve9"), Sample(), Noon).Stored);
    }

    [Fact]
    public void A_report_that_says_the_same_of_the_cluster_leaves_what_is_stored_the_same_object()
    {
        var index = Hear(Noted(), Pve2, 10, Inventory(Container(101)) with { Hostname = "pve2" });
        var later = Hear(index, Pve1, 20, Inventory(Container()));
        Assert.Same(index.Stored, later.Stored); // nothing to write
        Assert.Same(index.Guests[Pve2], later.Guests[Pve2]); // nothing to show anew
    }

    [Fact]
    public void Members_that_a_report_names_are_known_without_an_agent_and_go_when_they_have_left()
    {
        var index = Hear(Lab(), Pve1, 0, Naming(true, Pve1, Pve2, Pve3));
        Assert.Equal([("pve1", true), ("pve2", false), ("pve3", false)], index.Stored.Nodes.Select(member => (member.Node.Value, member.Agent is not null)));
        Assert.Equal(3, Hear(index, Pve1, 1, Naming(false, Pve1)).Stored.Nodes.Count); // who is cut off does not know
        Assert.Equal([Pve1, Pve2], Hear(index, Pve1, 1, Naming(true, Pve1, Pve2)).Stored.Nodes.Select(member => member.Node));
        var annotated = index.Annotate(Pve3, new(null, new(["spare"]), null, null), isMachine: false).Value!;
        Assert.Equal(3, Hear(annotated, Pve1, 1, Naming(true, Pve1, Pve2)).Stored.Nodes.Count);
        Assert.Equal([Pve1, Pve2], Hear(Lab(), Pve2, 0, Naming(true, Pve2)).Stored.Nodes.Select(member => member.Node)); // pve1 has an agent

        static Inventory Naming(bool quorate, params NodeName[] nodes) => Inventory() with { Cluster = new("lab", quorate, [.. nodes.Select(node => new MemberSeen(node, true, 1))]) };
    }

    [Fact]
    public void An_older_operation_that_comes_late_changes_nothing()
    {
        var index = Noted().RecordPatch(new(100), Patched with { Operation = Id(5) });
        Assert.Same(index, index.RecordPatch(new(100), Patched with { Operation = Id(4) }));
        Assert.Equal(Id(5), index.Note(new(100)).Patches!.Operation);
    }

    [Fact]
    public void Taking_everything_back_leaves_no_note()
    {
        var index = Hear(Lab(), Pve1, 0, Inventory(Container())).Annotate(new(100), Alpine).Value!;
        Assert.Equal(Alpine.PlatformFamily!.To, Assert.Single(index.Stored.Guests).Annotation!.PlatformFamily);
        var family = index.Annotate(new(100), new(new(null), null, null, null)).Value!;
        Assert.Equal((null, "by hand"), (Assert.Single(family.Stored.Guests).Annotation!.PlatformFamily, family.Stored.Guests[0].Annotation!.Notes));
        Assert.Empty(family.Annotate(new(100), new(null, null, new(string.Empty), null)).Value!.Stored.Guests);
    }

    [Fact]
    public void What_cannot_be_said_is_refused()
    {
        var index = Hear(Lab(), Pve1, 0, Inventory(Container(), Machine()));
        Assert.Equal("unknown-guest", index.Annotate(new(999), Alpine).Refusal?.Code);
        Assert.Equal("not-a-vm", index.Annotate(new(100), new(null, null, null, new(Agent))).Refusal?.Code);
        Assert.Null(index.Annotate(new(200), new(null, null, null, new(Agent))).Refusal);
        Assert.Equal("unknown-node", index.Annotate(Pve3, new(null, null, new("x"), null), isMachine: false).Refusal?.Code);
        Assert.Equal("not-a-vm", index.Annotate(Pve1, new(null, null, null, new(Agent)), isMachine: true).Refusal?.Code);
        Assert.Equal("fixed-family", index.Annotate(Pve1, new(new(PlatformFamily.Rhel), null, null, null), isMachine: false).Refusal?.Code);
        Assert.Null(index.Annotate(Pve1, new(new(PlatformFamily.Rhel), null, null, null), isMachine: true).Refusal);
    }

    [Fact]
    public void The_name_a_person_approved_holds_until_a_host_says_another_and_a_rename_keeps_the_cluster()
    {
        Assert.Equal("lab", Lab().Enrol(Pve2, new(OtherAgent, "pve2", "other")).Stored.Name);
        var renamed = Hear(Noted(), Pve1, 10, Inventory(Container()) with { Cluster = Inventory().Cluster! with { Name = "prod" } });
        Assert.Equal(("prod", 2, 1), (renamed.Stored.Name, renamed.Stored.Nodes.Count, renamed.Stored.Guests.Count));
    }

    private static ClusterIndex Noted() => Hear(Hear(Lab(), Pve1, 0, Inventory(Container())), Pve2, 0, Inventory() with { Hostname = "pve2" })
        .Annotate(new(100), Alpine).Value!.RecordPatch(new(100), Patched);

    /// <summary>The cluster after a node has sent a report, on top of what it had said before.</summary>
    private static ClusterIndex Hear(ClusterIndex index, NodeName node, int minutes, Inventory report)
    {
        var at = Noon.AddMinutes(minutes);
        var known = index.Known.GetValueOrDefault(node)?.Inventory ?? new();
        return index.RecordInventory(node, InventoryMachine.Take(known, new(Cluster, node), report, at).Value!, remembered: false, at);
    }
}
