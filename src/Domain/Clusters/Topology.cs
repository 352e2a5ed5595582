using System.Text.Json.Serialization;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Clusters;

/// <summary>Everything known: Cluster -> Node -> Guest.</summary>
/// <param name="Clusters">All clusters, by name and then id.</param>
public sealed record Topology(IReadOnlyList<ClusterView> Clusters);

/// <summary>A cluster as shown.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name; its id when nobody has said a name.</param>
/// <param name="Quorate">Whether it has quorum as its connected nodes' fresh reports say (not older than two of their intervals); null when they do not agree or there is none.</param>
/// <param name="QuorateReason">Why that is not known, or who lacks quorum; null when it is known to be quorate.</param>
/// <param name="Nodes">Its nodes, by name.</param>
public sealed record ClusterView(ClusterId Id, string Name, bool? Quorate, string? QuorateReason, IReadOnlyList<NodeView> Nodes);

/// <summary>A node as shown.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Agent">Its agent; null when none is registered.</param>
/// <param name="Hostname">The host's name; null when not known.</param>
/// <param name="Status">Whether its agent is connected.</param>
/// <param name="LastSeen">When it last said something, by the server's clock; null when never.</param>
/// <param name="PveVersion">As the host said; null when not known.</param>
/// <param name="Problems">What the host could not read; empty when all could be.</param>
/// <param name="GuestsAt">When its guests were last listed; null when never: then <paramref name="Guests"/> is null, which is not "none".</param>
/// <param name="Guests">Its guests, by vmid; null when not known.</param>
public sealed record NodeView(
    NodeName Name,
    AgentId? Agent,
    string? Hostname,
    NodeStatus Status,
    DateTimeOffset? LastSeen,
    string? PveVersion,
    IReadOnlyList<string> Problems,
    DateTimeOffset? GuestsAt,
    IReadOnlyList<GuestView>? Guests);

/// <summary>A guest as shown.</summary>
/// <param name="Id">Its id: <c>{cluster}-lxc-100</c> or <c>{cluster}-qemu-200</c>.</param>
/// <param name="Vmid">Its number.</param>
/// <param name="Type">CT or VM.</param>
/// <param name="Name">Its name.</param>
/// <param name="Status">Its state as last reported; unknown while its node is not connected.</param>
/// <param name="Os">Its distribution for a person; null when not known.</param>
/// <param name="PlatformFamily">The family it is taken for.</param>
/// <param name="Management">Agentless for a CT; a VM requires an agent of its own.</param>
/// <param name="Lock">Proxmox's lock on it; null when there is none.</param>
/// <param name="Template">Whether it is a template.</param>
/// <param name="Problem">Why something is unknown; null when nothing is.</param>
public sealed record GuestView(
    string Id,
    Vmid Vmid,
    GuestType Type,
    string Name,
    GuestStatus Status,
    string? Os,
    PlatformFamily PlatformFamily,
    GuestManagement Management,
    string? Lock,
    bool Template,
    string? Problem);

/// <summary>Whether a node can be asked.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<NodeStatus>))]
public enum NodeStatus
{
    /// <summary>No agent is registered: nothing is known of it but its name.</summary>
    [JsonStringEnumMemberName("no-agent")]
    NoAgent,

    /// <summary>Its agent is not connected: what is shown is what it last said.</summary>
    [JsonStringEnumMemberName("offline")]
    Offline,

    /// <summary>Its agent is connected.</summary>
    [JsonStringEnumMemberName("online")]
    Online,
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
}
