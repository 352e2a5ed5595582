using CsCheck;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Protocol.Inventories;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Clusters;

public sealed class ClusterIndexTests
{
    private static readonly AnnotationChange Alpine = new(new(PlatformFamily.Alpine), new(["b", "a", "a"]), new("note"), null);

    [Fact]
    public void What_was_said_of_a_guest_goes_with_it_to_another_node()
    {
        var said = Both(Inventory(Container()), Inventory()).Annotate(new(100), Alpine).Value!.RecordPatch(new(100), Patched(1, 3));
        var moved = said.RecordInventory(Pve1, Taken(Pve1, Noon, Inventory(Container()), Inventory().Placing((Pve2, 100))), Noon);
        var arrived = moved.RecordInventory(Pve2, Taken(Pve2, Noon.AddSeconds(9), Inventory(Container())), Noon);
        foreach (var index in new[] { said, moved, arrived })
        {
            Assert.Equal((PlatformFamily.Alpine, "note", 3), (index.Note(new(100)).Annotation!.PlatformFamily, index.Note(new(100)).Annotation!.Notes, index.Note(new(100)).Patches!.Pending));
        }

        Assert.Equal("note", Assert.Single(View(arrived).Nodes[1].Guests!).Notes);
    }

    [Fact]
    public void What_was_said_of_a_guest_that_is_gone_is_forgotten_after_thirty_days_once_all_hosts_have_spoken()
    {
        var said = Both(Inventory(Container()), Inventory()).Annotate(new(100), Alpine).Value!;
        var deleted = Taken(Pve1, Noon, Inventory(Container()).Placing((Pve1, 100)), Inventory().Placing());
        var gone = said.RecordInventory(Pve1, deleted, Noon.AddSeconds(1));
        Assert.NotNull(gone.Note(new(100)).Annotation);

        var (before, after) = (Noon.AddSeconds(1).AddDays(30).AddTicks(-1), Noon.AddSeconds(1).AddDays(30));
        Assert.NotNull(gone.RecordInventory(Pve2, Taken(Pve2, before, Inventory()), before).Note(new(100)).Annotation);
        Assert.Null(gone.RecordInventory(Pve2, Taken(Pve2, after, Inventory()), after).Note(new(100)).Annotation);

        // After a restart the other host has not been heard yet: the guest may be there.
        var restarted = new ClusterIndex { Stored = gone.Stored }.RecordInventory(Pve1, deleted, after);
        Assert.NotNull(restarted.Note(new(100)).Annotation);
        Assert.Null(restarted.RecordInventory(Pve2, Taken(Pve2, after, Inventory()), after).Note(new(100)).Annotation);
    }

    [Fact]
    public void A_host_that_never_listed_its_guests_may_have_any()
    {
        var unlisted = Both(Inventory(Container()), Inventory() with { Guests = null }).Annotate(new(100), Alpine).Value!;
        var later = Noon.AddDays(40);
        Assert.NotNull(unlisted.RecordInventory(Pve1, Taken(Pve1, later, Inventory()), later).Note(new(100)).Annotation);
    }

    [Theory]
    [InlineData(true, false)] // the cluster had it nowhere: this is another guest
    [InlineData(false, true)] // missed for whatever reason: this may be the same
    public void The_next_guest_of_a_number_does_not_inherit_what_was_said_of_the_last(bool deleted, bool inherits)
    {
        var first = Inventory(Container()).Placing((Pve1, 100));
        var said = Both(first, Inventory()).Annotate(new(100), Alpine).Value!.RecordPatch(new(100), Patched(1, 0));
        var gone = said.RecordInventory(Pve1, Taken(Pve1, Noon, first, deleted ? Inventory().Placing() : Inventory()), Noon);
        var next = gone.RecordInventory(Pve1, Taken(Pve1, Noon, first, deleted ? Inventory().Placing() : Inventory(), Inventory(Container(name: "other"))), Noon);
        Assert.Equal(inherits, next.Note(new(100)) is { Annotation: not null, Patches: not null });
    }

    [Fact]
    public void A_vm_does_not_inherit_from_the_container_that_had_its_number()
    {
        var said = Both(Inventory(Container(), Container(101)), Inventory()).Annotate(new(100), Alpine).Value!.Annotate(new(101), Alpine).Value!;
        var next = said.RecordInventory(Pve1, Taken(Pve1, Noon.AddSeconds(1), Inventory(Machine(100), Container(101))), Noon);
        Assert.Null(next.Note(new(100)).Annotation);
        Assert.NotNull(next.Note(new(101)).Annotation);
    }

