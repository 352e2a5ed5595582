using Microsoft.Extensions.Logging;
using Orleans.Utilities;

namespace NannyOrleans.Grains.Changes;

[GrainType("changes")]
internal sealed class ChangesGrain(TimeProvider clock, ILogger<ChangesGrain> logger) : Grain, IChangesGrain
{
    /// <summary>How long an observer is told without being renewed: several of an Api's renewals may get lost.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromSeconds(30);

    private readonly ObserverManager<IChangeObserver> observers = new(Life, logger) { GetDateTime = () => clock.GetUtcNow().UtcDateTime };
    private FeedMark mark = new(Guid.NewGuid(), 0);

    public async Task<bool> Publish(IReadOnlyList<Change> changes)
    {
        mark = mark with { Number = mark.Number + 1 }; // also if nobody listens: who was dropped and comes back has to see that it missed something
        observers.ClearExpired();
        if (observers.Count is 0)
        {
            return false;
        }

        var batch = new ChangeBatch(mark, changes);
        await observers.Notify(observer => observer.Changed(batch)); // and drops those that fail
        return true;
    }

    public Task<FeedMark> Subscribe(IChangeObserver observer)
    {
        observers.Subscribe(observer, observer);
        return Task.FromResult(mark);
    }

    public Task Unsubscribe(IChangeObserver observer)
    {
        observers.Unsubscribe(observer);
        return Task.CompletedTask;
    }
}
