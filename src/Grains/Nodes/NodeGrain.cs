using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Metrics;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Campaigns;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Guests;
using NannyOrleans.Grains.History;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Grains.Telemetry;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Grains.Nodes;

[GrainType("node")]
internal sealed partial class NodeGrain(
    [PersistentState("node")] IPersistentState<NodeState> stored,
    [PersistentState("inventory")] IPersistentState<NodeInventory> reported,
    IMetricsHistory history,
    IAuditLog audit,
    IOptions<NodeOptions> options,
    Instruments instruments,
    TimeProvider clock,
    ILogger<NodeGrain> logger) : Grain, INodeGrain
{
    private readonly MetricsRing samples = new();
    private RollupSum? rollup;
    private NodeInventory? latest;
    private readonly Dictionary<string, DateTimeOffset> auditAgainAt = [];
    private Session? session;
    private IGrainTimer? soon;

    private NodeKey Key => field ??= NodeKey.Parse(this.GetPrimaryKeyString());

    public async Task Enrol(Enrolment enrolment)
    {
        var before = stored.State.Agent;
        if (before != enrolment.Agent)
        {
            // Before it is so: who may speak for a host is never changed without a word.
            await audit.Add(new(
                clock.GetUtcNow(), $"agent {enrolment.Agent}", before is null ? "register-agent" : "replace-agent", this.GetPrimaryKeyString(), "done",
                $"host {enrolment.Hostname}{(before is { } replaced ? $", instead of agent {replaced}" : string.Empty)}")
            {
                Cluster = Key.Cluster,
            });
        }

        await stored.Replace(NodeMachine.Enrol(stored.State, enrolment), this);
        if (before != enrolment.Agent)
        {
            Log.Enrolled(logger, this.GetPrimaryKeyString(), enrolment.Agent);
            await Cut("Another agent was registered for this node.");
        }

        await CloseOrphans();
    }

    public async Task Revoke()
    {
        await stored.Replace(NodeMachine.Revoke(stored.State), this);
        Log.Revoked(logger, this.GetPrimaryKeyString());
        await Cut("The agent was revoked.");
        await CloseOrphans();
    }

    public async Task<Outcome<SessionTicket>> Attach(AgentId agent, IAgentSession observer)
    {
        var outcome = NodeMachine.Attach(stored.State, agent);
        if (outcome.IsRefused)
        {
            return outcome.Refusal;
        }

        // The older connection goes only once the newer one counts: should that not be stored, it is the one that the agent has.
        await stored.Replace(outcome.Value, this);
        await Cut("The agent has a newer connection.");
        session = new(observer, clock.GetUtcNow());
        Log.Attached(logger, this.GetPrimaryKeyString(), stored.State.Epoch);
        await CloseOrphans();
        await SendDue();
        await TellCancelled();
        return new SessionTicket(stored.State.Epoch);
    }

    public async Task<bool> Renew(SessionTicket ticket, IAgentSession observer)
    {
        if (ticket.Epoch > stored.State.Epoch)
        {
            // Another activation gave it out: this one's silo was cut off or frozen, and what it has in memory is what is old.
            session = null;
            await stored.ReadStateAsync();
        }

        if (ticket.Epoch != stored.State.Epoch)
        {
            return false;
        }

        // After a restart of the silo the session is not known here, but the epoch says that it is the newest.
        session ??= new(observer, clock.GetUtcNow());
        session.RenewedAt = clock.GetUtcNow();

        // A push that got lost on the way is made again: what was sent and never answered counts as not sent.
        session.Sent.IntersectWith(stored.State.Outbox.Where(entry => entry.LastOutcome is not null).Select(entry => entry.Job.Id));
        await SendDue();
        await TellCancelled();
        return true;
    }

    public Task Detach(SessionTicket ticket)
    {
        if (ticket.Epoch == stored.State.Epoch && session is not null)
        {
            session = null;
            Log.Detached(logger, this.GetPrimaryKeyString(), ticket.Epoch);
        }

        return Task.CompletedTask;
    }

    public async Task<Outcome<NodeInventory>> RecordInventory(AgentId agent, Inventory inventory)
    {
        if (NodeMachine.Speaks(stored.State, agent) is { } refusal)
        {
            return refusal;
        }

        var outcome = InventoryMachine.Take(Latest, Key, inventory, clock.GetUtcNow());
        if (outcome.IsRefused)
        {
            await Audit(agent, outcome.Refusal);
            return outcome.Refusal;
        }

        if (InventoryMachine.IsNews(reported.State, outcome.Value))
        {
            await reported.Replace(outcome.Value, this);
        }

        latest = outcome.Value;
        return latest;
    }

    public async Task<Refusal?> RecordMetrics(AgentId agent, NodeMetrics metrics)
    {
        if (NodeMachine.Speaks(stored.State, agent) is { } refusal)
        {
            return refusal;
        }

        var now = clock.GetUtcNow();
        var sample = NodeSample.Of(metrics, now);
        samples.Add(sample);
        var start = MetricsRollup.StartOf(now);
        if (rollup is null || rollup.At != start)
        {
            Flush();
            rollup = new(start);
        }

        rollup.Add(sample, metrics);
        await GrainFactory.GetGrain<IClusterGrain>(Key.Cluster.Value).RecordMetrics(Key.Node, metrics);
        return null;
    }

    public Task<NodeInventory> Inventory() => Task.FromResult(Latest);

    public Task<IReadOnlyList<NodeSample>> Samples(DateTimeOffset from, DateTimeOffset to) => Task.FromResult(samples.Between(from, to));

    public async Task<Refusal?> Discover(Discover ask)
    {
        if (Online is not { } open)
        {
            return new("agent-offline", "The agent is not connected; it reports all there is when it comes back.");
        }

        await open.Observer.Discover(ask with { AskedAt = clock.GetUtcNow() });
        return null;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        Flush(); // what it has of the present five minutes; after a crash they are lost, as the samples are
        return Task.CompletedTask;
    }

    public async Task<Outcome<TakenReport>> TakeReport(AgentId agent, JobReport report)
    {
        if (report.Outcome.IsFinal() && NodeMachine.Find(stored.State, report.Id) is null)
        {
            // Closed before, as a rule. Or another activation queued it, and this one's silo was cut off or frozen: an agent that were
            // answered now would never say it again, so the store is asked.
            await stored.ReadStateAsync();
        }

        var outcome = NodeMachine.Report(stored.State, agent, report, clock.GetUtcNow());
        if (outcome.IsRefused)
        {
            return outcome.Refusal;
        }

        var before = stored.State;
        await stored.Replace(outcome.Value, this);
        if (NodeMachine.Find(stored.State, report.Id) is not { } entry)
        {
            return new TakenReport(null); // closed before: no news
        }

        var taken = NodeMachine.IsNews(before, report) ? await Take(entry, report, agent) : new TakenReport(null);
        if (NodeMachine.LetsOthersIn(before, stored.State, report.Id))
        {
            await SendDue();
        }

        return taken;
    }

    public async Task<Outcome<OperationRecord>> Enqueue(OutboxEntry entry)
    {
        entry = entry with { Trace = Traces.Here };
        var outcome = NodeMachine.Enqueue(stored.State, entry);
        if (outcome.IsRefused)
        {
            return outcome.Refusal;
        }

        // In one write where it can go at once: whoever asked waits for it. Sent while its operation is opened: should that fail, whoever
        // asked is told that it is not known, and it is opened with the first word of its agent or with the next renewal.
        await stored.Replace(Online is null ? outcome.Value : NodeMachine.Assign(outcome.Value, options.Value.GuestJobsAtOnce), this);
        var opening = Operation(entry.Job.Id).Open(entry.Operation);
        await SendDue(opened: entry.Job.Id);
        await opening;
        return entry.Operation;
    }

    public async Task<Outcome<OperationRecord>> Cancel(JobId id)
    {
        await stored.Replace(NodeMachine.Cancel(stored.State, id), this);
        if (NodeMachine.Find(stored.State, id) is { } entry)
        {
            await Operation(id).Open(entry.Operation);
            if (await Operation(id).Cancel() is { } operation && !operation.Status.IsFinal())
            {
                await SendDue(); // which ends those that were not sent, and lets the next ones in
                await TellCancelled();
                return await Operation(id).Get() ?? operation;
            }
        }

        return await Operation(id).Get() is { } ended
            ? new Refusal("already-ended", $"The operation has ended already; it is {ended.Status.ToString().ToLowerInvariant()}.")
            : new Refusal("not-found", "There is no such operation on this node.");
    }

    public async Task EndOverdue()
    {
        foreach (var (entry, waited) in NodeMachine.Overdue(stored.State, Online is not null, clock.GetUtcNow()).ToArray())
        {
            if (await Operation(entry.Job.Id).GiveUp(waited))
            {
                Log.GivenUp(logger, this.GetPrimaryKeyString(), entry.Job.Id, waited);
            }
        }
    }

    public Task<bool> IsAgent(AgentId agent) => Task.FromResult(stored.State.Agent == agent);

    private Session? Online => session is { } open && clock.GetUtcNow() - open.RenewedAt < NodeMachine.SessionLife ? open : null;

    private NodeInventory Latest => latest ??= reported.State;

    private void Flush()
    {
        if (rollup is not null)
        {
            history.Add(rollup.Result(Key.Cluster, Key.Node));
            rollup = null;
        }
    }

    /// <summary>A host that speaks for another is for a person to look at. Once an hour for each kind says it as well as each five minutes.</summary>
    private async Task Audit(AgentId agent, Refusal refusal)
    {
        if (refusal.Code is InventoryMachine.NeedsWhole || clock.GetUtcNow() < auditAgainAt.GetValueOrDefault(refusal.Code))
        {
            return;
        }

        Log.Refused(logger, this.GetPrimaryKeyString(), refusal.Code, refusal.Message);
        await audit.Add(new(clock.GetUtcNow(), $"agent {agent}", "report-inventory", this.GetPrimaryKeyString(), refusal.Code, refusal.Message) { Cluster = Key.Cluster });
        auditAgainAt[refusal.Code] = clock.GetUtcNow() + TimeSpan.FromHours(1); // only now: what could not be written is to be written the next time
    }

    private async Task SendDue(JobId? opened = null)
    {
        if (NodeMachine.HasUnsent(stored.State))
        {
            await EndCancelled();
        }

        if (Online is not { } open)
        {
            return;
        }

        await stored.Replace(NodeMachine.Assign(stored.State, options.Value.GuestJobsAtOnce), this);
        foreach (var entry in NodeMachine.Due(stored.State, options.Value.GuestJobsAtOnce))
        {
            if (open.Sent.Contains(entry.Job.Id))
            {
                continue;
            }

            using var scope = OperationScope.Begin(logger, entry.Operation);
            using var sending = Traces.Sending(entry);
            try
            {
                // Opened here, too: a crash between storing the job and opening its operation is mended before anything runs.
                if (entry.Job.Id != opened)
                {
                    await Operation(entry.Job.Id).Open(entry.Operation);
                }
            }
            catch (Exception failure)
            {
                // One operation that can't be opened must not keep the others from running; it is tried again.
                Log.NotSent(logger, this.GetPrimaryKeyString(), entry.Job.Id, failure);
                SendSoon();
                continue;
            }

            open.Sent.Add(entry.Job.Id);
            Log.Sending(logger, this.GetPrimaryKeyString(), entry.Job.Id);
            await open.Observer.Run(entry.Job with { Campaign = entry.Operation.Campaign });
            instruments.Sent(entry.Operation);
        }
    }

    // A database that was away for a moment is no reason to wait for the agent's next word.
    private void SendSoon() => soon ??= this.RegisterGrainTimer(
        () =>
        {
            soon?.Dispose();
            soon = null;
            return SendDue();
        },
        RetryAfter,
        Timeout.InfiniteTimeSpan);

    private async Task EndCancelled()
    {
        await stored.Replace(NodeMachine.Expire(stored.State, clock.GetUtcNow()), this);
        foreach (var entry in NodeMachine.CancelledUnsent(stored.State).ToArray())
        {
            try
            {
                await Take(entry, NodeMachine.EndOfUnsent(entry, clock.GetUtcNow()), reporter: null);
            }
            catch (Exception failure)
            {
                // It is never sent, so it can wait for the next turn; the others can't.
                Log.NotEnded(logger, this.GetPrimaryKeyString(), entry.Job.Id, failure);
                SendSoon();
            }
        }
    }

    private async Task TellCancelled()
    {
        if (Online is not { } open)
        {
            return;
        }

        foreach (var entry in NodeMachine.ToCancel(stored.State).ToArray())
        {
            Log.Cancelling(logger, this.GetPrimaryKeyString(), entry.Job.Id);
            await open.Observer.Cancel(new(entry.Job.Id));
        }
    }

    private async Task CloseOrphans()
    {
        foreach (var orphan in NodeMachine.Orphans(stored.State).ToArray())
        {
            // No agent will say this end again, so the hub does not tell the cluster either. It is told, and not waited for.
            if (await Take(orphan, NodeMachine.EndOf(orphan), reporter: null) is { Ended.Vmid: { } vmid, Patches: { } patches })
            {
                GrainFactory.GetGrain<IClusterGrain>(Key.Cluster.Value).RecordPatch(vmid, patches).Ignore();
            }
        }
    }

    // The operation and the guest store the end before the outbox forgets the job: after a crash in between, the agent, which has had no
    // answer, says it again.
    private async Task<TakenReport> Take(OutboxEntry entry, JobReport report, AgentId? reporter)
    {
        Reporter.Is(reporter);
        using var scope = OperationScope.Begin(logger, entry.Operation);
        using var reported = Traces.Reported(entry, report);
        var operation = await Operation(report.Id).Report(report);
        if (operation is null)
        {
            // A crash came between storing the job and opening its operation.
            await Operation(report.Id).Open(entry.Operation);
            operation = await Operation(report.Id).Report(report) ?? throw new InvalidOperationException($"Operation {report.Id} was opened and is not there.");
        }

        if (!report.Outcome.IsFinal())
        {
            return new(null);
        }

        PatchState? patches = null;
        Log.Ended(logger, this.GetPrimaryKeyString(), report.Id, operation.Status);
        if (operation.Vmid is { } vmid)
        {
            patches = await Guest(vmid).RecordPatch(operation);
        }
        else if (operation is { Mode: PatchMode.Apply, StartedAt: not null })
        {
            // A campaign whose patch has succeeded asks for itself, and would be answered after this.
            await LookAgain(operation.Id, ask: operation is not { Campaign: not null, Status: OperationStatus.Succeeded });
        }

        await stored.Replace(NodeMachine.Close(stored.State, report.Id), this);
        if (operation.Campaign is not null)
        {
            await GrainFactory.GetGrain<IClusterPatchOrchestrator>(Key.Cluster.Value).Look();
        }

        return new(operation, patches);
    }

    // The old figures go before the new ones are asked for: the answer may take long, or not come.
    private async Task LookAgain(JobId after, bool ask)
    {
        await reported.Replace(latest = InventoryMachine.Doubt(Latest, after), this);
        if (ask && Online is { } open)
        {
            await open.Observer.Discover(new(null) { HostOnly = true, AskedAt = clock.GetUtcNow() });
        }
    }

    private async Task Cut(string reason)
    {
        if (session is { } open)
        {
            session = null;
            await open.Observer.Close(reason);
        }
    }

    private IOperationGrain Operation(JobId id) => GrainFactory.GetGrain<IOperationGrain>(id.Value);

    private IGuestGrain Guest(Vmid vmid) => GrainFactory.GetGrain<IGuestGrain>(new GuestKey(Key.Cluster, vmid).ToString());

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(3);

    /// <summary>A live session. Lost with the activation; the hub's next renewal brings it back.</summary>
    private sealed class Session(IAgentSession observer, DateTimeOffset now)
    {
        public IAgentSession Observer => observer;

        public DateTimeOffset RenewedAt { get; set; } = now;

        public HashSet<JobId> Sent { get; } = [];
    }

    private static partial class Log
    {
        [LoggerMessage(1001, LogLevel.Information, "Node {Node}: agent {Agent} is registered")]
        public static partial void Enrolled(ILogger logger, string node, AgentId agent);

        [LoggerMessage(1015, LogLevel.Information, "Node {Node}: its agent was revoked")]
        public static partial void Revoked(ILogger logger, string node);

        [LoggerMessage(1002, LogLevel.Information, "Node {Node}: agent connected, session {Epoch}")]
        public static partial void Attached(ILogger logger, string node, long epoch);

        [LoggerMessage(1003, LogLevel.Information, "Node {Node}: agent disconnected, session {Epoch}")]
        public static partial void Detached(ILogger logger, string node, long epoch);

        [LoggerMessage(1004, LogLevel.Information, "Node {Node}: sending job {Job}")]
        public static partial void Sending(ILogger logger, string node, JobId job);

        [LoggerMessage(1005, LogLevel.Information, "Node {Node}: job {Job} ended {Status}")]
        public static partial void Ended(ILogger logger, string node, JobId job, OperationStatus status);

        [LoggerMessage(1008, LogLevel.Error, "Node {Node}: job {Job} was cancelled and its end could not be stored yet")]
        public static partial void NotEnded(ILogger logger, string node, JobId job, Exception failure);

        [LoggerMessage(1010, LogLevel.Warning, "Node {Node}: restart {Job} has not been answered for {Waited}; nobody waits for it any more")]
        public static partial void GivenUp(ILogger logger, string node, JobId job, TimeSpan waited);

        [LoggerMessage(1009, LogLevel.Information, "Node {Node}: telling the agent to end job {Job}")]
        public static partial void Cancelling(ILogger logger, string node, JobId job);

        [LoggerMessage(1007, LogLevel.Warning, "Node {Node}: inventory refused ({Code}): {Reason}")]
        public static partial void Refused(ILogger logger, string node, string code, string reason);

        [LoggerMessage(1006, LogLevel.Error, "Node {Node}: job {Job} could not be sent")]
        public static partial void NotSent(ILogger logger, string node, JobId job, Exception failure);
    }
}
