using NannyOrleans.Domain.Operations;

namespace NannyOrleans.Grains.Operations;

/// <summary>Lists operations, for processes that have no database of their own. There is one name, key 0, and as many activations as are needed.</summary>
[GrainInterfaceType("operations")]
public interface IOperationsGrain : IGrainWithIntegerKey
{
    /// <inheritdoc cref="IOperationHistory.List"/>
    [Alias("List")]
    Task<OperationPage> List(OperationQuery query);
}

[Orleans.Concurrency.StatelessWorker]
[GrainType("operations")]
internal sealed class OperationsGrain(IOperationHistory history) : Grain, IOperationsGrain
{
    public Task<OperationPage> List(OperationQuery query) => history.List(query);
}
