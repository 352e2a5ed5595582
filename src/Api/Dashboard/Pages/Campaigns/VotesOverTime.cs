using System.Text;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Clusters;

namespace NannyOrleans.Api.Dashboard.Pages.Campaigns;

/// <summary>The votes as they were for a while.</summary>
/// <param name="From">Since when.</param>
/// <param name="To">Until when.</param>
/// <param name="Votes">The votes; those online null when nobody could tell.</param>
public sealed record VotesSpan(DateTimeOffset From, DateTimeOffset To, VotesView Votes)
{
    /// <summary>Whether there were enough; null when nobody could tell.</summary>
    public bool? IsQuorate => Votes.Online is { } online ? online >= Votes.Quorum : null;
}

/// <summary>A cluster's votes during a campaign, as a chart's lines. Coordinates are those of a drawing of <see cref="Width"/> by <see cref="Height"/>.</summary>
public sealed class VotesOverTime
{
    /// <summary>The drawing's width.</summary>
    public const int Width = 800;

    /// <summary>The drawing's height.</summary>
    public const int Height = 220;

    /// <summary>Where time begins.</summary>
    public const int Left = 40;

    /// <summary>Where time ends.</summary>
    public const int Right = Width - 12;

    /// <summary>Where all votes are.</summary>
    public const int Top = 14;

    /// <summary>Where no votes are.</summary>
    public const int Bottom = Height - 30;

    private VotesOverTime(IReadOnlyList<VotesSpan> spans)
    {
        Spans = spans;
        Most = Math.Max(1, spans.Count is 0 ? 0 : spans.Max(span => Math.Max(span.Votes.Expected, span.Votes.Online ?? 0)));
    }

    /// <summary>The votes from change to change, oldest first; empty when none are known.</summary>
    public IReadOnlyList<VotesSpan> Spans { get; }

    /// <summary>The votes at the top of the chart.</summary>
    public int Most { get; }

    /// <summary>The votes that have a line and a number at the side, a few of them, 0 and <see cref="Most"/> among them.</summary>
    public IReadOnlyList<int> Ticks => [.. Enumerable.Range(0, Most + 1).Where(votes => votes % Math.Max(1, (int)Math.Ceiling(Most / 6.0)) is 0).Append(Most).Distinct()];

    /// <summary>The fewest that were known to be online; null when none are known.</summary>
    public VotesSpan? Fewest => Spans.Where(span => span.Votes.Online is not null).MinBy(span => span.Votes.Online - span.Votes.Quorum);

    /// <summary>The line of the votes online; it is broken where nobody could tell.</summary>
    public string Online => Line(votes => votes.Online);

    /// <summary>The line of the votes needed.</summary>
    public string Quorum => Line(votes => votes.Quorum);

    /// <summary>Where nobody could tell, each from one place on the time axis with a width.</summary>
    public IReadOnlyList<(double X, double Width)> Unknown => [.. Spans.Where(span => span.Votes.Online is null).Select(span => (X(span.From), X(span.To) - X(span.From)))];

    /// <summary>The chart of what happened.</summary>
    /// <param name="events">What happened, oldest first.</param>
    /// <param name="end">When the campaign ended, or now.</param>
    public static VotesOverTime Of(IEnumerable<CampaignEvent> events, DateTimeOffset end)
    {
        var told = events.Where(one => one.Votes is not null).ToArray();
        return new([.. told.Select((one, at) => new VotesSpan(one.At, Later(one.At, at + 1 < told.Length ? told[at + 1].At : end), one.Votes!))]);

        static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;
    }

    /// <summary>A time's place.</summary>
    public double X(DateTimeOffset at)
    {
        var (begin, whole) = (Spans[0].From, Spans[^1].To - Spans[0].From);
        return whole <= TimeSpan.Zero ? Left : Math.Round(Left + ((Right - Left) * ((at - begin) / whole)), 1);
    }

    /// <summary>A number of votes' place.</summary>
    public double Y(int votes) => Math.Round(Bottom - ((Bottom - Top) * ((double)votes / Most)), 1);

    private string Line(Func<VotesView, int?> which)
    {
        var path = new StringBuilder();
        var isDrawing = false;
        foreach (var span in Spans)
        {
            if (which(span.Votes) is not { } votes)
            {
                isDrawing = false;
                continue;
            }

            path.Append(isDrawing ? FormattableString.Invariant($"V{Y(votes)}") : FormattableString.Invariant($"M{X(span.From)} {Y(votes)}"));
            path.Append(FormattableString.Invariant($"H{X(span.To)}"));
            isDrawing = true;
        }

        return path.ToString();
    }
}
