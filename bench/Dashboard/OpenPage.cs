using Microsoft.Playwright;
using NannyOrleans.Browsing;

namespace NannyOrleans.Bench.Dashboard;

/// <summary>A dashboard that somebody has open, in a browser of his own.</summary>
internal sealed class OpenPage : IAsyncDisposable
{
    // The page's clock begins with its navigation; performance.timeOrigin says when that was by the machine's.
    private const string WatchForLife = """
        new MutationObserver((_, observer) => {
            if (document.querySelector("LIVE")) { window.liveAt = performance.now(); observer.disconnect(); }
        }).observe(document, { subtree: true, childList: true, attributes: true });
        """;

    // After the change the page is drawn before the next frame but one begins.
    private const string WatchForText = """
        text => {
            window.seen = new Promise(seen => new MutationObserver((changes, observer) => {
                if (changes.some(change => change.target.textContent.includes(text))) {
                    observer.disconnect();
                    requestAnimationFrame(() => requestAnimationFrame(() => seen(performance.timeOrigin + performance.now())));
                }
            }).observe(document.body, { subtree: true, childList: true, characterData: true }));
        }
        """;

    private const string JumpAndWatch = """
        () => new Promise((done, giveUp) => {
            const box = document.querySelector(".scroll.tall"), began = performance.now();
            box.scrollTop = box.scrollHeight;
            const look = () => {
                const edges = box.getBoundingClientRect();
                const isThere = [...box.querySelectorAll("tbody th a")].some(row => {
                    const place = row.getBoundingClientRect();
                    return place.bottom > edges.bottom - 100 && place.top < edges.bottom;
                });
                if (isThere) { requestAnimationFrame(() => done(performance.now() - began)); }
                else if (performance.now() - began > 20000) { giveUp(new Error("The end of the list does not come.")); }
                else { requestAnimationFrame(look); }
            };
            requestAnimationFrame(look);
        })
        """;

    private readonly IBrowserContext context;
    private readonly IPage page;

    private OpenPage(IBrowserContext context, IPage page) => (this.context, this.page) = (context, page);

    /// <summary>From the navigation to the first text or picture.</summary>
    public TimeSpan FirstPaint { get; private init; }

    /// <summary>From the navigation to the moment the page answers.</summary>
    public TimeSpan Interactive { get; private init; }

    public static async Task<OpenPage> Open(IBrowser browser, BenchServer server, string path)
    {
        var context = await browser.NewContextAsync(Look.Light.At(server.Url));
        await Chromium.SignIn(context, server.Url, "admin", BenchServer.Password);
        await context.AddInitScriptAsync(WatchForLife.Replace("LIVE", Chromium.Live, StringComparison.Ordinal));
        var page = await context.NewPageAsync();
        await page.GotoAsync(path);
        await page.WaitForFunctionAsync("() => window.liveAt && performance.getEntriesByName('first-contentful-paint').length");
        return new(context, page)
        {
            FirstPaint = TimeSpan.FromMilliseconds(await page.EvaluateAsync<double>("() => performance.getEntriesByName('first-contentful-paint')[0].startTime")),
            Interactive = TimeSpan.FromMilliseconds(await page.EvaluateAsync<double>("() => window.liveAt")),
        };
    }

    /// <summary>From now to the moment a text that is not there yet is drawn, something being done meanwhile. Both clocks are this machine's.</summary>
    public async Task<TimeSpan> Until(string text, Func<Task> work)
    {
        await page.EvaluateAsync(WatchForText, text);
        var began = DateTimeOffset.UtcNow;
        await work();
        return DateTimeOffset.UnixEpoch.AddMilliseconds(await page.EvaluateAsync<double>("() => window.seen")) - began;
    }

    /// <summary>From a jump to the end of the long list to the moment rows are drawn there.</summary>
    public async Task<TimeSpan> JumpToEnd()
    {
        await page.WaitForSelectorAsync(".scroll.tall tbody th a");
        return TimeSpan.FromMilliseconds(await page.EvaluateAsync<double>(JumpAndWatch));
    }

    public ValueTask DisposeAsync() => context.DisposeAsync();
}
