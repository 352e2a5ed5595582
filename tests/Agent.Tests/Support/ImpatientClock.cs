using System.Collections.Concurrent;

namespace NannyOrleans.Agent.Tests.Support;

/// <summary>A clock on which every wait is over at once and has taken its time.</summary>
public sealed class ImpatientClock : TimeProvider
{
    private long ticks = new DateTimeOffset(2026, 1, 5, 12, 0, 0, TimeSpan.Zero).UtcTicks;

    /// <summary>The waits, in order.</summary>
    public ConcurrentQueue<TimeSpan> Waits { get; } = new();

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref ticks), TimeSpan.Zero);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Waits.Enqueue(dueTime);
        Interlocked.Add(ref ticks, dueTime.Ticks);
        return base.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
