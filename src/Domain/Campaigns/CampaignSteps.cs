using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Campaigns;

/// <summary>One node's way through its steps.</summary>
internal static class CampaignSteps
{
    /// <summary>Takes one step, if one can be taken.</summary>
    public static CampaignState Look(CampaignState campaign, NodeProgress node, ClusterPicture picture, DateTimeOffset now, Func<JobId> next)
    {
        var seen = picture.Find(node.Node);
        return node.Step switch
        {
            NodeStep.Pending => campaign.Go(node, NodeStep.Preflight, "Begun.", now),
            NodeStep.Preflight => AtGates(campaign, node, Gates.BeforePatch(campaign, node.Node, picture, now), now, () => AfterPreflight(campaign, node, now, next)),
            NodeStep.PatchGuests => AfterWork(campaign, node, now, () => Patch(campaign, node, now, next)),
            NodeStep.Patch => AfterWork(campaign, node, now, () => Patched(campaign, node, now)),
            NodeStep.Assess => Assess(campaign, node, seen, picture, now),
            NodeStep.Approval when node.Approved => campaign.Go(node, NodeStep.Ready, "The reboot is approved.", now),
            NodeStep.Approval => campaign,
            NodeStep.Ready when WasRebooted(node, seen, now) => Return(campaign, node, now),
            NodeStep.Ready => AtGates(campaign, node, Gates.BeforeTakeDown(campaign, node.Node, picture, now), now, () => Prepare(campaign, WithMoves(campaign, node, picture, now), picture, now, next)),
            NodeStep.CephFlagsOn => AfterWork(campaign, node, now, () => Prepare(campaign, node, picture, now, next)),
            NodeStep.MaintenanceOn => AfterWork(campaign, node, now, () => IsInMaintenance(node, picture, now)
                ? Drain(campaign, node, picture, now, next)
                : AfterDeadline(campaign, node, $"HA has not put {node.Node} into maintenance mode.", now)),
            NodeStep.Drain => AfterWork(campaign, node, now, () => StillThere(node, seen, picture, now) is { } reason
                ? AfterDeadline(campaign, node, reason, now)
                : campaign.Go(node, NodeStep.LastLook, "Drained.", now)),
            // By words said since it was drained: who was cut off meanwhile may have been heard half a minute ago, and that still counts as fresh.
            NodeStep.LastLook when picture.Nodes.Any(one => one.At <= node.Since && one.IsFresh(now)) => campaign,
            NodeStep.LastLook => AtGates(campaign, node, Gates.BeforeTakeDown(campaign, node.Node, picture, now), now, () => Reboot(campaign, node, seen!, now, next)),
            // While its job may still come to it, another boot id is not the end of it: it could go down once more.
            NodeStep.Reboot when !IsBusy(node) && WasRebooted(node, seen, now) => Return(campaign, node, now),
            NodeStep.Reboot => AfterWork(campaign, node, now, () => AfterDeadline(campaign, node, $"{node.Node} has not reported since its reboot.", now)),
            NodeStep.Back => NotBack(campaign, node, seen, picture, now) is { } reason
                ? AfterDeadline(campaign, node, reason, now, mustHalt: true)
                : PutBack(campaign, node, picture, "Back.", now, next),
            NodeStep.MaintenanceOff => AfterWork(campaign, node, now, () => IsOutOfMaintenance(node, picture, now)
                ? FlagsOff(campaign, node with { Maintenance = false }, picture, now, next)
                : AfterDeadline(campaign, node, $"HA has not taken {node.Node} out of maintenance mode.", now)),
            NodeStep.CephFlagsOff => AfterWork(campaign, node, now, () => GuestsHome(campaign with { CephFlags = [] }, node, now)),
            NodeStep.GuestsHome => AfterWork(campaign, node, now, () => NotHome(node, seen, now) is not { } reason ? Settle(campaign, node, now)
                : Homeward(node, picture, now, next) is { Length: > 0 } work ? campaign.With(node with { Work = [.. node.Work, .. work] })
                : AfterDeadline(campaign, node, reason, now)),
            NodeStep.Settle when now < node.Deadline => campaign,
            NodeStep.Settle => Settled(campaign, node, picture, now),
            _ => campaign,
        };
    }

    /// <summary>Begins to put back what was changed for a node; each part is passed over when there is nothing to it.</summary>
    public static CampaignState PutBack(CampaignState campaign, NodeProgress node, ClusterPicture picture, string text, DateTimeOffset now, Func<JobId> next) => node.Maintenance
        ? Ask(campaign, node, NodeStep.MaintenanceOff, [new(next(), WorkKind.MaintenanceOff, Via(node, picture, now))], text, now)
        : FlagsOff(campaign, node, picture, now, next);

