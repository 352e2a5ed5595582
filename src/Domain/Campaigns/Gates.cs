using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Campaigns;

/// <summary>The conditions before anything is done to a node. What is not known does not hold (DESIGN section 6).</summary>
public static class Gates
{
    /// <summary>Bytes that must be free for <c>/</c>: an upgrade of Proxmox VE downloads and unpacks several hundred MiB.</summary>
    public const long RootBytes = 1L << 30;

    /// <summary>Bytes that must be free for <c>/boot</c>: a kernel and its initramfs.</summary>
    public const long BootBytes = 256L << 20;

    /// <summary>How far a node's clock may be from the server's: by it an agent tells whether it is too late to begin what it was asked for.</summary>
    public static readonly TimeSpan MostSkew = TimeSpan.FromMinutes(1);

    /// <summary>The oldest agent that can do what a campaign asks for.</summary>
    public static readonly Version LeastAgent = new(0, 1);

    /// <summary>Before something is installed on a node.</summary>
    public static IReadOnlyList<GateResult> BeforePatch(CampaignState campaign, NodeName node, ClusterPicture picture, DateTimeOffset now) =>
        BeforePatch(campaign, node, picture, QuorumCount.Of(picture, now), now);

    /// <summary>Before a node is drained or rebooted.</summary>
    public static IReadOnlyList<GateResult> BeforeTakeDown(CampaignState campaign, NodeName node, ClusterPicture picture, DateTimeOffset now) =>
        BeforeTakeDown(campaign, node, picture, QuorumCount.Of(picture, now), now);

    /// <inheritdoc cref="BeforePatch(CampaignState, NodeName, ClusterPicture, DateTimeOffset)"/>
    internal static IReadOnlyList<GateResult> BeforePatch(CampaignState campaign, NodeName node, ClusterPicture picture, Outcome<QuorumCount> count, DateTimeOffset now) =>
        Of(campaign, node, picture, count, now, takesDown: false);

    /// <inheritdoc cref="BeforeTakeDown(CampaignState, NodeName, ClusterPicture, DateTimeOffset)"/>
    internal static IReadOnlyList<GateResult> BeforeTakeDown(CampaignState campaign, NodeName node, ClusterPicture picture, Outcome<QuorumCount> count, DateTimeOffset now) =>
        Of(campaign, node, picture, count, now, takesDown: true);

    /// <summary>While a node that is back is left alone: the cluster is whole and stays so.</summary>
    public static IReadOnlyList<GateResult> Settled(CampaignState campaign, NodeName node, ClusterPicture picture, DateTimeOffset now)
    {
        var count = QuorumCount.Of(picture, now);
        return [Quorum(count), Nodes(picture, count, now), Ha(campaign, node, picture, now), Ceph(campaign, picture, now)];
    }

