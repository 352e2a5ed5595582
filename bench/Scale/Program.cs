using System.Diagnostics;
using NannyOrleans.Bench;
using NannyOrleans.Bench.Dispatch;
using NannyOrleans.Bench.Scale;
using NannyOrleans.Tests.Postgres;

// How far one machine's processes go, and how what they cost grows: the figures that docs/scaling.md reckons with. PostgreSQL, three silos and
// two Api processes; agents by the thousand on one of the Api processes, over real connections with real tokens. All of it, those agents
// included, on the same cores: what is said of a process is its own, but there is nothing to spare beside it.
const int WriteRounds = 5;
if (PrivatePostgres.WhyNot is { } why)
{
    throw new InvalidOperationException(why);
}

var quick = args.Contains("--quick");
int[] levels = quick ? [250, 500, 1000] : [2000, 5000, 10_000, 19_000];
var minute = TimeSpan.FromSeconds(quick ? 10 : 60);
var settle = TimeSpan.FromSeconds(quick ? 5 : 15);
var round = TimeSpan.FromSeconds(quick ? 1 : 3);
await using var postgres = await PrivatePostgres.Start();

string[] parts = [.. args.Where(part => part is not "--quick")]; // of: writes dispatch agents
if (Is("writes"))
{
    await Writes();
}

if (Is("dispatch") || Is("agents"))
{
    await using var installation = await Installation.Start(postgres);
    if (Is("dispatch"))
    {
        await Dispatch(installation);
    }

    if (Is("agents"))
    {
        await Agents(installation);
        await Sizes(installation);
    }
}

Figures.Print();

bool Is(string part) => parts.Length is 0 || parts.Contains(part);

async Task Writes()
{
    var directory = Directory.CreateTempSubdirectory("nanny-bench-").FullName;
    var database = await postgres.NewDatabase();
    StateWrites[] contenders =
    [
        await StateWrites.RawPostgres(database),
        await StateWrites.Storage(new() { DataDirectory = Path.Combine(directory, "postgres"), Postgres = database, Port = 0 }),
        await StateWrites.BarestPostgres(database),
        StateWrites.RawSqlite(Path.Combine(directory, "raw.db")),
        await StateWrites.Storage(new() { DataDirectory = Path.Combine(directory, "sqlite"), Port = 0 }),
    ];
    foreach (var contender in contenders)
    {
        await contender.Round(round, keep: false); // compiled, connected, rows there
    }

    for (var turn = 0; turn < WriteRounds; turn++)
    {
        foreach (var contender in contenders)
        {
            await contender.Round(round / 2);
        }
    }

    foreach (var contender in contenders)
    {
        await contender.DisposeAsync();
    }

    Directory.Delete(directory, recursive: true);
    var (raw, ours, barest, rawSqlite, sqlite) = (contenders[0], contenders[1], contenders[2], contenders[3], contenders[4]);
    Figures.Say($"{StateWrites.Writers} grains write {StateWrites.Bytes} bytes each, medians of {WriteRounds} rounds, in turns:");
    Figures.Say($"PostgreSQL {Figures.Median(ours.PerSecond):F0} writes a second, p99 {ours.Times.At(99):F0} ms; raw driver {Figures.Median(raw.PerSecond):F0}, with connections and commands held {Figures.Median(barest.PerSecond):F0}");
    Figures.Say($"SQLite, synchronous=FULL, {Figures.Median(sqlite.PerSecond):F0} writes a second, p99 {sqlite.Times.At(99):F0} ms; raw driver {Figures.Median(rawSqlite.PerSecond):F0}");
    Figures.AtLeast("scale-writes-postgres-over-raw", Over(ours, raw), "x", 0.7);
    Figures.AtLeast("scale-writes-sqlite-over-raw", Over(sqlite, rawSqlite), "x", 0.25);
    Figures.AtMost("scale-writes-sqlite-p99", sqlite.Times.At(99), "ms", 150);

    static double Over(StateWrites one, StateWrites other) => Figures.Median(one.PerSecond.Zip(other.PerSecond, (own, its) => own / its));
}

async Task Dispatch(Installation installation)
{
    var one = await Dispatched("one process on SQLite", async () =>
    {
        var server = await BenchServer.Start();
        return (await Load.Of(server), server);
    });
    var many = await Dispatched("PostgreSQL, 3 silos, asked at one Api and the agents at the other", async () => (await Load.Of(installation.People, installation.Agents), null));
    Figures.AtMost("scale-dispatch-sqlite-p50", one.P50, "ms", 10);
    Figures.AtMost("scale-dispatch-postgres-p50", many.P50, "ms", 25);
    Figures.AtLeast("scale-dispatch-postgres-over-sqlite", many.PerSecond / one.PerSecond, "x", 0.25);
}

async Task<(double P50, double PerSecond)> Dispatched(string where, Func<Task<(Load, IDisposable?)>> start)
{
    var (load, server) = await start();
    try
    {
        await load.AtOnce(64, round);
        await load.OneByOne(100);
        var times = await load.OneByOne(200);
        var perSecond = await load.AtOnce(64, 2 * round);
        Figures.Say($"Dispatch, {where}: p50 {times.At(50):F1} ms, p99 {times.At(99):F1} ms from the request to the agent; {perSecond:F0} operations a second at 64 at once");
        return (times.At(50), perSecond);
    }
    finally
    {
        await load.DisposeAsync();
        server?.Dispose();
    }
}

