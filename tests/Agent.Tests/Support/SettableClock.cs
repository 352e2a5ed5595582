namespace NannyOrleans.Agent.Tests.Support;

/// <summary>A clock that goes only when it is told to.</summary>
public sealed class SettableClock : TimeProvider
{
    private DateTimeOffset now = DateTimeOffset.UtcNow;

    /// <summary>How far it goes each time somebody looks at its timestamp.</summary>
    public TimeSpan Each { get; init; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public void Advance(TimeSpan time) => now += time;

    public override DateTimeOffset GetUtcNow() => now;

    public override long GetTimestamp()
    {
        now += Each;
        return now.UtcTicks;
    }
}