    [Fact] // a node whose stored list could not be read after a restart lists a guest that another once saw deleted
    public void A_first_word_after_a_restart_takes_nothing_back()
    {
        var deleted = Taken(Pve1, Noon, Inventory(Container()).Placing((Pve1, 100)), Inventory().Placing());
        var here = Taken(Pve2, Noon.AddDays(1), Inventory(Container()));
        var said = Lab((Pve1, deleted), (Pve2, here)).Annotate(new(100), Alpine).Value!;
        var restarted = new ClusterIndex { Stored = said.Stored }.RecordInventory(Pve1, deleted, Noon).RecordInventory(Pve2, here, Noon);
        Assert.NotNull(restarted.Note(new(100)).Annotation);
    }

    [Fact]
    public void What_is_not_named_in_a_change_stays_and_null_takes_back()
    {
        var lab = Both(Inventory(Container(), Machine()), Inventory());
        var said = lab.Annotate(new(100), Alpine).Value!;
        Assert.Equal(["a", "b"], said.Note(new(100)).Annotation!.Tags);
        var less = said.Annotate(new(100), new(null, new(null), null, null)).Value!;
        Assert.Equal((PlatformFamily.Alpine, null, "note"), (less.Note(new(100)).Annotation!.PlatformFamily, less.Note(new(100)).Annotation!.Tags, less.Note(new(100)).Annotation!.Notes));
        var nothing = less.Annotate(new(100), new(new(null), new([]), new(""), null)).Value!;
        Assert.Empty(nothing.Stored.Guests);
        Assert.Equal(OtherAgent, lab.Annotate(new(200), new(null, null, null, new(OtherAgent))).Value!.Note(new(200)).Annotation!.Agent);
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        var lab = Both(Inventory(Container(), Machine()), Inventory());
        Assert.Equal("unknown-guest", lab.Annotate(new(999), Alpine).Refusal?.Code);
        Assert.Equal("not-a-vm", lab.Annotate(new(100), new(null, null, null, new(OtherAgent))).Refusal?.Code);
        Assert.Equal("unknown-node", lab.Annotate(Pve3, Alpine, isMachine: false).Refusal?.Code);
        Assert.Equal("fixed-family", lab.Annotate(Pve1, Alpine, isMachine: false).Refusal?.Code);
        Assert.Equal("not-a-vm", lab.Annotate(Pve1, new(null, null, null, new(OtherAgent)), isMachine: true).Refusal?.Code);
        Assert.Null(lab.Annotate(Pve1, Alpine, isMachine: true).Refusal);
    }

    [Fact]
    public void An_operation_is_taken_once_and_an_older_one_not_at_all()
    {
        var known = Both(Inventory(Container()), Inventory()).RecordPatch(new(100), Patched(2, 5));
        Assert.Same(known, known.RecordPatch(new(100), Patched(2, 5)));
        Assert.Same(known, known.RecordPatch(new(100), Patched(1, 0)));
        Assert.Null(known.RecordPatch(new(100), Patched(3, null)).Note(new(100)).Patches!.Pending);
    }

    [Fact]
    public void An_older_word_of_a_node_changes_nothing()
    {
        var newer = Lab((Pve1, Taken(Pve1, Noon.AddSeconds(5), Inventory(Container(101)))));
        Assert.Same(newer, newer.RecordInventory(Pve1, Taken(Pve1, Noon, Inventory(Container())), Noon));
    }

    [Fact]
    public void A_new_agent_keeps_what_was_said_of_its_node_and_of_the_guests()
    {
        var said = Both(Inventory(Container()), Inventory()).Annotate(Pve1, new(null, new(["rack1"]), null, null), false).Value!;
        var replaced = said.Enrol(Pve1, new(OtherAgent, "pve1", "another name"));
        Assert.Equal((OtherAgent, "lab"), (replaced.Stored.Nodes[0].Agent, replaced.Stored.Name));
        Assert.Equal(["rack1"], replaced.Stored.Nodes[0].Annotation!.Tags);
        Assert.NotNull(replaced.Find(new(100)));
    }

