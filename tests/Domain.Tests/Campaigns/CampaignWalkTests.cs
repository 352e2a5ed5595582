using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Domain.Tests.Campaigns.Exploring;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Tests.Campaigns;

/// <summary>Whole campaigns in which all goes well, as what was asked for in which order.</summary>
public sealed class CampaignWalkTests
{
    private static readonly CampaignOrder Order = new(PatchMode.Apply, "admin") { Limits = new() { SettleSeconds = 1 } };

    [Fact]
    public void One_node_after_the_other_is_patched_drained_rebooted_and_put_back()
    {
        var (end, asked) = Walk(new(3) { Ha = true, Ceph = true, Guest = true, Order = Order });

        Assert.Equal(CampaignStatus.Completed, end.Campaign.Status);
        string[] node = ["PatchNode", "CephFlagsOn", "MaintenanceOn", "Reboot", "MaintenanceOff", "CephFlagsOff"];
        // The first node in the order has no guest: the fewest go first. The one that leads HA, n0, goes last, and its guest moves and comes home.
        Assert.Equal(
            [.. node.Select(kind => $"{kind} n1"), .. node.Select(kind => $"{kind} n2"), "PatchNode n0", "CephFlagsOn n0", "MaintenanceOn n0", "MoveGuest n0", "Reboot n0", "MaintenanceOff n0", "CephFlagsOff n0", "MoveGuest n1"],
            asked);
        Assert.Equal((0, true), (end.GuestAt, end.GuestRuns));
    }

    [Fact]
    public void A_dry_run_lists_and_does_nothing_else()
    {
        var (end, asked) = Walk(new(3) { Ha = true, Order = Order with { Mode = PatchMode.DryRun } });
        Assert.Equal(CampaignStatus.Completed, end.Campaign.Status);
        Assert.Equal(["PatchNode n1", "PatchNode n2", "PatchNode n0"], asked);
    }

    [Fact]
    public void Nothing_is_drained_where_no_reboot_is_wanted()
    {
        var (end, asked) = Walk(new(3) { Ha = true, Guest = true, Order = Order with { Reboot = RebootPolicy.Never } });
        Assert.Equal(CampaignStatus.Completed, end.Campaign.Status);
        Assert.All(asked, one => Assert.StartsWith("PatchNode", one, StringComparison.Ordinal));
    }

    [Fact]
    public void Two_nodes_without_a_device_are_patched_and_the_campaign_says_that_they_were_not_rebooted()
    {
        var (end, asked) = Walk(new(2) { Order = Order with { WithoutQuorum = WithoutQuorum.PatchOnly } });
        Assert.Equal(["PatchNode n0", "PatchNode n1"], asked);
        Assert.All(end.Campaign.Nodes, node => Assert.Contains("lose quorum", node.Note, StringComparison.Ordinal));
    }

    [Fact]
    public void A_failed_patch_halts_it_before_the_next_node_and_says_why()
    {
        var world = World.Begin(new(3) { Faults = 1, Order = Order });
        while (world.Campaign.Status is CampaignStatus.Running)
        {
            world = Step(world, fail: true).World;
        }

        Assert.Equal((CampaignStatus.Halted, "n0: It failed."), (world.Campaign.Status, world.Campaign.Reason));
        Assert.Equal(NodeStep.Pending, world.Campaign.Nodes[1].Step);

        // Resumed, it looks at the conditions once more and tries again.
        world = world with { Campaign = CampaignMachine.Resume(world.Campaign, "admin", null, world.Now).Value! };
        Assert.Equal(NodeStep.Preflight, world.Campaign.Current!.Step);
    }

