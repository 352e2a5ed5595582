using NannyOrleans.Api.Dashboard.Pages.Campaigns;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Clusters;

namespace NannyOrleans.Api.Tests.Dashboard;

/// <summary>The votes' chart, as lines.</summary>
public sealed class VotesOverTimeTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    private static CampaignEvent At(int minutes, int? online, int expected = 3, int quorum = 2) =>
        new(minutes + 1, Noon.AddMinutes(minutes), null, null, "", null) { Votes = new VotesView(expected, quorum, online) };

    private static CampaignEvent Else(int minutes) => new(minutes + 1, Noon.AddMinutes(minutes), null, null, "Begun.", null);

    [Fact]
    public void Each_change_is_a_step_and_the_last_one_lasts_until_the_end()
    {
        var votes = VotesOverTime.Of([At(0, 3), Else(1), At(5, 2), At(8, 3)], Noon.AddMinutes(10));
        Assert.Equal((3, 3), (votes.Spans.Count, votes.Most));
        Assert.Equal([0, 1, 2, 3], votes.Ticks);
        Assert.Equal("M40 14H414V72.7H638.4V14H788", votes.Online);
        Assert.Equal("M40 72.7H414V72.7H638.4V72.7H788", votes.Quorum);
        Assert.Equal((2, true), (votes.Fewest!.Votes.Online, votes.Fewest.IsQuorate));
        Assert.Empty(votes.Unknown);
    }

    [Fact]
    public void Where_nobody_could_tell_the_line_is_broken()
    {
        var votes = VotesOverTime.Of([At(0, 3), At(5, null), At(8, 1)], Noon.AddMinutes(10));
        Assert.Equal("M40 14H414M638.4 131.3H788", votes.Online);
        Assert.Equal([(414, 224.4)], votes.Unknown.Select(one => (one.X, Math.Round(one.Width, 1))));
        Assert.Equal([true, null, false], votes.Spans.Select(span => span.IsQuorate));
        Assert.Equal(1, votes.Fewest!.Votes.Online);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)] // the clock of who looks is behind that of who told it
    public void One_that_has_just_begun_has_no_width_and_is_drawn_all_the_same(int minutes)
    {
        var votes = VotesOverTime.Of([At(0, 3)], Noon.AddMinutes(minutes));
        Assert.Equal("M40 14H40", votes.Online);
    }

    [Fact]
    public void Without_any_votes_there_is_nothing_to_draw()
    {
        var votes = VotesOverTime.Of([Else(1)], Noon);
        Assert.Empty(votes.Spans);
        Assert.Null(votes.Fewest);
        Assert.Equal("", votes.Online);
    }

    [Fact]
    public void A_large_cluster_has_few_numbers_at_the_side() =>
        Assert.Equal([0, 6, 12, 18, 24, 30, 32], VotesOverTime.Of([At(0, 32, 32, 17)], Noon.AddMinutes(1)).Ticks);
}
