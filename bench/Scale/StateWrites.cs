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
/// 32 grains side by side write what a host has said, about 4 kB of JSON, again and again: through the storage as the silo has it, and the same
/// bytes by the raw driver.
/// </summary>
internal sealed class StateWrites(Func<int, int, Task> write, Func<ValueTask> end) : IAsyncDisposable
{
    public const int Writers = 32;
    private const int Guests = 3;

    /// <summary>Writes a second, of each round.</summary>
    public List<double> PerSecond { get; } = [];

    /// <summary>How long single writes took.</summary>
    public Times Times { get; } = new();

    /// <summary>Bytes of one state.</summary>
    public static int Bytes => Payload().Length;

    /// <summary>The storage of a silo of this process over a database of its own.</summary>
    public static async Task<StateWrites> Storage(SiloOptions options)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.AddSilo(options, withGateway: false);
        var host = builder.Build();
        await host.StartAsync();
        var storage = host.Services.GetRequiredService<IGrainStorage>();
        var state = State();
        var grains = Enumerable.Range(0, Writers).Select(writer => (Id: GrainId.Create("bench", $"{writer}"), State: new GrainState<NodeInventory>(state))).ToArray();
        return new(
            (writer, turn) =>
            {
                var (id, stored) = grains[writer];
                stored.State = state with { GuestsAt = state.GuestsAt!.Value.AddSeconds(turn) };
                return storage.WriteStateAsync("bench", id, stored);
            },
            async () =>
            {
                await host.StopAsync();
                host.Dispose();
            });
    }

    /// <summary>Npgsql: for each write a connection of the pool and a command, which the driver knows as prepared.</summary>
    public static async Task<StateWrites> RawPostgres(string database)
    {
        var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { MaxPoolSize = Writers, MaxAutoPrepare = 10, AutoPrepareMinUsages = 2 });
        await using var make = source.CreateCommand("CREATE TABLE raw (id text PRIMARY KEY, version integer NOT NULL, payload bytea)");
        await make.ExecuteNonQueryAsync();
        var payload = Payload();
        return new(
            async (writer, _) =>
            {
                await using var connection = await source.OpenConnectionAsync();
                await using var command = Upsert(connection, writer, payload);
                await command.ExecuteScalarAsync();
            },
            source.DisposeAsync);
    }

    /// <summary>Npgsql at its best: each writer has a connection and a command of its own, and does nothing but execute it.</summary>
    public static async Task<StateWrites> BarestPostgres(string database)
    {
        var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { MaxPoolSize = Writers });
        var payload = Payload();
        var commands = await Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
        {
            var command = Upsert(await source.OpenConnectionAsync(), writer, payload);
            await command.PrepareAsync();
            return command;
        }));
        return new(
            (writer, _) => commands[writer].ExecuteScalarAsync(),
            async () =>
            {
                foreach (var command in commands)
                {
                    await command.Connection!.DisposeAsync();
                }

                await source.DisposeAsync();
            });
    }

    /// <summary>Microsoft.Data.Sqlite, one connection and one prepared statement, a commit for each write, whoever comes first.</summary>
    public static StateWrites RawSqlite(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        foreach (var statement in new[] { "PRAGMA synchronous=FULL", "PRAGMA journal_mode=WAL", "CREATE TABLE raw (id TEXT PRIMARY KEY, version INTEGER NOT NULL, payload BLOB) WITHOUT ROWID" })
        {
            using var command = connection.CreateCommand();
            command.CommandText = statement;
            command.ExecuteNonQuery();
        }

        var write = connection.CreateCommand();
        write.CommandText = "INSERT INTO raw VALUES ($id, 1, $payload) ON CONFLICT DO UPDATE SET version = version + 1, payload = $payload RETURNING version";
        write.Parameters.AddWithValue("$id", "");
        write.Parameters.AddWithValue("$payload", Payload());
        write.Prepare();
        var turn = new SemaphoreSlim(1, 1);
        return new(
            async (writer, _) =>
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
            },
            () =>
            {
                write.Dispose();
                turn.Dispose();
                return connection.DisposeAsync();
            });
    }

    /// <summary>One round; of one that only warms up nothing is kept.</summary>
    public async Task Round(TimeSpan length, bool keep = true)
    {
        var began = Stopwatch.StartNew();
        var done = await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            var turn = 0;
            for (; began.Elapsed < length; turn++)
            {
                var asked = Stopwatch.GetTimestamp();
                await write(writer, turn);
                if (keep)
                {
                    Times.Add(Stopwatch.GetElapsedTime(asked));
                }
            }

            return turn;
        })));
        if (keep)
        {
            PerSecond.Add(done.Sum() / began.Elapsed.TotalSeconds);
        }
    }

    public ValueTask DisposeAsync() => end();

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

    private static NpgsqlCommand Upsert(NpgsqlConnection connection, int writer, byte[] payload) =>
        new("INSERT INTO raw VALUES ($1, 1, $2) ON CONFLICT (id) DO UPDATE SET version = raw.version + 1, payload = excluded.payload RETURNING version", connection)
        {
            Parameters = { new() { Value = $"{writer}" }, new() { Value = payload } },
        };
}
