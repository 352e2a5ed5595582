using Microsoft.EntityFrameworkCore;
using NannyOrleans.Silo.History;

namespace NannyOrleans.Silo.Tests.History;

/// <summary>A history.db of its own, up to date unless said otherwise.</summary>
internal sealed class HistoryFile : IDbContextFactory<HistoryDb>, IDisposable
{
    private readonly DataDirectory data = new();

    public HistoryFile(string? migration = null)
    {
        using var database = CreateDbContext();
        database.Database.Migrate(migration);
    }

    public void Dispose() => data.Dispose();

    public HistoryDb CreateDbContext() =>
        new(new DbContextOptionsBuilder<HistoryDb>().UseSqlite($"Data Source={data.PathOf("history.db")};Pooling=False").Options);

    public T Ask<T>(string query) => data.Ask<T>("history.db", query);

    public void Tell(string statement) => data.Tell("history.db", statement);
}
