using Microsoft.EntityFrameworkCore;
using NannyOrleans.Silo.History;

namespace NannyOrleans.Silo.Tests.History;

/// <summary>A history database of one test's own.</summary>
internal sealed class HistoryFile : IDbContextFactory<HistoryDb>, IDisposable
{
    public DataDirectory Data { get; } = new();

    public HistoryDb CreateDbContext() => new(new DbContextOptionsBuilder<HistoryDb>().UseSqlite($"Data Source={Data.PathOf("history.db")};Pooling=False").Options);

    public async Task<HistoryFile> Made()
    {
        await using var database = CreateDbContext();
        await database.Database.MigrateAsync();
        return this;
    }

    public long Count(string table) => Data.Ask<long>("history.db", $"SELECT count(*) FROM {table}");

    public void Tell(string statement, object? payload = null) => Data.Tell("history.db", statement, payload);

    public void Dispose() => Data.Dispose();
}
