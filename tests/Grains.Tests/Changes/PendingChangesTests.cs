using NannyOrleans.Grains.Changes;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Tests.Changes;

public sealed class PendingChangesTests
{
    private static readonly ClusterId One = Some.Cluster();
    private static readonly ClusterId Other = Some.Cluster();

    private readonly PendingChanges pending = new();

    [Fact]
    public void The_same_change_waits_once_and_only_the_first_after_all_were_taken_calls_for_somebody()
    {
        Assert.True(pending.Add(new(ChangeKind.Cluster, One, "pve1")));
        Assert.False(pending.Add(new(ChangeKind.Cluster, One, "pve1")));
        Assert.False(pending.Add(new(ChangeKind.Cluster, One, "pve2")));
        Assert.Equal([new(ChangeKind.Cluster, One, "pve1"), new(ChangeKind.Cluster, One, "pve2")], pending.Take());
        Assert.True(pending.IsEmpty);
        Assert.Empty(pending.Take());
        Assert.True(pending.Add(new(ChangeKind.Cluster, One, "pve1")));
    }

    [Fact]
    public void What_there_is_too_much_of_becomes_any_of_its_kind_and_hides_nothing_else()
    {
        pending.Add(new(ChangeKind.Campaign, One, "mine"));
        for (var i = 0; i < 100_000; i++)
        {
            pending.Add(new(ChangeKind.Operation, One, $"{i}"));
        }

        pending.Add(new(ChangeKind.Output, One, "mine"));
        Assert.Equal([new(ChangeKind.Operation), new(ChangeKind.Campaign, One, "mine"), new(ChangeKind.Output, One, "mine")], pending.Take());
        Assert.True(pending.Add(new(ChangeKind.Operation, One, "1")));
        Assert.Equal([new(ChangeKind.Operation, One, "1")], pending.Take());
    }

    [Fact]
    public void Who_may_have_missed_anything_need_not_hear_of_one_thing()
    {
        pending.Add(new(ChangeKind.Campaign, One, "mine"));
        pending.Add(Change.Anything);
        pending.Add(new(ChangeKind.Operation, One, "mine"));
        Assert.Equal([Change.Anything], pending.Take());
    }

    [Fact]
    public void Of_what_many_threads_add_nothing_is_lost()
    {
        var taken = new HashSet<Change>();
        Parallel.For(0, 64, thread =>
        {
            for (var i = 0; i < 100; i++)
            {
                if (pending.Add(new(ChangeKind.Operation, One, $"{thread}/{i}")))
                {
                    lock (taken)
                    {
                        taken.UnionWith(pending.Take());
                    }
                }
            }
        });
        taken.UnionWith(pending.Take());
        Assert.True(taken.Contains(new(ChangeKind.Operation)) || taken.Count is 6400, $"{taken.Count}");
    }

    public static TheoryData<Change, Change, bool> Topics => new()
    {
        { new(ChangeKind.Cluster, One, "pve1"), new(ChangeKind.Cluster, One, "pve1"), true },
        { new(ChangeKind.Cluster, One, "pve1"), new(ChangeKind.Cluster, One), true },
        { new(ChangeKind.Cluster, One, "pve1"), new(ChangeKind.Cluster), true },
        { new(ChangeKind.Cluster, One, "pve1"), new(ChangeKind.Anything, One), true }, // all that is of a cluster
        { new(ChangeKind.Cluster, One), new(ChangeKind.Cluster, One, "pve1"), true }, // any of its nodes, so this one too
        { new(ChangeKind.Operation, One, "1"), new(ChangeKind.Operation, Id: "1"), true },
        { new(ChangeKind.Operation), new(ChangeKind.Operation, One, "1"), true },
        { Change.Anything, new(ChangeKind.Operation, One, "1"), true },
        { new(ChangeKind.Exceptions), new(ChangeKind.Anything, One), true }, // of no cluster, or of any
        { new(ChangeKind.Cluster, One, "pve1"), new(ChangeKind.Cluster, One, "pve2"), false },
        { new(ChangeKind.Cluster, One, "pve1"), new(ChangeKind.Cluster, Other, "pve1"), false },
        { new(ChangeKind.Cluster, One, "pve1"), new(ChangeKind.Cluster, Other), false },
        { new(ChangeKind.Cluster, One, "pve1"), new(ChangeKind.Anything, Other), false },
        { new(ChangeKind.Output, One, "1"), new(ChangeKind.Operation, One, "1"), false },
    };

    [Theory]
    [MemberData(nameof(Topics))]
    public void Who_wants_to_hear_of_a_topic_hears_of_what_may_concern_it(Change change, Change topic, bool concerns) => Assert.Equal(concerns, change.Concerns(topic));
}
