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
    private IReadOnlyDictionary<Vmid, AgentId> agents = new Dictionary<Vmid, AgentId>();
    private (object Guests, object Notes, IReadOnlyList<MachineLink> Machines)? linked;

    /// <summary>All nodes, and the rows of hosts and guests.</summary>
    public (IReadOnlyList<NodeView> Views, IEnumerable<AgentRow> Rows) Of(ClusterId cluster, ClusterIndex index, IReadOnlyList<MachineLink> machines, DateTimeOffset now)
    {
        Link(index, machines);
        var all = index.Stored.Nodes.Select(member => Keep(cluster, index, member, now)).ToArray();
        if (kept.Count > all.Length)
        {
            foreach (var left in kept.Keys.Except(index.Stored.Nodes.Select(member => member.Node)).ToArray())
            {
                kept.Remove(left);
            }
        }

        return ([.. all.Select(node => node.View)], all.SelectMany(node => node.Rows));
    }

    /// <summary>One node.</summary>
    public NodeView One(ClusterId cluster, ClusterIndex index, IReadOnlyList<MachineLink> machines, Member member, DateTimeOffset now)
    {
        Link(index, machines);
        return Keep(cluster, index, member, now).View;
    }

    private Kept Keep(ClusterId cluster, ClusterIndex index, Member member, DateTimeOffset now)
    {
        var from = new Source(member, index.Stored.Guests, index.Stored.Name, index.Known.GetValueOrDefault(member.Node), index.Guests.GetValueOrDefault(member.Node), agents, Freshness.Of(index, member, now));
        if (!kept.TryGetValue(member.Node, out var known) || !known.From.IsSame(from))
        {
            kept[member.Node] = known = new(from, TopologyView.Node(cluster, index, member, agents, from.Freshness), index.Stored.Name ?? cluster.Value);
        }

        return known;
    }

    // A VM of any node decides about those of all others: a uuid that two have is neither's. So it is decided for the whole cluster, and
    // stays the same object while it comes out the same.
    private void Link(ClusterIndex index, IReadOnlyList<MachineLink> machines)
    {
        if (linked is { } last && ReferenceEquals(last.Guests, index.Guests) && ReferenceEquals(last.Notes, index.Stored.Guests)
            && (ReferenceEquals(last.Machines, machines) || last.Machines.SequenceEqual(machines)))
        {
            return;
        }

        var now = VmAgents.Of(index, machines);
        if (now.Count != agents.Count || now.Any(one => !agents.TryGetValue(one.Key, out var agent) || agent != one.Value))
        {
            agents = now;
        }

        linked = (index.Guests, index.Stored.Guests, machines);
    }

    private sealed class Kept(Source from, NodeView view, string clusterName)
    {
        private AgentRow[]? rows;

        public Source From => from;

        public NodeView View => view;

        public AgentRow[] Rows => rows ??= [.. AgentRow.Of(clusterName, view)];
    }

    private sealed record Source(
        Member Member, IReadOnlyList<GuestNote> Notes, string? Name, NodeKnown? Known, IReadOnlyList<PlacedGuest>? Guests, IReadOnlyDictionary<Vmid, AgentId> Agents, Freshness Freshness)
    {
        public bool IsSame(Source other) =>
            ReferenceEquals(Member, other.Member) && ReferenceEquals(Notes, other.Notes) && Name == other.Name && ReferenceEquals(Known, other.Known)
            && ReferenceEquals(Guests, other.Guests) && ReferenceEquals(Agents, other.Agents) && Freshness == other.Freshness;
    }
}
