using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Tests.Campaigns;

public sealed class CampaignPlanTests
{
    private static readonly CampaignOrder Order = new(PatchMode.Apply, "admin");

    [Fact]
    public void Fewest_guests_first_then_the_one_that_leads_HA_and_the_servers_own_last()
    {
        var picture = Seen.Cluster(1, 1, 1, 1, 1)
            .WithHa(new(true, Some.Pve3, true, new Dictionary<string, string>(), []))
            .With("pve1", one => one with { Guests = [Seen.Guest(100), Seen.Guest(101)] })
            .With("pve2", one => one with { Guests = null })
            .With("pve4", one => one with { Guests = [Seen.Guest(102)] });
        var plan = CampaignPlan.Of(Order, picture, serverOn: Seen.Name(4), Some.Noon);
        Assert.Equal(["pve4", "pve1", "pve2", "pve3", "pve5"], plan.Nodes.Select(node => node.Node.Value));

        var canary = CampaignPlan.Of(Order with { Canary = Some.Pve3 }, picture, Seen.Name(4), Some.Noon);
        Assert.Equal("pve3", canary.Nodes[0].Node.Value);
    }

    [Fact]
    public void Two_nodes_without_a_device_are_told_so_before_anything_is_done()
    {
        var two = Seen.Cluster(1, 1);
        var plan = CampaignPlan.Of(Order, two, null, Some.Noon);
        Assert.Equal("would-lose-quorum", plan.Refusal?.Code);
        Assert.Equal("would-lose-quorum", CampaignMachine.Start(new(), Some.Id(1), plan, Some.Noon).Refusal?.Code);
        Assert.Null(CampaignPlan.Of(Order with { WithoutQuorum = WithoutQuorum.PatchOnly }, two, null, Some.Noon).Refusal);
        Assert.Null(CampaignPlan.Of(Order with { Reboot = RebootPolicy.Never }, two, null, Some.Noon).Refusal);
        Assert.Null(CampaignPlan.Of(Order with { Mode = PatchMode.DryRun }, two, null, Some.Noon).Refusal);
        Assert.Null(CampaignPlan.Of(Order, Seen.Cluster([1, 1], new("net", "q", "ffsplit", 1, Voting: true)), null, Some.Noon).Refusal);
    }

