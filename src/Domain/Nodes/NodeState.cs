using System.Text.Json.Serialization;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Nodes;

/// <summary>What is stored of one PVE host.</summary>
public sealed record NodeState
{
    /// <summary>The agent a person approved for this node; null when there is none. A newer approval replaces it.</summary>
    public AgentId? Agent { get; init; }

    /// <summary>The host's name as the agent gave it when it registered.</summary>
    public string? Hostname { get; init; }

    /// <summary>
    /// Counts the agent's sessions; jobs go down the newest alone. 0 before the first. What an older connection still says is taken all
    /// the same: a result is one, whichever way it came.
    /// </summary>
    public long Epoch { get; init; }

    /// <summary>Jobs sent or to be sent and not known to have ended, oldest first.</summary>
    public IReadOnlyList<OutboxEntry> Outbox { get; init; } = [];
}

/// <summary>One job on its way.</summary>
/// <param name="Job">What is sent.</param>
/// <param name="Operation">The operation as it was when the job was queued.</param>
/// <param name="LastOutcome">What the agent last said of it; null until it has said anything.</param>
/// <param name="Agent">The agent it was first sent to, stored before it was; null until then. Another agent can't answer for it.</param>
public sealed record OutboxEntry(Job Job, OperationRecord Operation, JobOutcome? LastOutcome, AgentId? Agent)
{
    /// <summary>Whether a person wants it ended. Stored before anybody is told; one that was not sent by then never is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool CancelRequested { get; init; }

    /// <summary>When the agent's <see cref="LastOutcome"/> came, by the server's clock; null before, and where it was not noted.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? HeardAt { get; init; }

    /// <summary>Where in which trace it was asked for (W3C traceparent); null when nobody recorded that. It says nothing about the job.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Trace { get; init; }

    /// <summary>Whether the agent has it and waits for something, such as a lock, before it starts.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Waits { get; init; }
}

/// <summary>An agent as a person approved it.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Hostname">The host's name.</param>
/// <param name="ClusterName">The cluster's name.</param>
public sealed record Enrolment(AgentId Agent, string Hostname, string ClusterName);
