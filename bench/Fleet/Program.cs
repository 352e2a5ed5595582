using System.Diagnostics;
using System.Globalization;
using NannyOrleans.Bench;
using NannyOrleans.Bench.Fleet;

// What a fleet of 1,000 nodes with 100 guests each costs the server, one process on SQLite: real connections with real tokens, and behind
// each a generated host that reports as the real agent does at its default intervals, a sample each 30 s and what has changed each 300 s.
// Meanwhile somebody asks for guests. Server and generator share this machine's cores, so the figures are upper bounds.
const int Nodes = 1000;
const int NodesPerCluster = 25;
const int GuestsPerNode = 100;
var length = TimeSpan.FromSeconds(double.Parse(Environment.GetEnvironmentVariable("FLEET_SECONDS") ?? "120", CultureInfo.InvariantCulture));

using var server = await BenchServer.Start();
var agents = Enumerable.Range(0, Nodes).Select(number => new GeneratedAgent(number, NodesPerCluster, GuestsPerNode)).ToArray();
try
{
    var began = Stopwatch.StartNew();
    await Each(agents, async agent => await agent.Connect(server.Url, await server.Register(agent.Cluster.Value, agent.Node.Value, agent.ClusterName)));
    Figures.Say($"{Nodes} agents registered and connected in {began.Elapsed.TotalSeconds:F0} s");

    var before = ProcessCost.Of(server.Pid);
    began.Restart();
    await Each(agents, agent => agent.ReportWhole());
    var taken = ProcessCost.Of(server.Pid);
    Figures.Say($"{Nodes * GuestsPerNode} guests reported whole in {began.Elapsed.TotalSeconds:F1} s, {taken.CpuSeconds - before.CpuSeconds:F1} s of CPU");

    using var stop = new CancellationTokenSource();
    var reporting = agents.Select((agent, number) => Report(agent, number, stop.Token)).ToArray();
    await Task.Delay(TimeSpan.FromSeconds(35)); // every agent has sent its first samples: code is compiled, lists have grown
    before = ProcessCost.Of(server.Pid);
    began.Restart();
    var times = new Times();
    await Ask(server.Http, agents.Length, length, times);
    var after = ProcessCost.Of(server.Pid);
    var wall = began.Elapsed.TotalSeconds;
    await stop.CancelAsync();
    await Task.WhenAll(reporting);

    var cpu = 100 * (after.CpuSeconds - before.CpuSeconds) / wall;
    Figures.Say($"{wall:F0} s measured: server {cpu:F0} % of one core, {after.RssMiB:F0} MiB now, {after.PeakMiB:F0} MiB at most");
    Figures.Say($"{times.Count} filtered lists over {Nodes * GuestsPerNode} guests: p50 {times.At(50):F1} ms, p99 {times.At(99):F1} ms, longest {times.At(100):F1} ms");
    Figures.AtMost("fleet-server-cpu", cpu, "percent-of-one-core", 100);
    Figures.AtMost("fleet-server-memory", after.RssMiB, "MiB", 2048);
    Figures.AtMost("fleet-filter-p99", times.At(99), "ms", 500);
}
finally
{
    await Each(agents, async agent => await agent.DisposeAsync());
}

Figures.Print();

static Task Each(IEnumerable<GeneratedAgent> agents, Func<GeneratedAgent, Task> work) =>
    Parallel.ForEachAsync(agents, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (agent, _) => await work(agent));

static async Task Report(GeneratedAgent agent, int number, CancellationToken stop)
{
    try
    {
        // Spread over the interval, as hosts that were not started in the same second are.
        await Task.Delay(TimeSpan.FromSeconds(GeneratedAgent.MetricsSeconds * (number / (double)Nodes)), stop);
        using var tick = new PeriodicTimer(TimeSpan.FromSeconds(GeneratedAgent.MetricsSeconds));
        for (var round = number % 10; !stop.IsCancellationRequested; round++)
        {
            await agent.ReportMetrics();
            if (round % (GeneratedAgent.InventorySeconds / GeneratedAgent.MetricsSeconds) is 0)
            {
                await agent.ReportChange(changed: number % 10 is 0);
            }

            await tick.WaitForNextTickAsync(stop);
        }
    }
    catch (OperationCanceledException) when (stop.IsCancellationRequested)
    {
        // told to
    }
}

static async Task Ask(HttpClient http, int nodes, TimeSpan length, Times times)
{
    string[] filters =
    [
        "name=='guest-{0}-17'",
        "ip_address=='10.1.7.{1}'",
        "proxmox_node_name=='pve-3'&&proxmox_cluster=='cluster-{1}'",
        "status=='stopped'&&tags=='prod'",
        "(platform_family=='debian'||platform_family=='rhel')&&memory_used_bytes>104857600&&name~'-42'",
    ];
    var end = Stopwatch.StartNew();
    using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
    for (var turn = 0; end.Elapsed < length; turn++)
    {
        var filter = string.Format(CultureInfo.InvariantCulture, filters[turn % filters.Length], turn * 37 % nodes, turn % 40);
        var asked = Stopwatch.GetTimestamp();
        using var answer = await http.GetAsync($"/api/agents?filter={Uri.EscapeDataString(filter)}&sort=name&per_page=100");
        var body = await answer.Content.ReadAsByteArrayAsync();
        times.Add(Stopwatch.GetElapsedTime(asked));
        if (!answer.IsSuccessStatusCode || body.Length < 3)
        {
            throw new InvalidOperationException($"{filter} answered {(int)answer.StatusCode} with {body.Length} bytes.");
        }

        await tick.WaitForNextTickAsync();
    }
}