    [Fact]
    public void A_node_goes_down_by_words_said_since_it_was_drained_alone()
    {
        var campaign = new CampaignState { Id = Some.Id(1), Order = Order, Votes = new(3, 2, 3), Nodes = [new(Some.Pve1, NodeStep.LastLook) { Since = Some.Noon, Deadline = Some.Noon.AddMinutes(30), Guests = [] }] };
        CampaignState Looked(ClusterPicture picture, int seconds) => CampaignMachine.Look(campaign, picture, Some.Noon.AddSeconds(seconds), () => Some.Id(2));

        // As good as can be, and from before: pve3 may have been cut off since.
        var before = Seen.Cluster(1, 1, 1);
        Assert.Same(campaign, Looked(before, 10));
        var after = new ClusterPicture([.. before.Nodes.Select(one => one with { At = Some.Noon.AddSeconds(1) })]);
        Assert.Same(campaign, Looked(after.With("pve3", one => one with { At = Some.Noon }), 10));
        Assert.Equal(NodeStep.Reboot, Looked(after, 10).Current!.Step);

        var cut = Looked(after.With("pve3", one => one with { Sees = one.Sees! with { Quorate = false } }), 10);
        Assert.Equal(NodeStep.LastLook, cut.Current!.Step);
        Assert.Equal(
            ["Only 1 votes would stay online without pve1; 2 are needed.", "pve3 is not known to be part of the quorum."], cut.Current.WaitsFor!.Select(gate => gate.Reason));

        // Who says nothing more is awaited until that counts as silence, and then it is said.
        var silent = Looked(after.With("pve3", one => one with { At = Some.Noon }), 601);
        Assert.Contains("pve3 last reported at", silent.News.Single(news => news.Node is not null).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, false, GuestsFirst.None, NodeStep.Done)] // neither patched nor in need of a reboot: the next can begin
    [InlineData(true, true, GuestsFirst.None, NodeStep.Ready)] // a reboot was due from before
    [InlineData(false, false, GuestsFirst.None, NodeStep.Settle)]
    [InlineData(true, false, GuestsFirst.All, NodeStep.Settle)] // its guests were changed, perhaps
    public void A_node_on_which_there_was_nothing_to_do_is_passed_over(bool nothing, bool reboot, GuestsFirst guests, NodeStep next)
    {
        var picture = Seen.Cluster(1, 1, 1).With("pve1", one => one with { RebootRequired = reboot });
        var campaign = new CampaignState
        {
            Id = Some.Id(1),
            Order = Order with { Guests = guests },
            Nodes =
            [
                new(Some.Pve1, NodeStep.Patch)
                {
                    Since = Some.Noon.AddSeconds(-9),
                    Deadline = Some.Noon.AddMinutes(30),
                    Work = [new(Some.Id(2), WorkKind.PatchNode, Some.Pve1) { End = new(true, null) { ChangedNothing = nothing } }],
                },
                new(Some.Pve2, NodeStep.Pending),
            ],
        };
        var patched = CampaignMachine.Look(campaign, picture, Some.Noon.AddSeconds(-1), () => Some.Id(3));
        Assert.Equal((NodeStep.Assess, Some.Noon.AddSeconds(-1)), (patched.Nodes[0].Step, patched.Nodes[0].PatchedAt));
        Assert.Equal(next, CampaignMachine.Look(patched, picture, Some.Noon, () => Some.Id(3)).Nodes[0].Step);
    }

    [Fact]
    public void What_is_asked_for_is_told_with_its_id()
    {
        var campaign = new CampaignState { Id = Some.Id(1), Order = Order, Votes = new(3, 2, 3), Nodes = [new(Some.Pve1, NodeStep.Preflight) { Since = Some.Noon, Deadline = Some.Noon.AddMinutes(30) }] };
        var told = Assert.Single(CampaignMachine.Look(campaign, Seen.Cluster(1, 1, 1), Some.Noon, () => Some.Id(2)).News);
        Assert.Equal((Some.Id(2), WorkKind.PatchNode), (told.Work!.Single().Job, told.Work![0].Kind));
        Assert.NotEmpty(told.Gates!);
    }

