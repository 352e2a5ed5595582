using Orleans.Concurrency;

namespace NannyOrleans.Grains.Changes;

/// <summary>Passes on to the Api processes that something has changed. There is one, key 0. It stores nothing: its next life says so by another epoch.</summary>
[GrainInterfaceType("changes")]
public interface IChangesGrain : IGrainWithIntegerKey
{
    /// <summary>Tells all who listen.</summary>
    /// <returns>Whether anybody does.</returns>
    [Alias("Publish")]
    Task<bool> Publish(IReadOnlyList<Change> changes);

    /// <summary>Listens from now on; to be renewed, or it ends after <see cref="ChangesGrain.Life"/>.</summary>
    /// <returns>How far the feed is: later batches are told to the observer.</returns>
    [Alias("Subscribe")]
    Task<FeedMark> Subscribe(IChangeObserver observer);

    /// <summary>Listens no more.</summary>
    [Alias("Unsubscribe")]
    Task Unsubscribe(IChangeObserver observer);
}

/// <summary>An Api process that listens. Nobody waits for it: that something got lost shows in the numbers.</summary>
[GrainInterfaceType("change-observer")]
public interface IChangeObserver : IGrainObserver
{
    /// <summary>Something has changed.</summary>
    [OneWay]
    [Alias("Changed")]
    Task Changed(ChangeBatch batch);
}