async Task Agents(Installation installation)
{
    var model = await installation.Agents.Register("c00000000ffffffff", "pve-0", "the first");
    await using var agents = new ManyAgents(installation, await Tokens.Like(installation, model));
    var began = Stopwatch.StartNew();
    await agents.Enrol(levels[^1]);
    Figures.Say($"{levels[^1]} hosts in clusters of {ManyAgents.HostsPerCluster} enrolled in {began.Elapsed.TotalSeconds:F0} s");
    await Task.Delay(settle); // what the enrolment began has ended
    var idle = await Steady.Measure(installation, 0, minute / 3);
    List<Steady> points = [idle];
    List<(double Guests, double Milliseconds)> lists = [];
    List<(double Guests, double Milliseconds)> topologies = [];
    Say(idle);
    var refused = 0;
    foreach (var level in levels)
    {
        began.Restart();
        refused = await agents.ConnectTo(level);
        var took = began.Elapsed.TotalSeconds;
        await Task.Delay(settle);
        points.Add(await Steady.Measure(installation, agents.Connected, level < 10_000 ? minute / 2 : minute));
        Figures.Say($"{level} agents: {refused} refused with 503, the others connected and reported in {took:F0} s; {agents.Lost} lost their connections");
        Say(points[^1]);
        var times = new Times();
        for (var turn = 0; turn < 20; turn++)
        {
            var started = Stopwatch.GetTimestamp();
            await installation.People.Http.GetByteArrayAsync($"/api/agents?filter={Uri.EscapeDataString($"name~'guest-{200 + turn}-7'")}&per_page=100");
            times.Add(Stopwatch.GetElapsedTime(started));
        }

        var asked = Stopwatch.GetTimestamp();
        var bytes = (await installation.People.Http.GetByteArrayAsync("/api/topology")).Length;
        var all = Stopwatch.GetElapsedTime(asked).TotalMilliseconds;
        lists.Add((agents.Connected * ManyAgents.GuestsPerHost, times.At(50)));
        topologies.Add((agents.Connected * ManyAgents.GuestsPerHost, all));
        Figures.Say($"  whole topology {bytes / 1e6:F1} MB in {all:F0} ms; a filtered list over {agents.Connected * ManyAgents.GuestsPerHost} guests p50 {times.At(50):F0} ms, longest {times.At(100):F0} ms");
    }

    var answer = await installation.Agents.Http.GetAsync("/healthz");
    var (sent, arrived, others) = await agents.Count();
    Figures.Say($"{sent} samples sent, {arrived} with the nodes' grains; inventories that differ: {others}; connections lost: {agents.Lost}; /healthz of the full process: {(int)answer.StatusCode}");

    var most = points.LastOrDefault(point => point.Agents <= 10_000) ?? points[^1];
    Fit("CPU of the Api process, % of a core", [.. points.Select(point => ((double)point.Agents, point.ApiCpu))]);
    Fit("CPU of the silos, % of a core", [.. points.Select(point => ((double)point.Agents, point.SiloCpu))]);
    Fit("CPU of PostgreSQL, % of a core", [.. points.Select(point => ((double)point.Agents, point.PostgresCpu))]);
    Fit("memory of the Api process, MiB", [.. points.Select(point => ((double)point.Agents, point.ApiMiB))]);
    Fit("memory of the silos, MiB", [.. points.Select(point => ((double)point.Agents, point.SiloMiB))]);
    Fit("filtered list, ms over guests", lists);
    Fit("whole topology, ms over guests", topologies);
    Figures.AtMost("scale-api-cpu", most.ApiCpu, "percent-of-one-core", 25);
    Figures.AtMost("scale-api-memory-per-agent", (most.ApiMiB - idle.ApiMiB) * 1024 / most.Agents, "KiB", 60);
    Figures.Exactly("scale-messages-lost", sent - arrived + others, "messages", 0);
    Figures.Exactly("scale-connections-lost", agents.Lost, "connections", 0);
    Figures.AtLeast("scale-agents-connected", agents.Connected, "agents", levels[^1]);
    Figures.Exactly("scale-answers-when-full", answer.IsSuccessStatusCode && agents.Connected + refused == levels[^1] ? 1 : 0, "answers", 1);

    static void Say(Steady at) => Figures.Say(
        $"  {at.Agents} agents: Api {at.ApiCpu:F1} % of a core, {at.ApiMiB:F0} MiB; 3 silos {at.SiloCpu:F1} %, {at.SiloMiB:F0} MiB; PostgreSQL {at.PostgresCpu:F1} %, {at.Commits:F0} transactions and {at.LogBytes / 1024:F0} KiB of log a second");
}

// How it grows, and what those below say of the highest point: a line that fits all of them may still bend.
static void Fit(string what, IReadOnlyList<(double X, double Y)> points)
{
    var (line, below) = (Line.Through(points), Line.Through([.. points.Take(points.Count - 1)]));
    var (x, y) = points[^1];
    Figures.Say($"fit: {what} = {line.At0:F1} + {line.Slope * 1000:F2} for each 1,000 (R2 {line.R2:F3}); the line through the lower points says {below.At(x):F1} at {x}, measured {y:F1}: {100 * (below.At(x) - y) / y:F0} %");
}

async Task Sizes(Installation installation)
{
    foreach (var line in (await installation.Sql("""
        SELECT c.relname || ': ' || s.n_live_tup || ' rows, ' || pg_total_relation_size(c.oid) || ' bytes, ' || pg_total_relation_size(c.oid) / greatest(s.n_live_tup, 1) || ' for each'
        FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid WHERE s.n_live_tup > 100 ORDER BY pg_total_relation_size(c.oid) DESC
        """)).Split('\n'))
    {
        Figures.Say($"table {line}");
    }
}