    [Theory]
    [InlineData(new[] { 1 }, 0, "")] // alone: nobody else needs quorum
    [InlineData(new[] { 1, 1 }, 0, "pve1 pve2")]
    [InlineData(new[] { 1, 1 }, 1, "")]
    [InlineData(new[] { 1, 1, 1 }, 0, "")]
    [InlineData(new[] { 1, 1, 1, 1 }, 0, "")]
    [InlineData(new[] { 1, 1, 1, 1, 1 }, 0, "")]
    [InlineData(new[] { 1, 1, 1, 1, 1, 1, 1 }, 0, "")]
    [InlineData(new[] { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 0, "")]
    [InlineData(new[] { 2, 1, 1 }, 0, "pve1")] // 3 of 4 are needed
    [InlineData(new[] { 3, 1, 1 }, 0, "pve1")]
    [InlineData(new[] { 1, 0, 1 }, 0, "pve1 pve3")] // the one without a vote can always go
    public void Each_kind_of_cluster_is_told_which_of_its_nodes_can_be_rebooted_and_why_others_never(int[] votes, int device, string never)
    {
        var picture = Seen.Cluster(votes, device is 0 ? null : new("net", "q", "ffsplit", device, Voting: true));
        var plan = CampaignPlan.Of(Order, picture, null, Some.Noon);
        Assert.Equal(votes.Length, plan.Nodes.Count);
        Assert.Equal(never, string.Join(' ', plan.Nodes.Where(node => !node.CanBeRebooted).Select(node => node.Node)));
        Assert.All(plan.Nodes, node => Assert.Equal(votes.Sum() + device - votes[picture.Nodes.Index().Single(one => one.Item.Node == node.Node).Index], node.VotesWithout));
        if (never.Length is 0)
        {
            Assert.Null(plan.Refusal);
        }
        else
        {
            Assert.Contains($"{never.Split(' ')[0]} can never be rebooted: {votes.Sum() + device} votes, {((votes.Sum() + device) / 2) + 1} needed", plan.Refusal!.Message, StringComparison.Ordinal);
        }

        Assert.Null(CampaignPlan.Of(Order with { WithoutQuorum = WithoutQuorum.PatchOnly }, picture, null, Some.Noon).Refusal);
    }

    [Fact]
    public void Names_that_mean_nothing_are_refused()
    {
        var three = Seen.Cluster(1, 1, 1);
        Assert.Equal("unknown-node", CampaignPlan.Of(Order with { Nodes = [Seen.Name(7)] }, three, null, Some.Noon).Refusal?.Code);
        Assert.Equal("nodes", CampaignPlan.Of(Order with { Nodes = [] }, three, null, Some.Noon).Refusal?.Code);
        Assert.Equal("nodes", CampaignPlan.Of(Order with { Nodes = [Some.Pve1, Some.Pve1] }, three, null, Some.Noon).Refusal?.Code);
        Assert.Equal("canary", CampaignPlan.Of(Order with { Nodes = [Some.Pve1], Canary = Some.Pve2 }, three, null, Some.Noon).Refusal?.Code);
    }

    [Fact]
    public void Guests_go_where_the_memory_is_and_what_cannot_move_is_shut_down()
    {
        var picture = Seen.Cluster(1, 1, 1)
            .With("pve1", one => one with
            {
                Guests =
                [
                    Seen.Guest(100, 4), Seen.Guest(101, 20, GuestType.Qemu), Seen.Guest(102) with { Pinned = "mp0 is a bind mount." }, Seen.Guest(103, 100), Seen.Guest(104) with { HaManaged = true },
                    Seen.Guest(105) with { Template = true }, Seen.Guest(106) with { Status = GuestStatus.Stopped }, Seen.Guest(107) with { HaManaged = null }, Seen.Guest(108) with { MemoryBytes = null },
                ],
            })
            .With("pve2", one => one with { MemoryFreeBytes = 10L << 30 });
        var moves = GuestMoves.Of(Order, Some.Pve1, picture, Some.Noon).ToDictionary(move => move.Vmid.Value, move => (move.Way, move.Target?.Value));

        Assert.Equal((GuestWay.Migrate, "pve3"), moves[101]);  // 20 GiB fit into 32 less the reserve of 6.4 there
        Assert.Equal((GuestWay.Migrate, "pve3"), moves[100]);  // 5.6 are left there, more than pve2's 3.6
        Assert.Equal((GuestWay.ShutDown, null), moves[102]);   // bound to the node
        Assert.Equal((GuestWay.ShutDown, null), moves[103]);   // fits nowhere
        Assert.Equal((GuestWay.Ha, null), moves[104]);
        Assert.Equal((GuestWay.ShutDown, null), moves[107]);   // HA may own it
        Assert.Equal((GuestWay.ShutDown, null), moves[108]);
        Assert.Equal(7, moves.Count);

        // What is left where they go; who has not said what it has gets none.
        const long Gibibyte = 1L << 30;
        MoveTarget[] left = [new(Some.Pve2, 10 * Gibibyte, 10 * Gibibyte, 64 * Gibibyte / 10), new(Some.Pve3, 32 * Gibibyte, 8 * Gibibyte, 64 * Gibibyte / 10)];
        Assert.Equal(left, CampaignPlan.Of(Order, picture, null, Some.Noon).Nodes.Single(node => node.Node == Some.Pve1).Targets);
        Assert.Equal(
            [new(Some.Pve2, null, null, null), left[1]],
            CampaignPlan.Of(Order, picture.With("pve2", one => one with { MemoryFreeBytes = null }), null, Some.Noon).Nodes.Single(node => node.Node == Some.Pve1).Targets);
        Assert.Empty(CampaignPlan.Of(Order with { Drain = DrainPolicy.Leave }, picture, null, Some.Noon).Nodes[0].Targets);
    }

    [Theory]
    [InlineData(DrainPolicy.Leave, GuestWay.Leave)]
    [InlineData(DrainPolicy.ShutDown, GuestWay.ShutDown)]
    public void The_policy_decides_for_guests_outside_HA(DrainPolicy policy, GuestWay way)
    {
        var picture = Seen.Cluster(1, 1, 1).With("pve1", one => one with { Guests = [Seen.Guest(100)] });
        Assert.Equal(way, Assert.Single(GuestMoves.Of(Order with { Drain = policy }, Some.Pve1, picture, Some.Noon)).Way);
    }

    [Fact]
    public void A_plan_says_of_each_node_what_stands_against_it()
    {
        var plan = CampaignPlan.Of(Order, Seen.Cluster(1, 1, 1).Down("pve3"), null, Some.Noon);
        Assert.Equal((3, 2, 2), (plan.Votes!.Expected, plan.Votes.Quorum, plan.Votes.Online!.Value));
        Assert.All(plan.Nodes, node => Assert.Contains(node.Gates, gate => gate.Verdict is not GateVerdict.Pass));
        Assert.Equal(1, plan.Nodes[0].VotesWithout);

        // Guests that could not be listed are not none.
        Assert.Null(CampaignPlan.Of(Order, Seen.Cluster(1, 1, 1).With("pve1", one => one with { Guests = null }), null, Some.Noon).Nodes.Single(node => node.Node == Some.Pve1).Guests);
    }
}
