using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Operations;

/// <summary>Which operations are wanted. What is null does not matter.</summary>
/// <param name="Kind">Patches, restarts or diagnoses.</param>
/// <param name="Skip">How many of those selected are left out at the start.</param>
/// <param name="Take">How many are answered at most.</param>
public sealed record OperationQuery(OperationKind Kind, int Skip, int Take)
{
    /// <summary>Any of these.</summary>
    public IReadOnlyList<OperationStatus>? Statuses { get; init; }

    /// <summary>Beside <see cref="Statuses"/> also restarts that timed out; failed ones are without them.</summary>
    public bool TimedOut { get; init; }

    /// <summary>List or install.</summary>
    public PatchMode? Mode { get; init; }

    /// <summary>The target's whole id.</summary>
    public string? Target { get; init; }

    /// <summary>The target's name when it was asked for.</summary>
    public string? Name { get; init; }

    /// <summary>The node whose agent carries it out.</summary>
    public string? Node { get; init; }

    /// <summary>The cluster's or machine's id.</summary>
    public string? Cluster { get; init; }

    /// <summary>In any of these clusters and machines: whoever asks sees no others. Null: all.</summary>
    public IReadOnlyList<string>? Clusters { get; init; }

    /// <summary>The batch it is part of.</summary>
    public JobId? Batch { get; init; }

    /// <summary>Who asked for it.</summary>
    public string? RequestedBy { get; init; }

    /// <summary>Asked for then or later.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Asked for before then.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>By what they are sorted; those that are equal in it, the newest first.</summary>
    public OperationOrder Order { get; init; }

    /// <summary>Whether the order is turned round: the greatest first.</summary>
    public bool Descending { get; init; } = true;
}

/// <summary>By what operations are sorted.</summary>
public enum OperationOrder
{
    /// <summary>When they were asked for.</summary>
    CreatedAt,

    /// <summary>When they ended; those that have not come last.</summary>
    CompletedAt,

    /// <summary>Their status's name.</summary>
    Status,

    /// <summary>Their target's name.</summary>
    Name,

    /// <summary>Their node's name.</summary>
    Node,
}

/// <summary>Some of the operations that a query selects.</summary>
/// <param name="Total">How many it selects in all.</param>
/// <param name="Operations">Those of the page.</param>
public sealed record OperationPage(int Total, IReadOnlyList<OperationRecord> Operations);
