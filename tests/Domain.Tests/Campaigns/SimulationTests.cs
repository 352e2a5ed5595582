using System.Globalization;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Tests.Campaigns.Exploring;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Tests.Campaigns;

/// <summary>Clusters too large to see every world of: one chance way through each, by a number that gives the same way again.</summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private static readonly int Seeds = int.Parse(Environment.GetEnvironmentVariable("NANNY_SIMULATION_SEEDS") ?? "1000", CultureInfo.InvariantCulture);

    [Fact]
    public void Chance_campaigns_by_the_hundred_keep_every_law_and_end()
    {
        var (steps, ways) = (0, new Dictionary<CampaignStatus, int>());
        for (var seed = 0; seed < Seeds; seed++)
        {
            var end = Walk(seed, ref steps);
            ways[end.Campaign.Status] = ways.GetValueOrDefault(end.Campaign.Status) + 1;
        }

        output.WriteLine($"{Seeds} campaigns, {steps} steps: {string.Join(", ", ways.Select(way => $"{way.Value} {way.Key}"))}");

        // Both ends are seen often, or the walk does not go where it should.
        Assert.True(ways.GetValueOrDefault(CampaignStatus.Completed) > Seeds / 20);
        Assert.True(ways.GetValueOrDefault(CampaignStatus.Aborted) > Seeds / 20);
    }

    private static World Walk(int seed, ref int steps)
    {
        var chance = new Random(seed);
        var model = Chosen(chance);
        var world = World.Begin(model);
        var way = new List<string>();
        try
        {
            // At first anything, then, with nothing more to go wrong, only what leads on: then it has to end.
            for (var step = 0; step < 3000 + (600 * model.Nodes) && !world.Campaign.IsOver; step++, steps++)
            {
                var isCalm = step > 100 * model.Nodes;
                var next = world.Next().Where(one => !isCalm || (!one.IsFault && Leads(one.Name, world))).Reverse().DistinctBy(one => one.Name).ToArray();
                next = seed % 3 is 0 || isCalm ? next : [.. next.Where(one => one.Name is not "a person aborts it")];
                var rare = next.Where(one => one.IsFault || one.Name is "a person pauses it" or "a person aborts it" or "time passes").ToArray();
                var usual = next.Except(rare).ToArray();
                var chosen = rare.Length > 0 && (usual.Length is 0 || chance.Next(60) is 0) ? rare : usual;
                var (name, _, follow) = chosen[chance.Next(chosen.Length)];
                way.Add(name);
                world = follow();
                Laws.Hold(world);
            }

            return world.Campaign.IsOver ? world : throw new BrokenLaw($"It does not end: {world.Campaign.Status} at {world.Campaign.Current?.Step}, {world.Campaign.Reason}");
        }
        catch (BrokenLaw broken)
        {
            throw new BrokenLaw($"Seed {seed}, {model.Nodes} nodes: {broken.Message} Its last steps: {string.Join("; ", way.TakeLast(60))}.");
        }
    }

    private static bool Leads(string name, World world) => name switch
    {
        "a person pauses it" or "a person aborts it" => world.Campaign.Status is CampaignStatus.Halted,
        "time passes" => world.Campaign.Current is { Step: NodeStep.Settle } || world.Campaign.Status is CampaignStatus.Aborting,
        _ => true,
    };

    private static Model Chosen(Random chance)
    {
        var nodes = chance.Next(3) is 0 ? chance.Next(3, 33) : chance.Next(3, 9);
        int[] votes = [.. Enumerable.Range(0, nodes).Select(_ => chance.Next(4) is 0 ? 2 : 1)];
        return new(nodes)
        {
            Votes = votes,
            Device = nodes % 2 is 0 && chance.Next(2) is 0 ? 1 : 0,
            Faults = chance.Next(2) is 0 ? chance.Next(6) : 0,
            Ha = chance.Next(2) is 0,
            Ceph = chance.Next(2) is 0,
            Guest = chance.Next(2) is 0,
            Order = new(PatchMode.Apply, "admin")
            {
                Limits = new() { SettleSeconds = 1 },
                Drain = (DrainPolicy)chance.Next(3),
                OnFailure = (FailurePolicy)chance.Next(2),
                WithoutQuorum = WithoutQuorum.PatchOnly,
                ApproveReboots = chance.Next(4) is 0,
                Canary = chance.Next(4) is 0 ? Model.Name(nodes - 1) : null,
            },
        };
    }
}
