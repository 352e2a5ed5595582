using System.Text.Json.Nodes;
using NannyOrleans.Browsing;

namespace NannyOrleans.Dashboard.Tests;

/// <summary>That what looks after all the other tests here does look.</summary>
public sealed class TabTests(Installation installation)
{
    private const string Strict = "default-src 'self'";

    [Theory]
    [InlineData("<script>1</script>", Strict, "Content Security Policy")]
    [InlineData("<img alt='' src='http://fonts.example/a.png'>", "default-src *", "Asked of another server: http://fonts.example/a.png")]
    [InlineData("<img alt='' src='/api/session'>", Strict, "401: GET")]
    [InlineData("<script>throw new Error('odd')</script>", "default-src 'unsafe-inline'", "odd")]
    [InlineData("<script>console.error('odd')</script>", "default-src 'unsafe-inline'", "Console: odd")]
    [InlineData("<script>new WebSocket('ws://127.0.0.2:9/')</script>", "default-src * 'unsafe-inline'", "Asked of another server: ws://127.0.0.2:9/")]
    public async Task What_goes_wrong_behind_a_page_is_noticed(string body, string policy, string complaint)
    {
        await using var tab = await Show(body, policy);
        await Waiting.Until(() => Task.FromResult(tab.Complaints), complaints => complaints.Any(one => one.Contains(complaint, StringComparison.Ordinal)), complaint);
        tab.Expects(complaint);
        Assert.DoesNotContain(tab.Complaints, one => one.StartsWith("Expected", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_expected_and_does_not_come_is_wrong_too()
    {
        await using var tab = await Show("<p>All is well.</p>", Strict);
        Assert.Empty(tab.Complaints);
        tab.Expects("403");
        Assert.Equal(["Expected and not seen: 403"], tab.Complaints);
    }

    [Fact]
    public async Task A_field_without_a_label_is_a_serious_violation()
    {
        await using var tab = await Show("<main><h1>Form</h1><input id='nameless'></main>", Strict);
        var failure = await Assert.ThrowsAnyAsync<Exception>(tab.Page.HasNoSeriousViolation);
        Assert.Contains("critical label", failure.Message, StringComparison.Ordinal);
        Assert.Contains("nameless", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wider_than_the_window_is_noticed()
    {
        await using var tab = await Show("<meta name='viewport' content='width=device-width, initial-scale=1'><p style='width: 2000px'>wide</p>", "default-src 'unsafe-inline'");
        Assert.True(await tab.IsTooWide());
    }

    [Fact]
    public async Task What_a_test_has_seen_when_it_failed_is_kept()
    {
        await Assert.ThrowsAsync<NotSupportedException>(() => installation.Browse(Look.Light, async tab =>
        {
            await tab.VisitStill("/device");
            throw new NotSupportedException("on purpose");
        }));
        var kept = Directory.GetFiles(Installation.Evidence, $"{Installation.NameOfTest()}.*").Order(StringComparer.Ordinal).ToArray();
        Assert.Equal([".html", ".png", ".txt"], kept.Select(Path.GetExtension));
        Assert.Contains("on purpose", await File.ReadAllTextAsync(kept[2]), StringComparison.Ordinal);
        Assert.All(kept, file => Assert.NotEqual(0, new FileInfo(file).Length));
        foreach (var file in kept)
        {
            File.Delete(file); // it has not failed
        }
    }

    public static TheoryData<string> People => [Person.Administrator.Name, .. Person.Others.Select(one => one.Name)];

    [Theory]
    [MemberData(nameof(People))]
    public Task Everybody_can_sign_in(string name) => installation.Browse(Look.Light, Person.Others.Append(Person.Administrator).Single(one => one.Name == name), async tab =>
    {
        var session = JsonNode.Parse(await (await tab.Page.GotoAsync("/api/session"))!.TextAsync());
        Assert.Equal(name, (string?)session!["user_name"]);
    });

    private async Task<Tab> Show(string body, string policy)
    {
        Installation.Need();
        var tab = await installation.Open(Look.Light);
        await tab.Page.RouteAsync("**/made-up", route => route.FulfillAsync(new()
        {
            ContentType = "text/html",
            Headers = new Dictionary<string, string> { ["Content-Security-Policy"] = policy },
            Body = $"<!doctype html><html lang='en'><head><title>Made up</title></head><body>{body}</body></html>",
        }));
        await tab.VisitStill("/made-up");
        return tab;
    }
}
