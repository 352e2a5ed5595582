using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Nodes;

/// <summary>The decisions about one PVE host's agent and its jobs.</summary>
public static class NodeMachine
{
    /// <summary>Guest jobs that run side by side on one host unless it is set otherwise; more wait in the outbox. A host has its own work to do beside them.</summary>
    public const int GuestJobsAtOnce = 4;

    /// <summary>Diagnoses side by side on one host; more wait. They only read, but a thousand of them at once are work too.</summary>
    public const int DiagnosesAtOnce = 4;

    /// <summary>Jobs that may wait for one host; one more is refused.</summary>
    public const int OutboxLimit = 1000;

    /// <summary>
    /// How long a session counts as live after it was last renewed. The connection itself notices loss sooner; this is for an Api process
    /// that died without saying so.
    /// </summary>
    public static readonly TimeSpan SessionLife = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Whether an Api process should send an agent elsewhere that it could not keep a session for: over and over, nothing reaches the agent
    /// through it, and another process may do better. Twice a session's life, since all agents come back at once when it was the silos.
    /// </summary>
    /// <param name="sinceRenewed">How long ago its session was last renewed, by the process' own clock.</param>
    public static bool IsCutOff(TimeSpan sinceRenewed) => sinceRenewed >= 2 * SessionLife;

    /// <summary>
    /// How much longer than its timeout a restart is waited for: its agent, which has the last word while it can speak, needs time to come up,
    /// connect and say it.
    /// </summary>
    public static readonly TimeSpan RebootAllowance = TimeSpan.FromMinutes(2);

    /// <summary>Takes an approved agent. The one before, if any, may not speak for the node any more.</summary>
    public static NodeState Enrol(NodeState node, Enrolment enrolment) => node.Agent == enrolment.Agent
        ? node
        : node with { Agent = enrolment.Agent, Hostname = enrolment.Hostname, Epoch = node.Epoch + 1 };

    /// <summary>Takes the agent's power away: nobody speaks for the node until another one is approved.</summary>
    public static NodeState Revoke(NodeState node) => node.Agent is null ? node : node with { Agent = null, Epoch = node.Epoch + 1 };

    /// <summary>Opens a session for the agent: the epoch is counted up, so that an older session's words are ignored from now on.</summary>
    public static Outcome<NodeState> Attach(NodeState node, AgentId agent) => Speaks(node, agent) is { } refusal
        ? refusal
        : node with { Epoch = node.Epoch + 1 };

    /// <summary>Queues a job. The same id again changes nothing.</summary>
    public static Outcome<NodeState> Enqueue(NodeState node, OutboxEntry entry) => node switch
    {
        _ when Find(node, entry.Job.Id) is not null => node,
        { Agent: null } => new Refusal("no-agent", "No agent is registered for the node this guest is on."),
        { Outbox.Count: >= OutboxLimit } => new Refusal("outbox-full", $"{OutboxLimit} jobs wait for this node already."),
        _ => node with { Outbox = [.. node.Outbox, entry] },
    };

    /// <summary>
    /// Takes what the agent says of a job on its way; a job that is not in the outbox has been closed and is no news. A final report
    /// leaves the entry in place until <see cref="Close"/>: the operation must be stored as ended first.
    /// </summary>
    public static Outcome<NodeState> Report(NodeState node, AgentId agent, JobReport report, DateTimeOffset now)
    {
        if (Speaks(node, agent) is { } refusal)
        {
            return refusal;
        }

        // Each write is one the agent waits for. Of its words only the first changes what is sent from now on, and the last one's entry is
        // about to be closed; the operation stores all of them. That a restart has begun is stored too: from then on the server waits for its end.
        var entry = Find(node, report.Id);
        // That one waits for a lock, and that it does not any more, decides about the next one's turn.
        var begins = (entry?.Job is RebootHost or RebootGuest || entry?.Waits is true) && report.Outcome is JobOutcome.Running;
        if (entry is { Waits: false, LastOutcome: null or JobOutcome.Accepted, Job: not Diagnose } && report is { Outcome: JobOutcome.Accepted, Detail: not (null or "") })
        {
            return node with { Outbox = [.. node.Outbox.Select(known => known == entry ? entry with { LastOutcome = report.Outcome, Agent = agent, HeardAt = now, Waits = true } : known)] };
        }

        return entry is null || entry.LastOutcome == report.Outcome || (entry.Agent == agent && !begins && (entry.LastOutcome is not null || report.Outcome.IsFinal()))
            ? node
            : node with { Outbox = [.. node.Outbox.Select(known => known == entry ? entry with { LastOutcome = report.Outcome, Agent = agent, HeardAt = now, Waits = false } : known)] };
    }

