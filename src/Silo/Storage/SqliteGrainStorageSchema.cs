using System.Data.Common;
using System.Reflection;

namespace NannyOrleans.Silo.Storage;

/// <summary>Makes the tables and queries that Orleans' ADO.NET storage expects to find.</summary>
internal static class SqliteGrainStorageSchema
{
    /// <summary>Applies the schema; safe at every start, since every statement in it is.</summary>
    public static void Apply(DbDataSource database)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("GrainStorage.Sqlite.sql")!;
        using var reader = new StreamReader(stream);
        using var connection = database.OpenConnection();
        using var transaction = connection.BeginTransaction();
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = reader.ReadToEnd();
        command.ExecuteNonQuery();
        transaction.Commit();
    }
}
