using System.Text.Json.Serialization;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Domain.Clusters;

/// <summary>Everything known: Cluster -> Node -> Guest, and machines outside Proxmox VE.</summary>
/// <param name="Clusters">All clusters, by name and then id.</param>
/// <param name="Standalone">Machines with an agent of their own, by name and then id; those inside a known VM say which.</param>
public sealed record Topology(IReadOnlyList<ClusterView> Clusters, IReadOnlyList<MachineView> Standalone);

/// <summary>A cluster as shown, with its nodes and their guests.</summary>
/// <param name="Overview">The cluster itself.</param>
/// <param name="Nodes">Its nodes, by name.</param>
public sealed record ClusterView(ClusterOverview Overview, IReadOnlyList<NodeView> Nodes)
{
    /// <inheritdoc cref="ClusterOverview.Id"/>
    public ClusterId Id => Overview.Id;

    /// <inheritdoc cref="ClusterOverview.Name"/>
    public string Name => Overview.Name;

    /// <inheritdoc cref="ClusterOverview.Quorate"/>
    public bool? Quorate => Overview.Quorate;

    /// <inheritdoc cref="ClusterOverview.QuorateReason"/>
    public string? QuorateReason => Overview.QuorateReason;
}

/// <summary>A cluster as shown, without its nodes.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name; its id when nobody has said a name.</param>
/// <param name="Quorate">Whether it has quorum as its nodes' fresh reports say (not older than two of their intervals); null when they do not agree or there is none.</param>
/// <param name="QuorateReason">Why that is not known, or who lacks quorum; null when it is known to be quorate.</param>
public sealed record ClusterOverview(ClusterId Id, string Name, bool? Quorate, string? QuorateReason)
{
    /// <summary>Whether it is a cluster at all; false for a standalone host, null when nobody has said.</summary>
    public bool? Clustered { get; init; }

    /// <summary>Votes; null when no fresh report has all of them.</summary>
    public VotesView? Votes { get; init; }

    /// <summary>The quorum device; null when there is none or nobody has said.</summary>
    public QDeviceSeen? Qdevice { get; init; }

    /// <summary>High availability; null when not known.</summary>
    public HaSeen? Ha { get; init; }

    /// <summary>Ceph; null when it is not used, or not known: <see cref="ReportedBy"/> says whether anybody spoke.</summary>
    public CephSeen? Ceph { get; init; }

    /// <summary>The node whose report Votes, Qdevice, Ha and Ceph are taken from: the freshest one with quorum; null when there is no fresh one.</summary>
    public NodeName? ReportedBy { get; init; }

    /// <summary>Its nodes by state.</summary>
    public required NodeCounts NodeCount { get; init; }

    /// <summary>Its guests by state.</summary>
    public required GuestCounts GuestCount { get; init; }

    /// <summary>What its hosts have and use.</summary>
    public required ResourceTotals Resources { get; init; }

    /// <summary>What its guests are given and use.</summary>
    public required ResourceTotals GuestResources { get; init; }

    /// <summary>Its storages: a shared one once, others once for each node.</summary>
    public IReadOnlyList<StorageView> Storages { get; init; } = [];

    /// <summary>How far it is patched; null from a silo of an older release.</summary>
    public PatchCounts? Patches { get; init; }

    /// <summary>What a person should know of it, the worst first; null from a silo of an older release.</summary>
    public IReadOnlyList<ClusterAlert>? Alerts { get; init; }
}

/// <summary>A cluster's votes (corosync's votequorum).</summary>
/// <param name="Expected">All votes there are, the quorum device's among them.</param>
/// <param name="Quorum">Votes needed: floor(expected / 2) + 1.</param>
/// <param name="Online">Votes of the members seen online, and of the quorum device if it votes; null when it is not known whether it does.</param>
public sealed record VotesView(int Expected, int Quorum, int? Online);

/// <summary>Nodes by state.</summary>
/// <param name="Total">All of them.</param>
/// <param name="Online">With an agent that reports.</param>
/// <param name="Offline">With an agent that does not.</param>
/// <param name="Maintenance">Online, and in HA's maintenance mode.</param>
/// <param name="NoAgent">Without an agent.</param>
public sealed record NodeCounts(int Total, int Online, int Offline, int Maintenance, int NoAgent);

/// <summary>Guests by state; deleted ones count nowhere.</summary>
/// <param name="Total">All of them, as far as known.</param>
/// <param name="RunningCts">Containers that run.</param>
/// <param name="RunningVms">Virtual machines that run.</param>
/// <param name="Stopped">Stopped ones.</param>
/// <param name="Unknown">Whose state is not known.</param>
/// <param name="NodesUnlisted">Nodes whose guests are not known at all, and so not counted.</param>
public sealed record GuestCounts(int Total, int RunningCts, int RunningVms, int Stopped, int Unknown, int NodesUnlisted);

