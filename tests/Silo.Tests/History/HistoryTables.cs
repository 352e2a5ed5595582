using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using NannyOrleans.Silo.Audit;
using NannyOrleans.Silo.History;

namespace NannyOrleans.Silo.Tests.History;

/// <summary>A history of one test's own, on one of the databases there are, and its tables as nobody else sees them. Columns' names are to be quoted.</summary>
internal abstract class HistoryTables : IDbContextFactory<HistoryDb>, IAsyncDisposable
{
    public abstract HistoryDb CreateDbContext();

    public abstract Task<T> Ask<T>(string query);

    public abstract Task Tell(string statement, object? payload = null);

    public abstract ValueTask DisposeAsync();

    /// <summary>A way to write them; the same key for all of one test's tables, as silos have it.</summary>
    public HistoryWrites Writes() => new(this, new AuditAppending(Key, NullLogger<AuditAppending>.Instance));

    /// <summary>The key of these tables' audit log.</summary>
    public AuditKey Key { get; } = new(RandomNumberGenerator.GetBytes(32));

    public Task<long> Count(string table) => Ask<long>($"SELECT count(*) FROM {table}");
}
