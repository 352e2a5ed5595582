using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;
using NannyOrleans.Api.Dashboard.Calls;
using NannyOrleans.Api.Dashboard.Pages.Clusters;
using NannyOrleans.Api.Dashboard.Shell;
using RouteData = Microsoft.AspNetCore.Components.RouteData;

namespace NannyOrleans.Api.Tests.Dashboard;

/// <summary>What a page shows is of the thing that its address names, and of the present; else it says so.</summary>
public sealed class LivePageTests
{
    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 2)] // it may have changed before anybody listened
    public async Task What_came_along_with_the_page_is_read_anew(bool cameAlong, int times)
    {
        var client = new SaidClient(_ => new(200, Encoding.UTF8.GetBytes("[]"))) { CameAlong = cameAlong };
        await using var pages = DrawnPages.With(client);
        await pages.Draw<List>();
        Assert.Equal(Enumerable.Repeat("/api/things", times), client.Asked);
        Assert.Empty(pages.Thrown);
    }

    [Fact]
    public async Task A_page_that_fails_at_news_does_not_stay_as_if_nothing_were_wrong()
    {
        var body = "[]";
        var client = new SaidClient(_ => new(200, Encoding.UTF8.GetBytes(body)));
        await using var pages = DrawnPages.With(client);
        await pages.Draw<List>();
        body = "{";
        await pages.Dispatcher.InvokeAsync(client.TellNews);
        await Waiting.Until(() => Task.FromResult(pages.Thrown.Count), thrown => thrown > 0, "the page to read it");
        Assert.IsAssignableFrom<JsonException>(Assert.Single(pages.Thrown));
    }

    [Fact]
    public async Task News_after_quiet_is_read_at_once_and_a_flood_of_it_once_more_after_a_rest()
    {
        var clock = new StandingClock();
        var client = new SaidClient(_ =>
        {
            clock.MoveOn(TimeSpan.FromMilliseconds(60));
            return new(200, Encoding.UTF8.GetBytes("[]"));
        });
        await using var pages = DrawnPages.With(client, clock);
        await pages.Draw<List>();
        await pages.Dispatcher.InvokeAsync(() => clock.MoveOn(TimeSpan.FromSeconds(1)));
        await pages.Dispatcher.InvokeAsync(() =>
        {
            for (var news = 0; news < 50; news++)
            {
                client.TellNews();
            }
        });
        Assert.Equal(2, client.Asked.Count);
        await pages.Dispatcher.InvokeAsync(() => clock.MoveOn(TimeSpan.FromMilliseconds(24)));
        Assert.Equal(2, client.Asked.Count);
        await pages.Dispatcher.InvokeAsync(() => clock.MoveOn(TimeSpan.FromMilliseconds(1)));
        await Waiting.Until(() => Task.FromResult(client.Asked.Count), asked => asked > 2, "the page to read it");
        await pages.Dispatcher.InvokeAsync(() => clock.MoveOn(TimeSpan.FromSeconds(1)));
        Assert.Equal(3, client.Asked.Count);
        await pages.Dispatcher.InvokeAsync(client.TellNews);
        Assert.Equal(4, client.Asked.Count);
    }

    [Fact]
    public async Task News_that_comes_while_a_page_is_read_is_read_after_a_breath()
    {
        var clock = new StandingClock();
        SaidClient? client = null;
        client = new(_ =>
        {
            clock.MoveOn(TimeSpan.FromMilliseconds(300));
            if (client!.Asked.Count is 1)
            {
                client.TellNews();
            }

            return new(200, Encoding.UTF8.GetBytes("[]"));
        });
        await using var pages = DrawnPages.With(client, clock);
        await pages.Draw<List>();
        await pages.Dispatcher.InvokeAsync(() => clock.MoveOn(TimeSpan.FromMilliseconds(99)));
        Assert.Single(client.Asked);
        await pages.Dispatcher.InvokeAsync(() => clock.MoveOn(TimeSpan.FromMilliseconds(1)));
        await Waiting.Until(() => Task.FromResult(client.Asked.Count), asked => asked > 1, "the page to read it");
        Assert.Equal(2, client.Asked.Count);
    }

    [Fact]
    public async Task What_a_person_does_is_shown_at_once_however_much_news_there_is()
    {
        var clock = new StandingClock();
        var client = new SaidClient(path =>
        {
            clock.MoveOn(TimeSpan.FromMilliseconds(path is "/api/things" ? 60 : 10));
            return new(200, Encoding.UTF8.GetBytes("[]"));
        });
        await using var pages = DrawnPages.With(client, clock);
        var shown = new List<List>();
        await pages.Draw<List>(new Dictionary<string, object?> { [nameof(List.Shown)] = shown });
        await pages.Dispatcher.InvokeAsync(() =>
        {
            client.TellNews();
            return shown[0].Act();
        });
        Assert.Equal(["/api/things", "/api/act", "/api/things"], client.Asked);
        await pages.Dispatcher.InvokeAsync(() => clock.MoveOn(TimeSpan.FromSeconds(1))); // and the news is in it
        Assert.Equal(3, client.Asked.Count);
    }

    [Fact]
    public async Task Another_things_page_is_another_one_and_nobody_listens_for_the_first()
    {
        var client = new SaidClient(path => path is "/api/things/a" ? new(200, Encoding.UTF8.GetBytes("\"of a\"")) : new(404, []));
        await using var pages = DrawnPages.With(client);
        var host = new Host();
        await pages.Dispatcher.InvokeAsync(async () => await pages.BeginRenderingComponent(host, ParameterView.Empty).QuiescenceTask);
        var first = Assert.Single(host.Shown);
        Assert.Equal("of a", first.Text.Value);
        var listeners = client.Listeners;
        await pages.Dispatcher.InvokeAsync(() => host.Go("b"));
        Assert.Equal(2, host.Shown.Count);
        Assert.Null(host.Shown[1].Text.Value);
        Assert.Equal(404, host.Shown[1].Text.Problem?.Status);
        Assert.Equal(listeners, client.Listeners);
        Assert.Empty(pages.Thrown);
    }

    [Fact]
    public async Task A_list_is_asked_for_as_far_as_it_goes_and_one_that_is_not_read_has_no_length()
    {
        var full = new SaidClient(_ => new(200, Encoding.UTF8.GetBytes("[]"), Total: 150));
        Assert.Equal((150, null), Ends(await AgentRows.ReadPage(full, "sort=name", 0, 600)));
        Assert.Equal(["/api/agents?sort=name&page=1&per_page=100", "/api/agents?sort=name&page=2&per_page=100"], full.Asked);

        var (total, problem) = Ends(await AgentRows.ReadPage(new SaidClient(_ => new(503, [])), "sort=name", 0, 100));
        Assert.Null(total);
        Assert.Equal(503, problem);
    }

    private static (int? Total, int? Problem) Ends((IReadOnlyList<Domain.Agents.AgentRow> Rows, int? Total, ApiProblem? Problem) read) => (read.Total, read.Problem?.Status);

    private sealed class List : LivePage
    {
        [Parameter]
        public List<List>? Shown { get; set; }

        public Task<ApiAnswer> Act() => Do(HttpMethod.Post, "/api/act");

        protected override void OnInitialized() => Shown?.Add(this);

        protected override IEnumerable<Topic> Topics => [new(Topic.People)];

        protected override async Task Load() => (await Client.Get("/api/things")).Read<string[]>();
    }

    private sealed class Thing : LivePage
    {
        public Reading<string> Text { get; } = new();

        [Parameter]
        public string Id { get; set; } = string.Empty;

        [CascadingParameter]
        public Host? Host { get; set; }

        protected override IEnumerable<Topic> Topics => [new(Topic.People)];

        protected override void OnInitialized() => Host!.Shown.Add(this);

        protected override Task Load() => Read(Text, $"/api/things/{Id}");
    }

    private sealed class Host : ComponentBase
    {
        private string id = "a";

        public List<Thing> Shown { get; } = [];

        public void Go(string to)
        {
            id = to;
            StateHasChanged();
        }

        protected override void BuildRenderTree(RenderTreeBuilder builder)
        {
            builder.OpenComponent<CascadingValue<Host>>(0);
            builder.AddComponentParameter(1, "Value", this);
            builder.AddComponentParameter(2, "ChildContent", (RenderFragment)(inner =>
            {
                inner.OpenComponent<PageView>(0);
                inner.AddComponentParameter(1, "Route", new RouteData(typeof(Thing), new Dictionary<string, object?> { ["Id"] = id }));
                inner.CloseComponent();
            }));
            builder.CloseComponent();
        }
    }
}
