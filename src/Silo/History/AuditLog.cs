using Microsoft.EntityFrameworkCore;
using NannyOrleans.Grains.History;

namespace NannyOrleans.Silo.History;

/// <summary>The audit log in SQL.</summary>
internal sealed class AuditLog(IDbContextFactory<HistoryDb> databases, HistoryWrites writes) : IAuditLog
{
    // By a statement: tracking a row that is never looked at again costs more than to write it.
    public Task Add(AuditEntry entry) => writes.Write(database => database.Database.ExecuteSqlAsync(
        $"""
        INSERT INTO "audit" ("At", "Actor", "Action", "Target", "Result", "Detail")
        VALUES ({entry.At.ToUniversalTime()}, {SqlText.Storable(entry.Actor)}, {entry.Action}, {SqlText.Storable(entry.Target)}, {entry.Result},
            {(entry.Detail is { } detail ? SqlText.Storable(detail) : null)})
        """));

    public async Task<IReadOnlyList<AuditEntry>> Newest(int count)
    {
        await using var database = await databases.CreateDbContextAsync();
        return await database.Audit.AsNoTracking().OrderByDescending(row => row.Id).Take(count)
            .Select(row => new AuditEntry(row.At, row.Actor, row.Action, row.Target, row.Result, row.Detail)).ToListAsync();
    }
}
