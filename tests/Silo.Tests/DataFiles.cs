using Microsoft.Data.Sqlite;

namespace NannyOrleans.Silo.Tests;

/// <summary>A data directory as the silo sees it, and its databases as nobody else does.</summary>
internal static class DataFiles
{
    extension(DataDirectory data)
    {
        public SiloOptions Options => new() { DataDirectory = data.Path, Port = 0 };

        /// <summary>Reads one value from one of its files, beside whoever else has it open.</summary>
        public T Ask<T>(string file, string query)
        {
            using var connection = new SqliteConnection($"Data Source={data.PathOf(file)};Pooling=False");
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = query;
            return (T)command.ExecuteScalar()!;
        }

        public void Tell(string file, string statement, object? payload = null)
        {
            using var connection = new SqliteConnection($"Data Source={data.PathOf(file)};Pooling=False");
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = statement;
            if (payload is not null)
            {
                command.Parameters.AddWithValue("@payload", payload);
            }

            command.ExecuteNonQuery();
        }
    }
}
