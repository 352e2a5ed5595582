using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Grains.History;
using NannyOrleans.Grains.Telemetry;
using NannyOrleans.Silo.Audit;

namespace NannyOrleans.Silo.History;

/// <summary>
/// Writes to the history, one transaction at a time. What comes while the disk is busy with one goes together in the next: SQLite has one
/// writer and makes the others ask again in their sleep, and a commit costs the disk the same for one row as for sixty.
/// </summary>
internal sealed class HistoryWrites(IDbContextFactory<HistoryDb> databases, AuditAppending audit, Instruments? instruments = null) : IDisposable
{
    private const int MostTogether = 64;
    private readonly ConcurrentQueue<Waiting> queue = [];
    private readonly SemaphoreSlim turn = new(1, 1);

    /// <summary>Stores what <paramref name="change"/> makes of the rows; it is on disk when this returns.</summary>
    /// <param name="change">Reads and changes tracked rows, and does not save; or executes statements. Made again when it was not stored.</param>
    public Task Write(Func<HistoryDb, Task> change) => Write((database, _) => change(database));

    /// <summary>The same with entries of the audit log, which are stored in the same transaction or not at all.</summary>
    /// <param name="change">As for the other, and adds what is to be written down.</param>
    public async Task Write(Func<HistoryDb, ICollection<AuditEntry>, Task> change)
    {
        var own = new Waiting(change);
        queue.Enqueue(own);
        await turn.WaitAsync();
        try
        {
            // Turns need not come in the order of the queue: its own may be behind more than go together, and nobody may come after.
            while (!own.Stored.Task.IsCompleted)
            {
                await WriteWaiting();
            }
        }
        finally
        {
            turn.Release();
        }

        await own.Stored.Task;
    }

    /// <inheritdoc/>
    public void Dispose() => turn.Dispose();

    private async Task WriteWaiting()
    {
        var some = new List<Waiting>();
        while (some.Count < MostTogether && queue.TryDequeue(out var next))
        {
            some.Add(next);
        }

        try
        {
            await Store(some);
        }
        catch (Exception)
        {
            // None of them is stored, or somebody else's write was first: each again by itself, so that only the one that can't be fails.
            foreach (var one in some)
            {
                await StoreAlone(one);
            }

            return;
        }

        some.ForEach(one => one.Stored.SetResult());
    }

    private async Task StoreAlone(Waiting one)
    {
        try
        {
            await Store([one]);
            one.Stored.SetResult();
        }
        catch (Exception failure)
        {
            instruments?.NotStored();
            one.Stored.SetException(failure);
        }
    }

    private async Task Store(IEnumerable<Waiting> some)
    {
        await using var database = await databases.CreateDbContextAsync();
        await using var transaction = await database.Database.BeginTransactionAsync();
        var entries = new List<AuditEntry>();
        foreach (var one in some)
        {
            await one.Change(database, entries);
        }

        await database.SaveChangesAsync();

        // Last: on PostgreSQL all other silos' entries wait from here on for the commit.
        var head = entries.Count > 0 ? await audit.Append(database, entries) : null;
        await transaction.CommitAsync();
        audit.Committed(head);
    }

    private sealed record Waiting(Func<HistoryDb, ICollection<AuditEntry>, Task> Change)
    {
        public TaskCompletionSource Stored { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
