using Microsoft.EntityFrameworkCore;
using NannyOrleans.Grains.History;

namespace NannyOrleans.Silo.History;

/// <summary>The audit log in SQL. It is kept for ever.</summary>
internal sealed class AuditLog(IDbContextFactory<HistoryDb> databases, HistoryWrites writes) : IAuditLog
{
    public Task Add(AuditEntry entry) => writes.Write((_, entries) =>
    {
        entries.Add(entry);
        return Task.CompletedTask;
    });

    public async Task<IReadOnlyList<AuditRecord>> Find(AuditQuery query)
    {
        // By number and not by time: sorted by number are all entries of a year for each page of a hundred.
        var span = query.From is null && query.To is null ? null : await SpanOf(query.From, query.To);
        await using var database = await databases.CreateDbContextAsync();
        var selected = Selected(database.Audit.AsNoTracking(), query, span);
        var ordered = query.OldestFirst ? selected.OrderBy(row => row.Sequence) : selected.OrderByDescending(row => row.Sequence);
        return [.. (await ordered.Take(query.Take).ToListAsync()).Select(Record)];
    }

    public async Task<AuditSpan> SpanOf(DateTimeOffset? from, DateTimeOffset? to)
    {
        await using var database = await databases.CreateDbContextAsync();
        var (start, end) = (from?.ToUnixTimeMilliseconds(), to?.ToUnixTimeMilliseconds());
        var first = start is null ? 1 : await database.Audit.Where(row => row.At >= start).MinAsync(row => (long?)row.Sequence) ?? long.MaxValue;
        var last = end is null ? long.MaxValue : await database.Audit.Where(row => row.At < end).MaxAsync(row => (long?)row.Sequence) ?? 0;
        return new(first, last);
    }

    private static IQueryable<AuditRow> Selected(IQueryable<AuditRow> rows, AuditQuery query, AuditSpan? span)
    {
        if (span is not null)
        {
            rows = rows.Where(row => row.Sequence >= span.First && row.Sequence <= span.Last);
        }

        rows = query.Actor is { } actor ? rows.Where(row => row.Actor == actor) : rows;
        rows = query.Action is { } action ? rows.Where(row => row.Action == action) : rows;
        rows = query.Target is { } target ? rows.Where(row => row.Target == target) : rows;
        rows = query.Result is { } result ? rows.Where(row => row.Result == result) : rows;
        rows = query.Address is { } address ? rows.Where(row => row.Address == address) : rows;
        rows = query.Clusters?.Select(cluster => cluster.Value).ToArray() is { } clusters ? rows.Where(row => clusters.Contains(row.Cluster)) : rows;
        rows = query.From?.ToUnixTimeMilliseconds() is { } from ? rows.Where(row => row.At + 0 >= from) : rows;
        rows = query.To?.ToUnixTimeMilliseconds() is { } to ? rows.Where(row => row.At + 0 < to) : rows;
        rows = query.Before is { } before ? rows.Where(row => row.Sequence < before) : rows;
        return query.After is { } after ? rows.Where(row => row.Sequence > after) : rows;
    }

    private static AuditRecord Record(AuditRow row) => new(row.Sequence, row.Read().Entry, Convert.ToHexStringLower(row.Previous), Convert.ToHexStringLower(row.Hash));
}
