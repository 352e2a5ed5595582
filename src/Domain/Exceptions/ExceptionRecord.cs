using System.Text.Json.Serialization;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Exceptions;

/// <summary>Packages that a person wants left as they are on one target, by every operation, until it is taken back or expires.</summary>
public sealed record ExceptionRecord
{
    /// <summary>The exception.</summary>
    public required ExceptionId Id { get; init; }

    /// <summary>What it holds for, and for nothing else: a host's exception is not its guests'.</summary>
    public required ExceptionTarget Target { get; init; }

    /// <summary>The target's id in the API when it was made.</summary>
    public required string AgentId { get; init; }

    /// <summary>Valid <see cref="PackagePattern"/>s, at least one.</summary>
    public required IReadOnlyList<string> PackageNames { get; init; }

    /// <summary>Why, as a person said; null when nobody did.</summary>
    public string? Reason { get; init; }

    /// <summary>From when on it does not hold any more; null: until it is taken back.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Who made it.</summary>
    public required string CreatedBy { get; init; }

    /// <summary>When, by the server's clock.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Whether it does not hold any more.</summary>
    public bool IsExpired(DateTimeOffset now) => ExpiresAt <= now;
}

/// <summary>What an exception holds for. Not the agent's id: a host that is registered again must keep its brakes.</summary>
/// <param name="Cluster">The cluster, or the machine outside Proxmox VE.</param>
/// <param name="Vmid">The guest; null when the node itself is meant.</param>
/// <param name="Node">The node; null when a guest is meant, which may move.</param>
public sealed record ExceptionTarget(
    ClusterId Cluster,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Vmid? Vmid,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] NodeName? Node)
{
    /// <summary>The target of an operation.</summary>
    public static ExceptionTarget Of(OperationRecord operation) => Of(operation.Cluster, operation.Vmid, operation.Node);

    /// <summary>A guest wherever it is, or the node when there is no guest.</summary>
    public static ExceptionTarget Of(ClusterId cluster, Vmid? vmid, NodeName node) => vmid is null ? new(cluster, null, node) : new(cluster, vmid, null);
}

/// <summary>Changes an exception: what is null stays as it is.</summary>
/// <param name="PackageNames">The new names.</param>
/// <param name="Reason">The new reason, which may be none.</param>
/// <param name="ExpiresAt">The new end, which may be none.</param>
public sealed record PackageExceptionChange(IReadOnlyList<string>? PackageNames, Guests.Change<string?>? Reason, Guests.Change<DateTimeOffset?>? ExpiresAt);
