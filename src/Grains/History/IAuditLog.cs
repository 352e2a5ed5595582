namespace NannyOrleans.Grains.History;

/// <summary>Who did what to what, and what came of it. Rows are added and never changed.</summary>
public interface IAuditLog
{
    /// <summary>Adds an entry; it is stored when this returns.</summary>
    Task Add(AuditEntry entry);

    /// <summary>The newest entries.</summary>
    /// <param name="count">How many at most, 1 to 1000.</param>
    Task<IReadOnlyList<AuditEntry>> Newest(int count);
}

/// <summary>One entry.</summary>
/// <param name="At">When, by the server's clock.</param>
/// <param name="Actor">Who: <c>agent ULID</c> or <c>person NAME</c>.</param>
/// <param name="Action">What: lower-case with hyphens.</param>
/// <param name="Target">To what.</param>
/// <param name="Result">What came of it: <c>done</c>, or a refusal's code.</param>
/// <param name="Detail">More of it, for a person; null when there is no more.</param>
public sealed record AuditEntry(DateTimeOffset At, string Actor, string Action, string Target, string Result, string? Detail);
