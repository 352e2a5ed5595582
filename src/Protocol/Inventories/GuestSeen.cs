using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Protocol.Inventories;

/// <summary>A guest as its host sees it. What could not be read is null.</summary>
/// <param name="Vmid">Its number.</param>
/// <param name="Type">CT or VM.</param>
/// <param name="Name">Its name; for a CT without one <c>CT{vmid}</c>, as Proxmox shows it.</param>
/// <param name="Status">Its state; unknown when it could not be asked.</param>
/// <param name="OsType">The configuration's <c>ostype</c>, a hint only; null when absent.</param>
/// <param name="Os">What <c>/etc/os-release</c> inside says; null when it was not or could not be read.</param>
/// <param name="Lock">The configuration's <c>lock</c> (<c>backup</c>, <c>migrate</c>, …); null when there is none.</param>
/// <param name="Template">Whether it is a template: never started, never patched.</param>
/// <param name="Problem">Why something is unknown; null when nothing is.</param>
public sealed record GuestSeen(
    Vmid Vmid,
    GuestType Type,
    string Name,
    GuestStatus Status,
    string? OsType,
    OsRelease? Os,
    string? Lock,
    bool Template,
    string? Problem)
{
    /// <summary>Processors it may use: <c>cores</c> (times <c>sockets</c>); the host's all for a CT without the line.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Cores { get; init; }

    /// <summary>Memory, bytes: <c>memory</c>, 512 MiB without the line.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? MemoryBytes { get; init; }

    /// <summary>Swap of a CT, bytes; null for a VM, whose swap is its own affair.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? SwapBytes { get; init; }

    /// <summary>Disks and mount points; empty when it has none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<GuestDisk>? Disks { get; init; }

    /// <summary>Network interfaces; empty when it has none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<GuestNetwork>? Networks { get; init; }

    /// <summary>Its addresses now, without loopback and link-local ones; empty when it has none; null when not known, and while it does not run.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Addresses { get; init; }

    /// <summary>The one of <see cref="Addresses"/> to show: the first IPv4 one, else the first. While it does not run, the configured one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PrimaryAddress { get; init; }

    /// <summary>Tags, sorted; empty without any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>Whether a CT is unprivileged; null for a VM.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Unprivileged { get; init; }

    /// <summary>Whether it starts with its host.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? OnBoot { get; init; }

    /// <summary>Whether HA manages it; null when HA's files could not be read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? HaManaged { get; init; }

    /// <summary>What HA's manager says of it, such as <c>started</c> or <c>error</c>; null when it says nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? HaState { get; init; }

    /// <summary>When it was started, by the host's clock; null while it does not run.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>A VM's SMBIOS uuid (<c>smbios1</c>), lower case: what links an agent inside to it. Null for a CT.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? SmbiosUuid { get; init; }

    /// <summary>Whether a VM's configuration says that a QEMU guest agent is there; null for a CT.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? QemuAgent { get; init; }

    /// <summary>
    /// Why it can't leave its node, in a person's words: a bind mount, a passed-through device, a disk that no other node can have. Null when nothing
    /// in its configuration is against it; whether the other node has what it needs is for Proxmox VE to say.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Pinned { get; init; }

    /// <summary>Whether the other says the same. (Record equality compares lists by reference.)</summary>
    public bool SameAs(GuestSeen other) => this with { Os = null } == other with { Os = null }
        && (Os, other.Os) switch
        {
            (null, null) => true,
            ({ } mine, { } its) => mine with { IdLike = its.IdLike } == its && mine.IdLike.SequenceEqual(its.IdLike),
            _ => false,
        };

    internal bool HasGaps() => (Os?.IdLike.Any(id => id is null) ?? false) || (Disks?.Any(one => one is null) ?? false)
        || (Networks?.Any(one => one is null) ?? false) || (Addresses?.Any(one => one is null) ?? false) || (Tags?.Any(one => one is null) ?? false);
}

/// <summary>A disk or mount point.</summary>
/// <param name="Key">Its key in the configuration: <c>rootfs</c>, <c>mp0</c>, <c>scsi0</c>, …</param>
/// <param name="Volume">The volume, such as <c>local-zfs:subvol-100-disk-0</c>; a path for a bind mount.</param>
/// <param name="SizeBytes">Bytes; null when the configuration does not say, as for bind mounts.</param>
/// <param name="Path">Where a CT has it mounted; null for a VM's disk.</param>
public sealed record GuestDisk(string Key, string Volume, long? SizeBytes, string? Path);

/// <summary>A network interface as configured.</summary>
/// <param name="Key">Its key in the configuration: <c>net0</c>, …</param>
/// <param name="Mac">Its hardware address, lower case; null when absent.</param>
/// <param name="Bridge">The bridge; null when absent.</param>
/// <param name="Address">The configured IPv4 address without its prefix length; null for DHCP, manual and none.</param>
public sealed record GuestNetwork(string Key, string? Mac, string? Bridge, string? Address);

/// <summary>Fields of <c>os-release</c>(5).</summary>
/// <param name="Id"><c>ID</c>, such as <c>debian</c>; <c>linux</c> when absent, as the manual page says.</param>
/// <param name="IdLike"><c>ID_LIKE</c>, nearest first; empty when absent.</param>
/// <param name="VersionId"><c>VERSION_ID</c>; null when absent (Arch, Debian sid).</param>
/// <param name="PrettyName"><c>PRETTY_NAME</c>; null when absent.</param>
public sealed record OsRelease(string Id, IReadOnlyList<string> IdLike, string? VersionId, string? PrettyName);

/// <summary>The two kinds of guests, spelled as in Proxmox's ids and commands.</summary>
[JsonConverter(typeof(WireEnumConverter<GuestType>))]
public enum GuestType
{
    /// <summary>A container (CT).</summary>
    [JsonStringEnumMemberName("lxc")]
    Lxc,

    /// <summary>A virtual machine (VM).</summary>
    [JsonStringEnumMemberName("qemu")]
    Qemu,
}

/// <summary>A guest's state.</summary>
[JsonConverter(typeof(WireEnumConverter<GuestStatus>))]
public enum GuestStatus
{
    /// <summary>It could not be asked, or answered something new. Never taken for running or stopped.</summary>
    [JsonStringEnumMemberName("unknown")]
    Unknown,

    /// <summary>Running.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>Stopped.</summary>
    [JsonStringEnumMemberName("stopped")]
    Stopped,

    /// <summary>Paused (VMs only).</summary>
    [JsonStringEnumMemberName("paused")]
    Paused,
}
