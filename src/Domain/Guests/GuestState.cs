using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Guests;

/// <summary>What is stored of one guest.</summary>
public sealed record GuestState
{
    /// <summary>What its host last said of it; null until a host has.</summary>
    public GuestSeen? Seen { get; init; }

    /// <summary>The node that said so, and so its present parent; null until one has.</summary>
    public NodeName? Node { get; init; }

    /// <summary>When that was first received so, by the server's clock; hearing the same again changes nothing.</summary>
    public DateTimeOffset? SeenAt { get; init; }

    /// <summary>What the last finished dry-run or apply said of its updates; null when none has finished.</summary>
    public PatchState? Patches { get; init; }
}

/// <summary>What is known of a guest's pending updates, and from when.</summary>
/// <param name="Operation">The operation that looked.</param>
/// <param name="At">When it ended, by the host's clock.</param>
/// <param name="Pending">Updates pending after it, 0 or more; null when it could not tell (a failed look is never zero).</param>
/// <param name="RebootRequired">Whether the guest asks for a restart; null when it could not tell.</param>
/// <param name="Failure">Why it could not tell; null when it could.</param>
public sealed record PatchState(JobId Operation, DateTimeOffset At, int? Pending, bool? RebootRequired, Refusal? Failure);
