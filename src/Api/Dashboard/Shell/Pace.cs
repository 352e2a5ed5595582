namespace NannyOrleans.Api.Dashboard.Shell;

/// <summary>How often this process's pages read in a flood of news: together they never take it over, however many there are.</summary>
internal sealed class Pace
{
    private const int Alone = 4;
    private const int EachOfMany = 2;
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(5);
    private int pages;

    /// <summary>A page has news to read, until what is returned is disposed of.</summary>
    public IDisposable Join() => new Place(this);

    /// <summary>How long a page rests after a reading before it reads at news again.</summary>
    /// <param name="took">How long the reading took.</param>
    public TimeSpan RestAfter(TimeSpan took) => RestAfter(took, Volatile.Read(ref pages));

    /// <summary>
    /// The same: 0.1 to 5 s. Of a core one page takes a fifth at most, and all together take half of one; what takes long is read more seldom.
    /// </summary>
    /// <param name="took">How long the reading took.</param>
    /// <param name="pages">How many pages have news to read.</param>
    internal static TimeSpan RestAfter(TimeSpan took, int pages)
    {
        var rest = took * Math.Max(Alone, (double)EachOfMany * pages);
        return rest < Least ? Least : rest > Most ? Most : rest;
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
