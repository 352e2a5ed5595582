using NannyOrleans.Api.Campaigns;
using NannyOrleans.Api.Dashboard.Calls;
using NannyOrleans.Api.Dashboard.Pages.Clusters;
using NannyOrleans.Api.Dashboard.Shell;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Tests.Dashboard;

/// <summary>How often pages read, and what one reading for many things says of each.</summary>
public sealed class PaceTests
{
    [Theory]
    [InlineData(0, true, 1, 100)]
    [InlineData(0, false, 1, 25)] // it was quiet meanwhile
    [InlineData(65, true, 1, 100)]
    [InlineData(65, false, 1, 25)]
    [InlineData(10, true, 2, 100)]
    [InlineData(10, false, 2, 25)]
    [InlineData(65, true, 2, 130)]
    [InlineData(65, false, 3, 260)]
    [InlineData(65, true, 20, 2_470)] // twenty, each nearly a fortieth
    [InlineData(1, false, 20, 38)]
    [InlineData(2_500, true, 2, 5_000)]
    [InlineData(60_000, false, 2, 5_000)] // a server that hardly answers is asked again all the same
    [InlineData(60_000, true, int.MaxValue, 5_000)]
    [InlineData(65, false, 0, 25)]
    [InlineData(-1, false, 2, 25)]
    public void A_page_rests_the_longer_the_more_its_reading_took_and_the_more_pages_there_are(int took, bool hadNews, int pages, int rest) =>
        Assert.Equal(TimeSpan.FromMilliseconds(rest), Pace.RestAfter(TimeSpan.FromMilliseconds(took), hadNews, pages));

    [Fact]
    public void Pages_count_for_as_long_as_they_have_news_to_read()
    {
        var (pace, took) = (new Pace(), TimeSpan.FromMilliseconds(100));
        var places = Enumerable.Range(0, 10).Select(_ => pace.Join()).ToArray();
        Assert.Equal(TimeSpan.FromMilliseconds(1_800), pace.RestAfter(took, hadNews: false));
        Array.ForEach(places, place => place.Dispose());
        Assert.Equal(TimeSpan.FromMilliseconds(25), pace.RestAfter(took, hadNews: false));
    }

    [Theory]
    [InlineData(200, 2, "c0123456789abcdef", true, true)]
    [InlineData(200, 2, "c000000000000000f", true, false)] // all that go on are there, and it is not among them
    [InlineData(200, 3, "c0123456789abcdef", true, true)]
    [InlineData(200, 3, "c000000000000000f", false, false)] // it may be on the next page
    [InlineData(200, null, "c000000000000000f", false, false)]
    [InlineData(503, null, "c0123456789abcdef", false, false)]
    [InlineData(null, null, "c0123456789abcdef", false, false)] // not read yet
    public void Whether_a_campaign_goes_on_is_known_where_it_was_read(int? status, int? total, string cluster, bool isKnown, bool goesOn)
    {
        var page = new Reading<IReadOnlyList<CampaignView>>();
        page.Ask("/api/campaigns?ended=false");
        if (status is { } answered)
        {
            page.Take(new(answered, answered is 200 ? System.Text.Encoding.UTF8.GetBytes(Page) : [], total), default);
        }

        var found = GoingOn.Of(page, ClusterId.Parse(cluster));
        Assert.Equal((isKnown, goesOn ? "01M83HW1FS84CA000000000002" : null), (found.IsKnown, found.Campaign?.Id.Value));
    }

    [Fact] // The next reading that fails says nothing of the present.
    public void What_was_read_before_does_not_go_on_for_ever()
    {
        var page = new Reading<IReadOnlyList<CampaignView>>();
        page.Ask("/api/campaigns?ended=false");
        page.Take(new(200, System.Text.Encoding.UTF8.GetBytes(Page), 2), default);
        page.Take(new(503, []), default);
        Assert.Equal(new(false, null), GoingOn.Of(page, ClusterId.Parse("c0123456789abcdef")));
    }

    private const string Page = """
        [{"id":"01M83HW1FS84CA000000000002","cluster":"c0123456789abcdef","status":"halted","reason":"It did.","started_at":"2026-11-26T12:00:00Z","nodes":[],"ceph_flags":[],"order":{"mode":"apply","requested_by":"admin"}},
         {"id":"01M83HW1FS84CA000000000001","cluster":"cfedcba9876543210","status":"running","started_at":"2026-11-26T11:00:00Z","nodes":[],"ceph_flags":[],"order":{"mode":"apply","requested_by":"admin"}}]
        """;
}