    [Theory]
    [InlineData("", "", PatchMode.Apply, true)]
    [InlineData("nginx", "", PatchMode.Apply, false)]
    [InlineData("", "nginx", PatchMode.Apply, false)]
    [InlineData("", "", PatchMode.DryRun, false)]
    [InlineData(null, null, PatchMode.Apply, false)] // nobody knows
    public void A_patch_says_whether_it_changed_anything(string? installed, string? removed, PatchMode mode, bool nothing)
    {
        PatchFindings? findings = installed is null ? null
            : new(mode, installed is "" ? [] : [new(installed, "1.0", "1.1", false, null)], [], [], removed is null or "" ? [] : [removed], [], null, [], null);
        var operation = new OperationRecord
        {
            Id = Some.Id(1),
            Cluster = ClusterId.Parse("c0123456789abcdef"),
            Name = "pve1",
            Node = Some.Pve1,
            RequestedBy = "admin",
            CreatedAt = Some.Noon,
            Status = OperationStatus.Succeeded,
            Kind = OperationKind.Patch,
            Mode = mode,
            Findings = findings,
        };
        Assert.Equal((true, nothing), (CampaignJobs.End(operation)!.Succeeded, CampaignJobs.End(operation)!.ChangedNothing));
    }

    [Fact]
    public void A_node_that_is_left_alone_says_what_keeps_the_next_one_waiting()
    {
        var campaign = Settling(deadline: Some.Noon);
        var waiting = CampaignMachine.Look(campaign, Seen.Cluster(1, 1, 1).Down("pve3"), Some.Noon, () => Some.Id(2));
        Assert.Equal((NodeStep.Settle, "nodes"), (waiting.Current!.Step, waiting.Current.WaitsFor!.Single().Name));
        Assert.Contains("pve3", Assert.Single(waiting.News, news => news.Node is not null).Text, StringComparison.Ordinal);
        Assert.Same(waiting, CampaignMachine.Look(waiting, Seen.Cluster(1, 1, 1).Down("pve3"), Some.Noon.AddMinutes(1), () => Some.Id(2)));
        Assert.Equal(NodeStep.Done, CampaignMachine.Look(waiting, Seen.Cluster(1, 1, 1), Some.Noon.AddMinutes(1), () => Some.Id(2)).Nodes[0].Step);
    }

    [Theory]
    [InlineData(CampaignStatus.Paused, 90, 90)] // a canary that is watched for long is watched as long as was asked for
    [InlineData(CampaignStatus.Halted, -30, 0)] // it was left alone long ago: what it halted for is looked at at once
    public void A_resume_neither_ends_nor_begins_anew_the_time_a_node_is_left_alone(CampaignStatus status, int ends, int then)
    {
        var resumed = CampaignMachine.Resume(Settling(Some.Noon.AddMinutes(ends)) with { Status = status }, "admin", windowEnd: null, Some.Noon).Value!;
        Assert.Equal((NodeStep.Settle, Some.Noon.AddMinutes(then)), (resumed.Current!.Step, resumed.Current.Deadline));
    }

    [Theory]
    [InlineData(NodeStep.Patch, WorkKind.PatchNode, NodeStep.Preflight)]
    [InlineData(NodeStep.MaintenanceOn, WorkKind.MaintenanceOn, NodeStep.Ready)]
    [InlineData(NodeStep.Drain, WorkKind.StopGuest, NodeStep.Ready)]
    [InlineData(NodeStep.Reboot, WorkKind.Reboot, NodeStep.Ready)]
    [InlineData(NodeStep.MaintenanceOff, WorkKind.MaintenanceOff, NodeStep.Back)]
    public void What_certainly_never_ran_is_asked_for_anew_after_another_look_and_not_for_ever(NodeStep step, WorkKind kind, NodeStep then)
    {
        var node = new NodeProgress(Some.Pve1, step)
        {
            Guests = [],
            Work = [new(Some.Id(1), kind, Some.Pve1) { End = new(true, null) }, new(Some.Id(2), kind, Some.Pve1) { End = new(false, "It never ran.") { NeverRan = true } }],
        };
        CampaignState Looked(NodeProgress node) =>
            CampaignMachine.Look(new() { Id = Some.Id(1), Order = Order, Votes = new(3, 2, 3), Nodes = [node] }, Seen.Cluster(1, 1, 1), Some.Noon, () => Some.Id(3));

        var anew = Looked(node);
        Assert.Equal((then, 1, 0), (anew.Current!.Step, anew.Current.Anew, anew.Current.Work.Count));
        Assert.Equal("Begun anew: It never ran.", anew.News.Single().Text);
        Assert.Equal(CampaignStatus.Halted, Looked(node with { Anew = 3 }).Status);
        Assert.Equal(CampaignStatus.Halted, Looked(node with { Work = [.. node.Work, new(Some.Id(3), kind, Some.Pve1) { End = new(false, "It failed.") }] }).Status);
    }

