using NannyOrleans.Api.Dashboard.Pages.Campaigns;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Tests.Dashboard;

/// <summary>How a node's steps are put together from what happened.</summary>
public sealed class NodeStagesTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly NodeName Pve1 = NodeName.Parse("pve1");

    private static CampaignEvent At(int minutes, string? node, NodeStep? step, string text, params CampaignWork[] work) =>
        new(minutes + 1, Noon.AddMinutes(minutes), node is null ? null : NodeName.Parse(node), step, text, null) { Work = work is [] ? null : work };

    [Fact]
    public void A_step_lasts_until_the_next_and_one_that_is_tried_again_is_there_twice()
    {
        var patch = new CampaignWork(JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GH"), WorkKind.PatchNode, Pve1);
        var stages = NodeStages.Of(Pve1,
        [
            At(0, null, null, "admin started it."), At(1, "pve1", NodeStep.Preflight, "Begun."), At(2, "pve1", NodeStep.Preflight, "Waits: …"), At(3, "pve1", NodeStep.Patch, "It is being patched.", patch),
            At(4, "pve2", NodeStep.Preflight, "Begun."), At(5, "pve1", NodeStep.Preflight, "Begun anew: It never ran."), At(6, "pve1", NodeStep.Done, "Done."),
        ]);
        Assert.Equal([NodeStep.Preflight, NodeStep.Patch, NodeStep.Preflight, NodeStep.Done], stages.Select(stage => stage.Step));
        Assert.Equal([2, 2, 1, null], stages.Select(stage => (stage.Until - stage.From)?.TotalMinutes));
        Assert.Equal(["Begun.", "Waits: …"], stages[0].Texts);
        Assert.Equal([patch], stages[1].Work);
    }

    [Fact]
    public void A_node_that_nothing_happened_to_has_none() => Assert.Empty(NodeStages.Of(Pve1, [At(0, null, null, "admin started it.")]));
}