    [Fact]
    public void A_member_that_left_goes_unless_it_has_an_agent_or_was_written_about()
    {
        var three = Inventory() with { Cluster = new("lab", true, [new(Pve1, true, 1), new(Pve2, false, 1), new(Pve3, false, 1)]) };
        var alone = Inventory() with { Cluster = new("lab", true, [new(Pve1, true, 1)]) };
        var lab = Lab((Pve1, Taken(Pve1, three)));
        Assert.Equal([Pve1, Pve2, Pve3], lab.Stored.Nodes.Select(member => member.Node));
        var said = lab.Annotate(Pve3, new(null, null, new("kept"), null), false).Value!;
        Assert.Equal([Pve1, Pve3], said.RecordInventory(Pve1, Taken(Pve1, Noon.AddSeconds(1), alone), Noon).Stored.Nodes.Select(member => member.Node));
        Assert.Equal(3, said.RecordInventory(Pve1, Taken(Pve1, Noon.AddSeconds(1), alone.WithQuorum(false)), Noon).Stored.Nodes.Count);
        Assert.Equal(3, said.Enrol(Pve2, new(OtherAgent, "pve2", "lab")).RecordInventory(Pve1, Taken(Pve1, Noon.AddSeconds(1), alone), Noon).Stored.Nodes.Count);
    }

    [Fact]
    public void What_changes_nothing_that_is_stored_need_not_be_written()
    {
        var lab = Both(Inventory(Container()), Inventory());
        Assert.Same(lab.Stored, lab.RecordInventory(Pve1, Taken(Pve1, Noon.AddMinutes(5), Inventory(Container())), Noon).Stored);
        Assert.Same(lab.Stored, lab.RecordMetrics(Pve1, Sample(), Noon).Stored);
    }

    [Theory]
    [InlineData(30, null, 90, true)]
    [InlineData(30, null, 91, false)]
    [InlineData(30, 0, 90, true)] // an inventory of the same moment: samples come more often, and are what is missed
    [InlineData(30, 0, 91, false)]
    [InlineData(30, 300, 1200, true)] // samples have stopped, and inventories come
    [InlineData(30, 300, 1201, false)]
    [InlineData(null, 0, 900, true)]
    [InlineData(null, 0, 901, false)]
    [InlineData(null, null, 0, false)]
    public void A_node_is_online_until_three_of_its_words_are_missed(int? sampleEvery, int? inventoryAt, int now, bool online)
    {
        var index = new ClusterIndex { Stored = new() };
        index = sampleEvery is { } seconds ? index.RecordMetrics(Pve1, Sample() with { IntervalSeconds = seconds }, Noon) : index;
        index = inventoryAt is { } at ? index.RecordInventory(Pve1, Taken(Pve1, Noon.AddSeconds(at), Inventory()), Noon) : index;
        var known = index.Known.GetValueOrDefault(Pve1) ?? NodeKnown.Nothing;
        Assert.Equal(online, known.IsOnline(Noon.AddSeconds(now)));
    }

    [Fact]
    public void Annotations_are_changed_field_by_field_in_whatever_order() => Gen.Select(Gen.Int[0, 3], Gen.Int[0, 2]).Array[0, 20].Sample(changes =>
    {
        Annotation? annotation = null;
        (PlatformFamily? Family, string? Tag, string? Notes, bool Agent) expected = (null, null, null, false);
        foreach (var (field, value) in changes)
        {
            switch (field)
            {
                case 0:
                    expected.Family = value is 0 ? null : (PlatformFamily)value;
                    annotation = new AnnotationChange(new(expected.Family), null, null, null).Apply(annotation);
                    break;
                case 1:
                    expected.Tag = value is 0 ? null : $"t{value}";
                    annotation = new AnnotationChange(null, new(value is 0 ? null : [$"t{value}"]), null, null).Apply(annotation);
                    break;
                case 2:
                    expected.Notes = value is 0 ? null : $"n{value}";
                    annotation = new AnnotationChange(null, null, new(expected.Notes), null).Apply(annotation);
                    break;
                default:
                    expected.Agent = value > 0;
                    annotation = new AnnotationChange(null, null, null, new(value > 0 ? Agent : null)).Apply(annotation);
                    break;
            }

            Assert.Equal(expected, (annotation?.PlatformFamily, annotation?.Tags?.Single(), annotation?.Notes, annotation?.Agent is not null));
            Assert.Equal(expected is (null, null, null, false), annotation is null);
        }
    });

    private static ClusterIndex Both(Inventory first, Inventory second) => Lab((Pve1, Taken(Pve1, first)), (Pve2, Taken(Pve2, second)));

    private static PatchState Patched(int operation, int? pending) => new(Id(operation), Noon, pending, false, null);
}
