using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Campaigns;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Grains.Tests.Campaigns;

public sealed class ClusterPatchOrchestratorTests(SiloCluster silo)
{
    private static readonly CampaignOrder Apply = new(PatchMode.Apply, "admin") { Limits = new() { SettleSeconds = 0, GateSeconds = 60 } };

    private readonly ClusterId cluster = Some.Cluster();

    private IClusterPatchOrchestrator Orchestrator => silo.Grains.GetGrain<IClusterPatchOrchestrator>(cluster.Value);

    private JobId Id => JobId.Parse($"01M83HW1FS84CA{cluster.Value[^6..].ToUpperInvariant()}000001");

    [Fact]
    public async Task Three_nodes_are_patched_and_rebooted_one_after_the_other_and_all_of_it_is_told()
    {
        await using var world = new HostWorld(silo, cluster, 3);
        await Join(world);
        Assert.Null((await Orchestrator.Start(Id, Apply)).Refusal);
        Assert.Equal("campaign-running", (await Orchestrator.Start(JobId.Parse("01M83HW1FS84CA000000000009"), Apply)).Refusal?.Code);

        var ended = await End();
        Assert.Equal((CampaignStatus.Completed, null), (ended.Status, ended.Reason));
        Assert.Equal(["patch pve1", "reboot pve1", "patch pve2", "reboot pve2", "patch pve3", "reboot pve3"], world.Done);
        Assert.Equal(2, world.LeastVotes);
        var events = silo.Campaigns.EventsOf(Id);
        Assert.Equal(Enumerable.Range(1, ended.Events), events.Select(happened => happened.Number));
        Assert.Contains(events, happened => happened is { Step: NodeStep.Reboot, Gates.Count: > 5 });
        Assert.Equal(3, silo.Campaigns.PlanOf(Id)!.Nodes.Count);
        var reboot = (await silo.Grains.GetGrain<IOperationsGrain>(0).List(new(OperationKind.Reboot, 0, 1000))).Operations.First(operation => operation.Cluster == cluster);
        Assert.Equal((Id, OperationStatus.Succeeded), (reboot.Campaign, reboot.Status));
    }

    [Fact]
    public async Task With_ha_a_node_is_in_maintenance_while_it_is_down_and_its_guests_move_away_and_home()
    {
        await using var world = new HostWorld(silo, cluster, 3) { Ha = true };
        world.Guests[new(100)] = Some.Pve1;
        world.Hosts[1].PatchNeedsReboot = false;
        await Join(world);
        Assert.Null((await Orchestrator.Start(Id, Apply with { Nodes = [Some.Pve1, Some.Pve2] })).Refusal);

        Assert.Equal(CampaignStatus.Completed, (await End()).Status);
        var away = Assert.Single(world.Done, what => what.StartsWith("move 100 to pve", StringComparison.Ordinal) && !what.EndsWith("pve1", StringComparison.Ordinal));
        Assert.Equal(
            ["patch pve1", "maintenance on pve1", away, "reboot pve1", "maintenance off pve1", "move 100 to pve1", "patch pve2"], world.Done);
        Assert.Equal(Some.Pve1, world.Guests[new(100)]);
    }

    [Fact]
    public async Task However_often_the_silo_forgets_and_writes_fail_nothing_is_done_twice()
    {
        await using var world = new HostWorld(silo, cluster, 3) { Ha = true };
        world.Guests[new(100)] = Some.Pve2;
        await Join(world);
        Assert.Null((await Orchestrator.Start(Id, Apply)).Refusal);

        var chance = new Random(20261125);
        for (var turn = 0; !(await Orchestrator.Get()).IsOver && turn < 60; turn++)
        {
            await Task.Delay(chance.Next(20, 200), CancellationToken.None);
            if (turn % 3 is 0)
            {
                silo.Storage.FailNextWrite($"campaign:cluster-patch-orchestrator/{cluster}", landed: turn % 2 is 0);
            }

            await silo.ForgetActivations();
            await Orchestrator.Look();
        }

        Assert.Equal(CampaignStatus.Completed, (await End()).Status);
        Assert.Equal(2, world.LeastVotes);
        Assert.All(world.Hosts, host => Assert.Equal((1, 1, false), (host.Patches, host.Boots, host.Maintenance)));
        Assert.Equal(Some.Pve2, world.Guests[new(100)]);
        Assert.Equal(world.Done.Distinct().Count(), world.Done.Count);
    }

    [Fact] // What follows takes its place in the state: history would list the one before as under way for ever.
    public async Task None_is_started_before_the_end_of_the_one_before_is_in_history()
    {
        await using var world = new HostWorld(silo, cluster, 3);
        await Join(world);
        Assert.Null((await Orchestrator.Start(Id, Apply with { ApproveReboots = true })).Refusal);
        await Until(campaign => campaign.Current?.Step is NodeStep.Approval);
        silo.Campaigns.Unwritable[cluster] = true;
        Assert.Null((await Orchestrator.Abort(Id, "admin")).Refusal);
        await Until(campaign => campaign.IsOver);

        var next = JobId.Parse($"{Id.Value[..^1]}2");
        await Assert.ThrowsAsync<IOException>(() => Orchestrator.Start(next, Apply));
        Assert.Equal(Id, (await Orchestrator.Get()).Id);
        silo.Campaigns.Unwritable.TryRemove(cluster, out _);
        Assert.Null((await Orchestrator.Start(next, Apply)).Refusal);
        Assert.Equal([Id], await Listed(ended: true));
        await End();

        async Task<JobId?[]> Listed(bool ended) => [.. (await silo.Grains.GetGrain<ICampaignsGrain>(0).Select(new(0, 10) { Cluster = cluster, Ended = ended })).Campaigns.Select(one => one.Campaign.Id)];
    }

