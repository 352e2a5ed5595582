namespace NannyOrleans.Api.Dashboard.Shell;

/// <summary>How often this process's pages read in a flood of news: together they never take it over, however many there are.</summary>
internal sealed class Pace
{
    private static readonly TimeSpan Blink = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(5);
    private int pages;

    /// <summary>A page has news to read, until what is returned is disposed of.</summary>
    public IDisposable Join() => new Place(this);

    /// <summary>How long a page rests after a reading before it reads at news again.</summary>
    /// <param name="took">How long the reading took.</param>
    /// <param name="hadNews">Whether there was news meanwhile.</param>
    public TimeSpan RestAfter(TimeSpan took, bool hadNews) => RestAfter(took, hadNews, Volatile.Read(ref pages));

    /// <summary>
    /// The same: at most 5 s, and at least 25 ms, or 0.1 s where news came faster than it could be read. A page that is alone rests no longer than that; many
    /// together read for half of the time, as if they did so one after the other: what takes long and is wanted by many is read more seldom.
    /// </summary>
    /// <param name="took">How long the reading took.</param>
    /// <param name="hadNews">Whether there was news meanwhile.</param>
    /// <param name="pages">How many pages have news to read.</param>
    internal static TimeSpan RestAfter(TimeSpan took, bool hadNews, int pages)
    {
        var (rest, least) = (took * (2d * (Math.Max(1, pages) - 1)), hadNews ? Breath : Blink);
        return rest < least ? least : rest > Most ? Most : rest;
    }

    private sealed class Place : IDisposable
    {
        private readonly Pace pace;

        public Place(Pace pace)
        {
            this.pace = pace;
            Interlocked.Increment(ref pace.pages);
        }

        public void Dispose() => Interlocked.Decrement(ref pace.pages);
    }
}
