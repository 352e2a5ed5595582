namespace NannyOrleans.Agent.Connection;

/// <summary>
/// How long to wait before the next attempt: full jitter over a doubling ceiling, so that a thousand agents that lost the same
/// server do not come back in the same second. Never nothing, never more than <see cref="Most"/>, never giving up.
/// </summary>
internal static class Backoff
{
    /// <summary>The longest wait.</summary>
    public static readonly TimeSpan Most = TimeSpan.FromSeconds(30);

    /// <summary>The shortest wait: jitter may not make a tight loop.</summary>
    public static readonly TimeSpan Least = TimeSpan.FromMilliseconds(200);

    /// <summary>The wait after so many failures in a row.</summary>
    /// <param name="failures">1 or more.</param>
    /// <param name="chance">0 up to 1: where between shortest and ceiling.</param>
    public static TimeSpan After(int failures, double chance)
    {
        var ceiling = TimeSpan.FromSeconds(Math.Min(Most.TotalSeconds, Math.Pow(2, Math.Min(failures - 1, 10))));
        return Least + ((ceiling - Least) * chance);
    }
}
