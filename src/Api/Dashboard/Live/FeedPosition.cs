using NannyOrleans.Grains.Changes;

namespace NannyOrleans.Api.Dashboard.Live;

/// <summary>What of the feed has come here: decides when something that was said can't have been heard.</summary>
/// <param name="Come">The last batch that came.</param>
/// <param name="Due">The last that was on its way here at the last renewal.</param>
internal readonly record struct FeedPosition(FeedMark Come, long Due)
{
    /// <summary>Nothing has come.</summary>
    public static readonly FeedPosition Start = new(new(Guid.Empty, 0), 0);

    /// <summary>A batch came. One that comes late is harmless: it is told, too.</summary>
    public (FeedPosition Next, bool IsLost) Take(FeedMark batch) => batch.Epoch != Come.Epoch
        ? (new(batch, batch.Number), true)
        : (this with { Come = batch.Number > Come.Number ? batch : Come }, batch.Number > Come.Number + 1);

    /// <summary>A renewal was answered. Batches up to there may still be on their way.</summary>
    public (FeedPosition Next, bool IsLost) Renew(FeedMark feed) => feed.Epoch != Come.Epoch
        ? (new(feed, feed.Number), true)
        : (this with { Due = feed.Number }, false);

    /// <summary>A moment after a renewal: what is not here by now won't come.</summary>
    public (FeedPosition Next, bool IsLost) Settle() => Come.Number < Due
        ? (this with { Come = Come with { Number = Due } }, true)
        : (this, false);
}
