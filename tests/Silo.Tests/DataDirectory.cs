using Microsoft.Data.Sqlite;

namespace NannyOrleans.Silo.Tests;

/// <summary>A data directory on disk, gone after the test.</summary>
public sealed class DataDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("nanny-silo-").FullName;

    public SiloOptions Options => new() { DataDirectory = Path, Port = 0 };

    public string PathOf(string file) => System.IO.Path.Combine(Path, file);

    /// <summary>Reads one value from one of its files, beside whoever else has it open.</summary>
    public T Ask<T>(string file, string query)
    {
        using var connection = new SqliteConnection($"Data Source={PathOf(file)};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = query;
        return (T)command.ExecuteScalar()!;
    }

    public void Tell(string file, string statement, object? payload = null)
    {
        using var connection = new SqliteConnection($"Data Source={PathOf(file)};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = statement;
        if (payload is not null)
        {
            command.Parameters.AddWithValue("@payload", payload);
        }

        command.ExecuteNonQuery();
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