    /// <summary>Why a step's work is not done; null when it is.</summary>
    public static string? Undone(NodeProgress node) =>
        node.Work.FirstOrDefault(work => work.End is { Succeeded: false }) is { } failed ? failed.End!.Detail ?? $"{failed.Kind} failed." : null;

    /// <summary>Whether anything of a step is still under way, for all that is known.</summary>
    public static bool IsBusy(NodeProgress node) => node.Work.Any(work => work.End is null);

    private static CampaignState AtGates(CampaignState campaign, NodeProgress node, IReadOnlyList<GateResult> gates, DateTimeOffset now, Func<CampaignState> pass)
    {
        if (gates.Hold())
        {
            return pass().Noting(node.Node, gates);
        }

        var never = gates.Any(gate => gate.Verdict is GateVerdict.Never);
        return never || now >= node.Deadline
            ? Halt(campaign, node, never ? gates.Reasons() : $"It has waited since {node.Since:u}. {gates.Reasons()}", now, gates)
            : Waiting(campaign, node, gates, now);
    }

    // Said once for as long as it is the same conditions: their reasons have times in them that change with each look.
    private static CampaignState Waiting(CampaignState campaign, NodeProgress node, IReadOnlyList<GateResult> gates, DateTimeOffset now)
    {
        GateResult[] waits = [.. gates.Where(gate => gate.Verdict is not GateVerdict.Pass)];
        return node.WaitsFor?.Select(gate => gate.Name).SequenceEqual(waits.Select(gate => gate.Name)) is true
            ? campaign
            : campaign.With(node with { WaitsFor = waits }).Tell(node.Node, $"Waits: {gates.Reasons()}", now, gates);
    }

    private static CampaignState AfterWork(CampaignState campaign, NodeProgress node, DateTimeOffset now, Func<CampaignState> done)
    {
        if (IsBusy(node))
        {
            return AfterDeadline(campaign, node, $"{node.Step} was asked for at {node.Since:u}, and nobody knows how it ended.", now, mustHalt: true);
        }

        return Undone(node) is not { } reason ? done()
            : MayBeginAnew(node) ? campaign.Go(node with { Anew = node.Anew + 1 }, CampaignMachine.Retry(node), $"Begun anew: {reason}", now)
            : Fail(campaign, node, reason, now);
    }

    // An agent that was ended just before it ran what it was asked for says so. The conditions are looked at once more, and not for ever.
    private static bool MayBeginAnew(NodeProgress node) => node.Anew < MostAnew && node.Work.All(work => work.End is { Succeeded: true } or { NeverRan: true });

    private static CampaignState AfterDeadline(CampaignState campaign, NodeProgress node, string reason, DateTimeOffset now, bool mustHalt = false) =>
        now < node.Deadline ? campaign : mustHalt ? Halt(campaign, node, reason, now) : Fail(campaign, node, reason, now);

    private static CampaignState AfterPreflight(CampaignState campaign, NodeProgress node, DateTimeOffset now, Func<JobId> next) => campaign.Order!.Guests is GuestsFirst.None
        ? Patch(campaign, node, now, next)
        : Ask(campaign, node, NodeStep.PatchGuests, [new(next(), WorkKind.PatchGuests, node.Node)], "Its guests are being patched.", now);

    // A node whose packages are known to be installed is not patched a second time, whatever was tried again.
    private static CampaignState Patch(CampaignState campaign, NodeProgress node, DateTimeOffset now, Func<JobId> next) => node.PatchedAt is null
        ? Ask(campaign, node, NodeStep.Patch, [new(next(), WorkKind.PatchNode, node.Node)], "It is being patched.", now)
        : campaign.Go(node, NodeStep.Assess, "It is patched already.", now);

    private static CampaignState Patched(CampaignState campaign, NodeProgress node, DateTimeOffset now) => campaign.Order!.Mode is PatchMode.DryRun
        ? campaign.Go(node, NodeStep.Done, "Listed.", now)
        : campaign.Go(
            node with { PatchedAt = now, Unchanged = campaign.Order.Guests is GuestsFirst.None && node.Work.All(work => work.End is { ChangedNothing: true }) }, NodeStep.Assess, "Patched.", now);

