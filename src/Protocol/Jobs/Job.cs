using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Protocol.Jobs;

/// <summary>Work for one agent. Its id makes sending it twice harmless: an agent starts a job at most once.</summary>
/// <param name="Id">The job, and the operation it carries out.</param>
/// <param name="TimeoutSeconds">How long it may run once started, 1 to 86400; after that it is ended and has failed.</param>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(PatchGuest), "patch-guest")]
[JsonDerivedType(typeof(PatchHost), "patch-host")]
[JsonDerivedType(typeof(PatchVm), "patch-vm")]
[JsonDerivedType(typeof(RebootGuest), "reboot-guest")]
[JsonDerivedType(typeof(RebootHost), "reboot-host")]
[JsonDerivedType(typeof(Diagnose), "diagnose")]
[JsonDerivedType(typeof(SetMaintenance), "set-maintenance")]
[JsonDerivedType(typeof(SetCephFlag), "set-ceph-flag")]
[JsonDerivedType(typeof(MigrateGuest), "migrate-guest")]
[JsonDerivedType(typeof(PowerGuest), "power-guest")]
public abstract record Job(JobId Id, int TimeoutSeconds)
{
    /// <summary>
    /// When it is too late to begin, by the host's own clock: then it fails and never starts. Whoever asked has stopped waiting for it, and what
    /// was true when it was asked for may not be any more. Null when it may start whenever its turn comes.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? StartBy { get; init; }

    /// <summary>The campaign it is part of, for the agent's log alone; null when it is part of none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JobId? Campaign { get; init; }

    /// <summary>The guest it is for; null when it is for the machine the agent runs on.</summary>
    [JsonIgnore]
    public Vmid? Target => this switch
    {
        PatchGuest job => job.Vmid,
        PatchVm job => job.Vmid,
        RebootGuest job => job.Vmid,
        Diagnose job => job.Vmid,
        MigrateGuest job => job.Vmid,
        PowerGuest job => job.Vmid,
        _ => null,
    };
}

/// <summary>Lists or installs pending updates with a catalogue script.</summary>
/// <param name="Id">The job.</param>
/// <param name="TimeoutSeconds">How long it may run once started, 1 to 86400.</param>
/// <param name="Mode">List the updates, or install them.</param>
/// <param name="Exclusions">Packages to leave as they are: valid <see cref="PackagePattern"/>s.</param>
/// <param name="Script">The script to run. A content with another hash is refused before anything runs.</param>
public abstract record PatchJob(JobId Id, int TimeoutSeconds, PatchMode Mode, IReadOnlyList<string> Exclusions, ScriptReference Script) : Job(Id, TimeoutSeconds)
{
    /// <summary>Only updates from security archives, where the family can tell them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool SecurityOnly { get; init; }

    /// <summary>Also remove packages that were installed for others and that nothing needs any more.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Autoremove { get; init; }

    /// <summary>
    /// The fingerprint (<see cref="PlanFingerprint"/>) of what was approved. If what would be installed now has another, nothing is
    /// installed. Null: whatever is pending.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Plan { get; init; }
}

/// <summary>Patches a container, by one <c>pct exec</c>.</summary>
/// <param name="Id">The job.</param>
/// <param name="TimeoutSeconds">How long it may run once started, 1 to 86400.</param>
/// <param name="Vmid">The container; it must be on the agent's own node.</param>
/// <param name="Mode">List the updates, or install them.</param>
/// <param name="Exclusions">Packages to leave as they are: valid <see cref="PackagePattern"/>s.</param>
/// <param name="Script">The script to run.</param>
public sealed record PatchGuest(JobId Id, int TimeoutSeconds, Vmid Vmid, PatchMode Mode, IReadOnlyList<string> Exclusions, ScriptReference Script)
    : PatchJob(Id, TimeoutSeconds, Mode, Exclusions, Script)
{
    /// <summary>Whether a stopped container is started for it and stopped again afterwards. Without it a stopped one is left alone.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool StartStopped { get; init; }

    /// <summary>How long a locked container (backup, snapshot, migrate, ...) is waited for before it has failed, 0 to 86400 seconds; not part of the timeout.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int WaitSeconds { get; init; }
}

/// <summary>Patches the machine the agent runs on: a Proxmox VE host, or any other Linux machine.</summary>
/// <param name="Id">The job.</param>
/// <param name="TimeoutSeconds">How long it may run once started, 1 to 86400.</param>
/// <param name="Mode">List the updates, or install them.</param>
/// <param name="Exclusions">Packages to leave as they are: valid <see cref="PackagePattern"/>s.</param>
/// <param name="Script">The script to run.</param>
public sealed record PatchHost(JobId Id, int TimeoutSeconds, PatchMode Mode, IReadOnlyList<string> Exclusions, ScriptReference Script)
    : PatchJob(Id, TimeoutSeconds, Mode, Exclusions, Script);

