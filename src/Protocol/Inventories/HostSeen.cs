using System.Text.Json.Serialization;

namespace NannyOrleans.Protocol.Inventories;

/// <summary>A PVE host, or a machine outside Proxmox VE, as its own agent sees it. What could not be read is null.</summary>
public sealed record HostSeen
{
    /// <summary>What its <c>/etc/os-release</c> says.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public OsRelease? Os { get; init; }

    /// <summary>The kernel that runs, such as <c>6.17.4-1-pve</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? KernelRunning { get; init; }

    /// <summary>The kernel that would run after a reboot: the pinned one, else the newest that is installed and bootable.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? KernelNewest { get; init; }

    /// <summary>Whether a reboot is needed. <see cref="RebootReason"/> says why.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? RebootRequired { get; init; }

    /// <summary>Why a reboot is needed, or why that is not known; null when it is known to be not needed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RebootReason { get; init; }

    /// <summary>When it booted, by its own clock.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? BootedAt { get; init; }

    /// <summary>Processors, as many as the kernel schedules on.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Cores { get; init; }

    /// <summary>Memory, bytes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? MemoryBytes { get; init; }

    /// <summary>Swap, bytes; 0 without any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? SwapBytes { get; init; }

    /// <summary>Its addresses, without loopback and link-local ones; empty when it has none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Addresses { get; init; }

    /// <summary>The address of the interface that the default route leaves by; else the first one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PrimaryAddress { get; init; }

    /// <summary>The hardware addresses of its interfaces, lower case.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Macs { get; init; }

    /// <summary>The SMBIOS uuid, lower case: inside a VM the one of its <c>smbios1</c> line. Null where firmware gives none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? SmbiosUuid { get; init; }

    /// <summary>Packages that an upgrade would change, held ones left out, by the lists of <see cref="PackageListsAt"/>. Null is never "none".</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? PendingUpdates { get; init; }

    /// <summary>When the package lists were last fetched.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? PackageListsAt { get; init; }

    /// <summary>Why <see cref="PendingUpdates"/> is not known; null when it is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PendingUpdatesProblem { get; init; }

    /// <summary>What is wrong with the package repositories, such as an enterprise one without a subscription; empty when nothing is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? RepositoryProblems { get; init; }

    /// <summary>Proxmox VE's subscription: <c>active</c>, <c>notfound</c>, …; null outside Proxmox VE or when it could not be read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Subscription { get; init; }

    /// <summary>
    /// Backups, restores, migrations, replications and the like that run on it now, by the list of its tasks, in a person's words; empty when none
    /// does, null when the list could not be read.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? RunningTasks { get; init; }

    /// <summary>Bytes free on <c>/</c>; null when it could not be asked.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? RootFreeBytes { get; init; }

    /// <summary>Bytes free where <c>/boot</c> is, which may be a file system of its own; null when it could not be asked.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? BootFreeBytes { get; init; }

    internal bool HasGaps() => (Addresses?.Any(one => one is null) ?? false) || (Macs?.Any(one => one is null) ?? false)
        || (RepositoryProblems?.Any(one => one is null) ?? false) || (Os?.IdLike.Any(one => one is null) ?? false) || (RunningTasks?.Any(one => one is null) ?? false);
}
