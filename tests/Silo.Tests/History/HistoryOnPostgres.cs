using Microsoft.EntityFrameworkCore;
using NannyOrleans.Silo.History;
using NannyOrleans.Silo.Storage;
using NannyOrleans.Tests.Postgres;
using Npgsql;

namespace NannyOrleans.Silo.Tests.History;

/// <summary>On PostgreSQL, in a database of its own.</summary>
internal sealed class HistoryOnPostgres(SharedPostgres postgres) : HistoryTables
{
    private NpgsqlDataSource? connections;

    /// <summary>One value from a database.</summary>
    public static async Task<T> Ask<T>(string database, string query)
    {
        await using var connections = NpgsqlDataSource.Create(database);
        return await Ask<T>(connections, query);
    }

    public override HistoryDb CreateDbContext() => new PostgresHistoryDb(new DbContextOptionsBuilder<PostgresHistoryDb>().UseNpgsql(connections!).Options);

    public async Task<HistoryOnPostgres> Made()
    {
        connections = PostgresDatabase.Open(new() { Postgres = await postgres.NewDatabase("history", Fill) });
        return this;
    }

    public override Task<T> Ask<T>(string query) => Ask<T>(connections!, query);

    public override async Task Tell(string statement, object? payload = null)
    {
        await using var command = connections!.CreateCommand(statement);
        if (payload is not null)
        {
            command.Parameters.AddWithValue("payload", payload);
        }

        await command.ExecuteNonQueryAsync();
    }

    public override async ValueTask DisposeAsync() => await (connections?.DisposeAsync() ?? ValueTask.CompletedTask);

    private static async Task<T> Ask<T>(NpgsqlDataSource connections, string query)
    {
        await using var command = connections.CreateCommand(query);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    private static async Task Fill(string empty)
    {
        await using var connections = NpgsqlDataSource.Create(empty);
        await using var database = new PostgresHistoryDb(new DbContextOptionsBuilder<PostgresHistoryDb>().UseNpgsql(connections).Options);
        await database.Database.MigrateAsync();
    }
}
