using NannyOrleans.Domain.Clusters;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Domain.Campaigns;

/// <summary>
/// The decisions of a campaign. Each change is one step; whoever holds the state looks again until nothing changes, stores, and only then
/// does what is due (<see cref="Due"/>). A node is patched before it is drained: only then is it known whether it has to be rebooted, and nothing is
/// disturbed for a reboot that is not needed.
/// </summary>
public static class CampaignMachine
{
    /// <summary>Begins a campaign. The same id again changes nothing.</summary>
    /// <param name="campaign">The cluster's campaign so far.</param>
    /// <param name="id">The new one's id.</param>
    /// <param name="plan">What it would do, as it stands now.</param>
    /// <param name="now">The server's clock.</param>
    public static Outcome<CampaignState> Start(CampaignState campaign, JobId id, CampaignPlan plan, DateTimeOffset now)
    {
        if (campaign.Id == id)
        {
            return campaign;
        }

        if (!campaign.IsOver)
        {
            return new Refusal("campaign-running", $"Campaign {campaign.Id} of this cluster is {(campaign.Status is CampaignStatus.Halted ? "halted: resume or abort it" : "under way")}.");
        }

        if (plan.Refusal is { } refusal)
        {
            return refusal;
        }

        var begun = new CampaignState
        {
            Id = id,
            Order = plan.Order,
            StartedAt = now,
            Nodes = [.. plan.Nodes.Select(node => new NodeProgress(node.Node, NodeStep.Pending) { Since = now, Deadline = now })],
        };
        return begun.Tell(null, $"{plan.Order.RequestedBy} started the campaign over {plan.Nodes.Count} node(s).", now);
    }

    /// <summary>Takes how something ended that was asked for. What is not under way, or has ended before, is no news.</summary>
    public static CampaignState Ended(CampaignState campaign, JobId job, WorkEnd end)
    {
        if (campaign.IsOver || campaign.Current is not { } node || node.Work.All(work => work.Job != job || work.End is not null))
        {
            return campaign;
        }

        return campaign.With(node with { Work = [.. node.Work.Select(work => work.Job == job ? work with { End = end } : work)] });
    }

    /// <summary>Holds it back: what is under way is brought to its end and put back, nothing new is begun.</summary>
    public static Outcome<CampaignState> Pause(CampaignState campaign, string by, DateTimeOffset now) => campaign.Status switch
    {
        _ when campaign.IsOver => NotRunning(campaign),
        CampaignStatus.Paused => campaign,
        CampaignStatus.Running => (campaign with { Status = CampaignStatus.Paused, Reason = $"Paused by {by}." }).Tell(null, $"{by} paused it.", now),
        _ => NotRunning(campaign),
    };

    /// <summary>Goes on after a pause or a halt. After a halt, what failed is tried again from the last point at which nothing was half done.</summary>
    /// <param name="campaign">The campaign.</param>
    /// <param name="by">Who says so.</param>
    /// <param name="windowEnd">A new end of the window; null to leave it.</param>
    /// <param name="now">The server's clock.</param>
    public static Outcome<CampaignState> Resume(CampaignState campaign, string by, DateTimeOffset? windowEnd, DateTimeOffset now)
    {
        if (campaign.IsOver || campaign.Status is not (CampaignStatus.Paused or CampaignStatus.Halted or CampaignStatus.Running))
        {
            return NotRunning(campaign);
        }

        if (campaign.Status is CampaignStatus.Running)
        {
            return campaign;
        }

        var on = campaign with
        {
            Status = CampaignStatus.Running,
            Reason = null,
            Order = windowEnd is null ? campaign.Order : campaign.Order! with { WindowEnd = windowEnd },
        };
        on = on.Tell(on.Current?.Node, $"{by} resumed it.", now);
        return on.Current is not { } node ? on : on.With(Renew(node));

        // What still runs, or may, is awaited: nothing is asked for a second time while nobody knows how the first ended.
        NodeProgress Renew(NodeProgress node) => node.Work.Any(work => work.End is null) || (node.Work.All(work => work.End is { Succeeded: true }) && !IsPuttingBack(node.Step))
            ? node with { Deadline = node.Step is NodeStep.Settle ? Later(node.Deadline, now) : now + Limit(on.Order!, node.Step) }
            : Enter(on, node, Retry(node), now);

        // Its deadline is the end of the time it is left alone, which neither begins anew nor ends before.
        static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;
    }

