using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.History;

/// <summary>
/// Who did what to what, from where, and what came of it. Entries are added, never changed and never removed: each has the hash of the one before it,
/// made with a key that is not in the database.
/// </summary>
public interface IAuditLog
{
    /// <summary>Adds an entry; it is stored when this returns.</summary>
    Task Add(AuditEntry entry);

    /// <summary>The entries that a query selects.</summary>
    Task<IReadOnlyList<AuditRecord>> Find(AuditQuery query);

    /// <summary>Between which sequence numbers all entries of a time lie. Clocks of several silos differ: there may be others between them.</summary>
    /// <param name="from">At this time or later; null from the first entry on.</param>
    /// <param name="to">Before this time; null up to the last entry.</param>
    Task<AuditSpan> SpanOf(DateTimeOffset? from, DateTimeOffset? to);
}

/// <summary>A part of the log.</summary>
/// <param name="First">The first sequence number.</param>
/// <param name="Last">The last one; lower than <paramref name="First"/> when there is none.</param>
public sealed record AuditSpan(long First, long Last);

/// <summary>One entry.</summary>
/// <param name="At">When, by the server's clock, in milliseconds.</param>
/// <param name="Actor">Who: <c>person NAME</c>, <c>agent ULID</c>, <c>system</c> for what the servers do by themselves, <c>nobody</c> for who has not shown who he is.</param>
/// <param name="Action">What: lower-case with hyphens.</param>
/// <param name="Target">To what: an id as it was typed, or the one it was resolved to.</param>
/// <param name="Result">What came of it: <c>asked</c> before it is done, <c>done</c>, a status, or a refusal's code.</param>
/// <param name="Detail">More of it, for a person; null when there is no more.</param>
public sealed record AuditEntry(DateTimeOffset At, string Actor, string Action, string Target, string Result, string? Detail)
{
    /// <summary>The address it came from, as trusted proxies say; null for what came from no outside.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Address { get; init; }

    /// <summary>The cluster it is about; null when it is about none, or several, or which is not known yet.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ClusterId? Cluster { get; init; }

    /// <summary>The servers themselves, as an <see cref="Actor"/>.</summary>
    public const string System = "system";

    /// <summary>Somebody who has not shown who he is, as an <see cref="Actor"/>.</summary>
    public const string Nobody = "nobody";
}

/// <summary>An entry in its place.</summary>
/// <param name="Sequence">Counts up from 1 without a gap.</param>
/// <param name="Entry">The entry.</param>
/// <param name="PreviousHash">The hash of the entry before it, in hex; of the first, zeros.</param>
/// <param name="Hash">HMAC-SHA-256 over all of it and <paramref name="PreviousHash"/>, in hex.</param>
public sealed record AuditRecord(long Sequence, AuditEntry Entry, string PreviousHash, string Hash);

/// <summary>Which entries: those of which all that is not null holds.</summary>
/// <param name="Take">How many at most.</param>
public sealed record AuditQuery(int Take)
{
    /// <summary>Who.</summary>
    public string? Actor { get; init; }

    /// <summary>What.</summary>
    public string? Action { get; init; }

    /// <summary>To what.</summary>
    public string? Target { get; init; }

    /// <summary>What came of it.</summary>
    public string? Result { get; init; }

    /// <summary>From where.</summary>
    public string? Address { get; init; }

    /// <summary>About one of these clusters.</summary>
    public IReadOnlyList<ClusterId>? Clusters { get; init; }

    /// <summary>At this time or later.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Before this time.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>With a lower sequence number.</summary>
    public long? Before { get; init; }

    /// <summary>With a higher sequence number.</summary>
    public long? After { get; init; }

    /// <summary>The oldest first, and not the newest.</summary>
    public bool OldestFirst { get; init; }
}
