using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Clusters;

/// <summary>The decisions about what a cluster looks like.</summary>
public static class ClusterMachine
{
    /// <summary>Takes an agent that a person approved for one of the nodes.</summary>
    public static ClusterState Enrol(ClusterState cluster, NodeName node, Enrolment enrolment) =>
        With(cluster with { Name = cluster.Name ?? enrolment.ClusterName }, node, known => known with { Agent = enrolment.Agent, Hostname = enrolment.Hostname });

    /// <summary>
    /// Takes a node's inventory. Guests it could not list keep their last known list, and members it names become known. A guest that is
    /// now on this node is taken off the others: a vmid is on one node at a time, and pmxcfs sees to that as long as there is quorum. A node
    /// without it may list what has long moved on, and takes nothing.
    /// </summary>
    public static ClusterState RecordInventory(ClusterState cluster, NodeName node, Inventory inventory, DateTimeOffset now)
    {
        if (inventory.Cluster?.Quorate is not true && inventory.Guests is { } claimed)
        {
            var others = cluster.Nodes.Where(other => other.Node != node).SelectMany(other => other.Inventory?.Guests ?? []).Select(guest => guest.Vmid).ToHashSet();
            inventory = inventory with { Guests = [.. claimed.Where(guest => !others.Contains(guest.Vmid))] };
        }

        var next = With(cluster, node, known => known with
        {
            Hostname = inventory.Hostname,
            Inventory = inventory with { Guests = inventory.Guests ?? known.Inventory?.Guests },
            ReceivedAt = now,
            GuestsAt = inventory.Guests is null ? known.GuestsAt : now,
        });
        foreach (var member in inventory.Cluster?.Members ?? [])
        {
            next = With(next, member.Node, known => known);
        }

        var here = inventory.Guests?.Select(guest => guest.Vmid).ToHashSet() ?? [];
        return next with
        {
            Name = inventory.Cluster?.Name ?? cluster.Name,
            Nodes = [.. next.Nodes.Select(other => other.Node == node ? other : Without(other, here))],
        };
    }

    private static ClusterState With(ClusterState cluster, NodeName node, Func<NodeSummary, NodeSummary> change)
    {
        var known = cluster.Nodes.FirstOrDefault(one => one.Node == node) ?? new(node, null, null, null, null, null);
        return cluster with
        {
            Nodes = [.. cluster.Nodes.Where(one => one.Node != node).Append(change(known)).OrderBy(one => one.Node.Value, StringComparer.Ordinal)],
        };
    }

    private static NodeSummary Without(NodeSummary node, HashSet<Vmid> gone) => node.Inventory?.Guests is { } guests && guests.Any(guest => gone.Contains(guest.Vmid))
        ? node with { Inventory = node.Inventory with { Guests = [.. guests.Where(guest => !gone.Contains(guest.Vmid))] } }
        : node;
}
