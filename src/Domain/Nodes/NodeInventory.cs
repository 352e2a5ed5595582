using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Nodes;

/// <summary>What is stored of a node's reports: the last good word on everything, put together from whole reports and what changed since.</summary>
public sealed record NodeInventory
{
    /// <summary>The last report, with all guests of the last list that could be made; null before the first.</summary>
    public Inventory? Report { get; init; }

    /// <summary>When the last report was received, by the server's clock. Stored with a delay of up to <see cref="InventoryMachine.StoreAtLeastEvery"/>.</summary>
    public DateTimeOffset? ReceivedAt { get; init; }

    /// <summary>When its guests were last listed, by the server's clock; null when never: then there is no telling whether it has any.</summary>
    public DateTimeOffset? GuestsAt { get; init; }

    /// <summary>Whether the node had quorum when it listed them. Without, it may list what has long moved on.</summary>
    public bool GuestsQuorate { get; init; }

    /// <summary>Guests that were here and are not any more, as far as the node could say where they went.</summary>
    public IReadOnlyList<DepartedGuest> Departed { get; init; } = [];
}

/// <summary>A guest that was on a node and is not any more.</summary>
/// <param name="Seen">The last that was said of it.</param>
/// <param name="MovedTo">The node that has it now by the cluster's own list; null when none has, or when that is not known.</param>
/// <param name="Deleted">Whether the cluster's own list had it nowhere.</param>
/// <param name="At">When it was missed, by the server's clock.</param>
public sealed record DepartedGuest(GuestSeen Seen, NodeName? MovedTo, bool Deleted, DateTimeOffset At)
{
    /// <summary>How long a guest that is gone stays visible.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(30);
}
