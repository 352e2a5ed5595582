using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Clusters;

/// <summary>What is stored of one cluster: the topology as its hosts' agents last told it.</summary>
public sealed record ClusterState
{
    /// <summary>Its name; a rename keeps the cluster, since its key comes from its certificate.</summary>
    public string? Name { get; init; }

    /// <summary>All nodes that have an agent or that a member has named, by name.</summary>
    public IReadOnlyList<NodeSummary> Nodes { get; init; } = [];
}

/// <summary>A node as its cluster knows it.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Agent">Its agent; null when none is registered.</param>
/// <param name="Hostname">The host's name; null when no agent has said it.</param>
/// <param name="Inventory">What it last said, with its guests; null when it has not. Guests that could not be listed then keep the last known list.</param>
/// <param name="ReceivedAt">When that was received, by the server's clock.</param>
/// <param name="GuestsAt">When its guests were last listed, by the server's clock; earlier than <paramref name="ReceivedAt"/> when they could not be since.</param>
public sealed record NodeSummary(
    NodeName Node,
    AgentId? Agent,
    string? Hostname,
    Inventory? Inventory,
    DateTimeOffset? ReceivedAt,
    DateTimeOffset? GuestsAt);
