namespace NannyOrleans.Api.Dashboard.Shell;

/// <summary>How often a page reads in a flood of news.</summary>
internal static class Pace
{
    private const int Share = 4;
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a page rests before it reads at news again, 0.1 to 5 s: what takes long, because there is much of it or because many pages want it, is read
    /// more seldom.
    /// </summary>
    /// <param name="took">How long its last reading took.</param>
    public static TimeSpan RestAfter(TimeSpan took) => took <= Least / Share ? Least : took >= Most / Share ? Most : took * Share;
}
