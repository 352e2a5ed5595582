using System.Text.Json.Serialization;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Operations;

/// <summary>One patch of one target, from the request to its end. What the target printed is stored beside it, not in it.</summary>
public sealed record OperationRecord
{
    /// <summary>The operation, and its job.</summary>
    public required JobId Id { get; init; }

    /// <summary>The target.</summary>
    public required ClusterId Cluster { get; init; }

    /// <summary>The target's number.</summary>
    public required Vmid Vmid { get; init; }

    /// <summary>The target's name when it was asked for.</summary>
    public required string Name { get; init; }

    /// <summary>The node whose agent carries it out.</summary>
    public required NodeName Node { get; init; }

    /// <summary>The family the target was taken for.</summary>
    public required PlatformFamily Family { get; init; }

    /// <summary>List or install.</summary>
    public required PatchMode Mode { get; init; }

    /// <summary>Packages to leave alone.</summary>
    public required IReadOnlyList<string> Exclusions { get; init; }

    /// <summary>The script, by name and content.</summary>
    public required ScriptReference Script { get; init; }

    /// <summary>Who asked for it.</summary>
    public required string RequestedBy { get; init; }

    /// <summary>When it was asked for, by the server's clock.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>How far it is.</summary>
    public OperationStatus Status { get; init; }

    /// <summary>When it started, by the host's clock; null when it has not.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended, by the host's clock where the host said so; null while it has not.</summary>
    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>The script's exit code; null when it did not run to its end.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Why it did not succeed; null otherwise.</summary>
    public Refusal? Failure { get; init; }

    /// <summary>What the script found; null when it said nothing readable.</summary>
    public PatchFindings? Findings { get; init; }
}

/// <summary>How far an operation is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OperationStatus>))]
public enum OperationStatus
{
    /// <summary>Stored; the agent has not started it (it may be offline).</summary>
    [JsonStringEnumMemberName("pending")]
    Pending,

    /// <summary>The agent has started it.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>Final: everything asked for was done.</summary>
    [JsonStringEnumMemberName("succeeded")]
    Succeeded,

    /// <summary>Final: it was not, or not all of it.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>Final: it was started and nobody knows how it ended.</summary>
    [JsonStringEnumMemberName("interrupted")]
    Interrupted,
}

/// <summary>What an operation's target printed.</summary>
/// <param name="StandardOutput">Standard output as far as kept.</param>
/// <param name="StandardError">Standard error as far as kept.</param>
public sealed record OperationOutput(string StandardOutput, string StandardError);
