using System.Collections.Immutable;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Clusters;

/// <summary>A guest and the node it is shown on.</summary>
/// <param name="Node">The node.</param>
/// <param name="Seen">The last that was said of it.</param>
/// <param name="Fate">Whether it is there.</param>
/// <param name="At">When that was known, by the server's clock.</param>
/// <param name="From">The node that said it last.</param>
public sealed record PlacedGuest(NodeName Node, GuestSeen Seen, GuestFate Fate, DateTimeOffset At, NodeName From)
{
    /// <summary>Whether it is gone for so long that it is not shown any more.</summary>
    public bool IsForgotten(DateTimeOffset now) => Fate is GuestFate.Deleted or GuestFate.Missing && now - At >= DepartedGuest.Kept;
}

/// <summary>Whether a guest is where it is shown.</summary>
public enum GuestFate
{
    /// <summary>Its node lists it.</summary>
    Present,

    /// <summary>The cluster's own list has it on this node, which has not reported it yet.</summary>
    Moving,

    /// <summary>Its node does not list it any more, and nobody knows where it is.</summary>
    Missing,

    /// <summary>The cluster's own list has it nowhere.</summary>
    Deleted,
}

/// <summary>Decides where each guest of a cluster is, from what all its nodes have said.</summary>
public static class GuestPlaces
{
    /// <summary>
    /// A vmid is on one node at a time; pmxcfs sees to that as long as there is quorum. So of several nodes that list a guest the one
    /// believed is the one that had quorum, and of those the one that spoke last. What no node lists is where the last to miss it said.
    /// </summary>
    public static ImmutableDictionary<NodeName, IReadOnlyList<PlacedGuest>> Of(ClusterState cluster, IReadOnlyDictionary<NodeName, NodeKnown> known)
    {
        var listed = new Dictionary<Vmid, (PlacedGuest Guest, bool Quorate)>();
        foreach (var (node, inventory) in Inventories(known))
        {
            foreach (var seen in inventory.Report?.Guests ?? [])
            {
                var at = inventory.GuestsAt ?? DateTimeOffset.MinValue;
                if (!listed.TryGetValue(seen.Vmid, out var other) || IsBetter((inventory.GuestsQuorate, at), (other.Quorate, other.Guest.At)))
                {
                    listed[seen.Vmid] = (new(node, seen, GuestFate.Present, at, node), inventory.GuestsQuorate);
                }
            }
        }

        var gone = new Dictionary<Vmid, PlacedGuest>();
        foreach (var (node, inventory) in Inventories(known))
        {
            foreach (var departed in inventory.Departed.Where(departed => !listed.ContainsKey(departed.Seen.Vmid)))
            {
                if (!gone.TryGetValue(departed.Seen.Vmid, out var other) || other.At < departed.At)
                {
                    gone[departed.Seen.Vmid] = Place(node, departed, cluster, known);
                }
            }
        }

        return listed.Values.Select(one => one.Guest).Concat(gone.Values)
            .GroupBy(guest => guest.Node)
            .ToImmutableDictionary(group => group.Key, group => (IReadOnlyList<PlacedGuest>)[.. group.OrderBy(guest => guest.Seen.Vmid)]);
    }

    private static PlacedGuest Place(NodeName node, DepartedGuest departed, ClusterState cluster, IReadOnlyDictionary<NodeName, NodeKnown> known) => departed switch
    {
        { Deleted: true } => new(node, departed.Seen, GuestFate.Deleted, departed.At, node),
        { MovedTo: { } to } when cluster.Nodes.Any(member => member.Node == to) => new(
            to,
            departed.Seen,
            // The other node has listed its guests since and this one is not among them: it moved on, or is gone.
            known.GetValueOrDefault(to)?.Inventory?.GuestsAt > departed.At ? GuestFate.Missing : GuestFate.Moving,
            departed.At,
            node),
        _ => new(node, departed.Seen, GuestFate.Missing, departed.At, node),
    };

    private static bool IsBetter((bool Quorate, DateTimeOffset At) one, (bool Quorate, DateTimeOffset At) other) =>
        one.Quorate != other.Quorate ? one.Quorate : one.At > other.At;

    // In one order, so that a tie is decided alike everywhere.
    private static IEnumerable<(NodeName Node, NodeInventory Inventory)> Inventories(IReadOnlyDictionary<NodeName, NodeKnown> known) => known
        .Where(node => node.Value.Inventory is not null)
        .OrderBy(node => node.Key.Value, StringComparer.Ordinal)
        .Select(node => (node.Key, node.Value.Inventory!));
}
