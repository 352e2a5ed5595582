using NannyOrleans.Browsing;

namespace NannyOrleans.Dashboard.Tests;

/// <summary>What holds of every page, in light and dark, on a screen and on a phone.</summary>
public sealed class DashboardPageTests(Installation installation)
{
    /// <summary>Where <c>./nanny screenshots</c> wants the pictures; null: nobody does.</summary>
    private static readonly string? Pictures = Environment.GetEnvironmentVariable("NANNY_SCREENSHOTS");

    public static TheoryData<string, string> Views
    {
        get
        {
            var views = new TheoryData<string, string>();
            foreach (var page in DashboardPages.All)
            {
                foreach (var look in (Look[])[Look.Light, Look.Dark, .. page.IsForPhones ? (Look[])[Look.Phone, Look.DarkPhone] : []])
                {
                    views.Add(page.Name, look.Name);
                }
            }

            return views;
        }
    }

    [Theory]
    [MemberData(nameof(Views))]
    public Task Everybody_can_use_it_and_it_asks_nobody_but_the_server(string name, string look) => installation.Browse(Look.All.Single(one => one.Name == look), async tab =>
    {
        var page = DashboardPages.All.Single(one => one.Name == name);
        if (page.Who is { } who)
        {
            await installation.SignIn(tab, who);
        }

        var path = await page.Path(installation);
        await (page.IsLive ? tab.Visit(path) : tab.VisitStill(path));
        await tab.Page.HasNoSeriousViolation();
        Assert.False(await tab.IsTooWide(), "It is wider than the window.");
        if (Pictures is not null)
        {
            await tab.Page.ScreenshotAsync(new() { Path = Path.Combine(Pictures, $"{name}-{look}.png") });
        }
    });
}
