using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Protocol.Inventories;

/// <summary>What one host says about itself, its guests and the cluster as it sees it.</summary>
/// <param name="CollectedAt">When it was collected, by the host's clock.</param>
/// <param name="AgentVersion">The agent's own version.</param>
/// <param name="Hostname">The host's name.</param>
/// <param name="PveVersion">The first word of <c>pveversion</c>, such as <c>pve-manager/9.2.11/…</c>; null when it could not be read.</param>
/// <param name="BootId">The kernel's boot id; null when it could not be read.</param>
/// <param name="Cluster">The cluster as this host sees it; null when <c>/etc/pve</c> could not be read.</param>
/// <param name="Guests">All guests of this host; null when they could not be listed. An empty list means there are none.</param>
/// <param name="Problems">What could not be read and why, in a person's words; empty when all could.</param>
public sealed record Inventory(
    DateTimeOffset CollectedAt,
    string AgentVersion,
    string Hostname,
    string? PveVersion,
    string? BootId,
    ClusterSeen? Cluster,
    IReadOnlyList<GuestSeen>? Guests,
    IReadOnlyList<string> Problems)
{
    /// <summary>The most guests, members and problems one inventory may have; Proxmox VE's own limits are far below.</summary>
    public const int MaxItems = 10_000;

    /// <summary>In how many seconds the next inventory comes at the latest, 1 to 86400. Two of these without one, and this one is old.</summary>
    public int IntervalSeconds { get; init; } = 300;

    /// <summary>Whether a list is longer than <see cref="MaxItems"/>.</summary>
    public bool IsTooLong() => Problems.Count > MaxItems || Cluster?.Members.Count > MaxItems || Guests?.Count > MaxItems;

    /// <summary>Whether a list has null in the place of an item. JSON can say so, no option of the serializer refuses it, and it means nothing.</summary>
    public bool HasGaps() => Problems.Any(problem => problem is null)
        || (Cluster?.Members.Any(member => member is null) ?? false)
        || (Guests?.Any(guest => guest is null || (guest.Os?.IdLike.Any(id => id is null) ?? false)) ?? false);
}

/// <summary>A cluster as one member sees it: a member that is cut off sees itself online and the others offline.</summary>
/// <param name="Name">The cluster's name; the node's name on a standalone host.</param>
/// <param name="Quorate">Whether this member has quorum. A standalone host always has.</param>
/// <param name="Members">All members of <c>/etc/pve/.members</c>.</param>
public sealed record ClusterSeen(string Name, bool Quorate, IReadOnlyList<MemberSeen> Members);

/// <summary>One member of a cluster.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Online">Whether the reporting host sees it.</param>
/// <param name="Votes"><c>quorum_votes</c> of corosync.conf, 0 or more (1 when the line is absent); null when the file could not be read.</param>
public sealed record MemberSeen(NodeName Node, bool Online, int? Votes);

/// <summary>A guest as its host sees it.</summary>
/// <param name="Vmid">Its number.</param>
/// <param name="Type">CT or VM.</param>
/// <param name="Name">Its name; for a CT without one <c>CT{vmid}</c>, as Proxmox shows it.</param>
/// <param name="Status">Its state; unknown when it could not be asked.</param>
/// <param name="OsType">The configuration's <c>ostype</c>, a hint only; null when absent.</param>
/// <param name="Os">What <c>/etc/os-release</c> inside says; null when it was not or could not be read.</param>
/// <param name="Lock">The configuration's <c>lock</c> (<c>backup</c>, <c>migrate</c>, …); null when there is none.</param>
/// <param name="Template">Whether it is a template: never started, never patched.</param>
/// <param name="Problem">Why something above is unknown; null when nothing is.</param>
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
    /// <summary>Whether the other says the same. (Record equality compares lists by reference.)</summary>
    public bool SameAs(GuestSeen other) => this with { Os = null } == other with { Os = null }
        && (Os, other.Os) switch
        {
            (null, null) => true,
            ({ } mine, { } its) => mine with { IdLike = its.IdLike } == its && mine.IdLike.SequenceEqual(its.IdLike),
            _ => false,
        };
}

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
