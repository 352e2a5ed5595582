using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Operations;

/// <summary>What a person asks for.</summary>
/// <param name="Mode">List or install.</param>
/// <param name="Exclusions">Valid <see cref="PackagePattern"/>s.</param>
/// <param name="RequestedBy">Who asks.</param>
public sealed record PatchOrder(PatchMode Mode, IReadOnlyList<string> Exclusions, string RequestedBy)
{
    /// <summary>How long a patch may take if nobody says otherwise. An hour is far beyond a slow mirror and short of a lost night.</summary>
    public const int UsualTimeoutSeconds = 3600;

    /// <summary>How long a locked guest is waited for if nobody says otherwise: most snapshots and backups of a container end within it.</summary>
    public const int UsualWaitSeconds = 900;

    /// <summary>Only security updates.</summary>
    public bool SecurityOnly { get; init; }

    /// <summary>Also remove what nothing needs any more.</summary>
    public bool Autoremove { get; init; }

    /// <summary>Whether a stopped container is started for it and stopped again.</summary>
    public bool StartStopped { get; init; }

    /// <summary>How long it may run, 1 to 86400 seconds.</summary>
    public int TimeoutSeconds { get; init; } = UsualTimeoutSeconds;

    /// <summary>How long a locked guest is waited for, 0 to 86400 seconds.</summary>
    public int WaitSeconds { get; init; } = UsualWaitSeconds;

    /// <summary>The dry run it is approved from; null when it is not.</summary>
    public PinnedPlan? Plan { get; init; }

    /// <summary>The batch it is part of; null when it is asked for alone.</summary>
    public JobId? Batch { get; init; }

    /// <summary>The campaign it is part of; null when it is part of none.</summary>
    public JobId? Campaign { get; init; }

    /// <summary>When it is too late to begin; null for never.</summary>
    public DateTimeOffset? StartBy { get; init; }

    /// <summary>The operation and its job, ready to be queued at the route's node.</summary>
    public OutboxEntry At(JobId id, ClusterId cluster, PatchRoute route, ScriptReference script, DateTimeOffset now)
    {
        return new(
            JobOf(id, route, script),
            new()
            {
                Id = id,
                Cluster = cluster,
                Vmid = route.Vmid,
                Type = route.Vmid is null ? null : route.Type,
                Agent = route.Vmid is null ? route.Agent : null,
                Name = route.Name,
                Node = route.Node,
                Family = route.Family,
                Mode = Mode,
                Exclusions = Exclusions,
                Script = script,
                SecurityOnly = SecurityOnly,
                Autoremove = Autoremove,
                StartStopped = StartStopped,
                Plan = Plan?.Operation,
                Batch = Batch,
                Campaign = Campaign,
                RequestedBy = RequestedBy,
                CreatedAt = now,
            },
            LastOutcome: null,
            Agent: null);
    }

    private PatchJob JobOf(JobId id, PatchRoute route, ScriptReference script)
    {
        PatchJob job = route switch
        {
            { Vmid: null } => new PatchHost(id, TimeoutSeconds, Mode, Exclusions, script),
            { Vmid: { } vmid, Type: GuestType.Lxc } => new PatchGuest(id, TimeoutSeconds, vmid, Mode, Exclusions, script) { StartStopped = StartStopped, WaitSeconds = WaitSeconds },
            { Vmid: { } vmid } => new PatchVm(id, TimeoutSeconds, vmid, Mode, Exclusions, script) { WaitSeconds = WaitSeconds },
        };
        return job with { SecurityOnly = SecurityOnly, Autoremove = Autoremove, Plan = Plan?.Fingerprint, StartBy = StartBy };
    }
}

/// <summary>A dry run that a person has approved.</summary>
/// <param name="Operation">The dry run.</param>
/// <param name="Fingerprint">What it listed, as <see cref="PlanFingerprint"/>.</param>
public sealed record PinnedPlan(JobId Operation, string Fingerprint)
{
    /// <summary>The plan that a dry run is for a target, or why it is none.</summary>
    /// <param name="id">The dry run's id as it was given.</param>
    /// <param name="run">The operation of that id; null when there is none.</param>
    /// <param name="target">The target's id.</param>
    public static Outcome<PinnedPlan> Of(JobId id, OperationRecord? run, string target) => run switch
    {
        null => new Refusal("plan-not-found", $"There is no operation {id} to be the plan; it may be older than history is kept."),
        { Kind: not OperationKind.Patch } or { Mode: not PatchMode.DryRun } => new Refusal("plan-not-a-dry-run", $"Operation {id} is no dry run, so it is no plan."),
        _ when run.Target != target => new Refusal("plan-of-another-target", $"Operation {id} is a dry run of {run.Target}, not of {target}."),
        _ when !run.Status.IsFinal() => new Refusal("plan-not-ended", $"Dry run {id} has not ended yet."),
        { Status: not OperationStatus.Succeeded } or { Findings: null } => new Refusal("plan-failed", $"Dry run {id} did not succeed, so nobody knows what it would have listed."),
        _ => new PinnedPlan(id, PlanFingerprint.Of(run.Findings.Packages.Select(package => (package.Name, package.To)), run.Findings.Removed)),
    };
}