    // Only a report made after the patch knows.
    private static CampaignState Assess(CampaignState campaign, NodeProgress node, NodePicture? seen, ClusterPicture picture, DateTimeOffset now)
    {
        var order = campaign.Order!;
        if (order.Reboot is RebootPolicy.Never)
        {
            return Leave(campaign, node, now);
        }

        if (seen is null || seen.At <= node.Since || !seen.IsFresh(now) || seen.RebootRequired is null)
        {
            return AfterDeadline(campaign, node, seen?.RebootReason ?? $"{node.Node} has not said since its patch whether it needs a reboot.", now);
        }

        if (order.Reboot is RebootPolicy.IfNeeded && seen.RebootRequired is false)
        {
            return Leave(campaign, node, now);
        }

        if (order.WithoutQuorum is WithoutQuorum.PatchOnly && QuorumCount.Of(picture, now) is { Value: { } count } && !count.CouldSurviveLossOf(node.Node))
        {
            return Settle(campaign, node with { Note = "It needs a reboot and was not rebooted: the rest of the cluster would lose quorum." }, now);
        }

        return campaign.Go(node, order.ApproveReboots ? NodeStep.Approval : NodeStep.Ready, seen.RebootReason ?? "It is to be rebooted.", now);
    }

    // A node on which nothing was done is passed over: the next one's own conditions are looked at all the same.
    private static CampaignState Leave(CampaignState campaign, NodeProgress node, DateTimeOffset now) =>
        node.Unchanged ? campaign.Go(node, NodeStep.Done, "There was nothing to do.", now) : Settle(campaign, node, now);

    // Decided while the conditions hold, among them that the guests are known. What was decided at a first try stands: it says who is to come home.
    private static NodeProgress WithMoves(CampaignState campaign, NodeProgress node, ClusterPicture picture, DateTimeOffset now) =>
        node.Guests is null ? node with { Guests = GuestMoves.Of(campaign.Order!, node.Node, picture, now) } : node;

    // Ceph's flags, then maintenance mode, then the guests: whatever is there to be done of it.
    private static CampaignState Prepare(CampaignState campaign, NodeProgress node, ClusterPicture picture, DateTimeOffset now, Func<JobId> next)
    {
        var sees = picture.Find(node.Node)?.Sees;
        if (node.Step is NodeStep.Ready && campaign.Order!.CephFlags && sees?.Ceph is not null)
        {
            return Ask(campaign with { CephFlags = ["noout"] }, node, NodeStep.CephFlagsOn, [new(next(), WorkKind.CephFlagsOn, node.Node)], "Ceph is told not to move data.", now);
        }

        return sees is { Ha.Used: true, Clustered: not false }
            ? Ask(campaign, node with { Maintenance = true }, NodeStep.MaintenanceOn, [new(next(), WorkKind.MaintenanceOn, node.Node)], "It goes into maintenance mode.", now)
            : Drain(campaign, node, picture, now, next);
    }

    private static CampaignState Drain(CampaignState campaign, NodeProgress node, ClusterPicture picture, DateTimeOffset now, Func<JobId> next)
    {
        var moves = node.Guests!;
        var listed = picture.Find(node.Node)?.Guests;
        bool Leaves(GuestMove move) => listed is null || listed.Any(guest => guest.Vmid == move.Vmid && guest.Status is not GuestStatus.Stopped);
        CampaignWork[] work =
        [
            .. moves.Where(move => Leaves(move) && move.Way is GuestWay.Migrate or GuestWay.ShutDown)
                .Select(move => new CampaignWork(next(), move.Way is GuestWay.Migrate ? WorkKind.MoveGuest : WorkKind.StopGuest, node.Node) { Vmid = move.Vmid, Target = move.Target }),
        ];
        return Ask(campaign, node, NodeStep.Drain, work, $"{moves.Count} guest(s) run on it.", now);
    }

    private static CampaignState Reboot(CampaignState campaign, NodeProgress node, NodePicture seen, DateTimeOffset now, Func<JobId> next) =>
        Ask(campaign, node with { BootId = node.BootId ?? seen.BootId }, NodeStep.Reboot, [new(next(), WorkKind.Reboot, node.Node)], "It reboots.", now);

    private static CampaignState Return(CampaignState campaign, NodeProgress node, DateTimeOffset now) =>
        campaign.Go(node with { Rebooted = true }, NodeStep.Back, "It is up under another boot id.", now);

    private static CampaignState FlagsOff(CampaignState campaign, NodeProgress node, ClusterPicture picture, DateTimeOffset now, Func<JobId> next) => campaign.CephFlags.Count > 0
        ? Ask(campaign, node, NodeStep.CephFlagsOff, [new(next(), WorkKind.CephFlagsOff, Via(node, picture, now))], "Ceph's flags come off.", now)
        : GuestsHome(campaign, node, now);

