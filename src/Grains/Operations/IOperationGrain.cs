using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;
using Orleans.Concurrency;

namespace NannyOrleans.Grains.Operations;

/// <summary>One operation on one target; key: its id. It is a row in history from its first moment on, and the grain alone changes it.</summary>
[GrainInterfaceType("operation")]
public interface IOperationGrain : IGrainWithStringKey
{
    /// <summary>Makes the operation known. Opening it again, or after its end, changes nothing.</summary>
    [Alias("Open")]
    Task Open(OperationRecord operation);

    /// <summary>Takes a job report; what it changes is in history when this returns. Repeating it changes nothing.</summary>
    /// <returns>The operation as it is now; null when it was never opened.</returns>
    [Alias("Report")]
    Task<OperationRecord?> Report(JobReport report);

    /// <summary>Ends a restart as timed out because its agent has been silent for so long; stored when this returns.</summary>
    /// <returns>Whether it ended by this; it has not when it had ended before.</returns>
    [Alias("GiveUp")]
    Task<bool> GiveUp(TimeSpan waited);

    /// <summary>Notes that a person wants it ended. Whoever sends its job sees to it.</summary>
    /// <returns>The operation as it is now; null when it was never opened.</returns>
    [Alias("Cancel")]
    Task<OperationRecord?> Cancel();

    /// <summary>The operation as it is now; null when there is none of this id.</summary>
    [Alias("Get")]
    Task<OperationRecord?> Get();

    /// <summary>What the target printed; null until the operation has ended.</summary>
    [Alias("GetOutput")]
    Task<OperationOutput?> GetOutput();

    /// <summary>Takes a piece of what the job prints. Kept in memory alone, and only of an operation of that node that has not ended.</summary>
    [Alias("TakeOutput")]
    Task TakeOutput(NodeKey node, JobOutput piece);

    /// <summary>
    /// What was printed from a position on, and how far the operation is. Waits until one of them is news. What was printed before this
    /// grain came to where it is now is not here any more until the operation has ended.
    /// </summary>
    /// <param name="from">How far the caller has read.</param>
    /// <param name="seen">The status the caller knows; null when none.</param>
    /// <param name="wait">How long to wait for news, at most <see cref="OutputPage.MaxWait"/>.</param>
    /// <returns>Null when there is no operation of this id.</returns>
    [AlwaysInterleave]
    [Alias("ReadOutput")]
    Task<OutputPage?> ReadOutput(OutputPosition from, OperationStatus? seen, TimeSpan wait);
}

/// <summary>What somebody who watches an operation is told.</summary>
/// <param name="Operation">The operation as it is now.</param>
/// <param name="Pieces">What was printed; empty when nothing new was.</param>
public sealed record OutputPage(OperationRecord Operation, IReadOnlyList<OutputPiece> Pieces)
{
    /// <summary>The longest wait: well within the time a grain call may take.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(15);
}

/// <summary>Where operations are kept, with what their targets printed.</summary>
public interface IOperationHistory
{
    /// <summary>Stores a new operation, and in the audit log that it is queued. One that is there stays as it is.</summary>
    /// <returns>Whether it is new.</returns>
    Task<bool> Begin(OperationRecord operation);

    /// <summary>Stores an operation that has not ended, new or changed. One that has ended stays as it is.</summary>
    Task Keep(OperationRecord operation);

    /// <summary>Stores an ended operation, and in the audit log that it has ended. One that has ended already stays as it is.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="output">What its target printed.</param>
    /// <param name="reporter">Who says that it has ended, as an actor of the audit log.</param>
    Task Add(OperationRecord operation, OperationOutput output, string reporter);

    /// <summary>Stores what was said of an ended operation after its end, which stays as it is; and in the audit log that it was said.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="reporter">Who says it, as an actor of the audit log.</param>
    Task Amend(OperationRecord operation, string reporter);

    /// <summary>An operation; null when there is none of this id.</summary>
    Task<OperationRecord?> Find(string id);

    /// <summary>What an ended operation's target printed; null when there is none of this id.</summary>
    Task<OperationOutput?> FindOutput(string id);

    /// <summary>How far each operation of a batch is, by its id; those that were dropped for their age are not in it.</summary>
    Task<IReadOnlyDictionary<string, OperationStatus>> StatusesOf(JobId batch);

    /// <summary>The operations that a query selects.</summary>
    Task<OperationPage> List(OperationQuery query);
}