    /// <summary>Ends it: nothing new is begun, and maintenance mode and Ceph's flags are taken off.</summary>
    public static Outcome<CampaignState> Abort(CampaignState campaign, string by, DateTimeOffset now) => campaign switch
    {
        { IsOver: true } => NotRunning(campaign),
        { Status: CampaignStatus.Aborting } => campaign,
        _ => (campaign with { Status = CampaignStatus.Aborting, Reason = $"Aborted by {by}." }).Tell(campaign.Current?.Node, $"{by} aborted it.", now),
    };

    /// <summary>A person's word that a node may be rebooted now.</summary>
    public static Outcome<CampaignState> Approve(CampaignState campaign, NodeName node, string by, DateTimeOffset now)
    {
        if (campaign.IsOver)
        {
            return NotRunning(campaign);
        }

        return campaign.Current is not { Step: NodeStep.Approval } current || current.Node != node
            ? campaign.Nodes.Any(one => one.Node == node && one.Approved)
                ? campaign
                : new Refusal("nothing-to-approve", $"No reboot of {node} awaits approval.")
            : campaign.With(current with { Approved = true }).Tell(node, $"{by} approved the reboot.", now);
    }

    /// <summary>What became of the campaign's events: they are in history up to a number.</summary>
    public static CampaignState Told(CampaignState campaign, int upTo) => campaign.News.Count > 0 && campaign.News[0].Number <= upTo
        ? campaign with { News = [.. campaign.News.Where(news => news.Number > upTo)] }
        : campaign;

    /// <summary>Takes one step, if one can be taken; the same state when none can.</summary>
    /// <param name="campaign">The campaign.</param>
    /// <param name="picture">The cluster as it is known now.</param>
    /// <param name="now">The server's clock.</param>
    /// <param name="next">Gives a new id.</param>
    public static CampaignState Look(CampaignState campaign, ClusterPicture picture, DateTimeOffset now, Func<JobId> next) => campaign switch
    {
        { IsOver: true } or { Status: CampaignStatus.Halted } => campaign,
        _ => Step(Counted(campaign, picture, now), picture, now, next),
    };

    /// <summary>
    /// What should be under way: asked for again and again until its end is known. What disturbs a node is asked for only while the conditions hold at
    /// that very moment: whoever held this state may have been gone for an hour since they were looked at.
    /// </summary>
    public static IReadOnlyList<CampaignWork> Due(CampaignState campaign, ClusterPicture picture, DateTimeOffset now)
    {
        if (campaign.IsOver || campaign.Status is CampaignStatus.Halted || campaign.Current is not { } node)
        {
            return [];
        }

        var due = node.Work.Where(work => work.End is null).ToArray();
        return due is [] || IsPuttingBack(node.Step) ? due
            : campaign.Status is CampaignStatus.Aborting ? []
            : (node.Step is NodeStep.PatchGuests or NodeStep.Patch ? Gates.BeforePatch(campaign, node.Node, picture, now) : Gates.BeforeTakeDown(campaign, node.Node, picture, now)).Hold() ? due
            : [];
    }

    /// <summary>What a person's abort ends: whatever is under way and puts nothing back. A package manager that is told to stop does so where it can.</summary>
    public static IReadOnlyList<CampaignWork> ToCancel(CampaignState campaign) => campaign is { Status: CampaignStatus.Aborting, Current: { } node } && !IsPuttingBack(node.Step)
        ? [.. node.Work.Where(work => work.End is null)]
        : [];

    internal static CampaignState With(this CampaignState campaign, NodeProgress node) =>
        campaign with { Nodes = [.. campaign.Nodes.Select(one => one.Node == node.Node ? node : one)] };

    internal static CampaignState Tell(this CampaignState campaign, NodeName? node, string text, DateTimeOffset now, IReadOnlyList<GateResult>? gates = null)
    {
        var number = campaign.Events + 1;
        NodeStep? step = campaign.Nodes.FirstOrDefault(one => one.Node == node)?.Step;
        return campaign with { Events = number, News = [.. campaign.News, new(number, now, node, step, text, gates)] };
    }

