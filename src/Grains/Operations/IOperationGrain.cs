using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Grains.Operations;

/// <summary>One patch of one target while it is alive; key: the operation's id. When it has ended it is a row in history.</summary>
[GrainInterfaceType("operation")]
public interface IOperationGrain : IGrainWithStringKey
{
    /// <summary>Makes the operation known. Opening it again, or after its end, changes nothing.</summary>
    [Alias("Open")]
    Task Open(OperationRecord operation);

    /// <summary>Takes a job report; a final one is in history when this returns. Repeating it changes nothing.</summary>
    /// <returns>The operation as it is now; null when it was never opened.</returns>
    [Alias("Report")]
    Task<OperationRecord?> Report(JobReport report);

    /// <summary>The operation as it is now; null when there is none of this id.</summary>
    [Alias("Get")]
    Task<OperationRecord?> Get();

    /// <summary>What the target printed; null until the operation has ended.</summary>
    [Alias("GetOutput")]
    Task<OperationOutput?> GetOutput();
}

/// <summary>Where ended operations are kept, with what their targets printed.</summary>
public interface IOperationHistory
{
    /// <summary>Stores an ended operation. One that is there already stays as it is.</summary>
    Task Add(OperationRecord operation, OperationOutput output);

    /// <summary>An ended operation; null when there is none of this id.</summary>
    Task<OperationRecord?> Find(string id);

    /// <summary>What an ended operation's target printed; null when there is none of this id.</summary>
    Task<OperationOutput?> FindOutput(string id);
}
