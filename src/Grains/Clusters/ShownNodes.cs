using NannyOrleans.Domain.Agents;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Clusters;

/// <summary>
/// A cluster's nodes as shown, kept until something of them changes: lists and searches come far more often than reports. Made anew is
/// only the node that has spoken, or whose word has become old.
/// </summary>
internal sealed class ShownNodes
{
    private readonly Dictionary<NodeName, Kept> kept = [];

    /// <summary>All nodes, and the rows of hosts and guests. What is the same object as last time is taken to say the same.</summary>
    public (IReadOnlyList<NodeView> Views, IEnumerable<AgentRow> Rows) Of(ClusterId cluster, ClusterIndex index, IReadOnlyList<MachineLink> machines, DateTimeOffset now)
    {
        foreach (var gone in kept.Keys.Except(index.Stored.Nodes.Select(member => member.Node)).ToArray())
        {
            kept.Remove(gone);
        }

        IReadOnlyDictionary<Vmid, AgentId>? agents = null;
        var all = index.Stored.Nodes.Select(member =>
        {
            var from = new Source(member, index.Stored.Guests, index.Stored.Name, index.Known.GetValueOrDefault(member.Node), index.Guests.GetValueOrDefault(member.Node), machines, Freshness.Of(index, member, now));
            if (!kept.TryGetValue(member.Node, out var known) || !known.From.IsSame(from))
            {
                agents ??= VmAgents.Of(index, machines);
                kept[member.Node] = known = new(from, TopologyView.Node(cluster, index, member, agents, from.Freshness), index.Stored.Name ?? cluster.Value);
            }

            return known;
        }).ToArray();
        return ([.. all.Select(node => node.View)], all.SelectMany(node => node.Rows));
    }

    private sealed class Kept(Source from, NodeView view, string clusterName)
    {
        private AgentRow[]? rows;

        public Source From => from;

        public NodeView View => view;

        public AgentRow[] Rows => rows ??= [.. AgentRow.Of(clusterName, view)];
    }

    private sealed record Source(
        Member Member, IReadOnlyList<GuestNote> Notes, string? Name, NodeKnown? Known, IReadOnlyList<PlacedGuest>? Guests, IReadOnlyList<MachineLink> Machines, Freshness Freshness)
    {
        public bool IsSame(Source other) =>
            ReferenceEquals(Member, other.Member) && ReferenceEquals(Notes, other.Notes) && Name == other.Name && ReferenceEquals(Known, other.Known)
            && ReferenceEquals(Guests, other.Guests) && Freshness == other.Freshness && ReferenceEquals(Machines, other.Machines);
    }
}
