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
public abstract record Job(JobId Id, int TimeoutSeconds)
{
    /// <summary>The guest it is for; null when it is for the machine the agent runs on.</summary>
    [JsonIgnore]
    public virtual Vmid? Target => null;
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

    /// <inheritdoc/>
    [JsonIgnore]
    public override Vmid? Target => Vmid;
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

    /// <inheritdoc/>
    [JsonIgnore]
    public override Vmid? Target => Vmid;
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

    /// <inheritdoc/>
    [JsonIgnore]
    public override Vmid? Target => Vmid;
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

    /// <inheritdoc/>
    [JsonIgnore]
    public override Vmid? Target => Vmid;
}

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