/// <summary>Sums over hosts or guests. Each sum is over those whose figure is known; the counts say how many that is.</summary>
/// <param name="Of">How many there are to sum over.</param>
/// <param name="Measured">How many of them have been measured lately; the others' use is not in the sums.</param>
/// <param name="Cores">Processors.</param>
/// <param name="CpuCoresUsed">Processors' worth of time used.</param>
/// <param name="MemoryBytes">Memory, bytes.</param>
/// <param name="MemoryUsedBytes">Memory used, bytes.</param>
/// <param name="DiskBytes">Disk space, bytes: root file systems of hosts, configured disks of guests.</param>
/// <param name="DiskUsedBytes">Disk space used, bytes; of guests only containers tell.</param>
/// <param name="NetworkInPerSecond">Bytes a second in.</param>
/// <param name="NetworkOutPerSecond">Bytes a second out.</param>
public sealed record ResourceTotals(
    int Of,
    int Measured,
    long Cores,
    double CpuCoresUsed,
    long MemoryBytes,
    long MemoryUsedBytes,
    long DiskBytes,
    long DiskUsedBytes,
    double NetworkInPerSecond,
    double NetworkOutPerSecond);

/// <summary>A storage as shown.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Node">Its node; null for one that all see alike.</param>
/// <param name="Type">Its type in storage.cfg.</param>
/// <param name="Content">What it is for.</param>
/// <param name="Shared">Whether all its nodes see the same content.</param>
/// <param name="Status"><c>available</c>, <c>disabled</c> or <c>unknown</c>.</param>
/// <param name="Health">What the pool itself says; null when nothing.</param>
/// <param name="UsedBytes">Bytes used; null when not known.</param>
/// <param name="TotalBytes">Bytes in all; null when not known.</param>
public sealed record StorageView(
    string Name, NodeName? Node, string Type, IReadOnlyList<string> Content, bool Shared, string Status, string? Health, long? UsedBytes, long? TotalBytes);

/// <summary>A node as shown.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Agent">Its agent; null when none is registered.</param>
/// <param name="Hostname">The host's name; null when not known.</param>
/// <param name="Status">Whether its agent reports.</param>
/// <param name="LastSeen">When it last said something, by the server's clock; null when never.</param>
/// <param name="PveVersion">As the host said; null when not known.</param>
/// <param name="Problems">What the host could not read; empty when all could be.</param>
/// <param name="GuestsAt">When its guests were last listed; null when never: then <paramref name="Guests"/> has those alone that others say moved here.</param>
/// <param name="Guests">Its guests, by vmid, and those that were deleted lately; null when nothing is known of them, which is not "none".</param>
public sealed record NodeView(
    NodeName Name,
    AgentId? Agent,
    string? Hostname,
    NodeStatus Status,
    DateTimeOffset? LastSeen,
    string? PveVersion,
    IReadOnlyList<string> Problems,
    DateTimeOffset? GuestsAt,
    IReadOnlyList<GuestView>? Guests)
{
    /// <summary>The agent's version; null when not known.</summary>
    public string? AgentVersion { get; init; }

    /// <summary>The host's facts; null when not known.</summary>
    public HostSeen? Host { get; init; }

    /// <summary>The newest sample, without its guests; null when there is none, or none that is fresh.</summary>
    public NodeMetrics? Metrics { get; init; }

    /// <summary>When that was received, by the server's clock.</summary>
    public DateTimeOffset? MetricsAt { get; init; }

    /// <summary>What the guests here are given and use.</summary>
    public required ResourceTotals GuestResources { get; init; }

    /// <summary>The guests by state.</summary>
    public required GuestCounts GuestCount { get; init; }

    /// <summary>The family a person says a machine outside Proxmox VE is of; null when nobody has.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PlatformFamily? PlatformFamily { get; init; }

    /// <summary>Tags a person has given it.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>A person's notes; null without any.</summary>
    public string? Notes { get; init; }
}

/// <summary>A machine outside Proxmox VE, or inside a VM, with an agent of its own.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Node">The machine itself; it has no guests.</param>
/// <param name="PlatformFamily">The family it is taken for.</param>
/// <param name="Vm">The VM it is; null when it is none that is known.</param>
/// <param name="VmProblem">Why it is not known which VM it is, though something says so; null otherwise.</param>
public sealed record MachineView(ClusterId Id, NodeView Node, PlatformFamily PlatformFamily, LinkedVm? Vm, string? VmProblem);

