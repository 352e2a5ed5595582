using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;

namespace NannyOrleans.Bench.Dispatch;

/// <summary>
/// As many durable writes as an operation makes, of the size it makes them, into two files as the server has them, with its pragmas: by
/// Microsoft.Data.Sqlite and nothing above it. One connection and one prepared statement a file, and whoever comes first writes first.
/// </summary>
internal static class BareDriver
{
    private const int Rows = 64;

    public static async Task<double> OperationsPerSecond(DurableWrites writes, int atOnce, TimeSpan length)
    {
        var directory = Directory.CreateTempSubdirectory("nanny-bench-").FullName;
        try
        {
            using var grains = new Database(Path.Combine(directory, "grains.db"), writes.Grains.Bytes);
            using var history = new Database(Path.Combine(directory, "history.db"), writes.History.Bytes);
            var began = Stopwatch.StartNew();
            var done = await Task.WhenAll(Enumerable.Range(0, atOnce).Select(row => Task.Run(async () =>
            {
                var (own, ofGrains, ofHistory) = (0, 0.0, 0.0);
                for (; began.Elapsed < length; own++)
                {
                    // Fractions add up over the operations.
                    for (ofGrains += writes.Grains.PerOperation; ofGrains >= 1; ofGrains--)
                    {
                        await grains.Write(row % Rows);
                    }

                    for (ofHistory += writes.History.PerOperation; ofHistory >= 1; ofHistory--)
                    {
                        await history.Write(row % Rows);
                    }
                }

                return own;
            })));
            return done.Sum() / began.Elapsed.TotalSeconds;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private sealed class Database : IDisposable
    {
        private readonly SemaphoreSlim gate = new(1, 1);
        private readonly SqliteConnection connection;
        private readonly SqliteCommand write;

        public Database(string path, int bytes)
        {
            connection = new(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
            connection.Open();
            foreach (var statement in new[] { "PRAGMA synchronous=FULL", "PRAGMA journal_mode=WAL", "CREATE TABLE state (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, payload BLOB)" })
            {
                using var command = connection.CreateCommand();
                command.CommandText = statement;
                command.ExecuteNonQuery();
            }

            write = connection.CreateCommand();
            write.CommandText = "INSERT INTO state VALUES ($id, 1, $payload) ON CONFLICT DO UPDATE SET version = version + 1, payload = $payload";
            write.Parameters.AddWithValue("$id", 0);
            write.Parameters.AddWithValue("$payload", RandomNumberGenerator.GetBytes(bytes));
            write.Prepare();
        }

        public async Task Write(int row)
        {
            await gate.WaitAsync();
            try
            {
                write.Parameters[0].Value = row;
                write.ExecuteNonQuery();
            }
            finally
            {
                gate.Release();
            }
        }

        public void Dispose()
        {
            write.Dispose();
            connection.Dispose();
            gate.Dispose();
        }
    }
}
