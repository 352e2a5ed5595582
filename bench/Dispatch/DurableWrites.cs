using System.Buffers.Binary;
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace NannyOrleans.Bench.Dispatch;

/// <summary>What one operation writes to one database.</summary>
/// <param name="PerOperation">Commits: each is on disk before its writer goes on.</param>
/// <param name="PagesPerCommit">Pages in the log for each.</param>
/// <param name="Bytes">The mean size of what is stored each time.</param>
internal readonly record struct Written(double PerOperation, double PagesPerCommit, int Bytes);

/// <summary>Counted, not assumed: commits are frames of SQLite's write-ahead log that carry a database size, whoever wrote them and however.</summary>
internal sealed record DurableWrites(Written Grains, Written History)
{
    private const int Operations = 24; // few enough for the log not to begin anew

    /// <summary>Counts while some operations are carried out, one after the other.</summary>
    public static async Task<DurableWrites> Count(BenchServer server, Load load)
    {
        var (grains, history) = (Path.Combine(server.DataDirectory, "grains.db"), Path.Combine(server.DataDirectory, "history.db"));
        await load.OneByOne(Operations); // rows, activations and sessions are there
        Truncate(grains);
        Truncate(history);
        var before = Versions(grains);
        await load.OneByOne(Operations);
        var (ofGrains, ofHistory) = (Log(grains), Log(history));
        var after = Versions(grains);

        // By each row's number of writes: that of a host is written often and long, others are not.
        var writes = after.Select(row => (Times: row.Value.Version - (before.TryGetValue(row.Key, out var old) ? old.Version : row.Value.Version - 1), row.Value.Bytes)).ToArray();
        if (writes.Sum(row => row.Times) != ofGrains.Commits)
        {
            throw new InvalidOperationException($"{ofGrains.Commits} commits of grains in the log, {writes.Sum(row => row.Times)} by their versions.");
        }

        return new(
            Per(ofGrains, (int)(writes.Sum(row => row.Times * row.Bytes) / ofGrains.Commits)),
            Per(ofHistory, (int)Scalar(history, "SELECT avg(length(Record)) FROM operations")));
    }

    /// <summary>Commits and pages in the log of a database since it was truncated.</summary>
    public static (int Commits, int Pages) Log(string database)
    {
        const int Header = 32;
        const int FrameHeader = 24;
        using var file = new FileStream(database + "-wal", FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var log = new byte[file.Length];
        file.ReadExactly(log);
        var (commits, pages, size) = (0, 0, FrameHeader + BinaryPrimitives.ReadInt32BigEndian(log.AsSpan(8)));
        for (var at = Header; at + size <= log.Length && log.AsSpan(at + 8, 8).SequenceEqual(log.AsSpan(16, 8)); at += size) // of this turn: the salts are the log's
        {
            pages++;
            commits += BinaryPrimitives.ReadInt32BigEndian(log.AsSpan(at + 4)) is 0 ? 0 : 1;
        }

        return commits > 0 && pages < 900 ? (commits, pages) : throw new InvalidOperationException($"{database}: {commits} commits in {pages} pages of the log: nothing can be said of that.");
    }

    private static Written Per((int Commits, int Pages) log, int bytes) => new(log.Commits / (double)Operations, log.Pages / (double)log.Commits, bytes);

    private static Dictionary<string, (long Version, long Bytes)> Versions(string grains)
    {
        using var connection = Open(grains);
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT GrainType || '/' || IdN0 || '/' || IdN1 || '/' || IdText, Version, length(Payload) FROM OrleansStorage";
        using var reader = command.ExecuteReader();
        var rows = new Dictionary<string, (long, long)>();
        while (reader.Read())
        {
            rows[reader.GetString(0)] = (reader.GetInt64(1), reader.GetInt64(2));
        }

        return rows;
    }

    private static double Scalar(string database, string query)
    {
        using var connection = Open(database);
        using var command = connection.CreateCommand();
        command.CommandText = query;
        return Convert.ToDouble(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static void Truncate(string database)
    {
        using var connection = Open(database);
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
        using var reader = command.ExecuteReader();
        if (!reader.Read() || reader.GetInt64(0) is not 0)
        {
            throw new InvalidOperationException($"{database} is busy.");
        }
    }

    private static SqliteConnection Open(string database)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = database, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }
}