    /// <summary>
    /// Restarts that should have ended by now. Those that have begun, and of the host's own those that a silent agent has taken: it begins them
    /// at once, and the word that it did may have been lost with the connection. Their jobs stay where they are: nothing else may be sent to a
    /// host in the middle of it, and what its agent says in the end is still wanted.
    /// </summary>
    /// <param name="node">The node.</param>
    /// <param name="isOnline">Whether the agent is connected.</param>
    /// <param name="now">When.</param>
    public static IEnumerable<(OutboxEntry Entry, TimeSpan Waited)> Overdue(NodeState node, bool isOnline, DateTimeOffset now) =>
        from entry in node.Outbox
        where entry.Job is RebootHost or RebootGuest && IsWithAgent(node, entry)
        where entry.LastOutcome is JobOutcome.Running || (entry.LastOutcome is JobOutcome.Accepted && entry.Job is RebootHost && !isOnline)
        let waited = now - (entry.HeardAt ?? entry.Operation.CreatedAt)
        where waited > TimeSpan.FromSeconds(entry.Job.TimeoutSeconds) + RebootAllowance
        select (entry, waited);

    /// <summary>Whether a report says anything that the job's operation does not know. That its agent has it is where every operation begins.</summary>
    /// <param name="node">The node before the report.</param>
    /// <param name="report">What the agent says.</param>
    public static bool IsNews(NodeState node, JobReport report) => report is not { Outcome: JobOutcome.Accepted, Detail: null or "" }
        || Find(node, report.Id)?.LastOutcome is not null;

    /// <summary>A job that is on its way; null when it is over, or was never here.</summary>
    public static OutboxEntry? Find(NodeState node, JobId job)
    {
        foreach (var entry in node.Outbox)
        {
            if (entry.Job.Id == job)
            {
                return entry;
            }
        }

        return null;
    }

    /// <summary>Whether what became of a job may make others due: it is over, or begins or ends to wait for something.</summary>
    /// <param name="before">The node before it.</param>
    /// <param name="after">The node since.</param>
    /// <param name="job">The job.</param>
    public static bool LetsOthersIn(NodeState before, NodeState after, JobId job) => !ReferenceEquals(before, after) && Find(before, job)?.Waits != Find(after, job)?.Waits;

    /// <summary>Drops a job whose operation is stored as ended. Dropping it twice changes nothing.</summary>
    public static NodeState Close(NodeState node, JobId job) => Find(node, job) is not null
        ? node with { Outbox = [.. node.Outbox.Where(known => known.Job.Id != job)] }
        : node;

    /// <summary>
    /// Jobs the present agent should have by now, in the order they came. Sending one again is always safe. One job at a time for each
    /// target; guests' side by side up to a limit; a job of the host itself waits for all that came before it and holds back all that came
    /// after. A diagnosis only reads, and waits for other diagnoses alone.
    /// </summary>
    /// <param name="node">The node.</param>
    /// <param name="guestsAtOnce">Guest jobs side by side, 1 or more, beside as many that wait for something. What was sent under a greater limit is due all the same.</param>
    public static IReadOnlyList<OutboxEntry> Due(NodeState node, int guestsAtOnce = GuestJobsAtOnce)
    {
        if (node.Outbox.Count is 0)
        {
            return [];
        }

        var due = new List<OutboxEntry>();
        var busy = new HashSet<Vmid>();
        var (hostHeld, anyBefore) = (false, false);
        var (guests, waiting, diagnoses) = (0, 0, 0);
        foreach (var entry in node.Outbox)
        {
            if (!IsWithAgent(node, entry))
            {
                continue;
            }

            diagnoses += entry.Job is Diagnose ? 1 : 0;
            guests += entry.Job is not Diagnose && entry.Job.Target is not null ? 1 : 0;
            waiting += entry.Waits && entry.Job is not Diagnose && entry.Job.Target is not null ? 1 : 0;
        }

        // A job that waits for a lock, perhaps for hours, holds none of the host's places; but no more of them than there are places, as they
        // may all be let go at once.
        var free = guestsAtOnce - (guests - waiting) - Math.Max(0, waiting - guestsAtOnce);
        var freeDiagnoses = DiagnosesAtOnce - diagnoses;
        foreach (var entry in node.Outbox)
        {
            if (IsOrphan(node, entry) || IsCancelledUnsent(entry))
            {
                continue;
            }

            if (IsWithAgent(node, entry))
            {
                due.Add(entry);
            }
            else if (entry.Job is Diagnose)
            {
                if (freeDiagnoses-- > 0)
                {
                    due.Add(entry);
                }
            }
            else if (entry.Job.Target is not { } vmid)
            {
                if (!anyBefore)
                {
                    due.Add(entry);
                }
            }
            else if (!hostHeld && free > 0 && !busy.Contains(vmid))
            {
                due.Add(entry);
                free--;
            }

            if (entry.Job is not Diagnose)
            {
                anyBefore = true;
                _ = entry.Job.Target is { } target ? busy.Add(target) : hostHeld = true;
            }
        }

        return due;
    }