    private static CampaignState GuestsHome(CampaignState campaign, NodeProgress node, DateTimeOffset now) => node.Guests is { Count: > 0 }
        ? Ask(campaign, node, NodeStep.GuestsHome, [], "Its guests come home.", now)
        : Settle(campaign, node, now);

    // Where a guest is, only a report made since the step began says: after a restart of the server nothing may be known of it yet. Each is asked
    // for each thing once.
    private static CampaignWork[] Homeward(NodeProgress node, ClusterPicture picture, DateTimeOffset now, Func<JobId> next) =>
    [
        .. node.Guests!.Select(move => Home(node, move, picture, now, next)).OfType<CampaignWork>()
            .Where(work => node.Work.All(before => before.Vmid != work.Vmid || before.Kind != work.Kind)),
    ];

    // What HA moved, HA brings back. A guest that is on its node again and runs needs nothing.
    private static CampaignWork? Home(NodeProgress node, GuestMove move, ClusterPicture picture, DateTimeOffset now, Func<JobId> next)
    {
        if (move.Way is GuestWay.Ha)
        {
            return null;
        }

        var at = picture.Nodes.FirstOrDefault(one => one.IsFresh(now) && one.At > node.Since && one.Guests?.Any(guest => guest.Vmid == move.Vmid) is true);
        var guest = at?.Guests?.FirstOrDefault(one => one.Vmid == move.Vmid);
        return (at, guest) switch
        {
            (null, _) or (_, null) => null,
            ({ } elsewhere, _) when elsewhere.Node != node.Node => new(next(), WorkKind.MoveGuest, elsewhere.Node) { Vmid = move.Vmid, Target = node.Node },
            (_, { Status: GuestStatus.Stopped }) => new(next(), WorkKind.StartGuest, node.Node) { Vmid = move.Vmid },
            _ => null,
        };
    }

    private static CampaignState Settle(CampaignState campaign, NodeProgress node, DateTimeOffset now) =>
        campaign.Go(node, NodeStep.Settle, "It is left alone for a while before the next.", now);

    private static CampaignState Settled(CampaignState campaign, NodeProgress node, ClusterPicture picture, DateTimeOffset now)
    {
        var gates = Gates.Settled(campaign, node.Node, picture, now);
        return gates.Hold()
            ? campaign.Go(node, node.Failed ? NodeStep.Failed : NodeStep.Done, node.Note ?? "Done.", now).Noting(node.Node, gates)
            : now >= node.Deadline + CampaignMachine.Limit(campaign.Order!, NodeStep.Preflight) ? Halt(campaign, node, gates.Reasons(), now, gates)
            : Waiting(campaign, node, gates, now);
    }

    /// <summary>A node has failed: the campaign halts, or what was changed for it is put back and the next is begun.</summary>
    private static CampaignState Fail(CampaignState campaign, NodeProgress node, string reason, DateTimeOffset now)
    {
        var canPutBack = campaign.Order!.OnFailure is FailurePolicy.SkipNode && node.Step is not (NodeStep.MaintenanceOff or NodeStep.CephFlagsOff or NodeStep.GuestsHome or NodeStep.Reboot);
        return canPutBack
            ? campaign.With(CampaignMachine.Enter(campaign, node with { Failed = true, Note = reason }, NodeStep.Back, now)).Tell(node.Node, $"Failed: {reason} It is put back and left out.", now)
            : Halt(campaign, node, reason, now);
    }

    private static CampaignState Halt(CampaignState campaign, NodeProgress node, string reason, DateTimeOffset now, IReadOnlyList<GateResult>? gates = null) =>
        (campaign with { Status = CampaignStatus.Halted, Reason = $"{node.Node}: {reason}" }).Tell(node.Node, $"Halted: {reason}", now, gates);

    private static CampaignState Go(this CampaignState campaign, NodeProgress node, NodeStep step, string text, DateTimeOffset now) =>
        campaign.With(CampaignMachine.Enter(campaign, node, step, now)).Tell(node.Node, text, now);

    private static CampaignState Ask(CampaignState campaign, NodeProgress node, NodeStep step, CampaignWork[] work, string text, DateTimeOffset now) =>
        campaign.With(CampaignMachine.Enter(campaign, node, step, now, work)).Tell(node.Node, text, now).WithLast(news => news with { Work = work is [] ? null : work });

    private static CampaignState Noting(this CampaignState campaign, NodeName node, IReadOnlyList<GateResult> gates) => campaign.News is [.., var last] && last.Node == node
        ? campaign.WithLast(news => news with { Gates = gates })
        : campaign;

    private static bool WasRebooted(NodeProgress node, NodePicture? seen, DateTimeOffset now) =>
        node.BootId is { } before && seen is { BootId: { } boot } && seen.IsFresh(now) && boot != before;

