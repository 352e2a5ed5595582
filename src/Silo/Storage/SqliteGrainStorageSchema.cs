using System.Reflection;
using Microsoft.Data.Sqlite;

namespace NannyOrleans.Silo.Storage;

/// <summary>Makes the tables and queries that Orleans' ADO.NET storage expects to find.</summary>
internal static class SqliteGrainStorageSchema
{
    /// <summary>Applies the schema; safe at every start, since every statement in it is.</summary>
    /// <param name="path">The file; made when it is not there.</param>
    public static void Apply(string path)
    {
        SqliteFiles.Prepare(path);
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("GrainStorage.Sqlite.sql")!;
        using var reader = new StreamReader(stream);
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        using var transaction = connection.BeginTransaction();
        using var command = connection.CreateCommand();
        command.CommandText = reader.ReadToEnd();
        command.ExecuteNonQuery();
        transaction.Commit();
    }
}
