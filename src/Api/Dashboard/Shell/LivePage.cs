using Microsoft.AspNetCore.Components;
using MudBlazor;
using NannyOrleans.Api.Dashboard.Calls;
using NannyOrleans.Domain.Access;

namespace NannyOrleans.Api.Dashboard.Shell;

/// <summary>
/// A page that reads one snapshot and reads it again when there is news of what it shows. What a reload must keep is in its address; a new address is a
/// new snapshot. It holds no rules: what may be done the API decides, and <see cref="Rights"/> only leaves out what would be refused.
/// </summary>
public abstract class LivePage : ComponentBase, IDisposable
{
    private readonly CancellationTokenSource left = new();
    private readonly CancellationToken gone;
    private IDisposable? listening;
    private IDisposable? measuring;
    private bool isGathering;
    private Topic[] listeningTo = [];
    private bool isReading;
    private bool isStale;
    private bool isBehind;
    private bool isResting;
    private TimeSpan took;
    private bool hadNews;
    private long readAt;
    private bool isKnown;

    /// <summary>One that is not left yet.</summary>
    protected LivePage() => gone = left.Token;

    /// <summary>The REST API.</summary>
    [Inject]
    protected IDashboardClient Client { get; set; } = null!;

    /// <summary>The server's clock.</summary>
    [Inject]
    protected TimeProvider Clock { get; set; } = null!;

    [Inject]
    private Pace Pace { get; set; } = null!;

    /// <summary>What passes by.</summary>
    [Inject]
    protected ISnackbar Snackbar { get; set; } = null!;

    /// <summary>What whoever has the page open may do.</summary>
    protected Rights Rights { get; private set; } = Rights.None;

    /// <summary>What the page listens to, as its address says.</summary>
    protected abstract IEnumerable<Topic> Topics { get; }

    /// <summary>Reads all that the page shows.</summary>
    protected abstract Task Load();

    /// <inheritdoc/>
    protected override async Task OnParametersSetAsync()
    {
        Rights = await Client.ReadRights();
        Listen(); // first: what changes while it is read is news
        await Reload();
        if (!isKnown && Client.CameAlong)
        {
            await Reload(); // what came along with the page shows at once, and may have changed before anybody listened
        }

        isKnown = true;
    }

    /// <summary>Reads it again, at once; while it is being read, once more after that.</summary>
    protected async Task Reload()
    {
        if (isReading)
        {
            isStale = true;
            return;
        }

        isReading = true;
        try
        {
            do
            {
                isStale = isBehind = false;
                var began = Clock.GetTimestamp();
                await Load();
                StateHasChanged();
                (took, hadNews, readAt) = (Clock.GetElapsedTime(began), isBehind, Clock.GetTimestamp());
            }
            while (isStale && !gone.IsCancellationRequested);
        }
        catch (OperationCanceledException) when (gone.IsCancellationRequested)
        {
            // The page was left.
        }
        finally
        {
            isReading = false;
        }

        if (isBehind)
        {
            _ = Hear(Follow); // of what came while it was read
        }
    }

    /// <summary>Reads one thing.</summary>
    protected async Task<bool> Read<T>(Reading<T> reading, string path)
        where T : class
    {
        reading.Ask(path);
        return reading.Take(await Client.Get(path), Clock.GetUtcNow());
    }

    /// <summary>Has something done and says what came of it.</summary>
    /// <param name="method">POST, PUT, PATCH or DELETE.</param>
    /// <param name="path">The path.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="done">What to say when it is done; null: nothing.</param>
    /// <returns>The answer. Of a no the person has been told.</returns>
    protected async Task<ApiAnswer> Do(HttpMethod method, string path, object? body = null, string? done = null)
    {
        var answer = await Client.Send(method, path, body);
        if (answer.Problem is { } problem)
        {
            Snackbar.Add(Show.Line(problem.All, 2000), Severity.Error, options => options.RequireInteraction = true);
        }
        else if (done is not null)
        {
            Snackbar.Add(done, Severity.Success);
        }

        await Reload();
        return answer;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        left.Cancel();
        left.Dispose();
        StopListening();
        GC.SuppressFinalize(this);
    }

    // News: read at once after quiet, and in a flood as often as the page's pace lets it. What a person does is not held up by it.
    private async Task Follow()
    {
        isBehind = true;
        if (isReading || isResting)
        {
            return; // whoever reads or rests looks at it afterwards
        }

        isResting = true;
        using var place = Pace.Join();
        try
        {
            while (isBehind && !isReading)
            {
                if (Pace.RestAfter(took, hadNews) - Clock.GetElapsedTime(readAt) is { Ticks: > 0 } left)
                {
                    await Task.Delay(left, Clock, gone);
                }
                else
                {
                    await Reload();
                }
            }
        }
        catch (OperationCanceledException) when (gone.IsCancellationRequested)
        {
            // The page was left.
        }
        finally
        {
            isResting = false;
        }
    }

    // Of hosts' samples there are many, and bars that move some times a minute are alive.
    private async Task FollowSlowly()
    {
        if (isGathering)
        {
            return;
        }

        isGathering = true;
        try
        {
            await Task.Delay(BetweenSamples, Clock, gone);
        }
        catch (OperationCanceledException) when (gone.IsCancellationRequested)
        {
            return; // The page was left.
        }
        finally
        {
            isGathering = false;
        }

        await Follow();
    }

    // Nobody waits for it: a page that can't be made any more must not stay as it was, as if that were the present.
    private async Task Hear(Func<Task> read)
    {
        try
        {
            await read();
        }
        catch (Exception failure) when (!gone.IsCancellationRequested)
        {
            await DispatchExceptionAsync(failure);
        }
    }

    private void StopListening()
    {
        listening?.Dispose();
        measuring?.Dispose();
    }

    private void Listen()
    {
        var topics = Topics.ToArray();
        if (RendererInfo.IsInteractive && !topics.SequenceEqual(listeningTo))
        {
            StopListening();
            listeningTo = topics;
            Topic[] samples = [.. topics.Where(topic => topic.Kind is Topic.Metrics)];
            listening = Client.Listen([.. topics.Except(samples)], () => _ = InvokeAsync(() => Hear(Follow)));
            measuring = Client.Listen(samples, () => _ = InvokeAsync(() => Hear(FollowSlowly)));
        }
    }

    private static readonly TimeSpan BetweenSamples = TimeSpan.FromSeconds(2);
}
