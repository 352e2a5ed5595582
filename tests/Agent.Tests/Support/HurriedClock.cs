namespace NannyOrleans.Agent.Tests.Support;

/// <summary>A clock on which a wait is over at once and has taken its time by both clocks, for as long as <see cref="Hurried"/>.</summary>
public sealed class HurriedClock : TimeProvider
{
    private long skipped;

    /// <summary>Whether waits are over at once.</summary>
    public bool Hurried { get; set; } = true;

    /// <summary>Called at the begin of each wait.</summary>
    public Action? OnWait { get; set; }

    /// <summary>Sets the wall clock, and that alone.</summary>
    public TimeSpan WallOffset { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref skipped)) + WallOffset;

    public override long GetTimestamp() => TimeProvider.System.GetElapsedTime(0).Ticks + Interlocked.Read(ref skipped);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        OnWait?.Invoke();
        if (!Hurried)
        {
            return base.CreateTimer(callback, state, dueTime, period);
        }

        Interlocked.Add(ref skipped, dueTime.Ticks);
        return base.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