    /// <summary>The campaign with more said of what has just been told.</summary>
    internal static CampaignState WithLast(this CampaignState campaign, Func<CampaignEvent, CampaignEvent> more) =>
        campaign with { News = [.. campaign.News.SkipLast(1), more(campaign.News[^1])] };

    /// <summary>A node at the beginning of a step, with nothing under way.</summary>
    internal static NodeProgress Enter(CampaignState campaign, NodeProgress node, NodeStep step, DateTimeOffset now, IReadOnlyList<CampaignWork>? work = null) =>
        node with { Step = step, Since = now, Deadline = now + (step is NodeStep.Settle ? SettleTime(campaign, node) : Limit(campaign.Order!, step)), Work = work ?? [], WaitsFor = null };

    internal static TimeSpan Limit(CampaignOrder order, NodeStep step) => TimeSpan.FromSeconds(step switch
    {
        NodeStep.PatchGuests or NodeStep.Patch => order.Limits.PatchSeconds,
        NodeStep.Drain or NodeStep.GuestsHome => order.Limits.DrainSeconds,
        NodeStep.Reboot or NodeStep.Back => order.Limits.RebootSeconds,
        NodeStep.CephFlagsOn or NodeStep.CephFlagsOff or NodeStep.MaintenanceOn or NodeStep.MaintenanceOff => order.Limits.SwitchSeconds,
        _ => order.Limits.GateSeconds,
    });

    // A step that failed is tried again from the last look before it: conditions may have changed since.
    internal static NodeStep Retry(NodeProgress node) => node.Step switch
    {
        NodeStep.PatchGuests or NodeStep.Patch => NodeStep.Preflight,
        NodeStep.CephFlagsOn or NodeStep.MaintenanceOn or NodeStep.Drain or NodeStep.Reboot => NodeStep.Ready,
        NodeStep.MaintenanceOff or NodeStep.CephFlagsOff or NodeStep.GuestsHome => NodeStep.Back,
        var step => step,
    };

    private static CampaignState Step(CampaignState campaign, ClusterPicture picture, DateTimeOffset now, Func<JobId> next) => campaign switch
    {
        { Status: CampaignStatus.Aborting } => CampaignEnding.Look(campaign, picture, now, next),
        { Current: null } => (campaign with { Status = CampaignStatus.Completed, Reason = null, EndedAt = now }).Tell(null, "All nodes have ended.", now),
        { Status: CampaignStatus.Paused, Current: { } node } when node.Step.IsGate() => campaign,
        { Current: { } node } => CampaignSteps.Look(campaign, node, picture, now, next),
    };

    // Each change is an event, so that afterwards it can be seen how many votes were there at any time. Who is silent for a while, as all are while a person's
    // approval is awaited, is not said to be gone: who goes down is missed by the others.
    private static CampaignState Counted(CampaignState campaign, ClusterPicture picture, DateTimeOffset now)
    {
        var count = QuorumCount.Of(picture, now);
        var votes = count.Value is { } known ? new VotesView(known.Expected, known.Needed, known.Seen) : (campaign.Votes is { } last ? last with { Online = null } : null);
        if (votes is null || votes == campaign.Votes)
        {
            return campaign;
        }

        return (campaign with { Votes = votes })
            .Tell(null, count.IsRefused ? $"How many votes are online is not known. {count.Refusal.Message}" : $"{votes.Online} of {votes.Expected} votes are online; {votes.Quorum} are needed.", now)
            .WithLast(news => news with { Votes = votes });
    }

    private static bool IsPuttingBack(NodeStep step) => step is NodeStep.MaintenanceOff or NodeStep.CephFlagsOff or NodeStep.GuestsHome;

    private static TimeSpan SettleTime(CampaignState campaign, NodeProgress node) =>
        TimeSpan.FromSeconds(campaign.Order!.Canary == node.Node ? campaign.Order.SoakSeconds : campaign.Order.Limits.SettleSeconds);

    private static Refusal NotRunning(CampaignState campaign) => new(
        "campaign-not-running", campaign.Id is null ? "This cluster never had a campaign." : $"Campaign {campaign.Id} is {campaign.Status.ToString().ToLowerInvariant()}.");
}
