using System.Diagnostics;
using System.Globalization;
using NannyOrleans.Bench;
using NannyOrleans.Bench.Failover;

// How long grains and the API do without a silo that is gone: three silos on PostgreSQL, one of them in turn is killed, frozen until the others
// have taken over, stopped as a service manager does, or paused for three seconds. From the signal until every grain that was on it answers
// again; the fleet, its clusters and a hundred fresh nodes and guests are on the other silos, a hundred more on this one. All of it shares this machine's cores.
var rounds = int.Parse(Environment.GetEnvironmentVariable("FAILOVER_ROUNDS") ?? "10", CultureInfo.InvariantCulture);
var (killed, frozen, stopped) = (new Outage("killed"), new Outage("frozen"), new Outage("stopped"));
var (evictedByPause, unclean, round, dice) = (0, 0, 0, new Random(6));
var exits = new List<double>();
await using var plane = await Plane.Start();
var fleet = await Probe.Fleet(plane.Grains);
await using var looker = new Looker(plane.Http);
for (var turn = 0; turn < rounds; turn++)
{
    await Kill();
    await Freeze();
    if (turn % 2 is 0)
    {
        await Stop();
        await Pause();
    }
}

string[] results =
[
    "Last results of `./nanny bench failover`: three silos on PostgreSQL, an Api and the benchmark share this machine's cores.",
    $"{killed}", $"{frozen}", $"{stopped}",
    $"the process of a stopped one was gone after {Text(Figures.Median(exits))}, at worst {Text(exits.Max())}",
    $"paused for 3 s, {stopped.Grains.Count} times: {evictedByPause} evicted; processes that did not end as they should: {unclean}",
];
await File.WriteAllLinesAsync(Plane.PathOf("bench/Failover/results.txt"), results);
foreach (var line in results.Skip(1))
{
    Figures.Say($"{line}");
}

Figures.AtMost("failover-killed-worst", killed.Grains.Max(), "s", 5);
Figures.AtMost("failover-frozen-worst", frozen.Grains.Max(), "s", 15);
Figures.AtMost("failover-stopped-worst", stopped.Grains.Max(), "s", 2);
Figures.Exactly("failover-evicted-by-pause", evictedByPause, "of-pauses", 0);
Figures.Exactly("failover-unclean-exits", unclean, "processes", 0);
Figures.Print();
return 0;

static string Text(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds:F1} s");

async Task Kill()
{
    var (silo, _, mine) = await Victim();
    looker.Begin();
    var watch = Stopwatch.StartNew();
    await silo.Signal("KILL");
    await Task.WhenAll(mine.Select(probe => probe.UntilAnswered()));
    killed.Note(mine.Count, watch.Elapsed, await looker.LongestGap());
    await silo.Exit(TimeSpan.FromSeconds(10));
    await silo.Start();
}

async Task Freeze()
{
    var (silo, _, mine) = await Victim();
    looker.Begin();
    var watch = Stopwatch.StartNew();
    await silo.Signal("STOP");
    await Task.WhenAll(mine.Select(probe => probe.UntilAnswered()));
    frozen.Note(mine.Count, watch.Elapsed, await looker.LongestGap());
    await silo.Signal("CONT");

    // It reads that it was declared dead and ends itself, with a code by which a service manager knows to start it again.
    if (await silo.Exit(TimeSpan.FromSeconds(60)) is null or 0)
    {
        Figures.Say($"an evicted silo did not end by itself, or as if nothing had been");
        unclean++;
        await silo.Signal("KILL");
        await silo.Exit(TimeSpan.FromSeconds(10));
    }

    await silo.Start();
}

async Task Stop()
{
    var (silo, _, mine) = await Victim();
    using var gone = new CancellationTokenSource();
    looker.Begin();
    var watch = Stopwatch.StartNew();
    var gaps = mine.Select(probe => probe.LongestGap(gone.Token)).ToArray();
    await silo.Signal("TERM");
    unclean += await silo.Exit(TimeSpan.FromSeconds(60)) is 0 ? 0 : 1;
    exits.Add(watch.Elapsed.TotalSeconds);
    await gone.CancelAsync();
    var longest = (await Task.WhenAll(gaps)).Max();
    stopped.Note(mine.Count, longest, await looker.LongestGap());
    await silo.Start();
}

async Task Pause()
{
    var (silo, _, mine) = await Victim();
    var before = await plane.Members();
    looker.Begin();
    var watch = Stopwatch.StartNew();
    await silo.Signal("STOP");
    await Task.Delay(TimeSpan.FromSeconds(3));
    await silo.Signal("CONT");
    await Task.WhenAll(mine.Select(probe => probe.UntilAnswered()));
    var answered = watch.Elapsed;
    await Task.Delay(TimeSpan.FromSeconds(4)); // in which the votes would be cast
    var evicted = await plane.Members() != before || silo.HasExited;
    evictedByPause += evicted ? 1 : 0;
    Figures.Say($"paused: {mine.Count} grains answered {answered.TotalSeconds - 3:F1} s after the pause, {(evicted ? "EVICTED" : "still a member")}, {await plane.Suspicions()} suspicions");
    if (silo.HasExited)
    {
        await silo.Start();
    }
}

// The silo whose turn it is, and the grains that are on it.
async Task<(ServerProgram Silo, SiloAddress Address, IReadOnlyList<Probe> Grains)> Victim()
{
    var hosts = await plane.Three();
    var silo = plane.Silos[round++ % 3];
    var address = hosts.Single(host => host.Endpoint.Port == silo.Port);
    await Task.Delay(TimeSpan.FromSeconds(1 + dice.NextDouble())); // anywhere between two probes
    var fresh = Probe.Fresh(plane.Grains, round);
    Probe[] probes = [.. fleet, .. fresh];
    await Task.WhenAll(fresh.Select((probe, number) => number % 2 is 0 ? probe.WakeOn(address) : probe.UntilAnswered()));
    await Task.WhenAll(fleet.Select(probe => probe.UntilAnswered()));
    while (true)
    {
        try
        {
            var there = await plane.Grains.GetGrain<IManagementGrain>(0).GetDetailedGrainStatistics(hostsIds: [address]);
            var ids = there.Select(grain => grain.GrainId).ToHashSet();
            Probe[] mine = [.. probes.Where(probe => ids.Contains(probe.Grain))];
            return mine.Length > 0 ? (silo, address, mine) : throw new InvalidOperationException($"No grain is on {address}, of {ids.Count}.");
        }
        catch (OrleansException)
        {
            await Task.Delay(200);
        }
    }
}
