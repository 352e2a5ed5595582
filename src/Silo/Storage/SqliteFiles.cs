using System.Data.Common;
using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace NannyOrleans.Silo.Storage;

/// <summary>What every SQLite file of ours has in common.</summary>
public static class SqliteFiles
{
    /// <summary>Makes the file if it is absent, and puts it in WAL mode, which it keeps: a reader is never in a writer's way.</summary>
    public static void Prepare(string path)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();

        // A read-only file is shown by nothing less than a write, which is then taken back. Each statement by itself: this driver says nothing
        // of a failure that comes after the first statement with a row, and the mode is one.
        foreach (var statement in (string[])["PRAGMA journal_mode=WAL", "BEGIN IMMEDIATE", "CREATE TABLE write_test (id)", "ROLLBACK"])
        {
            command.CommandText = statement;
            command.ExecuteNonQuery();
        }
    }

    /// <summary>Does the first thing with a file, and says which file it was when that fails.</summary>
    /// <exception cref="CannotStartException">It is not a database, is damaged, or can't be written.</exception>
    public static void Open(string path, Action first)
    {
        try
        {
            first();
        }
        catch (SqliteException unusable)
        {
            throw new CannotStartException($"The database {path} can't be used: {unusable.Message}", unusable);
        }
    }
}

/// <summary>
/// Makes each connection sync its commits to disk. What was acknowledged must survive a power cut, and SQLite's default is the choice of
/// whoever compiled it.
/// </summary>
public sealed class FullSync : DbConnectionInterceptor
{
    private const string Pragma = "PRAGMA synchronous=FULL;";

    /// <inheritdoc/>
    public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData) => OnceForEach.Set((SqliteConnection)connection, Pragma);

    /// <inheritdoc/>
    public override Task ConnectionOpenedAsync(DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
    {
        ConnectionOpened(connection, eventData); // SQLite has nothing to wait for
        return Task.CompletedTask;
    }
}

/// <summary>
/// Settings that last as long as SQLite's own connection, which the driver keeps for the next who opens one: setting them again for each write
/// costs as much as a small write.
/// </summary>
internal static class OnceForEach
{
    private static readonly ConditionalWeakTable<object, string> Done = [];

    /// <summary>Sets them, unless the connection below has them.</summary>
    public static void Set(SqliteConnection connection, string pragmas)
    {
        if (Done.TryGetValue(connection.Handle!, out _))
        {
            return;
        }

        using var command = connection.CreateCommand();
        command.CommandText = pragmas;
        command.ExecuteNonQuery();
        Done.Add(connection.Handle!, pragmas);
    }
}
