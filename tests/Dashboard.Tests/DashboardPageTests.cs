using NannyOrleans.Browsing;

namespace NannyOrleans.Dashboard.Tests;

/// <summary>What holds of every page, in light and dark, on a screen and on a phone.</summary>
public sealed class DashboardPageTests(Installation installation)
{
    /// <summary>Where <c>./nanny screenshots</c> wants the pictures; null: nobody does.</summary>
    private static readonly string? Pictures = Environment.GetEnvironmentVariable("NANNY_SCREENSHOTS");

    public static TheoryData<string> Pages => [.. DashboardPages.All.Select(page => page.Name)];

    // One visit for all looks: to come anew each time is what takes long.
    [Theory]
    [MemberData(nameof(Pages))]
    public Task Everybody_can_use_it_and_it_asks_nobody_but_the_server(string name) => installation.Browse(Look.Light, async tab =>
    {
        var page = DashboardPages.All.Single(one => one.Name == name);
        if (page.Who is { } who)
        {
            await installation.SignIn(tab, who);
        }

        var path = await page.Path(installation);
        await (page.IsLive ? tab.Visit(path) : tab.VisitStill(path));
        foreach (var look in LooksOf(page))
        {
            await tab.Become(look);
            await tab.Page.HasNoSeriousViolation();
            Assert.False(await tab.IsTooWide(), $"It is wider than the window ({look.Name}).");
            if (Pictures is not null)
            {
                await tab.Page.ScreenshotAsync(new() { Path = Path.Combine(Pictures, $"{name}-{look.Name}.png") });
            }
        }
    });

    // What axe finds is in the colours or in the width: one is looked at with the other. Pictures are of both.
    private static Look[] LooksOf(DashboardPage page) => page.IsForPhones
        ? Pictures is null ? [Look.Light, Look.DarkPhone] : [Look.Light, Look.Dark, Look.DarkPhone, Look.Phone]
        : [Look.Light, Look.Dark];
}
