using NannyOrleans.Domain;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Patches;

/// <summary>What all kinds of operations have in common.</summary>
internal static class OperationCalls
{
    /// <summary>The operation of an id and kind; null when there is none. A malformed id wakes no grain.</summary>
    internal static async Task<OperationRecord?> FindOperation(this IGrainFactory grains, string id, OperationKind kind) =>
        JobId.TryParse(id, null, out var job) && await grains.GetGrain<IOperationGrain>(job.Value).Get() is { } operation && operation.Kind == kind ? operation : null;

    /// <summary>Ends an operation, or says why that can't be.</summary>
    internal static Task<Outcome<OperationRecord>> Cancel(this IGrainFactory grains, OperationRecord operation) =>
        grains.GetGrain<INodeGrain>(new NodeKey(operation.Cluster, operation.Node).ToString()).Cancel(operation.Id);
}
