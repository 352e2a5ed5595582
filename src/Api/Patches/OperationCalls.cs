using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Http;
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
    /// <summary>The operation of an id and kind, or the 404 or 403 that says why there is none. A malformed id wakes no grain.</summary>
    internal static async Task<(OperationRecord? Operation, ProblemHttpResult? Problem)> FindOperation(this IGrainFactory grains, string id, OperationKind kind, Requester who)
    {
        if (!JobId.TryParse(id, null, out var job) || await grains.GetGrain<IOperationGrain>(job.Value).Get() is not { } operation || operation.Kind != kind || !who.Sight.Sees(operation.Cluster))
        {
            return (null, TypedResults.Problem(Problems.NotFound(kind is OperationKind.Patch ? "patch operation" : $"{kind}".ToLowerInvariant(), id)));
        }

        return who.Refused(operation.Cluster) is { } refused ? (null, refused) : (operation, null);
    }

    /// <summary>Ends an operation, or says why that can't be.</summary>
    internal static Task<Outcome<OperationRecord>> Cancel(this IGrainFactory grains, OperationRecord operation) =>
        grains.GetGrain<INodeGrain>(new NodeKey(operation.Cluster, operation.Node).ToString()).Cancel(operation.Id);
}