/// <summary>
/// Patches a VM through its QEMU guest agent, by <c>qm guest exec</c>. Never the usual way: an agent inside the VM is. Only for guests
/// for which a person has said so.
/// </summary>
/// <param name="Id">The job.</param>
/// <param name="TimeoutSeconds">How long it may run once started, 1 to 86400.</param>
/// <param name="Vmid">The VM; it must be on the agent's own node.</param>
/// <param name="Mode">List the updates, or install them.</param>
/// <param name="Exclusions">Packages to leave as they are: valid <see cref="PackagePattern"/>s.</param>
/// <param name="Script">The script to run.</param>
public sealed record PatchVm(JobId Id, int TimeoutSeconds, Vmid Vmid, PatchMode Mode, IReadOnlyList<string> Exclusions, ScriptReference Script)
    : PatchJob(Id, TimeoutSeconds, Mode, Exclusions, Script)
{
    /// <summary>How long a locked VM is waited for before it has failed, 0 to 86400 seconds; not part of the timeout.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int WaitSeconds { get; init; }
}

/// <summary>Restarts a guest; done when it was seen to have started anew.</summary>
/// <param name="Id">The job.</param>
/// <param name="TimeoutSeconds">How long it may take to be back, 1 to 86400.</param>
/// <param name="Vmid">The guest, a container or a VM; it must be on the agent's own node.</param>
public sealed record RebootGuest(JobId Id, int TimeoutSeconds, Vmid Vmid) : Job(Id, TimeoutSeconds)
{
    /// <summary>How long a locked guest is waited for before it has failed, 0 to 86400 seconds; not part of the timeout.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int WaitSeconds { get; init; }
}

/// <summary>Restarts the machine the agent runs on; done when the agent is back under another boot id.</summary>
/// <param name="Id">The job.</param>
/// <param name="TimeoutSeconds">How long it may take to be back, 1 to 86400.</param>
public sealed record RebootHost(JobId Id, int TimeoutSeconds) : Job(Id, TimeoutSeconds);

/// <summary>Finds out why a guest or the machine itself could not be patched: read-only checks, answered with a <see cref="Diagnosis"/>.</summary>
/// <param name="Id">The job.</param>
/// <param name="TimeoutSeconds">How long it may run, 1 to 86400.</param>
/// <param name="Vmid">The guest; null for the machine the agent runs on.</param>
public sealed record Diagnose(JobId Id, int TimeoutSeconds, Vmid? Vmid) : Job(Id, TimeoutSeconds)
{
    /// <summary>The family a person or discovery takes it for, as the API spells it; null when none is known. The checks compare it with what they find.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ExpectedFamily { get; init; }
}

/// <summary>
/// Asks HA to put a node into its maintenance mode, or to take it out (<c>ha-manager crm-command node-maintenance</c>). Done once HA has been asked
/// for it: when it is so, the inventory says.
/// </summary>
/// <param name="Id">The job.</param>
/// <param name="TimeoutSeconds">How long it may run, 1 to 86400.</param>
/// <param name="Node">The node; any member that has quorum can ask for any other.</param>
/// <param name="On">Into maintenance mode, or out of it.</param>
public sealed record SetMaintenance(JobId Id, int TimeoutSeconds, NodeName Node, bool On) : Job(Id, TimeoutSeconds);

/// <summary>Sets a flag of the cluster's Ceph, or takes it off (<c>ceph osd set</c>). Done when Ceph has said so; a flag that is as asked already is left.</summary>
/// <param name="Id">The job.</param>
/// <param name="TimeoutSeconds">How long it may run, 1 to 86400.</param>
/// <param name="Flag">The flag; <see cref="Allowed"/> is the only one.</param>
/// <param name="On">Set it, or take it off.</param>
public sealed record SetCephFlag(JobId Id, int TimeoutSeconds, string Flag, bool On) : Job(Id, TimeoutSeconds)
{
    /// <summary>A down OSD is not marked out, so no data moves while a node reboots.</summary>
    public const string Allowed = "noout";
}

/// <summary>
/// Moves a running guest to another node: a VM while it runs, with its local disks; a container is shut down, moved and started there. Done when
/// the cluster's own list has it there; one that is there already is.
/// </summary>
/// <param name="Id">The job.</param>
/// <param name="TimeoutSeconds">How long it may take, 1 to 86400.</param>
/// <param name="Vmid">The guest; it must be on the agent's own node, not managed by HA, and not locked.</param>
/// <param name="To">The other node.</param>
public sealed record MigrateGuest(JobId Id, int TimeoutSeconds, Vmid Vmid, NodeName To) : Job(Id, TimeoutSeconds);

/// <summary>Starts a guest, or shuts it down in order; never ends one by force. Done when it was seen to run, or to be stopped; one that is as asked already is.</summary>
/// <param name="Id">The job.</param>
/// <param name="TimeoutSeconds">How long it may take, 1 to 86400.</param>
/// <param name="Vmid">The guest; it must be on the agent's own node, not managed by HA, and not locked.</param>
/// <param name="On">Start it, or shut it down.</param>
public sealed record PowerGuest(JobId Id, int TimeoutSeconds, Vmid Vmid, bool On) : Job(Id, TimeoutSeconds);

/// <summary>What a patch job does.</summary>
[JsonConverter(typeof(WireEnumConverter<PatchMode>))]
public enum PatchMode
{
    /// <summary>Lists what would be upgraded and changes nothing.</summary>
    [JsonStringEnumMemberName("dry-run")]
    DryRun,

    /// <summary>Installs the pending updates.</summary>
    [JsonStringEnumMemberName("apply")]
    Apply,
}

/// <summary>Ends a job that was sent before: one that has not started never does, a running one is asked to stop and then made to.</summary>
/// <param name="Id">The job. One the agent does not know is ignored.</param>
public sealed record CancelJob(JobId Id);
