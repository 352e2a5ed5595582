using System.Diagnostics;
using System.Globalization;
using NannyOrleans.Bench;
using NannyOrleans.Bench.Dispatch;
using NannyOrleans.Bench.Patch;

// How long it takes to patch 10 and 20 real containers: by us, with the real server, the native agent and a lab; by a loop of `pct exec`; by
// Ansible; and by lxc-attach side by side, which is the least there can be. All refresh the lists and upgrade the same four small packages from
// the container's own repository. Once that is processor time alone, once the configuration of one of them waits three seconds.
const int AtOnce = 10;
int[] sizes = [.. (Environment.GetEnvironmentVariable("PATCH_CONTAINERS") ?? "10,20").Split(',').Select(size => int.Parse(size, CultureInfo.InvariantCulture))];
var rounds = int.Parse(Environment.GetEnvironmentVariable("PATCH_ROUNDS") ?? "3", CultureInfo.InvariantCulture);

using var server = await BenchServer.Start(("Silo__GuestJobsAtOnce", AtOnce.ToString(CultureInfo.InvariantCulture)));
await using var host = await LabHost.Up(sizes[^1], await Contenders.PythonBase());
host.Replace("pct", Contenders.Pct(host));
await host.StartAgent(server, discoverySeconds: 300, metricsSeconds: 30);
using var guests = new Guests(host, sizes[^1]);
var ours = new Ours(server, host);
var all = new Contenders(host, guests.Directory, AtOnce);
await ours.Ready(sizes[^1]);

Figures.Say($"{AtOnce} containers at once for us (Silo:GuestJobsAtOnce), for Ansible (forks) and for the bare loop (xargs -P).");
Figures.Say($"Ansible is {await all.AnsibleVersion()}. 'apt' is how people use it: the module of that name and facts, with Ansible's own settings, in containers that have Python. It is spared ssh:");
Figures.Say($"its connection is lxc-attach. 'raw' is the least it can do: a line for a shell on the host, no module and no facts.");
Figures.Say($"pct is a shell script before lxc-attach here, {await all.PctSeconds() * 1000:F0} ms a call: the lab's own is of .NET and would be measured with us. On a real host each call takes 850 ms of Perl: once in our way, once in the sequential loop, never in the others.");
Figures.Say($"CPU: what all cores of this machine were busy with, by /proc/stat, from the start of a run to its end.");

Contender[] contenders = [new("ours", ours.Patch), new("bare", all.Bare), new("ansible", all.AnsibleApt), new("raw", all.AnsibleRaw), new("sequential", all.Sequential)];
Figures.Say($"The server has done this before, as one that runs for days has: {await Warm(server):F0} operations of generated agents, so that its code is compiled.");
await Round(contenders[..4], guests, sizes[0], waits: false, []); // warm: code compiled, scripts fetched, files in memory
for (var warm = 0; warm < 10; warm++)
{
    await Round(contenders[..1], guests, sizes[0], waits: false, []); // and what generated agents never do: their output followed, their guests looked at again
}

await ours.CountCalls(async () => await Round(contenders[..1], guests, sizes[0], waits: false, []), sizes[0]);

foreach (var waits in (bool[])[false, true])
{
    foreach (var size in sizes)
    {
        // Turn and turn about: whoever is first in one round is last in another. The sequential loop of what waits has hardly anything to vary.
        var (runs, times) = (new List<Run>(), Rounds(size, waits));
        for (var round = 0; round < times; round++)
        {
            var now = contenders[..(waits && round > 0 ? 4 : 5)];
            await Round([.. now.Skip(round % now.Length), .. now.Take(round % now.Length)], guests, size, waits, runs);
        }

        Report(runs, size, waits, contenders);
        Figures.Say($"of ours, for each guest: {ours.Server / ours.Patched * 1000:F0} ms of CPU in the server's process, {ours.Agent / ours.Patched * 1000:F0} ms in the agent's");
    }
}

Figures.Exactly("patch-pve-commands", ours.PveCommandsPerPatch, "per-guest-patch", 1);
Figures.Print();

// The fewer the longer they take: all of it is to end within ten minutes.
int Rounds(int size, bool waits) => waits ? (rounds + 1) / 2 : size == sizes[0] ? rounds + 2 : rounds;

// New, nearly all of the server's time goes into compiling itself, whatever it is asked.
static async Task<double> Warm(BenchServer server)
{
    await using var load = await Load.Of(server);
    var length = TimeSpan.FromSeconds(20);
    return await load.AtOnce(64, length) * length.TotalSeconds;
}

static async Task Round(IEnumerable<Contender> contenders, Guests guests, int size, bool waits, List<Run> runs)
{
    foreach (var contender in contenders)
    {
        await guests.Reset(size, waits);
        var (began, busy) = (Stopwatch.GetTimestamp(), MachineCpu.BusySeconds());
        await contender.Patch(Guests.Ids(size));
        runs.Add(new(contender.Name, Stopwatch.GetElapsedTime(began).TotalSeconds, MachineCpu.BusySeconds() - busy));
        guests.MustBePatched(size, contender.Name);
    }
}

static void Report(List<Run> runs, int size, bool waits, Contender[] contenders)
{
    var kind = waits ? "waiting" : "cpu";
    foreach (var (name, _) in contenders)
    {
        var own = runs.Where(run => run.Name == name).ToArray();
        Figures.Say($"{size} containers, {kind,-7}  {name,-10}  wall {Wall(name),6:F2} s  cpu {Figures.Median(own.Select(run => run.Cpu)),6:F2} s  (medians of {own.Length}; wall {own.Min(run => run.Wall):F2} to {own.Max(run => run.Wall):F2})");
    }

    Figures.AtMost($"patch-{size}-{kind}-ours-over-bare", Wall("ours") / Wall("bare"), "x", 1.15);
    if (waits)
    {
        Figures.AtLeast($"patch-{size}-{kind}-sequential-over-ours", Wall("sequential") / Wall("ours"), "x", 4);
    }
    else
    {
        Figures.AtLeast($"patch-{size}-{kind}-ansible-over-ours", Wall("ansible") / Wall("ours"), "x", 2.5);
    }

    double Wall(string name) => Figures.Median(runs.Where(run => run.Name == name).Select(run => run.Wall));
}

/// <summary>One way to patch.</summary>
internal sealed record Contender(string Name, Func<int[], Task> Patch);

/// <summary>One time it was done.</summary>
internal sealed record Run(string Name, double Wall, double Cpu);
