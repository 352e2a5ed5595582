using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Http;
using NannyOrleans.Api.Patches;
using NannyOrleans.Api.Telemetry;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Diagnoses;

/// <summary>Why a host, guest or machine can't be patched.</summary>
internal static class DiagnosisEndpoints
{
    public static void MapDiagnoses(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/api/agents/{id}/diagnose", Start).Needs(Powers.Operate).WithTags("Diagnoses").WithName("DiagnoseAgent")
            .WithSummary("Look why it can't be patched: checks that change nothing. The answer is at the Location.");
        routes.MapGet("/api/diagnoses/{id}", Get).Needs(Powers.View).WithTags("Diagnoses").WithName("GetDiagnosis").WithSummary("One diagnosis, with its checks once it has ended.");
    }

    /// <param name="id">Its id, or any short form that means one thing alone.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="log">Queues it.</param>
    /// <param name="clock">The server's clock.</param>
    internal static async Task<Results<Accepted<DiagnosisView>, ProblemHttpResult>> Start(string id, Requester who, IGrainFactory grains, OperationLog log, TimeProvider clock)
    {
        var (found, problem) = await grains.ResolveAgent(id, who);
        if (found is null)
        {
            return problem!;
        }

        // The agent inside a VM sees more; but when that is what is wrong, the host still does.
        var inside = await grains.Inside(found);
        var target = OperationTarget.Of(inside.Node.Status is NodeStatus.Online or NodeStatus.Maintenance && who.Refused(inside.Cluster) is null ? inside : found);
        if (target.IsRefused)
        {
            return TypedResults.Problem(target.Refusal.ToProblem());
        }

        var now = clock.GetUtcNow();
        var queued = await log.Queue(target.Value.Diagnose(PatchStart.NewId(now), who.Name, now));
        return queued.IsRefused
            ? TypedResults.Problem(queued.Refusal.ToProblem())
            : TypedResults.Accepted($"/api/diagnoses/{queued.Value.Id}", DiagnosisView.Of(queued.Value));
    }

    /// <param name="id">The diagnosis's id.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Ok<DiagnosisView>, ProblemHttpResult>> Get(string id, Requester who, IGrainFactory grains)
    {
        var (operation, problem) = await grains.FindOperation(id, OperationKind.Diagnosis, who);
        return operation is null ? problem! : TypedResults.Ok(DiagnosisView.Of(operation));
    }
}

/// <summary>A diagnosis as shown.</summary>
/// <param name="Id">Its id.</param>
/// <param name="AgentId">What was looked at.</param>
/// <param name="Name">Its name.</param>
/// <param name="Node">The node whose agent looked.</param>
/// <param name="Status">How far it is.</param>
/// <param name="Failure">Why it did not come to its end; null otherwise.</param>
/// <param name="Checks">What was found; null until it has ended, and when that can't be told.</param>
/// <param name="RequestedBy">Who asked.</param>
/// <param name="CreatedAt">When it was asked for.</param>
/// <param name="CompletedAt">When it ended; null while it has not.</param>
internal sealed record DiagnosisView(
    string Id,
    string AgentId,
    string Name,
    string Node,
    OperationStatus Status,
    Refusal? Failure,
    IReadOnlyList<Check>? Checks,
    string RequestedBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset? CompletedAt)
{
    /// <summary>The target's cluster, or the machine outside Proxmox VE that is the target.</summary>
    public string? Cluster { get; init; }

    /// <summary>The view of an operation.</summary>
    public static DiagnosisView Of(OperationRecord operation) => new(
        operation.Id.Value,
        operation.Target,
        operation.Name,
        operation.Node.Value,
        operation.Status,
        operation.Failure,
        operation.Diagnosis?.Checks,
        operation.RequestedBy,
        operation.CreatedAt,
        operation.CompletedAt)
    {
        Cluster = operation.Cluster.Value,
    };
}
