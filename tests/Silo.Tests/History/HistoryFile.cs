using Microsoft.EntityFrameworkCore;
using NannyOrleans.Silo.History;

namespace NannyOrleans.Silo.Tests.History;

/// <summary>On SQLite, in a file of its own.</summary>
internal sealed class HistoryFile : HistoryTables
{
    public DataDirectory Data { get; } = new();

    public override HistoryDb CreateDbContext() => new(new DbContextOptionsBuilder<HistoryDb>().UseSqlite($"Data Source={Data.PathOf("history.db")};Pooling=False").Options);

    public async Task<HistoryFile> Made()
    {
        await using var database = CreateDbContext();
        await database.Database.MigrateAsync();
        return this;
    }

    public override Task<T> Ask<T>(string query) => Task.FromResult(Data.Ask<T>("history.db", query));

    public override Task Tell(string statement, object? payload = null)
    {
        Data.Tell("history.db", statement, payload);
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        Data.Dispose();
        return ValueTask.CompletedTask;
    }
}
