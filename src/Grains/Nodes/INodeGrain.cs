using NannyOrleans.Domain;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Metrics;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Protocol.Metrics;
using Orleans.Concurrency;

namespace NannyOrleans.Grains.Nodes;

/// <summary>One PVE host; key: <c>{cluster}/{node}</c>. It alone sends jobs to the node's agent.</summary>
[GrainInterfaceType("node")]
public interface INodeGrain : IGrainWithStringKey
{
    /// <summary>Takes the agent a person approved; the one before, if any, is cut off and its unfinished jobs end.</summary>
    [Alias("Enrol")]
    Task Enrol(Enrolment enrolment);

    /// <summary>Takes the agent's power away: it is cut off, and its unfinished jobs end. Repeating it changes nothing.</summary>
    [Alias("Revoke")]
    Task Revoke();

    /// <summary>Opens a session; what is due is sent down it from now on. Hold the observer while the connection lives.</summary>
    [Alias("Attach")]
    Task<Outcome<SessionTicket>> Attach(AgentId agent, IAgentSession session);

    /// <summary>Keeps a session alive, also over a restart of this grain's silo. False: it is not the newest any more; close it.</summary>
    [Alias("Renew")]
    Task<bool> Renew(SessionTicket ticket, IAgentSession session);

    /// <summary>Ends a session. An older one's end changes nothing.</summary>
    [Alias("Detach")]
    Task Detach(SessionTicket ticket);

    /// <summary>Takes an inventory, or what has changed since the last; what is news in it is stored when this returns.</summary>
    /// <returns>All that the node has said by now; a refusal <see cref="InventoryMachine.NeedsWhole"/> when this one builds on another.</returns>
    [Alias("RecordInventory")]
    Task<Outcome<NodeInventory>> RecordInventory(AgentId agent, Inventory inventory);

    /// <summary>Takes a sample. Kept in memory for a day; the means over five minutes go to history.</summary>
    /// <returns>Why not; null when it was taken.</returns>
    [Alias("RecordMetrics")]
    Task<Refusal?> RecordMetrics(AgentId agent, NodeMetrics metrics);

    /// <summary>All that the node has said.</summary>
    [AlwaysInterleave]
    [Alias("Inventory")]
    Task<NodeInventory> Inventory();

    /// <summary>The samples in memory of a time, the oldest first.</summary>
    [AlwaysInterleave]
    [Alias("Samples")]
    Task<IReadOnlyList<NodeSample>> Samples(DateTimeOffset from, DateTimeOffset to);

    /// <summary>Asks the node's agent for a whole inventory at once.</summary>
    /// <returns>Why not; null when it was asked. Its answer is the next inventory.</returns>
    [Alias("Discover")]
    Task<Refusal?> Discover(Discover ask);

    /// <summary>Takes a job report; stored when this returns. Repeating it changes nothing.</summary>
    [Alias("TakeReport")]
    Task<Outcome<TakenReport>> TakeReport(AgentId agent, JobReport report);

    /// <summary>Queues a job and opens its operation; sent at once when the agent is connected, else when it comes back.</summary>
    [Alias("Enqueue")]
    Task<Outcome<OperationRecord>> Enqueue(OutboxEntry entry);

    /// <summary>
    /// Ends a job: one that was not sent never is; of one that was, the agent is told until its end comes. Stored before anybody is told.
    /// </summary>
    /// <returns>The operation as it is now, or why not.</returns>
    [Alias("Cancel")]
    Task<Outcome<OperationRecord>> Cancel(JobId id);

    /// <summary>Ends the operations of restarts that should be over and whose agent says nothing. Asking again changes nothing.</summary>
    [Alias("EndOverdue")]
    Task EndOverdue();

    /// <summary>Whether this agent is the one registered for the node.</summary>
    [AlwaysInterleave]
    [Alias("IsAgent")]
    Task<bool> IsAgent(AgentId agent);
}

/// <summary>A job report that was taken.</summary>
/// <param name="Ended">The operation that it ended; null when it was no end, or had been taken before.</param>
/// <param name="Patches">What is known since of the updates of its guest; null when it has none, or nothing is.</param>
public sealed record TakenReport(OperationRecord? Ended, PatchState? Patches = null);

/// <summary>Names one session of an agent.</summary>
/// <param name="Epoch">
/// Counts the node's sessions; the greatest is the present one. The grain counts, and stores it before it gives it out: no clock has a part
/// in it, nor the process that the agent has come to.
/// </param>
public sealed record SessionTicket(long Epoch);

/// <summary>An agent's connection, wherever it ends. Nobody waits for it: a job that got lost is sent again.</summary>
[GrainInterfaceType("agent-session")]
public interface IAgentSession : IGrainObserver
{
    /// <summary>Sends a job down the connection.</summary>
    [OneWay]
    [Alias("Run")]
    Task Run(Job job);

    /// <summary>Says that a job is to be ended.</summary>
    [OneWay]
    [Alias("Cancel")]
    Task Cancel(CancelJob ask);

    /// <summary>Asks for a whole inventory at once.</summary>
    [OneWay]
    [Alias("Discover")]
    Task Discover(Discover ask);

    /// <summary>Cuts the connection.</summary>
    [OneWay]
    [Alias("Close")]
    Task Close(string reason);
}
