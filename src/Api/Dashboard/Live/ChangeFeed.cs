using NannyOrleans.Grains.Changes;
using NannyOrleans.Silo;

namespace NannyOrleans.Api.Dashboard.Live;

/// <summary>
/// By which the pages of this process learn that something has changed: it listens to the feed of all silos, and tells each page what concerns it.
/// Whenever something may not have been heard, it says that anything may have changed.
/// </summary>
internal sealed partial class ChangeFeed(IGrainFactory grains, SiloDepartures departures, TimeProvider clock, ILogger<ChangeFeed> logger) : BackgroundService
{
    private readonly Listeners listeners = new(logger);
    private readonly Lock gate = new();
    private FeedPosition position = FeedPosition.Start;
    private volatile FeedHealth health = new(IsLive: false, clock.GetUtcNow());
    private Observer? observer; // the runtime holds it weakly

    /// <summary>Whether changes arrive. Where they do not, what a page shows may be old, and it has to say so.</summary>
    public FeedHealth Health => health;

    /// <summary>
    /// Tells of changes from now on: listen, then read. Each call is on a thread of the pool, after the one before has returned; so is the first
    /// one after <see cref="Health"/> has become another, with <see cref="Change.Anything"/>.
    /// </summary>
    /// <param name="changed">What to do with what has changed; it concerns at least one of the topics.</param>
    /// <param name="topics">What to hear of.</param>
    /// <returns>To be disposed of when nobody listens any more. A call that is under way then may still end.</returns>
    public IDisposable Listen(Action<IReadOnlyList<Change>> changed, params IReadOnlyList<Change> topics) => listeners.Add(topics, changed);

    /// <summary>Tells the pages of this process alone.</summary>
    public void Say(Change change) => listeners.Tell([change]);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        observer = new(this);
        var reference = grains.CreateObjectReference<IChangeObserver>(observer);
        try
        {
            while (true)
            {
                var departure = departures.Next;
                await Renew(reference, stoppingToken);
                await Task.WhenAny(departure, Task.Delay(health.IsLive ? RenewEvery : RetryAfter, clock, stoppingToken));
                stoppingToken.ThrowIfCancellationRequested();
                if (departure.IsCompleted)
                {
                    Say(Change.Anything); // what that silo has changed last it may not have said
                }
            }
        }
        finally
        {
            grains.GetGrain<IChangesGrain>(0).Unsubscribe(reference).Ignore();
            grains.DeleteObjectReference<IChangeObserver>(reference);
        }
    }

    private async Task Renew(IChangeObserver reference, CancellationToken stoppingToken)
    {
        try
        {
            var mark = await grains.GetGrain<IChangesGrain>(0).Subscribe(reference).WaitAsync(Limit, clock, stoppingToken);
            Become(isLive: true);
            Move(at => at.Renew(mark));
            await Task.Delay(OnTheWay, clock, stoppingToken);
            Move(at => at.Settle());
        }
        catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
        {
            // The top of a loop: it is tried again until it is told to stop.
            LogNotRenewed(failure.Message);
            Become(isLive: false);
        }
    }

    private void Become(bool isLive)
    {
        if (health.IsLive != isLive)
        {
            health = new(isLive, clock.GetUtcNow());
            Say(Change.Anything);
        }
    }

    private void Move(Func<FeedPosition, (FeedPosition Next, bool IsLost)> step)
    {
        bool isLost;
        lock (gate)
        {
            (position, isLost) = step(position);
        }

        if (isLost)
        {
            Say(Change.Anything);
        }
    }

    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(4); // that it is not live is known 10 s after the fact at the latest
    private static readonly TimeSpan OnTheWay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private sealed class Observer(ChangeFeed feed) : IChangeObserver
    {
        public Task Changed(ChangeBatch batch)
        {
            feed.Move(at => at.Take(batch.Mark));
            feed.listeners.Tell(batch.Changes);
            return Task.CompletedTask;
        }
    }

    [LoggerMessage(5501, LogLevel.Warning, "That something has changed can't be heard at the moment, trying again: {Reason}", EventName = "FeedNotRenewed")]
    private partial void LogNotRenewed(string reason);
}

/// <summary>Whether changes arrive.</summary>
/// <param name="IsLive">They do; else what is shown may be old.</param>
/// <param name="Since">Since when it is so.</param>
public sealed record FeedHealth(bool IsLive, DateTimeOffset Since);

/// <summary>Puts it together.</summary>
internal static class ChangeFeedSetup
{
    /// <summary>Lets this process hear of changes. After the silo, or the client of one.</summary>
    public static IServiceCollection AddChangeFeed(this IServiceCollection services) =>
        services.AddSingleton<ChangeFeed>().AddHostedService(provider => provider.GetRequiredService<ChangeFeed>());
}
