using Microsoft.EntityFrameworkCore;
using NannyOrleans.Grains.History;

namespace NannyOrleans.Silo.History;

/// <summary>The audit log in SQL.</summary>
internal sealed class AuditLog(IDbContextFactory<HistoryDb> databases, HistoryWrites writes) : IAuditLog
{
    public Task Add(AuditEntry entry) => writes.Write(database =>
    {
        database.Audit.Add(new() { At = entry.At, Actor = entry.Actor, Action = entry.Action, Target = entry.Target, Result = entry.Result, Detail = entry.Detail });
        return Task.CompletedTask;
    });

    public async Task<IReadOnlyList<AuditEntry>> Newest(int count)
    {
        await using var database = await databases.CreateDbContextAsync();
        return await database.Audit.AsNoTracking().OrderByDescending(row => row.Id).Take(count)
            .Select(row => new AuditEntry(row.At, row.Actor, row.Action, row.Target, row.Result, row.Detail)).ToListAsync();
    }
}
