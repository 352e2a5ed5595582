using Microsoft.EntityFrameworkCore;
using NannyOrleans.Grains.History;

namespace NannyOrleans.Silo.History;

/// <summary>The audit log in SQL.</summary>
internal sealed class AuditLog(IDbContextFactory<HistoryDb> databases) : IAuditLog
{
    public async Task Add(AuditEntry entry)
    {
        await using var database = await databases.CreateDbContextAsync();
        database.Audit.Add(new() { At = entry.At, Actor = entry.Actor, Action = entry.Action, Target = entry.Target, Result = entry.Result, Detail = entry.Detail });
        await database.SaveChangesAsync();
    }

    public async Task<IReadOnlyList<AuditEntry>> Newest(int count)
    {
        await using var database = await databases.CreateDbContextAsync();
        return await database.Audit.AsNoTracking().OrderByDescending(row => row.Id).Take(count)
            .Select(row => new AuditEntry(row.At, row.Actor, row.Action, row.Target, row.Result, row.Detail)).ToListAsync();
    }
}
