using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Batches;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Batches;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Batches;

/// <summary>Batches: patches of many targets as one. <c>POST /api/patches</c> starts them.</summary>
internal static class BatchEndpoints
{
    /// <summary>Where they are.</summary>
    public const string Path = "/api/patches/batches";

    public static void MapBatches(this IEndpointRouteBuilder routes)
    {
        var batches = routes.MapGroup(Path).WithTags("Patches");
        batches.MapGet("/{id}", Get).Needs(Powers.View).WithName("GetBatch").WithSummary("How far a batch is: how many targets of each status, and each with its operation or why there is none.");
        batches.MapPost("/{id}/cancel", Cancel).Needs(Powers.Operate).WithName("CancelBatch").WithSummary("Ends a batch: what has not been started never is.");
    }

    /// <param name="id">The batch's id, as the request for it was answered with.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Ok<BatchView>, ProblemHttpResult>> Get(string id, Requester who, IGrainFactory grains)
    {
        var (progress, problem) = await Find(id, who, grains);
        return progress is null ? problem! : TypedResults.Ok(BatchView.Of(progress));
    }

    /// <param name="id">The batch's id.</param>
    /// <param name="who">Who ends it.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Accepted<BatchView>, ProblemHttpResult>> Cancel(string id, Requester who, IGrainFactory grains)
    {
        var (found, problem) = await Find(id, who, grains);
        if (found is null)
        {
            return problem!;
        }

        var batch = found.Batch.Id!.Value;
        if (await grains.GetGrain<IBatchGrain>(batch.Value).Cancel() is not { } progress)
        {
            return TypedResults.Problem(Problems.NotFound("batch", id));
        }

        return TypedResults.Accepted($"{Path}/{batch}", BatchView.Of(progress));
    }

    // It is one thing: who does not see all of it does not see it, and who may not touch all of it may not touch it.
    private static async Task<(BatchProgress? Progress, ProblemHttpResult? Problem)> Find(string id, Requester who, IGrainFactory grains)
    {
        if (!JobId.TryParse(id, null, out var batch) || await grains.GetGrain<IBatchGrain>(batch.Value).Get() is not { } progress
            || progress.Batch.Targets.Any(target => target.Cluster is { } cluster && !who.Sight.Sees(cluster)))
        {
            return (null, TypedResults.Problem(Problems.NotFound("batch", id)));
        }

        var refused = progress.Batch.Targets.Select(target => target.Cluster).OfType<ClusterId>().Distinct().Select(who.Refused).FirstOrDefault(refusal => refusal is not null);
        return refused is null ? (progress, null) : (null, refused);
    }
}

/// <summary>A batch as shown.</summary>
internal sealed record BatchView(
    string Id,
    PatchMode Mode,
    IReadOnlyList<string> Exclusions,
    string RequestedBy,
    DateTimeOffset CreatedAt,
    bool Done,
    bool Cancelled,
    int Total,
    IReadOnlyDictionary<string, int> Counts,
    IReadOnlyList<BatchTargetView> Targets)
{
    /// <summary>The view of a batch and its operations.</summary>
    public static BatchView Of(BatchProgress progress)
    {
        var batch = progress.Batch;
        BatchTargetView[] targets = [.. batch.Targets.Zip(progress.Statuses, BatchTargetView.Of)];
        return new(
            batch.Id!.Value.Value, batch.Order!.Mode, batch.Order.Exclusions, batch.Order.RequestedBy, batch.CreatedAt, progress.IsDone, batch.Cancelled, targets.Length,
            targets.CountBy(target => target.Status).OrderBy(count => count.Key, StringComparer.Ordinal).ToDictionary(), targets);
    }
}

/// <summary>One target of a batch as shown.</summary>
/// <param name="AgentId">The target's id; what was typed where that means nothing.</param>
/// <param name="OperationId">Its operation; null while or where there is none.</param>
/// <param name="Status">The operation's status, <c>waiting</c> before there is one, <c>refused</c>, or <c>dropped</c> once it is too old to be kept.</param>
/// <param name="Refusal">Why there is no operation; null otherwise.</param>
internal sealed record BatchTargetView(string AgentId, string? OperationId, string Status, Refusal? Refusal)
{
    /// <summary>The view of a target and its operation's status.</summary>
    public static BatchTargetView Of(BatchTarget target, OperationStatus? status) => new(
        target.AgentId,
        target.Step is BatchStep.Started ? target.Operation.Value : null,
        target.Step switch
        {
            BatchStep.Refused => "refused",
            BatchStep.Waiting => "waiting",
            _ => status?.ToString().ToLowerInvariant() ?? "dropped",
        },
        target.Refusal);
}
