namespace NannyOrleans.Agent.Metrics;

/// <summary>A figure of the kernel that only grows, and how fast it does.</summary>
internal struct Counter
{
    private long? last;
    private long at;

    /// <summary>
    /// How much it grew in a second since the sample before. Null in the first sample, after one without a figure, and when it is smaller than
    /// it was: then it began anew in between (a restart, a wrap), and nobody knows where.
    /// </summary>
    /// <param name="now">The figure; null when it could not be read.</param>
    /// <param name="timestamp">When it was read, by <paramref name="clock"/>'s timestamps, which no one sets.</param>
    /// <param name="clock">What the timestamps are of.</param>
    public double? PerSecond(long? now, long timestamp, TimeProvider clock)
    {
        double? rate = null;
        if (last is { } before && now >= before)
        {
            var seconds = clock.GetElapsedTime(at, timestamp).TotalSeconds;
            if (seconds < ShortestSeconds)
            {
                return null; // too soon after the one before, which stays the one to compare with
            }

            rate = (now - before) / seconds;
        }

        (last, at) = (now, timestamp);
        return rate;
    }

    /// <summary>Makes the next sample the first one: what is counted is another thing from now on.</summary>
    public void Forget() => last = null;

    // Below this the kernel's own granularity (a tick of 10 ms) is most of what would be seen.
    private const double ShortestSeconds = 0.05;
}