    /// <summary>Whether any job has not gone to an agent yet.</summary>
    public static bool HasUnsent(NodeState node)
    {
        foreach (var entry in node.Outbox)
        {
            if (entry.Agent is null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Notes which agent gets the jobs that are due. Stored before they are sent: from then on no other agent may.</summary>
    public static NodeState Assign(NodeState node, int guestsAtOnce = GuestJobsAtOnce)
    {
        if (!HasUnsent(node))
        {
            return node;
        }

        var due = Due(node, guestsAtOnce).Where(entry => entry.Agent is null).Select(entry => entry.Job.Id).ToHashSet();
        return due.Count is 0
            ? node
            : node with { Outbox = [.. node.Outbox.Select(entry => due.Contains(entry.Job.Id) ? entry with { Agent = node.Agent } : entry)] };
    }

    /// <summary>Notes that a job is to be ended. One that is not in the outbox is over; asking twice changes nothing.</summary>
    public static NodeState Cancel(NodeState node, JobId job) => node.Outbox.Any(entry => entry.Job.Id == job && !entry.CancelRequested)
        ? node with { Outbox = [.. node.Outbox.Select(entry => entry.Job.Id == job ? entry with { CancelRequested = true } : entry)] }
        : node;

    /// <summary>Jobs of which the agent is to be told, again and again until their end comes, that they are to be ended.</summary>
    public static IEnumerable<OutboxEntry> ToCancel(NodeState node) => node.Outbox.Where(entry => entry.CancelRequested && IsWithAgent(node, entry));

    /// <summary>Jobs that were cancelled before any agent got them; they never run.</summary>
    public static IEnumerable<OutboxEntry> CancelledUnsent(NodeState node) => node.Outbox.Where(IsCancelledUnsent);

    /// <summary>Takes back the jobs that no agent got before it was too late to begin. Stored before anything else is sent: from then on none can.</summary>
    public static NodeState Expire(NodeState node, DateTimeOffset now) => node.Outbox.Any(entry => IsLate(entry, now) && !entry.CancelRequested)
        ? node with { Outbox = [.. node.Outbox.Select(entry => IsLate(entry, now) ? entry with { CancelRequested = true } : entry)] }
        : node;

    /// <summary>How a job ends that was cancelled, or came too late, before it was sent.</summary>
    public static JobReport EndOfUnsent(OutboxEntry entry, DateTimeOffset now) => IsLate(entry, now)
        ? new(entry.Job.Id, JobOutcome.Failed, $"not started: the agent could not be reached by {entry.Job.StartBy:u}, and then it was too late to begin")
        : new(entry.Job.Id, JobOutcome.Cancelled, "It was cancelled before it was sent to the agent.");

    /// <summary>Why this agent may not speak for the node; null when it may.</summary>
    public static Refusal? Speaks(NodeState node, AgentId agent) => node.Agent == agent
        ? null
        : new("not-this-nodes-agent", "This agent is not, or no longer, the one registered for this node. Register it again.");

    /// <summary>Jobs that went to an agent since replaced: the new agent has no journal of them and would start them a second time.</summary>
    public static IEnumerable<OutboxEntry> Orphans(NodeState node) => node.Outbox.Where(entry => IsOrphan(node, entry));

    /// <summary>
    /// How an orphan ends: nobody can be asked any more what became of it. Even "accepted" was only the last word that arrived.
    /// </summary>
    public static JobReport EndOf(OutboxEntry orphan) =>
        new(orphan.Job.Id, JobOutcome.Interrupted, "The node's agent was registered anew, or revoked, before the end of this was known.");

    private static bool IsOrphan(NodeState node, OutboxEntry entry) => entry.Agent is { } agent && agent != node.Agent;

    private static bool IsWithAgent(NodeState node, OutboxEntry entry) => entry.Agent is { } agent && agent == node.Agent;

    private static bool IsLate(OutboxEntry entry, DateTimeOffset now) => entry.Agent is null && entry.Job.StartBy < now;

    private static bool IsCancelledUnsent(OutboxEntry entry) => entry is { CancelRequested: true, Agent: null };
}
