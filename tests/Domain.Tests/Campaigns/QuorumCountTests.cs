using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Tests.Campaigns;

public sealed class QuorumCountTests
{
    [Theory]
    [InlineData(new[] { 1 }, 0, 1, true)]              // alone: nobody else needs quorum
    [InlineData(new[] { 1, 1 }, 0, 2, false)]          // two without a device can never lose one
    [InlineData(new[] { 1, 1 }, 1, 2, true)]           // the device and the other stay
    [InlineData(new[] { 1, 1, 1 }, 0, 2, true)]        // 2 of 3 stay
    [InlineData(new[] { 1, 1, 1, 1 }, 0, 3, true)]     // 3 of 4 stay
    [InlineData(new[] { 1, 1, 1, 1, 1 }, 0, 3, true)]
    [InlineData(new[] { 3, 1, 1 }, 0, 3, false)]       // the heavy one holds the majority
    [InlineData(new[] { 1, 1, 3 }, 0, 3, true)]        // a light one does not
    [InlineData(new[] { 1, 1, 1 }, 2, 3, true)]        // lms: the device has 2 of 5
    [InlineData(new[] { 1, 0, 1 }, 0, 2, false)]       // a node without a vote is none
    public void Counts_votes_and_not_nodes(int[] votes, int device, int needed, bool firstCanGo)
    {
        var count = QuorumCount.Of(Seen.Cluster(votes, device is 0 ? null : new("net", "q", "ffsplit", device, Voting: true)), Some.Noon).Value!;

        Assert.Equal((votes.Sum() + device, needed, true), (count.Expected, count.Needed, count.IsQuorate));
        Assert.Equal((firstCanGo, firstCanGo), (count.SurvivesLossOf(Some.Pve1), count.CouldSurviveLossOf(Some.Pve1)));
    }

    [Fact]
    public void With_one_of_three_down_no_other_can_go_and_one_day_could()
    {
        var count = QuorumCount.Of(Seen.Cluster(1, 1, 1).Down("pve3"), Some.Noon).Value!;
        Assert.Equal((2, true, false, true), (count.Online, count.IsQuorate, count.SurvivesLossOf(Some.Pve1), count.CouldSurviveLossOf(Some.Pve1)));
    }

    [Fact]
    public void Who_is_silent_or_missed_by_another_does_not_count()
    {
        Assert.Equal(2, QuorumCount.Of(Seen.Cluster(1, 1, 1).Silent("pve2"), Some.Noon).Value!.Online);
        var missed = Seen.Cluster(1, 1, 1).With("pve1", one => one with
        {
            Sees = one.Sees! with { Members = [.. one.Sees.Members.Select(member => member with { Online = member.Node != Some.Pve2 })] },
        });
        Assert.False(QuorumCount.Of(missed, Some.Noon).Value!.IsUp(Some.Pve2));
    }

    [Fact]
    public void A_device_counts_only_while_it_casts_its_vote_for_all()
    {
        var device = new QDeviceSeen("net", "q", "ffsplit", 1, Voting: true);
        var split = Seen.Cluster([1, 1], device).With("pve2", one => one with { Sees = one.Sees! with { QDevice = device with { Voting = null } } });
        Assert.Equal((3, 2), (QuorumCount.Of(split, Some.Noon).Value!.Expected, QuorumCount.Of(split, Some.Noon).Value!.Online));
    }

    [Fact]
    public void Nobody_can_tell_from_old_or_unread_or_disputed_words()
    {
        var three = Seen.Cluster(1, 1, 1);
        (string Code, ClusterPicture Picture)[] cases =
        [
            ("no-quorum-reported", three.Silent("pve1").Silent("pve2").Silent("pve3")),
            ("no-quorum-reported", new([.. three.Nodes.Select(one => one with { Sees = one.Sees! with { Quorate = false } })])),
            ("no-quorum-reported", new([.. three.Nodes.Select(one => one with { Sees = null })])),
            ("votes-unknown", three.With("pve1", one => one with { Sees = one.Sees! with { Members = [.. one.Sees.Members.Select(member => member with { Votes = null })] } })),
            ("votes-disputed", three.With("pve2", one => one with { Sees = one.Sees! with { Members = [.. one.Sees.Members.Select(member => member with { Votes = 2 })] } })),
            ("votes-disputed", three.With("pve2", one => one with { Sees = one.Sees! with { QDevice = new("net", "q", "lms", 2, true) } })),
            ("votes-unknown", Seen.Cluster([1, 1], new("net", "q", "ffsplit", null, Voting: true))),
            ("not-a-member", new([.. three.Nodes, three.Nodes[0] with { Node = Seen.Name(8) }])),
        ];
        Assert.All(cases, one => Assert.Equal(one.Code, QuorumCount.Of(one.Picture, Some.Noon).Refusal?.Code));
    }

    [Fact]
    public void A_word_is_old_after_two_intervals_and_one_of_a_time_to_come_as_well()
    {
        var node = Seen.Cluster(1).Nodes[0];
        Assert.True(node.IsFresh(Some.Noon + (2 * Seen.Interval)));
        Assert.False(node.IsFresh(Some.Noon + (2 * Seen.Interval) + TimeSpan.FromSeconds(1)));
        Assert.False(node.IsFresh(Some.Noon - (2 * Seen.Interval) - TimeSpan.FromSeconds(1)));
        Assert.False((node with { At = null }).IsFresh(Some.Noon));
    }
}