    [Fact]
    public async Task A_failed_patch_halts_it_with_the_reason_and_the_next_node_is_untouched()
    {
        await using var world = new HostWorld(silo, cluster, 3) { Instead = (_, job) => job is PatchHost ? new(job.Id, JobOutcome.Failed, "exit code 100") : null };
        await Join(world);
        Assert.Null((await Orchestrator.Start(Id, Apply)).Refusal);

        var halted = await Until(campaign => campaign.Status is CampaignStatus.Halted);
        Assert.Contains("exit code 100", halted.Reason, StringComparison.Ordinal);
        Assert.Equal([NodeStep.Patch, NodeStep.Pending, NodeStep.Pending], halted.Nodes.Select(node => node.Step));

        world.Instead = (_, _) => null;
        Assert.Null((await Orchestrator.Resume(Id, "admin", windowEnd: null)).Refusal);
        Assert.Equal(CampaignStatus.Completed, (await End()).Status);
        Assert.All(world.Hosts, host => Assert.Equal((1, 1), (host.Patches, host.Boots)));
    }

    [Fact]
    public async Task Paused_it_begins_nothing_approved_it_reboots_and_aborted_it_leaves_nothing_behind()
    {
        await using var world = new HostWorld(silo, cluster, 3) { Ha = true };
        await Join(world);
        Assert.Null((await Orchestrator.Start(Id, Apply with { ApproveReboots = true })).Refusal);
        await Until(campaign => campaign.Current?.Step is NodeStep.Approval);
        Assert.Equal("nothing-to-approve", (await Orchestrator.Approve(Id, Some.Pve1, "admin")).Refusal?.Code);
        Assert.Equal(["patch pve2"], world.Done); // the one that leads HA goes last

        Assert.Null((await Orchestrator.Approve(Id, (await Orchestrator.Get()).Current!.Node, "admin")).Refusal);
        await Until(campaign => campaign.Nodes[1].Step is NodeStep.Approval);
        Assert.Null((await Orchestrator.Pause(Id, "admin")).Refusal);
        Assert.Null((await Orchestrator.Approve(Id, NodeName.Parse("pve3"), "admin")).Refusal);
        await Task.WhenAny(Until(campaign => campaign.Current?.Step is not NodeStep.Approval), Task.Delay(3000, CancellationToken.None));
        Assert.Equal(NodeStep.Approval, (await Orchestrator.Get()).Current!.Step);

        Assert.Null((await Orchestrator.Abort(Id, "admin")).Refusal);
        var aborted = await End();
        Assert.Equal(CampaignStatus.Aborted, aborted.Status);
        Assert.All(world.Hosts, host => Assert.False(host.Maintenance));
        Assert.Equal("campaign-not-running", (await Orchestrator.Resume(Id, "admin", windowEnd: null)).Refusal?.Code);
    }

    [Fact]
    public async Task A_cluster_of_two_is_refused_unless_it_is_only_to_be_patched()
    {
        await using var world = new HostWorld(silo, cluster, 2);
        await Join(world);
        Assert.Equal("would-lose-quorum", (await Orchestrator.Start(Id, Apply)).Refusal?.Code);
        Assert.Null((await Orchestrator.Start(Id, Apply with { WithoutQuorum = WithoutQuorum.PatchOnly })).Refusal);
        var ended = await End();
        Assert.Equal(["patch pve1", "patch pve2"], world.Done);
        Assert.All(ended.Nodes, node => Assert.Contains("lose quorum", node.Note, StringComparison.Ordinal));
    }

    // The order is that of what is known at the start.
    private async Task Join(HostWorld world)
    {
        await world.Join();
        await Waiting(async () => (await Orchestrator.Plan(Apply)) is { Votes: not null } plan && plan.Nodes.Count == world.Hosts.Count && plan.Nodes.All(node => node is { PendingUpdates: not null, Guests: not null }));
    }

    private Task<CampaignState> End() => Until(campaign => campaign.IsOver);

    private async Task<CampaignState> Until(Func<CampaignState, bool> condition)
    {
        CampaignState? last = null;
        await Waiting(async () => condition(last = await Orchestrator.Get()), () => $"{last?.Status} {last?.Reason} at {last?.Current?.Node} {last?.Current?.Step}: {string.Join(" | ", (last?.News ?? []).Select(news => news.Text))}");
        return last!;
    }

    private static async Task Waiting(Func<Task<bool>> condition, Func<string>? what = null)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (!await condition())
        {
            Assert.False(limit.IsCancellationRequested, $"Waited in vain. {what?.Invoke()}");
            await Task.Delay(20, CancellationToken.None);
        }
    }
}
