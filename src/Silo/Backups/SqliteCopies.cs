using Microsoft.Data.Sqlite;

namespace NannyOrleans.Silo.Backups;

/// <summary>Copies of SQLite databases that others go on writing.</summary>
internal static class SqliteCopies
{
    /// <summary>
    /// Copies them as they all are at one instant: what a power cut then would have left, which a server goes on from. No writer is kept
    /// waiting but for that instant.
    /// </summary>
    /// <exception cref="CannotStartException">A copy is damaged, and so what was copied.</exception>
    public static void Write(IReadOnlyList<string> files, Func<string, string> from, Func<string, string> to)
    {
        var readers = files.Select(file => Open(from(file), SqliteOpenMode.ReadWrite)).ToArray(); // reading in WAL mode writes beside the file
        try
        {
            HoldStill(files.Select(from), () =>
            {
                foreach (var reader in readers)
                {
                    Tell(reader, "BEGIN");
                    Tell(reader, "SELECT count(*) FROM sqlite_schema"); // from here on it sees what is there now
                }
            });

            foreach (var (file, reader) in files.Zip(readers))
            {
                BackupFiles.Create(to(file)).Dispose(); // closed to others before there is anything in it
                using (var copy = Open(to(file), SqliteOpenMode.ReadWrite))
                {
                    reader.BackupDatabase(copy);
                    if (Tell(copy, "PRAGMA quick_check") is not "ok" and var damage)
                    {
                        throw new CannotStartException($"{from(file)} is damaged: {damage}");
                    }
                }

                using var written = new FileStream(to(file), FileMode.Open, FileAccess.ReadWrite);
                written.Flush(flushToDisk: true);
            }
        }
        finally
        {
            foreach (var reader in readers)
            {
                reader.Dispose();
            }
        }
    }

    /// <summary>Keeps everybody from writing any of them meanwhile.</summary>
    private static void HoldStill(IEnumerable<string> paths, Action meanwhile)
    {
        var held = new List<SqliteConnection>();
        try
        {
            foreach (var path in paths)
            {
                held.Add(Open(path, SqliteOpenMode.ReadWrite));
                Tell(held[^1], "BEGIN IMMEDIATE");
            }

            meanwhile();
        }
        finally
        {
            held.ForEach(connection => connection.Dispose()); // and with it what it had begun
        }
    }

    private static SqliteConnection Open(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    private static object? Tell(SqliteConnection connection, string statement)
    {
        using var command = connection.CreateCommand();
        command.CommandText = statement;
        return command.ExecuteScalar();
    }
}
