using System.Text.Json.Serialization;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Domain.Batches;

/// <summary>Patches of many targets that were asked for as one. Targets and their operations' ids are fixed from the start.</summary>
public sealed record BatchState
{
    /// <summary>The most targets.</summary>
    public const int MaxTargets = 10_000;

    /// <summary>The batch; null before it was started.</summary>
    public JobId? Id { get; init; }

    /// <summary>What is done to each target; null before it was started.</summary>
    public PatchOrder? Order { get; init; }

    /// <summary>When it was asked for, by the server's clock.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Whether a person has ended it: nothing more is started.</summary>
    public bool Cancelled { get; init; }

    /// <summary>All targets, in the order they were asked for.</summary>
    public IReadOnlyList<BatchTarget> Targets { get; init; } = [];
}

/// <summary>One target of a batch.</summary>
/// <param name="Operation">The id its operation has, or will have: given before anything is started, so that starting twice is starting once.</param>
/// <param name="AgentId">The target's id in the API; what was typed where that means nothing.</param>
/// <param name="Cluster">Its cluster; null where it means nothing.</param>
/// <param name="Vmid">The guest; null when it is a node.</param>
/// <param name="Node">The node; null when it is a guest, which may move.</param>
/// <param name="Step">How far it is.</param>
/// <param name="Refusal">Why it was not started; null otherwise.</param>
public sealed record BatchTarget(JobId Operation, string AgentId, ClusterId? Cluster, Vmid? Vmid, NodeName? Node, BatchStep Step, Refusal? Refusal);

/// <summary>How far the start of one target is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<BatchStep>))]
public enum BatchStep
{
    /// <summary>To be started, for all that is stored; starting it again is harmless.</summary>
    [JsonStringEnumMemberName("waiting")]
    Waiting,

    /// <summary>Its operation is there and says the rest.</summary>
    [JsonStringEnumMemberName("started")]
    Started,

    /// <summary>Final: there is no operation and there will be none.</summary>
    [JsonStringEnumMemberName("refused")]
    Refused,
}
