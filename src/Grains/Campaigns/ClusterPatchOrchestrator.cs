using Microsoft.Extensions.Logging;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Grains.Changes;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Scripts;
using NannyOrleans.Grains.Telemetry;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Campaigns;

/// <summary>
/// Holds the state of <see cref="CampaignMachine"/> and does what is due: it asks the world, takes the steps that can be taken, stores, and only then
/// has anything done. It may end between any two lines: what should be under way follows from the stored state alone, and each piece of work has an id
/// that makes asking for it twice harmless.
/// </summary>
[GrainType("cluster-patch-orchestrator")]
internal sealed partial class ClusterPatchOrchestrator(
    [PersistentState("campaign")] IPersistentState<CampaignState> stored,
    ICampaignHistory history,
    ScriptKeys keys,
    Instruments instruments,
    Announcer changes,
    TimeProvider clock,
    ILogger<ClusterPatchOrchestrator> logger) : Grain, IClusterPatchOrchestrator, IRemindable
{
    private readonly Dictionary<NodeName, DateTimeOffset> asked = [];
    private DateTimeOffset? lastEnd;
    private CampaignWorkers? workers;
    private TaskCompletionSource news = NewNews();
    private IGrainTimer? timer;
    private long version;
    private bool isArmed;

    private ClusterId Id => ClusterId.Parse(this.GetPrimaryKeyString());

    private CampaignWorkers Workers => workers ??= new(Id, GrainFactory, keys, clock);

    private IClusterGrain Cluster => GrainFactory.GetGrain<IClusterGrain>(this.GetPrimaryKeyString());

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        // Not 0, which somebody who has seen nothing says.
        version = clock.GetUtcNow().ToUnixTimeMilliseconds();
        StartTimer();
        return Task.CompletedTask;
    }

    public async Task<CampaignPlan> Plan(CampaignOrder order)
    {
        var seen = await Cluster.Picture(pace: null);
        var plan = CampaignPlan.Of(order, seen.Picture, seen.ServerOn, clock.GetUtcNow());
        return order.Guests is GuestsFirst.None ? plan : plan.With(await GrainFactory.ReadCluster(Id, Sight.All));
    }

    public async Task<Outcome<CampaignState>> Start(JobId id, CampaignOrder order)
    {
        var plan = await Plan(order);
        if (stored.State.IsOver)
        {
            await Tell(); // what replaces an end that is not in history yet would have it lost, and the one before would be there as one that never ended
        }

        var before = stored.State;
        var outcome = CampaignMachine.Start(before, id, plan, clock.GetUtcNow());
        if (outcome.IsRefused || ReferenceEquals(outcome.Value, before))
        {
            return outcome;
        }

        await Arm();
        await Store(outcome.Value);
        Log.Started(logger, this.GetPrimaryKeyString(), id, order.RequestedBy, plan.Nodes.Count);
        StartTimer(); // it runs now, whether or not history can be written
        await history.Keep(Id, stored.State, plan);
        changes.Say(new(ChangeKind.Campaign, Id, id.Value)); // it is on the list of them only now
        return stored.State;
    }

    public Task<Outcome<CampaignState>> Pause(JobId id, string by) => Change(id, (campaign, now) => CampaignMachine.Pause(campaign, by, now));

    public Task<Outcome<CampaignState>> Resume(JobId id, string by, DateTimeOffset? windowEnd) =>
        Change(id, (campaign, now) => CampaignMachine.Resume(campaign, by, windowEnd, now));

    public Task<Outcome<CampaignState>> Abort(JobId id, string by) => Change(id, (campaign, now) => CampaignMachine.Abort(campaign, by, now));

    public Task<Outcome<CampaignState>> Approve(JobId id, NodeName node, string by) => Change(id, (campaign, now) => CampaignMachine.Approve(campaign, node, by, now));

    public Task<CampaignState> Get() => Task.FromResult(stored.State);

    public async Task<CampaignPage> Watch(long version, TimeSpan wait)
    {
        if (version == this.version && HasMore)
        {
            await news.Task.WaitAsync(wait < CampaignPage.MaxWait ? wait : CampaignPage.MaxWait, clock)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }

        return new(stored.State, this.version);
    }

    public async Task Look()
    {
        if (HasMore)
        {
            await Arm();
            StartTimer();
            await Turn();
        }
    }

    public Task ReceiveReminder(string reminderName, TickStatus status) => HasMore ? Look() : Disarm();

    private static TaskCompletionSource NewNews() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task<Outcome<CampaignState>> Change(JobId id, Func<CampaignState, DateTimeOffset, Outcome<CampaignState>> change)
    {
        if (stored.State.Id != id)
        {
            return new Refusal("campaign-not-running", $"Campaign {id} of this cluster does not run.");
        }

        var outcome = change(stored.State, clock.GetUtcNow());
        if (!outcome.IsRefused)
        {
            await Store(outcome.Value);
            StartTimer();
        }

        return outcome;
    }

    // What happened waits in the state for as long as it is not in history, also after the end.
    private bool HasMore => !stored.State.IsOver || stored.State.News.Count > 0;

    private void StartTimer()
    {
        if (timer is null && HasMore)
        {
            timer = this.RegisterGrainTimer(Turn, new GrainTimerCreationOptions(TimeSpan.Zero, Period) { KeepAlive = true });
        }
    }

    /// <summary>
    /// Sees to it that the campaign goes on even if nobody asks for it again. Before it is stored: a tick with nothing to do is harmless, a campaign
    /// without one may be stuck.
    /// </summary>
    private async Task Arm()
    {
        if (!isArmed)
        {
            await this.RegisterOrUpdateReminder(Reminder, ReminderPeriod, ReminderPeriod);
            isArmed = true;
        }
    }

    private async Task Disarm()
    {
        if (await this.GetReminder(Reminder) is { } reminder)
        {
            await this.UnregisterReminder(reminder);
        }

        isArmed = false;
    }

    private async Task Turn()
    {
        try
        {
            while (HasMore && await TakeSteps())
            {
            }

            if (!HasMore)
            {
                timer?.Dispose();
                timer = null;
                await Disarm();
            }
            else if (stored.State is { Status: CampaignStatus.Running, Current: { Step: NodeStep.Settle } node } && node.Deadline - clock.GetUtcNow() is { Ticks: > 0 } left && left < Period)
            {
                timer?.Change(left, Period); // nobody tells that the time is over
            }
        }
        catch (Exception failure)
        {
            // The tick is a loop's turn: whatever failed is looked at again by the next one.
            Log.NotLooked(logger, this.GetPrimaryKeyString(), failure);
        }
    }

    /// <summary>Takes what steps can be taken now, and has done what is due.</summary>
    /// <returns>Whether something has ended at once, so that more can be taken.</returns>
    private async Task<bool> TakeSteps()
    {
        var picture = (await Cluster.Picture(CampaignReports.Pace)).Picture;
        var now = clock.GetUtcNow();
        var next = await WithEnds(stored.State, now);
        for (CampaignState? last = null; !ReferenceEquals(last, next);)
        {
            last = next;
            next = CampaignMachine.Look(last, picture, now, () => JobId.Parse(Ulid.NewUlid(now).ToString()));
        }

        await Store(next);
        await Tell();
        var work = CampaignMachine.Due(stored.State, picture, now);
        await Ask(CampaignReports.Wanted(stored.State, picture, await IsUnasked(stored.State), lastEnd, now), picture, now);
        var ended = false;
        foreach (var one in work)
        {
            await Workers.Begin(stored.State, one, picture, now);
            ended |= await Workers.End(one, isLate: false) is not null;
        }

        foreach (var one in CampaignMachine.ToCancel(stored.State))
        {
            await Workers.Cancel(one);
        }

        return ended;
    }

    private async Task<CampaignState> WithEnds(CampaignState campaign, DateTimeOffset now)
    {
        if (campaign.IsOver || campaign.Current is not { } node)
        {
            return campaign;
        }

        foreach (var work in node.Work.Where(work => work.End is null))
        {
            if (await Workers.End(work, isLate: now >= node.Deadline) is { } end)
            {
                campaign = CampaignMachine.Ended(campaign, work.Job, end);
                lastEnd = now;
            }
        }

        return campaign;
    }

    private async Task<bool> IsUnasked(CampaignState campaign)
    {
        foreach (var work in campaign.IsOver ? [] : campaign.Current?.Work ?? [])
        {
            if (work.End is null && !await Workers.IsAsked(work))
            {
                return true;
            }
        }

        return false;
    }

    // History first: what was dropped from the state before it is there would never be.
    private async Task Tell()
    {
        if (stored.State.News is [.., var last])
        {
            await history.Keep(Id, stored.State, plan: null);
            await Store(CampaignMachine.Told(stored.State, last.Number));
        }
    }

    private async Task Ask(IReadOnlyList<NodeName> nodes, ClusterPicture picture, DateTimeOffset now)
    {
        foreach (var node in nodes)
        {
            var answered = picture.Find(node)?.At is { } at && asked.TryGetValue(node, out var when) && at >= when;
            if (!answered && asked.TryGetValue(node, out var last) && now - last < AskAgainAfter)
            {
                continue;
            }

            asked[node] = now;
            // Not to be had is an answer, too: the node's word becomes old, and the conditions say so.
            _ = await GrainFactory.GetGrain<INodeGrain>(new Domain.Nodes.NodeKey(Id, node).ToString()).Discover(new(Vmid: null) { HostOnly = true });
        }
    }

    private async Task Store(CampaignState next)
    {
        if (ReferenceEquals(next, stored.State))
        {
            return;
        }

        var (id, status) = (stored.State.Id, stored.State.Status);
        await stored.Replace(next, this, changes, new(ChangeKind.Campaign, Id, next.Id?.Value));
        if (id != next.Id || status != next.Status)
        {
            instruments.Changed(next.Status);
        }

        if (status != next.Status)
        {
            Log.Is(logger, this.GetPrimaryKeyString(), next.Id, next.Status, next.Reason);
        }

        version++;
        var before = news;
        news = NewNews();
        before.SetResult();
    }

    // Operations that end and nodes that report have it look at once. This is for what nobody tells: time that passes, and words that got lost.
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1); // Orleans' shortest
    private const string Reminder = "look";

    private static partial class Log
    {
        [LoggerMessage(2401, LogLevel.Information, "Cluster {Cluster}: {By} started campaign {Campaign} over {Nodes} node(s)", EventName = "CampaignStarted")]
        public static partial void Started(ILogger logger, string cluster, JobId campaign, string by, int nodes);

        [LoggerMessage(2402, LogLevel.Information, "Cluster {Cluster}: campaign {Campaign} is {Status}: {Reason}", EventName = "CampaignIs")]
        public static partial void Is(ILogger logger, string cluster, JobId? campaign, CampaignStatus status, string? reason);

        [LoggerMessage(2403, LogLevel.Error, "Cluster {Cluster}: the campaign could not look at the world, trying again", EventName = "CampaignNotLooked")]
        public static partial void NotLooked(ILogger logger, string cluster, Exception failure);
    }
}
