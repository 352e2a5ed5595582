using System.Diagnostics;
using System.Globalization;
using NannyOrleans.Bench;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Tests.Campaigns.Exploring;
using NannyOrleans.Protocol.Jobs;

// Every world that can come of clusters of five nodes, with the same core, worlds and laws as the tests of one to four nodes. Nothing is left
// out: an exploration that does not come to its end within its limits of time and memory counts for nothing and says how far it came.
//
// Two worlds are one when they differ only in what no step reads again, such as how a node has ended (World.Key says what, and why that is sound; the
// tests hold it against all worlds of two nodes). Nodes are not taken for each other: their order decides who goes next and who is asked. With
// EXPLORE_FAULTS=2 more goes wrong in each, which takes far longer.
const double MostSeconds = 600;
const double MostMiB = 10 * 1024;

var plain = new CampaignOrder(PatchMode.Apply, "admin") { Limits = new() { SettleSeconds = 1 } };
(string Name, Model Model)[] clusters =
[
    ("5 nodes", new(5)),
    ("5 nodes, each reboot approved, a failed node is left out", new(5) { Order = plain with { ApproveReboots = true, OnFailure = FailurePolicy.SkipNode } }),
    ("5 nodes of uneven votes, some of which can only be patched", new(5) { Votes = [1, 1, 1, 1, 4], Order = plain with { WithoutQuorum = WithoutQuorum.PatchOnly } }),
    ("5 nodes, HA, Ceph and a container that is shut down", new(5) { Ha = true, Ceph = true, Guest = true, Order = plain with { Drain = DrainPolicy.ShutDown } }),
    ("5 nodes, HA, Ceph and a container that moves away and home", new(5) { Ha = true, Ceph = true, Guest = true }),
];

if (int.TryParse(Environment.GetEnvironmentVariable("EXPLORE_FAULTS"), NumberStyles.None, CultureInfo.InvariantCulture, out var faults))
{
    clusters = [.. clusters.Select(one => (one.Name, one.Model with { Faults = faults }))];
}

var began = Stopwatch.StartNew();
var (worlds, steps, endless) = (0L, 0L, 0);
foreach (var (name, model) in clusters)
{
    var since = began.Elapsed;
    var all = Exploration.Of(model, goesOn: Limit(name));
    var without = all.Endless();
    (worlds, steps, endless) = (worlds + all.Count, steps + all.Steps, endless + without);
    Figures.Say($"{name}; {model.Faults} fault(s): {all.Count} worlds, {all.Steps} steps between them, {all.Ends} ends, {without} worlds without a way to an end; {(began.Elapsed - since).TotalSeconds:F0} s, {ProcessCost.Of(Environment.ProcessId).PeakMiB:F0} MiB at most so far");
}

Figures.AtLeast("explore-worlds", worlds, "worlds", 1_000_000);
Figures.Exactly("explore-endless", endless, "worlds", 0);
Figures.AtMost("explore-time", began.Elapsed.TotalSeconds, "s", MostSeconds);
Figures.AtMost("explore-memory", ProcessCost.Of(Environment.ProcessId).PeakMiB, "MiB", MostMiB);
Figures.Print();

Action<int, int> Limit(string name)
{
    var told = began.Elapsed;
    return (known, waiting) =>
    {
        var memory = Environment.WorkingSet / 1048576.0;
        if (began.Elapsed.TotalSeconds > 2 * MostSeconds || memory > MostMiB)
        {
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{name}: not explored. {known} worlds are known and {waiting} of them not visited after {began.Elapsed.TotalSeconds:F0} s, with {memory:F0} MiB."));
        }

        if (began.Elapsed - told > TimeSpan.FromSeconds(30))
        {
            told = began.Elapsed;
            Figures.Say($"  {known} worlds known, {waiting} to be visited");
        }
    };
}
