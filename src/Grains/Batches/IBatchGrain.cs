using NannyOrleans.Domain.Batches;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Ids;
using Orleans.Concurrency;

namespace NannyOrleans.Grains.Batches;

/// <summary>One batch of patches; key: its id. It starts its targets' operations and then only asks them.</summary>
[GrainInterfaceType("batch")]
public interface IBatchGrain : IGrainWithStringKey
{
    /// <summary>Takes the order; stored when this returns, started from then on. The same again changes nothing.</summary>
    [Alias("Start")]
    Task Start(BatchState asked);

    /// <summary>Goes on where it was, after a restart.</summary>
    [Alias("Resume")]
    Task Resume();

    /// <summary>Starts nothing more; stored when this returns. Null when there is none of this id.</summary>
    [Alias("Cancel")]
    Task<BatchProgress?> Cancel();

    /// <summary>Forgets the batch: its operations are dropped for their age. One that still has something to start stays.</summary>
    [Alias("Forget")]
    Task Forget();

    /// <summary>How far it is; null when there is none of this id.</summary>
    [AlwaysInterleave]
    [Alias("Get")]
    Task<BatchProgress?> Get();
}

/// <summary>The batches that still have something to start. There is one list, key 0.</summary>
[GrainInterfaceType("unfinished-batches")]
public interface IUnfinishedBatchesGrain : IGrainWithIntegerKey
{
    /// <summary>Adds a batch; stored when this returns.</summary>
    [Alias("Add")]
    Task Add(JobId batch);

    /// <summary>Removes a batch.</summary>
    [Alias("Remove")]
    Task Remove(JobId batch);

    /// <summary>All of them.</summary>
    [Alias("All")]
    Task<IReadOnlyList<JobId>> All();
}

/// <summary>A batch and what has become of its operations.</summary>
/// <param name="Batch">The batch.</param>
/// <param name="Statuses">For each target in order its operation's status; null when there is no operation: not yet, never, or not any more.</param>
public sealed record BatchProgress(BatchState Batch, IReadOnlyList<OperationStatus?> Statuses)
{
    /// <summary>Whether nothing more will come.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsDone => Batch.Targets.Zip(Statuses).All(one => one.First.Step is BatchStep.Refused || (one.First.Step is BatchStep.Started && one.Second?.IsFinal() is not false));
}