/// <summary>A VM with an agent inside.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Guest">The VM's id in the API.</param>
/// <param name="Vmid">Its number.</param>
/// <param name="Cluster">Its cluster.</param>
/// <param name="ClusterName">The cluster's name.</param>
/// <param name="Node">The node it is on.</param>
/// <param name="ParentHost">That node's agent; null when it has none.</param>
public sealed record LinkedVm(AgentId Agent, string Guest, Vmid Vmid, ClusterId Cluster, string ClusterName, NodeName Node, AgentId? ParentHost);

/// <summary>What tells which VM an agent is inside of.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="SmbiosUuid">The SMBIOS uuid it reads there, lower case; null when it reads none.</param>
public sealed record MachineLink(AgentId Agent, string? SmbiosUuid);

/// <summary>A guest as shown.</summary>
/// <param name="Id">Its id: <c>{cluster}-lxc-100</c> or <c>{cluster}-qemu-200</c>.</param>
/// <param name="Seen">What its host last said of it.</param>
/// <param name="Status">Its state as last reported; unknown while its node does not report.</param>
/// <param name="PlatformFamily">The family it is taken for: a person's word before its own files'.</param>
/// <param name="Management">Agentless for a CT; a VM requires an agent of its own.</param>
/// <param name="Problem">Why something is unknown; null when nothing is.</param>
public sealed record GuestView(
    string Id,
    GuestSeen Seen,
    GuestStatus Status,
    PlatformFamily PlatformFamily,
    GuestManagement Management,
    string? Problem)
{
    /// <summary>Its number.</summary>
    public Vmid Vmid => Seen.Vmid;

    /// <summary>CT or VM.</summary>
    public GuestType Type => Seen.Type;

    /// <summary>Its name.</summary>
    public string Name => Seen.Name;

    /// <summary>Its distribution for a person; null when not known.</summary>
    public string? Os => Seen.Os?.PrettyName ?? Seen.OsType;

    /// <summary>Proxmox's lock on it; null when there is none.</summary>
    public string? Lock => Seen.Lock;

    /// <summary>Whether it is a template.</summary>
    public bool Template => Seen.Template;

    /// <summary>The address to show; null when not known.</summary>
    public string? IpAddress => Seen.PrimaryAddress;

    /// <summary>Seconds since it was started, as of its last report; null while it does not run.</summary>
    public long? UptimeSeconds { get; init; }

    /// <summary>Its newest measurement; null when there is none that is fresh.</summary>
    public GuestMetrics? Metrics { get; init; }

    /// <summary>The agent inside a VM; null when there is none that is known.</summary>
    public AgentId? Agent { get; init; }

    /// <summary>Whether a person has allowed a VM to be patched through its QEMU guest agent; off unless somebody has.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool AgentlessVm { get; init; }

    /// <summary>Tags, Proxmox's and a person's, sorted.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>A person's notes; null without any.</summary>
    public string? Notes { get; init; }

    /// <summary>Whether the family is a person's word.</summary>
    public bool FamilyOverridden { get; init; }

    /// <summary>What the last operation found of its updates; null when there was none.</summary>
    public PatchState? Patches { get; init; }

    /// <summary>When it was found deleted, by the server's clock; null while it is not.</summary>
    public DateTimeOffset? DeletedAt { get; init; }

    /// <summary>When a host last listed it, or missed it, by the server's clock.</summary>
    public DateTimeOffset? LastSeen { get; init; }
}

/// <summary>Whether a node can be asked.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<NodeStatus>))]
public enum NodeStatus
{
    /// <summary>No agent is registered: nothing is known of it but its name.</summary>
    [JsonStringEnumMemberName("no-agent")]
    NoAgent,

    /// <summary>Its agent has missed three reports: what is shown is what it last said.</summary>
    [JsonStringEnumMemberName("offline")]
    Offline,

    /// <summary>Its agent reports.</summary>
    [JsonStringEnumMemberName("online")]
    Online,

    /// <summary>Its agent reports, and HA has it in maintenance mode.</summary>
    [JsonStringEnumMemberName("maintenance")]
    Maintenance,
}

/// <summary>How a guest is managed.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<GuestManagement>))]
public enum GuestManagement
{
    /// <summary>Through its host, nothing inside.</summary>
    [JsonStringEnumMemberName("agentless")]
    Agentless,

    /// <summary>Only with an agent of its own inside.</summary>
    [JsonStringEnumMemberName("requires-agent")]
    RequiresAgent,

    /// <summary>With the agent of its own that is inside.</summary>
    [JsonStringEnumMemberName("agent")]
    Agent,
}
