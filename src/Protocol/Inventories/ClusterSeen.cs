using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Protocol.Inventories;

/// <summary>A cluster as one member sees it: a member that is cut off sees itself online and the others offline.</summary>
/// <param name="Name">The cluster's name; the node's name on a standalone host.</param>
/// <param name="Quorate">Whether this member has quorum. A standalone host always has.</param>
/// <param name="Members">All members of <c>/etc/pve/.members</c>.</param>
public sealed record ClusterSeen(string Name, bool Quorate, IReadOnlyList<MemberSeen> Members)
{
    /// <summary>Whether it is a cluster at all; false on a standalone host, null from an agent that does not say.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Clustered { get; init; }

    /// <summary>The quorum device of corosync.conf; null when there is none or it could not be read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [JsonPropertyName("qdevice")]
    public QDeviceSeen? QDevice { get; init; }

    /// <summary>High availability; null when its files could not be read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public HaSeen? Ha { get; init; }

    /// <summary>Ceph; null when it is not configured here.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CephSeen? Ceph { get; init; }

    /// <summary>Where <c>.vmlist</c> places every guest of the cluster. Only in a whole report; null there when it could not be read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<NodeName, IReadOnlyList<Vmid>>? GuestsByNode { get; init; }

    internal bool HasGaps() => Members.Any(member => member is null)
        || (Ha?.HasGaps() ?? false)
        || (Ceph?.Checks.Any(check => check is null) ?? false)
        || (GuestsByNode?.Any(node => node.Value is null) ?? false);
}

/// <summary>One member of a cluster.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Online">Whether the reporting host sees it.</param>
/// <param name="Votes"><c>quorum_votes</c> of corosync.conf, 0 or more (1 when the line is absent); null when the file could not be read.</param>
public sealed record MemberSeen(NodeName Node, bool Online, int? Votes);

/// <summary>A quorum device as corosync.conf has it.</summary>
/// <param name="Model">Its model, such as <c>net</c>.</param>
/// <param name="Host">The host of the <c>net</c> model; null when absent.</param>
/// <param name="Algorithm"><c>ffsplit</c> or <c>lms</c>; null when absent.</param>
/// <param name="Votes">Its configured votes; for <c>lms</c> without the line, members less one (corosync-qdevice(8)); null when it cannot be told.</param>
/// <param name="Voting">Whether it gives this member its vote now; null when that could not be asked.</param>
public sealed record QDeviceSeen(string Model, string? Host, string? Algorithm, int? Votes, bool? Voting);

/// <summary>High availability as <c>/etc/pve/ha</c> has it.</summary>
/// <param name="Used">Whether HA has any resource or manager. Without, the rest is empty and nothing is wrong.</param>
/// <param name="Master">The node that leads; null when none ever has.</param>
/// <param name="ManagerActive">Whether the master wrote its status in the last minute, by the reporting host's clock.</param>
/// <param name="Nodes">Each node's state as the manager sees it: <c>online</c>, <c>maintenance</c>, <c>unknown</c>, <c>fence</c>, <c>gone</c>.</param>
/// <param name="ServicesInError">Services the manager has given up, such as <c>ct:100</c>.</param>
public sealed record HaSeen(
    bool Used, NodeName? Master, bool ManagerActive, IReadOnlyDictionary<string, string> Nodes, IReadOnlyList<string> ServicesInError)
{
    /// <summary>Nodes for which maintenance mode is asked for, whether or not they are in it yet; null from an agent that does not say.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? MaintenanceRequested { get; init; }

    /// <summary>
    /// How many services are still active on each node: in another state than <c>stopped</c>, <c>freeze</c>, <c>error</c> and
    /// <c>request_start</c>. A node without any is not in it. Null from an agent that does not say.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, int>? ActiveServices { get; init; }

    /// <summary>Each node's local resource manager; null from an agent that does not say.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, LrmSeen>? Lrms { get; init; }

    internal bool HasGaps() => Nodes.Any(node => node.Value is null) || ServicesInError.Any(service => service is null)
        || (MaintenanceRequested?.Any(node => node is null) ?? false) || (Lrms?.Any(lrm => lrm.Value is null) ?? false);
}

/// <summary>HA's local resource manager of one node (<c>nodes/NODE/lrm_status</c>).</summary>
/// <param name="Mode"><c>active</c>, <c>restart</c>, <c>shutdown</c>, <c>maintenance</c> or <c>disarm</c>.</param>
/// <param name="State"><c>wait_for_agent_lock</c>, <c>active</c>, <c>maintenance</c> or <c>lost_agent_lock</c>.</param>
/// <param name="Alive">Whether it wrote that in the last minute, by the reporting host's clock.</param>
public sealed record LrmSeen(string Mode, string State, bool Alive);

/// <summary>Ceph's health.</summary>
/// <param name="Health"><c>HEALTH_OK</c>, <c>HEALTH_WARN</c>, <c>HEALTH_ERR</c>; null when it is configured and did not answer.</param>
/// <param name="Checks">The codes and messages of what is wrong; empty when nothing is.</param>
/// <param name="Problem">Why it did not answer; null when it did.</param>
public sealed record CephSeen(string? Health, IReadOnlyList<string> Checks, string? Problem);

/// <summary>A storage as its host sees it.</summary>
/// <param name="Name">Its name in storage.cfg.</param>
/// <param name="Type">Its type there: <c>dir</c>, <c>lvm</c>, <c>lvmthin</c>, <c>zfspool</c>, <c>nfs</c>, <c>cifs</c>, <c>pbs</c>, <c>rbd</c>, <c>cephfs</c>, …</param>
/// <param name="Content">What it is for: <c>images</c>, <c>rootdir</c>, <c>backup</c>, …</param>
/// <param name="Shared">Whether all its nodes see the same content.</param>
/// <param name="Status"><c>available</c>, <c>disabled</c>, or <c>unknown</c> when Proxmox VE has said nothing of it lately.</param>
/// <param name="UsedBytes">Bytes used; null when not known.</param>
/// <param name="TotalBytes">Bytes in all; null when not known.</param>
/// <param name="Health">What the pool itself says, such as ZFS' <c>ONLINE</c> or <c>DEGRADED</c>; null when it has no word for it or could not be asked.</param>
public sealed record StorageSeen(
    string Name, string Type, IReadOnlyList<string> Content, bool Shared, string Status, long? UsedBytes, long? TotalBytes, string? Health);
