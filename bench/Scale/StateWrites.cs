using System.Diagnostics;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NannyOrleans.Bench.Fleet;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Silo;
using Npgsql;
using Orleans.Storage;

namespace NannyOrleans.Bench.Scale;

/// <summary>
/// 32 grains side by side write what a host has said, about 4 kB of JSON, again and again: through the storage as the silo has it, and
/// the same bytes by the raw driver with a prepared upsert.
/// </summary>
internal static class StateWrites
{
    public const int Writers = 32;
    private const int Guests = 3;

    /// <summary>The storage of a silo of this process over a database of its own.</summary>
    public static async Task<Result> Storage(SiloOptions options, TimeSpan length)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.AddSilo(options, withGateway: false);
        using var host = builder.Build();
        await host.StartAsync();
        var storage = host.Services.GetRequiredService<IGrainStorage>();
        var state = State();
        var grains = Enumerable.Range(0, Writers).Select(writer => (Id: GrainId.Create("bench", $"{writer}"), State: new GrainState<NodeInventory>(state))).ToArray();
        var result = await Together(length, (writer, turn) =>
        {
            var (id, stored) = grains[writer];
            stored.State = state with { GuestsAt = state.GuestsAt!.Value.AddSeconds(turn) };
            return storage.WriteStateAsync("bench", id, stored);
        });
        await host.StopAsync();
        return result;
    }

    /// <summary>Npgsql: for each write a connection of the pool and a command, which the driver knows as prepared.</summary>
    public static async Task<Result> RawPostgres(string database, TimeSpan length)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { MaxPoolSize = Writers, MaxAutoPrepare = 10, AutoPrepareMinUsages = 2 });
        await using (var make = source.CreateCommand("CREATE TABLE IF NOT EXISTS raw (id text PRIMARY KEY, version integer NOT NULL, payload bytea)"))
        {
            await make.ExecuteNonQueryAsync();
        }

        var payload = Payload();
        return await Together(length, async (writer, _) =>
        {
            await using var connection = await source.OpenConnectionAsync();
            await using var command = Upsert(connection, writer, payload);
            await command.ExecuteScalarAsync();
        });
    }

    /// <summary>Npgsql at its best: each writer has a connection and a command of its own, and does nothing but execute it.</summary>
    public static async Task<Result> BarestPostgres(string database, TimeSpan length)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { MaxPoolSize = Writers });
        var payload = Payload();
        var connections = await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => source.OpenConnectionAsync().AsTask()));
        try
        {
            var commands = connections.Select((connection, writer) => Upsert(connection, writer, payload)).ToArray();
            await Task.WhenAll(commands.Select(command => command.PrepareAsync()));
            return await Together(length, (writer, _) => commands[writer].ExecuteScalarAsync());
        }
        finally
        {
            foreach (var connection in connections)
            {
                await connection.DisposeAsync();
            }
        }
    }

    private static NpgsqlCommand Upsert(NpgsqlConnection connection, int writer, byte[] payload) =>
        new("INSERT INTO raw VALUES ($1, 1, $2) ON CONFLICT (id) DO UPDATE SET version = raw.version + 1, payload = excluded.payload RETURNING version", connection)
        {
            Parameters = { new() { Value = $"{writer}" }, new() { Value = payload } },
        };

    /// <summary>Microsoft.Data.Sqlite, one connection and one prepared statement, a commit for each write, whoever comes first.</summary>
    public static async Task<Result> RawSqlite(string path, TimeSpan length)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        foreach (var statement in new[] { "PRAGMA synchronous=FULL", "PRAGMA journal_mode=WAL", "CREATE TABLE raw (id TEXT PRIMARY KEY, version INTEGER NOT NULL, payload BLOB) WITHOUT ROWID" })
        {
            using var command = connection.CreateCommand();
            command.CommandText = statement;
            command.ExecuteNonQuery();
        }

        using var write = connection.CreateCommand();
        write.CommandText = "INSERT INTO raw VALUES ($id, 1, $payload) ON CONFLICT DO UPDATE SET version = version + 1, payload = $payload RETURNING version";
        write.Parameters.AddWithValue("$id", "");
        write.Parameters.AddWithValue("$payload", Payload());
        write.Prepare();
        using var turn = new SemaphoreSlim(1, 1);
        return await Together(length, async (writer, _) =>
        {
            await turn.WaitAsync();
            try
            {
                write.Parameters[0].Value = $"{writer}";
                write.ExecuteScalar();
            }
            finally
            {
                turn.Release();
            }
        });
    }

    /// <summary>Bytes of one state.</summary>
    public static int Bytes => Payload().Length;

    private static NodeInventory State()
    {
        var now = new DateTimeOffset(2026, 11, 26, 0, 0, 0, TimeSpan.Zero);
        return new NodeInventory { Report = new GeneratedAgent(7, 20, Guests).Whole(), ReceivedAt = now, GuestsAt = now };
    }

    // As the storage serializes it.
    private static byte[] Payload()
    {
        var json = new JsonSerializerOptions();
        Wire.Configure(json);
        return JsonSerializer.SerializeToUtf8Bytes(State(), json);
    }

    private static async Task<Result> Together(TimeSpan length, Func<int, int, Task> write)
    {
        await Turns(TimeSpan.FromSeconds(1)); // compiled, connected, rows there
        return await Turns(length);

        async Task<Result> Turns(TimeSpan time)
        {
            var times = new Times();
            var began = Stopwatch.StartNew();
            await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
            {
                for (var turn = 0; began.Elapsed < time; turn++)
                {
                    var asked = Stopwatch.GetTimestamp();
                    await write(writer, turn);
                    times.Add(Stopwatch.GetElapsedTime(asked));
                }
            })));
            return new(times.Count / began.Elapsed.TotalSeconds, times);
        }
    }

    /// <summary>What it came to.</summary>
    internal sealed record Result(double PerSecond, Times Times);
}