    [Fact]
    public void The_votes_are_told_as_often_as_they_change_and_what_nobody_can_tell_is_said_to_be_unknown()
    {
        var campaign = Settling(deadline: Some.Noon.AddHours(1));
        var all = Seen.Cluster(1, 1, 1);
        CampaignState Looked(ClusterPicture picture) => campaign = CampaignMachine.Look(campaign, picture, Some.Noon, () => Some.Id(2));
        ClusterPicture Mute(ClusterPicture picture) => new([.. picture.Nodes.Select(one => one with { At = null })]);

        Looked(Mute(all)); // as it was before anybody counted
        Assert.Empty(campaign.News);
        Looked(all);
        Assert.Same(campaign, Looked(all));
        Assert.Same(campaign, Looked(all.Silent("pve3"))); // nobody misses it
        Looked(all.Down("pve3"));
        Looked(Mute(all));
        Assert.Same(campaign, Looked(Mute(all)));
        Looked(all);
        Assert.Equal([new(3, 2, 3), new(3, 2, 2), new(3, 2, null), new VotesView(3, 2, 3)], campaign.News.Select(news => news.Votes));
        Assert.Equal("2 of 3 votes are online; 2 are needed.", campaign.News[1].Text);
        Assert.StartsWith("How many votes are online is not known.", campaign.News[2].Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(CampaignStatus.Halted, 0)] // it looks at nothing until a person has it go on
    [InlineData(CampaignStatus.Completed, 0)]
    [InlineData(CampaignStatus.Paused, 1)]
    [InlineData(CampaignStatus.Aborting, 1)]
    public void The_votes_are_counted_for_as_long_as_it_looks(CampaignStatus status, int told)
    {
        var campaign = Settling(deadline: Some.Noon.AddHours(1)) with { Status = status };
        Assert.Equal(told, CampaignMachine.Look(campaign, Seen.Cluster(1, 1, 1), Some.Noon, () => Some.Id(2)).News.Count(news => news.Votes is not null));
    }

    private static CampaignState Settling(DateTimeOffset deadline) => new()
    {
        Id = Some.Id(1),
        Order = Order,
        Nodes = [new(Some.Pve1, NodeStep.Settle) { Since = deadline.AddMinutes(-1), Deadline = deadline }, new(Some.Pve2, NodeStep.Pending)],
    };

    private static (World End, List<string> Asked) Walk(Model model)
    {
        var (world, asked) = (World.Begin(model with { Faults = 0 }), new List<string>());
        for (var step = 0; !world.Campaign.IsOver; step++)
        {
            Assert.True(step < 2000, $"It stays {world.Campaign.Status} at {world.Campaign.Current?.Step}.");
            var before = world.Jobs;
            world = Step(world, fail: false).World;
            asked.AddRange(world.Jobs.Values.Where(job => !before.ContainsKey(job.Work.Job)).Select(job => $"{job.Work.Kind} {job.Work.Via}"));
        }

        return (world, asked);
    }

    // What leads on, one after the other, whatever it is; time passes only where nothing else does anything.
    private static (string Name, World World) Step(World world, bool fail)
    {
        var before = world.Key(whole: true);
        foreach (var (name, isFault, next) in world.Next().OrderBy(one => one.Name is "time passes" or "more time passes" ? 2 : one.IsFault ? 0 : 1))
        {
            if (name.StartsWith("a person", StringComparison.Ordinal) || (isFault && !(fail && name.EndsWith("fails", StringComparison.Ordinal))))
            {
                continue;
            }

            if (next() is var following && following.Key(whole: true) != before)
            {
                return (name, following);
            }
        }

        throw new InvalidOperationException("Nothing leads on.");
    }
}
