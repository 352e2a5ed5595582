using Microsoft.Playwright;

namespace NannyOrleans.Browsing;

/// <summary>Debian's Chromium without a window, which reaches this machine and nothing else.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    /// <summary>Where Debian's package puts it.</summary>
    public const string Path = "/usr/bin/chromium";

    /// <summary>Matches once a page shows what is, and answers: the dashboard's layout sets it when its circuit is up.</summary>
    public const string Live = "#live[data-state='live']";

    private readonly IPlaywright driver;

    private Chromium(IPlaywright driver, IBrowser browser) => (this.driver, Browser) = (driver, browser);

    public IBrowser Browser { get; }

    public static async Task<Chromium> Start()
    {
        var driver = await Playwright.CreateAsync();
        return new(driver, await driver.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Path,
            Args =
            [
                "--no-sandbox", // it does not run as root with one
                "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", // a container's is too small for many pages
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
        }));
    }

    /// <summary>Signs somebody in for all pages of a context, by the request that the page for it makes, too.</summary>
    public static async Task SignIn(IBrowserContext context, Uri server, string name, string password)
    {
        var answer = await context.APIRequest.PostAsync(new Uri(server, "/api/session").ToString(), new()
        {
            DataObject = new Dictionary<string, string> { ["user_name"] = name, ["password"] = password },
            Headers = [new("Origin", server.GetLeftPart(UriPartial.Authority))], // as a page of the server
        });
        if (!answer.Ok)
        {
            throw new InvalidOperationException($"{name} can't sign in: {answer.Status} {await answer.TextAsync()}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Browser.DisposeAsync();
        driver.Dispose();
    }
}