    private static bool IsInMaintenance(NodeProgress node, ClusterPicture picture, DateTimeOffset now) =>
        picture.Nodes.Any(voice => IsVoice(voice, node, now) && voice.Sees!.Ha!.Nodes.GetValueOrDefault(node.Node.Value) is "maintenance");

    private static bool IsOutOfMaintenance(NodeProgress node, ClusterPicture picture, DateTimeOffset now) =>
        picture.Nodes.Any(voice => IsVoice(voice, node, now) && voice.Sees!.Ha is { } ha && ha.Nodes.GetValueOrDefault(node.Node.Value) is not "maintenance"
            && ha.MaintenanceRequested?.Contains(node.Node.Value) is false);

    // Only a report made after the step began says how it went.
    private static bool IsVoice(NodePicture voice, NodeProgress node, DateTimeOffset now) =>
        voice.IsFresh(now) && voice.At > node.Since && voice.Sees is { Quorate: true, Ha: not null };

    private static string? StillThere(NodeProgress node, NodePicture? seen, ClusterPicture picture, DateTimeOffset now)
    {
        if (seen is null || seen.At <= node.Since || !seen.IsFresh(now) || seen.Guests is null)
        {
            return $"{node.Node} has not said since which guests it has.";
        }

        var gone = node.Guests!.Where(move => move.Way is GuestWay.Migrate or GuestWay.ShutDown).Select(move => move.Vmid).ToHashSet();
        if (seen.Guests.FirstOrDefault(guest => gone.Contains(guest.Vmid) && guest.Status is not GuestStatus.Stopped) is { } guest)
        {
            return $"{guest.Vmid} {guest.Name} is still {guest.Status.ToString().ToLowerInvariant()} on {node.Node}.";
        }

        if (!node.Maintenance)
        {
            return null;
        }

        var active = picture.Nodes.Where(voice => IsVoice(voice, node, now)).Select(voice => voice.Sees!.Ha!.ActiveServices?.GetValueOrDefault(node.Node.Value)).ToArray();
        return active is [] || active.Any(count => count is null) ? "It is not known whether HA's services have left it."
            : active.All(count => count is 0) ? null
            : $"{active.Max()} of HA's services are still active on {node.Node}.";
    }

    /// <summary>Why a node is not back from its reboot; null when it is. "Online" alone proves nothing.</summary>
    private static string? NotBack(CampaignState campaign, NodeProgress node, NodePicture? seen, ClusterPicture picture, DateTimeOffset now)
    {
        if (seen is null || !seen.IsFresh(now) || seen.At <= node.Since)
        {
            return $"{node.Node} has not reported since.";
        }

        // One that failed before its reboot is only to be known good.
        if (node.Rebooted && (seen.KernelRunning is null || seen.KernelNewest is null || seen.KernelRunning != seen.KernelNewest))
        {
            return $"{node.Node} runs kernel {seen.KernelRunning ?? "(unknown)"} and not {seen.KernelNewest ?? "(unknown)"}.";
        }

        var count = QuorumCount.Of(picture, now);
        return count.IsRefused ? count.Refusal.Message
            : !count.Value.IsQuorate ? "The cluster has no quorum."
            : !count.Value.IsUp(node.Node) ? $"{node.Node} is not part of the quorum."
            : campaign.Order is { Reboot: RebootPolicy.IfNeeded } && node.Rebooted && seen.RebootRequired is null ? $"{node.Node} does not say whether it needs another reboot."
            : null;
    }

    private static string? NotHome(NodeProgress node, NodePicture? seen, DateTimeOffset now)
    {
        if (seen is null || !seen.IsFresh(now) || seen.At <= node.Since || seen.Guests is null)
        {
            return $"{node.Node} has not said since which guests it has.";
        }

        var running = seen.Guests.Where(guest => guest.Status is GuestStatus.Running).Select(guest => guest.Vmid).ToHashSet();
        return node.Guests!.FirstOrDefault(move => move.Way is not GuestWay.Ha && !running.Contains(move.Vmid)) is { } missing
            ? $"{missing.Vmid} {missing.Name} ran on {node.Node} before and does not now."
            : null;
    }

    // HA and Ceph can be told by any node that has quorum: when this one is down, another does it.
    private static NodeName Via(NodeProgress node, ClusterPicture picture, DateTimeOffset now) =>
        QuorumCount.Of(picture, now) is { Value: { } count } && !count.IsUp(node.Node) && picture.Nodes.FirstOrDefault(one => count.IsUp(one.Node)) is { } other
            ? other.Node
            : node.Node;

    private const int MostAnew = 3;
}
