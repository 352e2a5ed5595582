using System.Data;
using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace NannyOrleans.Silo.Storage;

/// <summary>
/// One SQLite file, one connection at a time, first come first served. SQLite has one writer and makes the others poll for their turn:
/// under load some wait for seconds. A gate before it is fair, and costs nothing where there is no crowd.
/// </summary>
internal sealed class GatedSqlite(string path) : DbDataSource
{
    private readonly SemaphoreSlim gate = new(1, 1);

    /// <inheritdoc/>
    public override string ConnectionString { get; } = new SqliteConnectionStringBuilder { DataSource = path }.ToString();

    /// <inheritdoc/>
    protected override DbConnection CreateDbConnection() => new Connection(ConnectionString, gate);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            gate.Dispose();
        }

        base.Dispose(disposing);
    }

    private sealed class Connection(string connectionString, SemaphoreSlim gate) : SqliteConnection(connectionString)
    {
        private bool holdsGate;

        public override void Open()
        {
            if (State is ConnectionState.Closed) // an open one would wait for itself
            {
                gate.Wait();
                OpenHoldingGate();
            }
        }

        public override async Task OpenAsync(CancellationToken cancellationToken)
        {
            if (State is ConnectionState.Closed)
            {
                await gate.WaitAsync(cancellationToken);
                OpenHoldingGate();
            }
        }

        public override void Close()
        {
            try
            {
                base.Close();
            }
            finally
            {
                Release();
            }
        }

        private void OpenHoldingGate()
        {
            holdsGate = true;
            try
            {
                base.Open();

                // FULL: a job's ledger may not lose its last commit with the power. WAL: a reader is never in a writer's way.
                // The mode is last, since it gives a row, and this driver says nothing of a failure that comes after one.
                OnceForEach.Set(this, "PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL;");
            }
            catch
            {
                Close(); // half open it would hold the file, and open again without the pragmas
                throw;
            }
        }

        private void Release()
        {
            if (holdsGate)
            {
                holdsGate = false;
                gate.Release();
            }
        }
    }
}
