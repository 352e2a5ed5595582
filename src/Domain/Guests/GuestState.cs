using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Domain.Guests;

/// <summary>What is stored of one guest. What its host says of it is stored with the host.</summary>
public sealed record GuestState
{
    /// <summary>What the last finished dry-run or apply said of its updates; null when none has finished.</summary>
    public PatchState? Patches { get; init; }
}

/// <summary>What is known of a guest's pending updates, and from when.</summary>
/// <param name="Operation">The operation that looked.</param>
/// <param name="At">When it ended, by the host's clock.</param>
/// <param name="Pending">Updates pending after it, 0 or more; null when it could not tell (a failed look is never zero).</param>
/// <param name="RebootRequired">Whether the guest asks for a restart; null when it could not tell.</param>
/// <param name="Failure">Why it could not tell; null when it could.</param>
public sealed record PatchState(JobId Operation, DateTimeOffset At, int? Pending, bool? RebootRequired, Refusal? Failure)
{
    /// <summary>The restart since which nobody has looked, where <see cref="RebootRequired"/> is null because of it; null when there was none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JobId? RestartedBy { get; init; }

    /// <summary>Whether this is news beside what is known: operations' ids sort by time, and a late word of an old one is none.</summary>
    public bool IsNewerThan(PatchState? known) => known is null || string.CompareOrdinal(known.Operation.Value, Operation.Value) switch
    {
        0 => RestartedBy is not null && known.RestartedBy is null,
        var order => order < 0,
    };
}
