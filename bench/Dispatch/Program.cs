using System.Diagnostics;
using System.Globalization;
using NannyOrleans.Bench;
using NannyOrleans.Bench.Dispatch;

// From `POST /api/patches` to the moment an agent would start the process. The agents are generated, on real connections: each says of a job that
// it accepted, started and ended it, as the real one does. Beside it, in turns, the least there can be: the same requests and messages, and a
// dictionary between them. Once the server's grains and rows are in memory alone, once it is the server as it is; what that writes to disk is
// counted, and then written by the bare driver.
switch (args)
{
    case [MemoryServer.Verb]:
        return MemoryServer.Run();
    case [LimitServer.Verb]:
        await LimitServer.Run();
        return 0;
}

const int AtOnce = 64;
const int Sequential = 400;
const int Warm = 8000;
var length = TimeSpan.FromSeconds(double.Parse(Environment.GetEnvironmentVariable("DISPATCH_SECONDS") ?? "6", CultureInfo.InvariantCulture));
var rounds = int.Parse(Environment.GetEnvironmentVariable("DISPATCH_ROUNDS") ?? "5", CultureInfo.InvariantCulture);
var self = Path.Combine(AppContext.BaseDirectory, "NannyOrleans.DispatchBench.dll");

using var memoryServer = await BenchServer.Start([self, MemoryServer.Verb]);
using var durableServer = await BenchServer.Start();
using var limitServer = await LimitServer.Start(self);
await using var memory = await Load.Of(memoryServer);
await using var durable = await Load.Of(durableServer);
await using var limit = await Load.Of(limitServer.Url);

var writes = await DurableWrites.Count(durableServer, durable);
Figures.Say($"An operation, from the request to its stored end, is {writes.Grains.PerOperation:F1} commits of grains ({writes.Grains.Bytes} bytes of state, {writes.Grains.PagesPerCommit:F1} pages each)");
Figures.Say($"and {writes.History.PerOperation:F1} of history ({writes.History.Bytes} bytes of record, {writes.History.PagesPerCommit:F1} pages each).");

var (ofMemory, ofDurable, ofLimit, ofDriver) = (new Rounds(), new Rounds(), new Rounds(), new List<double>());
var loads = new (Load Load, int Pid, Rounds Rounds)[] { (limit, limitServer.Pid, ofLimit), (memory, memoryServer.Pid, ofMemory), (durable, durableServer.Pid, ofDurable) };
foreach (var (load, _, _) in loads)
{
    // Until the code is compiled for good, and that takes calls and not seconds: on a busy machine the seconds measured the compiler.
    var (began, done) = (Stopwatch.StartNew(), 0.0);
    while (done < Warm && began.Elapsed < 5 * length)
    {
        done += length.TotalSeconds / 3 * await load.AtOnce(AtOnce, length / 3);
    }

    await load.OneByOne(Sequential);
}

for (var round = 0; round < rounds; round++)
{
    foreach (var (load, pid, results) in loads.Skip(round % loads.Length).Concat(loads.Take(round % loads.Length)))
    {
        results.P50.Add((await load.OneByOne(Sequential)).At(50));
        var (before, began) = (ProcessCost.Of(pid), Stopwatch.StartNew());
        var perSecond = await load.AtOnce(AtOnce, length);
        results.PerSecond.Add(perSecond);
        results.Microseconds.Add((ProcessCost.Of(pid).OwnCpuSeconds - before.OwnCpuSeconds) * 1e6 / (perSecond * began.Elapsed.TotalSeconds));
    }

    ofDriver.Add(await BareDriver.OperationsPerSecond(writes, AtOnce, length));
}

Figures.Say($"{rounds} rounds of {Sequential} one by one and {length.TotalSeconds:F0} s at {AtOnce} at once, medians:");
foreach (var (name, results) in new[] { ("limit", ofLimit), ("without durable writes", ofMemory), ("with them", ofDurable) })
{
    Figures.Say($"{name,-22}  p50 {Figures.Median(results.P50),6:F2} ms ({results.P50.Min():F2} to {results.P50.Max():F2})  {Figures.Median(results.PerSecond),7:F0} operations a second ({results.PerSecond.Min():F0} to {results.PerSecond.Max():F0})  {Figures.Median(results.Microseconds),4:F0} us of the server's processor each");
}

Figures.Say($"{"bare driver",-22}  {Figures.Median(ofDriver),32:F0} operations a second ({ofDriver.Min():F0} to {ofDriver.Max():F0})");
Figures.AtMost("dispatch-memory-p50-over-limit", Figures.Median(ofMemory.P50) / Figures.Median(ofLimit.P50), "x", 2);
Figures.AtLeast("dispatch-memory-throughput-over-limit", Figures.Median(ofMemory.PerSecond) / Figures.Median(ofLimit.PerSecond), "x", 0.4);
Figures.AtLeast("dispatch-durable-throughput-over-driver", Figures.Median(ofDurable.PerSecond) / Figures.Median(ofDriver), "x", 0.7);
Figures.Print();
return 0;

/// <summary>What the rounds gave.</summary>
internal sealed record Rounds
{
    public List<double> P50 { get; } = [];

    public List<double> PerSecond { get; } = [];

    /// <summary>Processor time of the server for an operation: what stays the same on a busy machine.</summary>
    public List<double> Microseconds { get; } = [];
}
