using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Data.Sqlite;
using NannyOrleans.Silo.Storage;

// What the gate before SQLite is for: 32 grains write 4 kB each, again and again, through the gate and without it. Both in this run, in
// turns, on the same disk and with the same pragmas, since only their ratio says something about the code.
//
// Each grain has something to write at fixed moments, and a write's time runs from that moment. With writers that begin the next write when
// the last one is done, the lucky ones write hundreds of times while another waits for two seconds, and that one wait vanishes among them.
const int Writers = 32;
const int PayloadBytes = 4096;
const int Rounds = 4;
const double Load = 0.6; // of what the disk can take: busy, and able to catch up
var length = TimeSpan.FromSeconds(3);

var directory = Directory.CreateTempSubdirectory("nanny-bench-").FullName;
try
{
    SqliteGrainStorageSchema.Apply(Path.Combine(directory, "gated.db"));
    SqliteGrainStorageSchema.Apply(Path.Combine(directory, "plain.db"));
    using var gated = new GatedSqlite(Path.Combine(directory, "gated.db"));
    using var plain = new PlainSqlite(Path.Combine(directory, "plain.db"));
    var write = ReadWriteStatement(plain);

    var (gatedTimes, plainTimes) = (new List<double>(), new List<double>());
    await Round(gated, write, TimeSpan.FromSeconds(1), TimeSpan.Zero); // warm: compilation, connection pools, first pages
    await Round(plain, write, TimeSpan.FromSeconds(1), TimeSpan.Zero);
    var perSecond = Math.Max(
        (await Round(gated, write, length, TimeSpan.Zero)).Count / length.TotalSeconds, (await Round(plain, write, length, TimeSpan.Zero)).Count / length.TotalSeconds);
    var every = TimeSpan.FromSeconds(Writers / (perSecond * Load));
    for (var round = 0; round < Rounds; round++)
    {
        // Whoever comes second finds a warmer disk: turn and turn about.
        var pair = round % 2 is 0 ? new[] { (gated, gatedTimes), ((DbDataSource)plain, plainTimes) } : [(plain, plainTimes), (gated, gatedTimes)];
        foreach (var (source, times) in pair)
        {
            times.AddRange(await Round(source, write, length, every));
        }
    }

    var (g, p) = (new Times(gatedTimes), new Times(plainTimes));
    Console.WriteLine(Invariant($"{Writers} writers of {PayloadBytes} bytes, {Rounds} rounds of {length.TotalSeconds} s each way, {Load:P0} of {perSecond:F0} writes a second"));
    Console.WriteLine(Invariant($"gated: {g.Count,7} writes  p50 {g.At(50),8:F1} ms  p99 {g.At(99),8:F1} ms  longest {g.At(100),8:F1} ms"));
    Console.WriteLine(Invariant($"plain: {p.Count,7} writes  p50 {p.At(50),8:F1} ms  p99 {p.At(99),8:F1} ms  longest {p.At(100),8:F1} ms"));
    Figure("grain-storage-p99-plain-over-gated", p.At(99) / g.At(99), 2);
    Figure("grain-storage-longest-plain-over-gated", p.At(100) / g.At(100), 2);
}
finally
{
    Directory.Delete(directory, recursive: true);
}

// Each writer is a grain of its own, and writes as one does: one write after the other, each over the version the last one gave.
static async Task<IReadOnlyList<double>> Round(DbDataSource source, string write, TimeSpan length, TimeSpan every)
{
    var began = Stopwatch.GetTimestamp();
    var payload = new byte[PayloadBytes];
    var run = Guid.NewGuid();
    var all = await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
    {
        var times = new List<double>();
        object version = DBNull.Value;
        for (var turn = 0; ; turn++)
        {
            // Not all at the same moment; zero means as fast as it goes.
            var due = every == TimeSpan.Zero ? Stopwatch.GetElapsedTime(began) : every * (turn + (writer / (double)Writers));
            if (due >= length)
            {
                return times;
            }

            if (due - Stopwatch.GetElapsedTime(began) is { Ticks: > 0 } early)
            {
                await Task.Delay(early);
            }

            await using (var connection = await source.OpenConnectionAsync())
            await using (var command = connection.CreateCommand())
            {
                command.CommandText = write;
                Add(command, "ServiceId", "bench");
                Add(command, "GrainTypeString", "node");
                Add(command, "GrainIdN0", 0L);
                Add(command, "GrainIdN1", 0L);
                Add(command, "GrainIdExtensionString", $"{run}/{writer}");
                Add(command, "GrainStateVersion", version);
                Add(command, "PayloadBinary", payload);

                // On a thread of the pool, as Orleans' provider does for databases whose calls block.
                version = await Task.Run(async () =>
                {
                    object? written = null;
                    await using var reader = await command.ExecuteReaderAsync();
                    do
                    {
                        while (await reader.ReadAsync())
                        {
                            written = reader.GetValue(0);
                        }
                    }
                    while (await reader.NextResultAsync());

                    return written ?? throw new InvalidOperationException("A version conflict, where every writer has its own grain.");
                });
            }

            times.Add((Stopwatch.GetElapsedTime(began) - due).TotalMilliseconds);
        }
    })));
    return [.. all.SelectMany(times => times)];
}

static void Add(DbCommand command, string name, object value)
{
    var parameter = command.CreateParameter();
    (parameter.ParameterName, parameter.Value) = (name, value);
    command.Parameters.Add(parameter);
}

static string ReadWriteStatement(DbDataSource source)
{
    using var connection = source.OpenConnection();
    using var command = connection.CreateCommand();
    command.CommandText = "SELECT QueryText FROM OrleansQuery WHERE QueryKey = 'WriteToStorageKey'";
    return (string)command.ExecuteScalar()!;
}

static void Figure(string name, double value, double atLeast) =>
    Console.WriteLine(Invariant($"figure {name} {value:F2} x target >= {atLeast} {(value >= atLeast ? "met" : "missed")}"));

static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

/// <summary>Times of single writes.</summary>
internal sealed class Times(IEnumerable<double> milliseconds)
{
    private readonly double[] sorted = [.. milliseconds.Order()];

    public int Count => sorted.Length;

    /// <summary>A percentile, by nearest rank.</summary>
    public double At(int percent) => sorted[Math.Max(0, (int)Math.Ceiling(sorted.Length * percent / 100.0) - 1)];
}

/// <summary>SQLite as it comes: every writer with a connection of its own, waiting its turn by asking again. The same pragmas.</summary>
internal sealed class PlainSqlite(string path) : DbDataSource
{
    public override string ConnectionString { get; } = new SqliteConnectionStringBuilder { DataSource = path }.ToString();

    protected override DbConnection CreateDbConnection() => new Connection(ConnectionString);

    private sealed class Connection(string connectionString) : SqliteConnection(connectionString)
    {
        public override void Open()
        {
            base.Open();
            using var pragmas = CreateCommand();
            pragmas.CommandText = "PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL;";
            pragmas.ExecuteNonQuery();
        }
    }
}
