using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Campaigns;

/// <summary>The memory of a node that guests may go to. Null: not known, so that none goes there.</summary>
/// <param name="Node">The node.</param>
/// <param name="FreeBytes">What no guest and no program of its own needs now.</param>
/// <param name="FreeAfterBytes">The same once the guests have come.</param>
/// <param name="ReserveBytes">What always stays free.</param>
public sealed record MoveTarget(NodeName Node, long? FreeBytes, long? FreeAfterBytes, long? ReserveBytes);

/// <summary>Where the guests of a node go when it is rebooted.</summary>
public static class GuestMoves
{
    /// <summary>The part of a target's memory that stays free, as a divisor: a tenth.</summary>
    public const int MemoryReserve = 10;

    /// <summary>
    /// What becomes of each running guest of a node. Those outside HA go, greatest first, where most memory is left; what fits nowhere, and what
    /// cannot move, is shut down: it goes down with its node either way, and shut down before it goes down in order.
    /// </summary>
    /// <param name="order">What was asked for.</param>
    /// <param name="node">The node.</param>
    /// <param name="picture">The cluster; a node that is not known to be good is no target.</param>
    /// <param name="now">The server's clock.</param>
    public static IReadOnlyList<GuestMove> Of(CampaignOrder order, NodeName node, ClusterPicture picture, DateTimeOffset now)
    {
        var room = Room(node, picture, now);
        return
        [
            .. (picture.Find(node)?.Guests ?? [])
                .Where(guest => guest is { Template: false, Status: not GuestStatus.Stopped })
                .OrderByDescending(guest => guest.MemoryBytes ?? long.MaxValue)
                .ThenBy(guest => guest.Vmid)
                .Select(guest => Of(order, guest, picture, room)),
        ];
    }

    /// <summary>The other nodes and what would be left of their memory; empty when no guest migrates.</summary>
    /// <param name="node">The node whose guests go.</param>
    /// <param name="moves">What becomes of them.</param>
    /// <param name="picture">The cluster.</param>
    /// <param name="now">The server's clock.</param>
    public static IReadOnlyList<MoveTarget> Targets(NodeName node, IReadOnlyList<GuestMove> moves, ClusterPicture picture, DateTimeOffset now)
    {
        if (moves.All(move => move.Way is not GuestWay.Migrate))
        {
            return [];
        }

        var memory = (picture.Find(node)?.Guests ?? []).ToDictionary(guest => guest.Vmid, guest => guest.MemoryBytes ?? 0);
        var taken = moves.Where(move => move.Target is not null).ToLookup(move => move.Target!.Value, move => memory.GetValueOrDefault(move.Vmid));
        return
        [
            .. picture.Nodes.Where(other => other.Node != node).Select(other => other is { MemoryFreeBytes: { } free, MemoryBytes: { } all } && other.IsFresh(now)
                ? new MoveTarget(other.Node, free, free - taken[other.Node].Sum(), all / MemoryReserve)
                : new MoveTarget(other.Node, null, null, null)),
        ];
    }

    /// <summary>
    /// The nodes whose word is fresh and whose memory is not known, where that decides whether a guest moves or is shut down: just after a restart of a
    /// server nobody has measured yet. Empty: nothing is to be waited for.
    /// </summary>
    /// <param name="order">What was asked for.</param>
    /// <param name="node">The node whose guests go.</param>
    /// <param name="picture">The cluster.</param>
    /// <param name="now">The server's clock.</param>
    public static IReadOnlyList<NodeName> Unmeasured(CampaignOrder order, NodeName node, ClusterPicture picture, DateTimeOffset now)
    {
        NodeName[] unknown = [.. picture.Nodes.Where(other => other.Node != node && other.IsFresh(now) && (other.MemoryFreeBytes is null || other.MemoryBytes is null)).Select(other => other.Node)];
        return unknown.Length > 0 && Of(order, node, picture, now).Any(move => move.Reason is NoRoom) ? unknown : [];
    }

    private static GuestMove Of(CampaignOrder order, GuestPicture guest, ClusterPicture picture, Dictionary<NodeName, long> room)
    {
        var single = picture.Nodes.Count is 1;
        return guest switch
        {
            { HaManaged: true } when !single => Move(GuestWay.Ha, guest.Type is GuestType.Lxc ? "HA moves it: a container is stopped, moved and started there." : "HA moves it while it runs."),
            _ when order.Drain is DrainPolicy.Leave => Move(GuestWay.Leave, "It goes down with its node."),
            { Status: not GuestStatus.Running } => Move(GuestWay.Leave, "It does not run as usual; it goes down with its node."),
            _ when order.Drain is DrainPolicy.ShutDown => Move(GuestWay.ShutDown, "It is shut down and started again."),
            _ when single => Move(GuestWay.ShutDown, "There is no other node to move to."),
            { HaManaged: null } => Move(GuestWay.ShutDown, "It is not known whether HA manages it, so it is not moved."),
            { Pinned: { } pinned } => Move(GuestWay.ShutDown, $"It cannot move: {pinned}"),
            { MemoryBytes: null } => Move(GuestWay.ShutDown, "It is not known how much memory it needs."),
            { MemoryBytes: { } bytes } => Place(bytes),
        };

        GuestMove Move(GuestWay way, string reason, NodeName? target = null) => new(guest.Vmid, guest.Type, guest.Name, way, target, reason);

        GuestMove Place(long bytes)
        {
            var best = room.Where(one => one.Value >= bytes).OrderByDescending(one => one.Value).ThenBy(one => one.Key.Value, StringComparer.Ordinal).Select(one => (NodeName?)one.Key).FirstOrDefault();
            if (best is not { } target)
            {
                return Move(GuestWay.ShutDown, NoRoom);
            }

            room[target] -= bytes;
            return Move(GuestWay.Migrate, guest.Type is GuestType.Lxc ? "A container is shut down, moved and started there." : "It moves while it runs.", target);
        }
    }

    private const string NoRoom = "No other node is known to have the memory for it.";

    private static Dictionary<NodeName, long> Room(NodeName node, ClusterPicture picture, DateTimeOffset now) => picture.Nodes
        .Where(other => other.Node != node && other.IsFresh(now) && other is { MemoryFreeBytes: not null, MemoryBytes: not null })
        .ToDictionary(other => other.Node, other => other.MemoryFreeBytes!.Value - (other.MemoryBytes!.Value / MemoryReserve));
}
