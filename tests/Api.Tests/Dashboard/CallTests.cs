using System.Text;
using NannyOrleans.Api.Dashboard;
using NannyOrleans.Api.Dashboard.Calls;
using NannyOrleans.Grains.Changes;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Tests.Dashboard;

/// <summary>What pages ask, and what they keep of the answers.</summary>
public sealed class CallTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("/api/agents/pve1", "/api/agents/pve1")]
    [InlineData("/api/agents/x%2Fdiagnose", "/api/agents/x%2Fdiagnose")] // no other endpoint
    [InlineData("/api/agents/x%2fdiagnose", "/api/agents/x%2Fdiagnose")]
    [InlineData("/api/agents/x%252Fdiagnose", "/api/agents/x%2Fdiagnose")]
    [InlineData("/api/agents/..%2F..%2Fpeople", "/api/agents/..%2F..%2Fpeople")]
    [InlineData("/api/agents/caf%C3%A9%20%3F%23", "/api/agents/café ?#")]
    public void A_slash_in_an_id_leads_nowhere_else(string escaped, string path) => Assert.Equal(path, ApiPipeline.PathOf(escaped));

    [Theory]
    [InlineData("/api/things/a", "/api/things/a", true)] // as it was the last time, which is said
    [InlineData("/api/things/a", "/api/things/b", false)] // never one thing under another's name
    [InlineData("/api/things?state=x", "/api/things?state=y", false)] // nor what another question was answered with
    public void What_can_not_be_read_is_as_it_was_only_if_it_is_the_same(string before, string now, bool stays)
    {
        var reading = new Reading<string>();
        reading.Ask(before);
        Assert.True(reading.Take(new(200, Encoding.UTF8.GetBytes("\"value\"")), Noon));
        reading.Ask(now);
        Assert.False(reading.Take(new(503, []), Noon.AddMinutes(1)));
        Assert.Equal(stays ? "value" : null, reading.Value);
        Assert.Equal(stays ? Noon : default, reading.At);
        Assert.Equal(503, reading.Problem?.Status);
    }

    [Fact]
    public void What_is_asked_again_shows_until_the_answer_comes_and_another_thing_does_not()
    {
        var reading = new Reading<string>();
        reading.Ask("/api/things?state=x");
        reading.Take(new(200, Encoding.UTF8.GetBytes("\"value\"")), Noon);
        reading.Ask("/api/things?state=y");
        Assert.Equal("value", reading.Value);
        reading.Ask("/api/others?state=y");
        Assert.Null(reading.Value);
    }

    [Fact]
    public void Of_a_cluster_that_an_address_names_by_its_name_all_news_is_heard()
    {
        var id = ClusterId.Parse("c0123456789abcdef");
        Assert.Equal(new(ChangeKind.Campaign, id), new Topic(Topic.Campaign, id.Value).Change);
        Assert.Equal(new(ChangeKind.Campaign), new Topic(Topic.Campaign, "attic").Change);
        Assert.Equal(new(ChangeKind.Operation, Id: "01M83HW1FS84TGPXTCYJ45S8G9"), new Topic(Topic.Operation, "01M83HW1FS84TGPXTCYJ45S8G9").Change);
    }

    [Fact]
    public void One_person_has_so_many_pages_open_and_keeps_nobody_else_out()
    {
        var pages = new OpenPages();
        for (var page = 0; page < OpenPages.Most; page++)
        {
            Assert.True(pages.Enter("a"));
        }

        Assert.False(pages.Enter("a"));
        Assert.True(pages.Enter("b"));
        pages.Leave("a");
        Assert.True(pages.Enter("a"));
        Assert.False(pages.Enter("a"));
    }
}
