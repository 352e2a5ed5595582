using NannyOrleans.Domain;
using NannyOrleans.Domain.Operations;

namespace NannyOrleans.Api.Reboots;

/// <summary>A restart as shown.</summary>
internal sealed record RebootView(
    string Id,
    string AgentId,
    string Name,
    string Node,
    string? Reason,
    string Status,
    Refusal? Failure,
    string? WaitingFor,
    bool CancelRequested,
    string RequestedBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? CompletedAt,
    LateAnswer? LateAnswer)
{
    /// <summary>The target's cluster, or the machine outside Proxmox VE that is the target.</summary>
    public string? Cluster { get; init; }

    /// <summary>The campaign it is part of; null when it is part of none.</summary>
    public string? Campaign { get; init; }

    /// <summary>The view of an operation.</summary>
    public static RebootView Of(OperationRecord operation) => new(
        operation.Id.Value,
        operation.Target,
        operation.Name,
        operation.Node.Value,
        operation.Reason,
        operation switch
        {
            { Status: OperationStatus.Succeeded } => "completed",
            { IsTimedOutReboot: true } => "timeout",
            _ => operation.Status.ToString().ToLowerInvariant(),
        },
        operation.Failure,
        operation.WaitingFor,
        operation.CancelRequested,
        operation.RequestedBy,
        operation.CreatedAt,
        operation.StartedAt,
        operation.CompletedAt,
        operation.LateAnswer)
    {
        Cluster = operation.Cluster.Value,
        Campaign = operation.Campaign?.Value,
    };
}
