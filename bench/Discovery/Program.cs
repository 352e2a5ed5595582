using NannyOrleans.Bench;

// How many of Proxmox VE's own commands the agent starts for one look at its host. Each costs 0.85 s of CPU on a real one, so their number
// must not grow with the guests. The native agent looks at a lab of 1, 10 and 100 containers every ten seconds, the shortest interval
// there is; every command is counted on its way by a script before it on the PATH.
const int Interval = 10;
const int Cycles = 4;

using var server = await BenchServer.Start();
foreach (var containers in new[] { 1, 10, 100 })
{
    await using var host = await LabHost.Up(containers);
    await host.StartAgent(server, Interval, metricsSeconds: 30);
    var first = await Listed(server, containers, null);
    var atFirst = host.CallsSoFar().Count;
    var seen = first;
    for (var cycle = 0; cycle < Cycles; cycle++)
    {
        seen = await Listed(server, containers, seen);
    }

    var later = host.CallsSoFar().Skip(atFirst).ToArray();
    Figures.Say($"{containers,3} containers: {atFirst} commands for the first look, {later.Length} for the {Cycles} after it{(later.Length is 0 ? string.Empty : ": " + string.Join(", ", later.CountBy(call => call).Select(call => $"{call.Value} x {call.Key}")))}");
    Figures.AtMost($"discovery-pve-commands-{containers}", later.Length / (double)Cycles, "per-cycle", 3);
    Figures.AtMost($"discovery-pve-commands-first-{containers}", atFirst, "commands", 3);
}

Figures.Print();

// When the guests were last listed, once all of them are and that is later than before.
static async Task<DateTimeOffset> Listed(BenchServer server, int containers, DateTimeOffset? before)
{
    using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
    using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
    while (await tick.WaitForNextTickAsync(limit.Token))
    {
        var rows = await server.Get("/api/agents?filter=" + Uri.EscapeDataString("proxmox_type=='lxc'&&status=='running'&&os!=null"));
        var times = rows.EnumerateArray().Select(row => row.GetProperty("last_seen").GetDateTimeOffset()).Where(at => before is null || at > before).ToArray();
        if (times.Length >= containers)
        {
            return times.Max();
        }
    }

    throw new InvalidOperationException("unreachable");
}