    /// <summary>Whether all hold.</summary>
    public static bool Hold(this IReadOnlyList<GateResult> gates)
    {
        foreach (var gate in gates)
        {
            if (gate.Verdict is not GateVerdict.Pass)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Those that do not hold, as one sentence each.</summary>
    public static string Reasons(this IReadOnlyList<GateResult> gates) =>
        string.Join(" ", gates.Where(gate => gate.Verdict is not GateVerdict.Pass).Select(gate => gate.Reason));

    private static List<GateResult> Of(CampaignState campaign, NodeName node, ClusterPicture picture, Outcome<QuorumCount> count, DateTimeOffset now, bool takesDown)
    {
        var order = campaign.Order!;
        var seen = picture.Find(node);
        if (order.Mode is PatchMode.DryRun)
        {
            return [Report(seen, node, now), Agent(seen, node)];
        }

        List<GateResult> gates =
        [
            Report(seen, node, now),
            Quorum(count),
            Nodes(picture, count, now),
            Ha(campaign, node, picture, now),
            Ceph(campaign, picture, now),
            Tasks(seen, node),
            Agent(seen, node),
            Window(order, now, takesDown),
        ];
        if (takesDown)
        {
            gates.Insert(2, Votes(count, node));
            gates.AddRange(Room(campaign, node, picture, now));
        }
        else
        {
            gates.AddRange([Space(seen, node), Repositories(order, seen, node)]);
        }

        return gates;
    }

    private static GateResult Report(NodePicture? seen, NodeName node, DateTimeOffset now) => seen switch
    {
        { At: null } or null => Wait("report", $"{node} has not reported."),
        _ when !seen.IsFresh(now) => Wait("report", $"{node} last reported at {seen.At:u}, longer than two of its intervals ago."),
        _ when seen.ClockAhead.Duration() > MostSkew => Wait("report", $"The clock of {node} is {seen.ClockAhead.Duration()} {(seen.ClockAhead > TimeSpan.Zero ? "ahead of" : "behind")} this server's: nobody could tell what comes too late."),
        { BootId: null } => Wait("report", $"{node} could not read its boot id."),
        { Guests: null } => Wait("report", $"{node} could not list its guests."),
        _ => Pass("report", $"{node} reported at {seen.At:u}."),
    };

    private static GateResult Quorum(Outcome<QuorumCount> count) => count switch
    {
        { IsRefused: true } => Wait("quorum", count.Refusal.Message),
        { Value: { IsQuorate: false } votes } => Wait("quorum", $"{votes.Online} of {votes.Expected} votes are online; {votes.Needed} are needed."),
        { Value: var votes } => Pass("quorum", $"{votes!.Online} of {votes.Expected} votes are online; {votes.Needed} are needed."),
    };

    private static GateResult Votes(Outcome<QuorumCount> count, NodeName node) => count switch
    {
        { IsRefused: true } => Wait("votes", count.Refusal.Message),
        { Value: { IsSingle: true } } => Pass("votes", $"{node} is alone: nobody else needs quorum."),
        { Value: var votes } when !votes!.IsUp(node) => Wait("votes", $"{node} is not known to be part of the quorum."),
        { Value: var votes } when votes!.SurvivesLossOf(node) => Pass("votes", $"{votes.OnlineWithout(node)} votes stay online without {node}; {votes.Needed} are needed."),
        { Value: var votes } => new("votes", votes!.CouldSurviveLossOf(node) ? GateVerdict.Wait : GateVerdict.Never, $"Only {votes.OnlineWithout(node)} votes would stay online without {node}; {votes.Needed} are needed."),
    };

    private static GateResult Nodes(ClusterPicture picture, Outcome<QuorumCount> count, DateTimeOffset now)
    {
        if (count.IsRefused)
        {
            return Wait("nodes", count.Refusal.Message);
        }

        foreach (var member in picture.Nodes)
        {
            if (!member.IsFresh(now))
            {
                return Wait("nodes", member.At is null ? $"{member.Node} has not reported: nobody knows how it is." : $"{member.Node} last reported at {member.At:u}: nobody knows how it is.");
            }

            if (!count.Value.IsUp(member.Node))
            {
                return Wait("nodes", $"{member.Node} is not known to be part of the quorum.");
            }
        }

        return Pass("nodes", "Every node is up and part of the quorum.");
    }

    private static GateResult Ha(CampaignState campaign, NodeName node, ClusterPicture picture, DateTimeOffset now)
    {
        var own = campaign.Nodes.FirstOrDefault(one => one.Node == node)?.Maintenance ?? false;
        foreach (var voice in picture.Nodes.Where(one => one.IsFresh(now) && one.Sees is { Clustered: not false }))
        {
            if (voice.Sees!.Ha is not { } ha)
            {
                return Wait("ha", $"{voice.Node} could not read HA's state.");
            }

            if (!ha.Used)
            {
                continue;
            }

            if (!ha.ManagerActive)
            {
                return Wait("ha", $"HA's manager has not written its state lately, as {voice.Node} sees it.");
            }

            if (ha.ServicesInError is [var service, ..])
            {
                return Wait("ha", $"HA has given up {service}: it is in state error.");
            }

            foreach (var (name, state) in ha.Nodes)
            {
                var ours = own && name == node.Value;
                if (state is not ("online" or "gone") && !(ours && state is "maintenance"))
                {
                    return Wait("ha", $"HA has {name} in state {state}.");
                }
            }

            if (ha is not { MaintenanceRequested: not null, Lrms: not null })
            {
                return Wait("ha", $"{voice.Node} does not say how HA's local managers are, or for which nodes maintenance mode is asked.");
            }

            if (ha.MaintenanceRequested.FirstOrDefault(name => !(own && name == node.Value)) is { } requested)
            {
                return Wait("ha", $"Maintenance mode is asked for {requested}, and not by this campaign.");
            }

            foreach (var (name, lrm) in ha.Lrms)
            {
                if (ha.Nodes.GetValueOrDefault(name) is not "gone" && (!lrm.Alive || lrm.State is "lost_agent_lock"))
                {
                    return Wait("ha", lrm.Alive ? $"HA's local manager of {name} has lost its lock." : $"HA's local manager of {name} has not written its state lately.");
                }
            }
        }

        return Pass("ha", "HA is as it should be, or not used.");
    }

    private static GateResult Ceph(CampaignState campaign, ClusterPicture picture, DateTimeOffset now)
    {
        foreach (var voice in picture.Nodes.Where(one => one.IsFresh(now)))
        {
            if (voice.Sees?.Ceph is not { } ceph)
            {
                continue;
            }

            if (ceph.Health is null)
            {
                return Wait("ceph", $"Ceph did not answer {voice.Node}: {ceph.Problem}");
            }

            // Flags that are set turn its health to a warning; those of the campaign are no trouble.
            var trouble = ceph.Checks.Where(check => campaign.CephFlags.Count is 0 || !check.StartsWith("OSDMAP_FLAGS", StringComparison.Ordinal)).ToArray();
            if (ceph.Health is not "HEALTH_OK" && (ceph.Health is not "HEALTH_WARN" || trouble.Length > 0 || ceph.Checks.Count is 0))
            {
                return Wait("ceph", $"Ceph is {ceph.Health} as {voice.Node} sees it: {(trouble.Length > 0 ? trouble[0] : "it does not say why")}.");
            }
        }

        return Pass("ceph", "Ceph is healthy, or not used.");
    }

    private static GateResult Tasks(NodePicture? seen, NodeName node) => seen?.RunningTasks switch
    {
        null => Wait("tasks", $"{node} could not say what backups, migrations and replications run there."),
        [] => Pass("tasks", $"No backup, migration or replication runs on {node}."),
        [var first, ..] => Wait("tasks", $"{node} is busy: {first}."),
    };

    private static GateResult Agent(NodePicture? seen, NodeName node) => Version.TryParse(seen?.AgentVersion?.Split('-', '+')[0], out var version) switch
    {
        false => Wait("agent", $"{node} does not say which version its agent has."),
        true when version < LeastAgent => new("agent", GateVerdict.Wait, $"The agent of {node} is version {version}; at least {LeastAgent} is needed."),
        true => Pass("agent", $"The agent of {node} is version {version}."),
    };

    // Only while it is not decided yet where the guests go, and only where it is not known what that depends on: a guest is not shut down because nobody has measured.
    private static IEnumerable<GateResult> Room(CampaignState campaign, NodeName node, ClusterPicture picture, DateTimeOffset now) =>
        campaign.Nodes.FirstOrDefault(one => one.Node == node) is not { Guests: not null } && GuestMoves.Unmeasured(campaign.Order!, node, picture, now) is { Count: > 0 } unknown
            ? [Wait("room", $"It is not known yet how much memory {string.Join(" and ", unknown)} {(unknown.Count is 1 ? "has" : "have")} left for the guests of {node}.")]
            : [];

    private static GateResult Window(CampaignOrder order, DateTimeOffset now, bool takesDown)
    {
        if (order.WindowEnd is not { } end)
        {
            return Pass("window", "There is no end to the window.");
        }

        var needed = TimeSpan.FromSeconds(takesDown ? order.Limits.RebootSeconds : 0);
        return now + needed < end
            ? Pass("window", $"The window is open until {end:u}.")
            : new("window", GateVerdict.Never, takesDown && now < end ? $"The window ends at {end:u}; a reboot may take {needed}." : $"The window ended at {end:u}.");
    }

    private static GateResult Space(NodePicture? seen, NodeName node) => seen switch
    {
        null or { RootFreeBytes: null } or { BootFreeBytes: null } => Wait("space", $"{node} could not say how much space is free on / and /boot."),
        { RootFreeBytes: < RootBytes } => Wait("space", $"{node} has {seen.RootFreeBytes >> 20} MiB free on /; {RootBytes >> 20} are needed."),
        { BootFreeBytes: < BootBytes } => Wait("space", $"{node} has {seen.BootFreeBytes >> 20} MiB free on /boot; {BootBytes >> 20} are needed."),
        _ => Pass("space", $"{node} has {seen.RootFreeBytes >> 20} MiB free on / and {seen.BootFreeBytes >> 20} on /boot."),
    };

    private static GateResult Repositories(CampaignOrder order, NodePicture? seen, NodeName node) => seen?.RepositoryProblems switch
    {
        null => Wait("repositories", $"{node} could not say whether its package repositories are in order."),
        [] => Pass("repositories", $"The package repositories of {node} are in order."),
        [var first, ..] when order.AcceptRepositoryProblems => Pass("repositories", $"{first} (accepted)"),
        [var first, ..] => Wait("repositories", $"{node}: {first}"),
    };

    private static GateResult Pass(string name, string reason) => new(name, GateVerdict.Pass, reason);

    private static GateResult Wait(string name, string reason) => new(name, GateVerdict.Wait, reason);
}
