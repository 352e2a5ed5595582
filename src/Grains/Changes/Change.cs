using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Changes;

/// <summary>
/// That something is another than before, and not what it is now: whoever shows it reads it again. It may be said once too often, never once too
/// seldom. As a topic it is what somebody wants to hear of.
/// </summary>
/// <param name="Kind">What kind of thing.</param>
/// <param name="Cluster">Of which cluster; null: of any, or of none.</param>
/// <param name="Id">Which one, see <see cref="ChangeKind"/>; null: any.</param>
public sealed record Change(ChangeKind Kind, ClusterId? Cluster = null, string? Id = null)
{
    /// <summary>Anything may have changed: something was not heard, or may not have been said.</summary>
    public static readonly Change Anything = new(ChangeKind.Anything);

    /// <summary>Whether whoever wants to hear of <paramref name="topic"/> has to hear of this.</summary>
    public bool Concerns(Change topic) => (Kind == topic.Kind || Kind is ChangeKind.Anything || topic.Kind is ChangeKind.Anything)
        && (Cluster is null || topic.Cluster is null || Cluster == topic.Cluster) && (Id is null || topic.Id is null || Id == topic.Id);
}

/// <summary>What a change may be one of. Sent as a number: one that a later release adds means nothing to this one, and does no harm.</summary>
public enum ChangeKind
{
    /// <summary>All there is.</summary>
    Anything = 0,

    /// <summary>A cluster as its topology shows it: members, guests, patch states, notes, and who reports. Id: the node's name; null: any of it.</summary>
    Cluster = 1,

    /// <summary>A node's newest sample, and that it was heard of. Id: the node's name.</summary>
    Metrics = 2,

    /// <summary>An operation, and with it the list of them. Id: the operation's.</summary>
    Operation = 3,

    /// <summary>What an operation that runs has printed. Id: the operation's.</summary>
    Output = 4,

    /// <summary>A campaign. Id: the campaign's.</summary>
    Campaign = 5,

    /// <summary>The targets of a batch; how far they are, their operations say. Id: the batch's.</summary>
    Batch = 6,

    /// <summary>The package exceptions.</summary>
    Exceptions = 7,

    /// <summary>The scripts that people have added.</summary>
    Scripts = 8,

    /// <summary>The list of clusters.</summary>
    Fleet = 9,

    /// <summary>Accounts and what they may. Said within one Api process alone, as are the two below.</summary>
    People = 10,

    /// <summary>Personal tokens.</summary>
    Tokens = 11,

    /// <summary>Agents that wait for approval.</summary>
    Devices = 12,
}

/// <summary>How far the feed is.</summary>
/// <param name="Epoch">One life of the feed; in another one nobody knows what was said before.</param>
/// <param name="Number">The number of its last batch; 0 before the first.</param>
public sealed record FeedMark(Guid Epoch, long Number);

/// <summary>What changed in a moment.</summary>
/// <param name="Mark">This batch's place: the number is one more than that of the batch before.</param>
/// <param name="Changes">The changes, each once.</param>
public sealed record ChangeBatch(FeedMark Mark, IReadOnlyList<Change> Changes);
