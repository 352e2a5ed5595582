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
    /// believed is the one that had quorum, and of those the one that spoke last. What no node lists is where the last to miss it said; and
    /// so is what is listed by a node alone that has not spoken since another, with quorum, missed it: a host that died lists what ran on it.
    /// </summary>
    /// <param name="cluster">Who belongs to the cluster.</param>
    /// <param name="known">What each node has said.</param>
    /// <param name="before">What was decided last: a node of which it is still so keeps its list, the same object.</param>
    public static ImmutableDictionary<NodeName, IReadOnlyList<PlacedGuest>> Of(
        ClusterState cluster, IReadOnlyDictionary<NodeName, NodeKnown> known, IReadOnlyDictionary<NodeName, IReadOnlyList<PlacedGuest>>? before = null)
    {
        var members = cluster.Nodes.Select(member => member.Node).ToHashSet();
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
            foreach (var departed in inventory.Departed)
            {
                var overruled = listed.TryGetValue(departed.Seen.Vmid, out var there) && !IsBetter(departed, node, there.Guest);
                if (!overruled && (!gone.TryGetValue(departed.Seen.Vmid, out var other) || other.At < departed.At))
                {
                    gone[departed.Seen.Vmid] = Place(node, departed, members, known);
                }
            }
        }

        return listed.Values.Select(one => one.Guest).Where(guest => !gone.ContainsKey(guest.Seen.Vmid)).Concat(gone.Values)
            .GroupBy(guest => guest.Node)
            .ToImmutableDictionary(group => group.Key, group => Kept([.. group.OrderBy(guest => guest.Seen.Vmid)], before?.GetValueOrDefault(group.Key)));
    }

    private static IReadOnlyList<PlacedGuest> Kept(IReadOnlyList<PlacedGuest> now, IReadOnlyList<PlacedGuest>? before) =>
        before is not null && now.SequenceEqual(before) ? before : now;

    private static PlacedGuest Place(NodeName node, DepartedGuest departed, HashSet<NodeName> members, IReadOnlyDictionary<NodeName, NodeKnown> known) => departed switch
    {
        { Deleted: true } => new(node, departed.Seen, GuestFate.Deleted, departed.At, node),
        { MovedTo: { } to } when members.Contains(to) => new(
            to,
            departed.Seen,
            // The other node has listed its guests since and this one is not among them: it moved on, or is gone.
            known.GetValueOrDefault(to)?.Inventory?.GuestsAt > departed.At ? GuestFate.Missing : GuestFate.Moving,
            departed.At,
            node),
        _ => new(node, departed.Seen, GuestFate.Missing, departed.At, node),
    };

    // The word of a node on where its guest went, and a list of another that still, or again, has it.
    private static bool IsBetter(DepartedGuest departed, NodeName node, PlacedGuest there) =>
        node != there.Node && departed.MovedTo != there.Node && (departed.Deleted || departed.MovedTo is not null) && departed.At > there.At;

    private static bool IsBetter((bool Quorate, DateTimeOffset At) one, (bool Quorate, DateTimeOffset At) other) =>
        one.Quorate != other.Quorate ? one.Quorate : one.At > other.At;

    // In one order, so that a tie is decided alike everywhere.
    private static IEnumerable<(NodeName Node, NodeInventory Inventory)> Inventories(IReadOnlyDictionary<NodeName, NodeKnown> known) => known
        .Where(node => node.Value.Inventory is not null)
        .OrderBy(node => node.Key.Value, StringComparer.Ordinal)
        .Select(node => (node.Key, node.Value.Inventory!));
}
