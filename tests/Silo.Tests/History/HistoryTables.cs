using Microsoft.EntityFrameworkCore;
using NannyOrleans.Silo.History;

namespace NannyOrleans.Silo.Tests.History;

/// <summary>A history of one test's own, on one of the databases there are, and its tables as nobody else sees them. Columns' names are to be quoted.</summary>
internal abstract class HistoryTables : IDbContextFactory<HistoryDb>, IAsyncDisposable
{
    public abstract HistoryDb CreateDbContext();

    public abstract Task<T> Ask<T>(string query);

    public abstract Task Tell(string statement, object? payload = null);

    public abstract ValueTask DisposeAsync();

    public Task<long> Count(string table) => Ask<long>($"SELECT count(*) FROM {table}");
}
