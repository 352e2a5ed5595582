using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Tests.Campaigns.Exploring;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Tests.Campaigns;

/// <summary>Every world that can come of small clusters, with every order of reports, losses, answers and people's words.</summary>
public sealed class ExhaustiveTests(ITestOutputHelper output)
{
    private static readonly CampaignOrder Plain = new(PatchMode.Apply, "admin") { Limits = new() { SettleSeconds = 1 } };

    public static TheoryData<string> Names => [.. Clusters.Keys];

    private static Dictionary<string, Model> Clusters => new()
    {
        ["a host alone, with Ceph and a guest that is shut down"] = new(1) { Faults = 2, Ceph = true, Guest = true, Order = Plain with { Drain = DrainPolicy.ShutDown } },
        ["two nodes that can only be patched"] = new(2) { Faults = 2, Order = Plain with { WithoutQuorum = WithoutQuorum.PatchOnly } },
        ["three nodes"] = new(3) { Faults = 1 },
        ["two nodes and a quorum device, a failed one is left out"] = new(2) { Faults = 1, Device = 1, Ha = true, Order = Plain with { OnFailure = FailurePolicy.SkipNode } },
        ["three nodes, each reboot approved"] = new(3) { Faults = 1, Order = Plain with { ApproveReboots = true } },
        ["three nodes of uneven votes"] = new(3) { Faults = 1, Votes = [1, 1, 3], Order = Plain with { WithoutQuorum = WithoutQuorum.PatchOnly } },
        ["two nodes and a quorum device, HA, Ceph and a guest"] = new(2) { Faults = 1, Device = 1, Ha = true, Ceph = true, Guest = true, Order = Plain with { Drain = DrainPolicy.ShutDown } },
        ["four nodes"] = new(4) { Faults = 1 },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Keeps_every_law_and_ends(string cluster)
    {
        var model = Clusters[cluster];
        var all = Exploration.Of(model);
        output.WriteLine($"{cluster}; {model.Faults} fault(s): {all.Count} worlds");
        Assert.True(all.Count > 1000);
        Assert.Equal(0, all.Endless());
    }

    /// <summary>A check of what the others leave out: with all of it the same worlds are come to, each once for each way in which nothing reads it.</summary>
    [Fact]
    public void Loses_no_world_by_what_is_not_read_again_of_a_node_that_has_ended()
    {
        var model = new Model(2) { Faults = 1, Device = 1, Order = Plain with { OnFailure = FailurePolicy.SkipNode } };
        var (all, less) = (Exploration.Of(model, whole: true), Exploration.Of(model));
        output.WriteLine($"{all.Count} worlds, {less.Count} without what is not read again");
        Assert.True(less.Count < all.Count);
        Assert.Equal(all.Lesser, less.Count);
    }

    /// <summary>A check of the check: work that is asked for without looking once more is found out, by the shortest way to it.</summary>
    [Fact]
    public void Finds_a_campaign_that_does_not_look_again_before_it_asks()
    {
        var hasty = new Model(3) { Due = (campaign, _, _) => campaign is { IsOver: false, Status: not CampaignStatus.Halted, Current: { } node } ? [.. node.Work.Where(work => work.End is null)] : [] };
        var broken = Assert.Throws<BrokenLaw>(() => Exploration.Of(hasty));
        output.WriteLine(broken.Message);
        Assert.Contains("is not known to be good", broken.Message, StringComparison.Ordinal);
        Assert.EndsWith("The shortest way there, 5 steps: begins; looks; n1 loses power; reports arrive; asks for what is due.", broken.Message, StringComparison.Ordinal);
    }
}
