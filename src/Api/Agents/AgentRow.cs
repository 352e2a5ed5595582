using System.Text.Json.Serialization;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Targets;

namespace NannyOrleans.Api.Agents;

/// <summary>
/// A host or a guest as the guide's <c>/api/agents</c> lists them, side by side. Fields that do not apply to one kind are absent; one that
/// applies and is not known is null.
/// </summary>
internal abstract record AgentRow(
    [property: JsonPropertyOrder(-7)] string Id,
    [property: JsonPropertyOrder(-6)] string OsType,
    [property: JsonPropertyOrder(-5)] string? PlatformFamily,
    [property: JsonPropertyOrder(-4)] string ProxmoxRole,
    [property: JsonPropertyOrder(-3)] string ProxmoxCluster,
    [property: JsonPropertyOrder(-2)] string Status,
    [property: JsonPropertyOrder(-1)] DateTimeOffset? LastSeen)
{
    /// <summary>The rows of a whole topology: each node that has an agent, and each guest.</summary>
    public static IEnumerable<AgentRow> Of(Topology topology) =>
        from cluster in topology.Clusters
        from node in cluster.Nodes
        from row in Of(cluster, node)
        select row;

    /// <summary>The row of one target; null for a node that has no agent.</summary>
    public static AgentRow? Of(Target target) => target.Guest is { } guest ? Of(target.Cluster, target.Node, guest) : Of(target.Cluster, target.Node).OfType<HostRow>().FirstOrDefault();

    private static IEnumerable<AgentRow> Of(ClusterView cluster, NodeView node)
    {
        if (node.Agent is { } agent)
        {
            yield return new HostRow(
                agent.Value, "linux", "debian", "host", cluster.Name, node.Status is NodeStatus.Online ? "online" : "offline", node.LastSeen,
                node.Hostname ?? node.Name.Value, node.Name.Value, node.Guests?.Count, node.PveVersion, node.Problems);
        }

        foreach (var guest in node.Guests ?? [])
        {
            yield return Of(cluster, node, guest);
        }
    }

    private static GuestRow Of(ClusterView cluster, NodeView node, GuestView guest) => new(
        guest.Id,
        guest.Type is Protocol.Inventories.GuestType.Lxc || guest.PlatformFamily is not Domain.Guests.PlatformFamily.Unknown ? "linux" : "unknown",
        guest.PlatformFamily is Domain.Guests.PlatformFamily.Unknown ? null : guest.PlatformFamily.ToString().ToLowerInvariant(),
        "guest",
        cluster.Name,
        guest.Status.ToString().ToLowerInvariant(),
        node.GuestsAt,
        guest.Name,
        guest.Vmid.ToString(),
        TopologyView.Spell(guest.Type),
        node.Agent?.Value,
        node.Name.Value,
        IpAddress: null,
        guest.Os,
        guest.Lock,
        guest.Template,
        guest.Problem);
}

/// <summary>A Proxmox VE host with an agent.</summary>
internal sealed record HostRow(
    string Id,
    string OsType,
    string? PlatformFamily,
    string ProxmoxRole,
    string ProxmoxCluster,
    string Status,
    DateTimeOffset? LastSeen,
    string Hostname,
    string ProxmoxNodeName,
    int? GuestCount,
    string? PveVersion,
    IReadOnlyList<string> Problems) : AgentRow(Id, OsType, PlatformFamily, ProxmoxRole, ProxmoxCluster, Status, LastSeen);

/// <summary>A container or virtual machine. Its address is not known yet: no inventory carries one.</summary>
internal sealed record GuestRow(
    string Id,
    string OsType,
    string? PlatformFamily,
    string ProxmoxRole,
    string ProxmoxCluster,
    string Status,
    DateTimeOffset? LastSeen,
    string Name,
    string ProxmoxVmid,
    string ProxmoxType,
    string? ProxmoxParentHost,
    string ProxmoxNodeName,
    string? IpAddress,
    string? Os,
    string? Lock,
    bool Template,
    string? Problem) : AgentRow(Id, OsType, PlatformFamily, ProxmoxRole, ProxmoxCluster, Status, LastSeen);
