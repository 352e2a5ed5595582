using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace NannyOrleans.Browsing;

/// <summary>
/// A browser of its own for one test, with one page. It writes down all that a person would not notice and that is wrong all the same: errors of
/// scripts, what the content security policy has blocked, requests that failed, and requests of anything but the server.
/// </summary>
internal sealed class Tab : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> wrong = [];
    private readonly List<string> expected = [];
    private readonly Uri server;

    private Tab(IPage page, Uri server) => (Page, this.server) = (page, server);

    public IPage Page { get; }

    /// <summary>What was wrong so far and was not expected; and what was expected and did not come.</summary>
    public IReadOnlyList<string> Complaints =>
    [
        .. wrong.Where(one => !expected.Exists(part => one.Contains(part, StringComparison.Ordinal))),
        .. expected.Where(part => !wrong.Any(one => one.Contains(part, StringComparison.Ordinal))).Select(part => $"Expected and not seen: {part}"),
    ];

    public static async Task<Tab> Open(IBrowser browser, Uri server, Look look, float timeoutMilliseconds)
    {
        var context = await browser.NewContextAsync(look.At(server));
        context.SetDefaultTimeout(timeoutMilliseconds);
        var tab = new Tab(await context.NewPageAsync(), server);
        context.Console += (_, said) => tab.Note(said);
        context.WebError += (_, thrown) => tab.wrong.Enqueue($"Thrown in the page: {thrown.Error}");
        context.Request += (_, request) => tab.Note(request.Url);
        context.RequestFailed += (_, request) => tab.Note(request);
        context.Response += (_, response) => tab.Note(response);
        tab.Page.WebSocket += (_, socket) => tab.Note(socket.Url);
        return tab;
    }

    /// <summary>Something wrong that belongs to this test: a complaint with these words has to come.</summary>
    public void Expects(string words) => expected.Add(words);

    /// <summary>Opens a page of the dashboard and waits until it is live.</summary>
    /// <param name="path">Of the server, with its query.</param>
    public async Task Visit(string path)
    {
        await VisitStill(path);
        await IsLive();
    }

    /// <summary>Waits until the page is live.</summary>
    public Task IsLive() => Page.WaitForSelectorAsync(Chromium.Live, new() { State = WaitForSelectorState.Attached });

    /// <summary>Marks the document as it is loaded now.</summary>
    public Task Mark() => Page.EvaluateAsync("() => { window.marked = true; }");

    /// <summary>Whether it is still that one.</summary>
    public Task<bool> IsMarked() => Page.EvaluateAsync<bool>("() => window.marked === true");

    /// <summary>Opens a page that is whole when it has come: one without a circuit.</summary>
    public Task VisitStill(string path) => Page.GotoAsync(path);

    /// <summary>Looks at the page otherwise from now on, as if its window and the system's colours had changed.</summary>
    public async Task Become(Look look)
    {
        await Page.SetViewportSizeAsync(look.Width, look.Height);
        await Page.EmulateMediaAsync(new() { ColorScheme = look.Scheme });
        if (await Page.QuerySelectorAsync(Chromium.Live) is not null)
        {
            await Page.WaitForSelectorAsync($"[data-look='{look.Scheme.ToString().ToLowerInvariant()}']", new() { State = WaitForSelectorState.Attached });
        }
    }

    /// <summary>Whether one has to move the page sideways to read it: nothing on a phone is worse.</summary>
    public async Task<bool> IsTooWide() => await Page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth > window.innerWidth");

    /// <summary>Writes down how it all looks: NAME.png, NAME.html, NAME.txt. No trace: to keep one costs each test a third of its time, for the one that fails.</summary>
    public async Task KeepEvidence(string directory, string name, string failure)
    {
        Directory.CreateDirectory(directory);
        var file = Path.Combine(directory, name);
        await File.WriteAllTextAsync($"{file}.txt", $"{Page.Url}\n{failure}\n{string.Join('\n', wrong)}\n");
        await File.WriteAllTextAsync($"{file}.html", await Page.ContentAsync());
        await Page.ScreenshotAsync(new() { Path = $"{file}.png", FullPage = true });
    }

    public ValueTask DisposeAsync() => Page.Context.DisposeAsync();

    // That a request was refused is said again, and without its address.
    private void Note(IConsoleMessage said)
    {
        if (said.Type is "error" && !said.Text.StartsWith("Failed to load resource", StringComparison.Ordinal))
        {
            wrong.Enqueue($"Console: {said.Text}");
        }
    }

    private void Note(string url)
    {
        if (Uri.TryCreate(url, UriKind.Absolute, out var asked) && asked.Scheme is "http" or "https" or "ws" or "wss" && asked.Authority != server.Authority)
        {
            wrong.Enqueue($"Asked of another server: {url}");
        }
    }

    // A page that is left drops what it has not got yet.
    private void Note(IRequest failed)
    {
        if (failed.Failure is not "net::ERR_ABORTED")
        {
            wrong.Enqueue($"{failed.Failure}: {failed.Method} {failed.Url}");
        }
    }

    private void Note(IResponse response)
    {
        if (response.Status >= 400)
        {
            wrong.Enqueue($"{response.Status}: {response.Request.Method} {response.Url}");
        }
    }
}
