using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Tests.Campaigns;

public sealed class CampaignReportsTests
{
    private static readonly CampaignOrder Order = new(PatchMode.Apply, "admin");

    [Theory]
    [InlineData(NodeStep.Reboot, false, -1, null, true)] // said before the step began
    [InlineData(NodeStep.Reboot, false, 1, null, false)] // said a moment ago, and nobody knows when the work ended
    [InlineData(NodeStep.Reboot, false, 1, 2, true)] // said since it began and before it was done: it tells nothing of that
    [InlineData(NodeStep.Reboot, false, 2, 1, false)] // said after it was done
    [InlineData(NodeStep.Drain, false, 1, 2, true)]
    [InlineData(NodeStep.Drain, false, 1, -60, false)] // what ended then was of an earlier step
    [InlineData(NodeStep.Drain, true, -1, null, false)] // it is still under way: no word is needed before it ends
    [InlineData(NodeStep.Approval, false, -1, null, false)] // a person is awaited
    public void A_node_is_asked_when_its_word_is_from_before_the_step_or_before_its_work_was_done(NodeStep step, bool isBusy, int said, int? ended, bool isWanted)
    {
        var node = new NodeProgress(Some.Pve1, step) { Since = Some.Noon, Work = [new(Some.Id(2), WorkKind.Reboot, Some.Pve1) { End = isBusy ? null : new(true, null) }] };
        var campaign = new CampaignState { Id = Some.Id(1), Order = Order, Nodes = [node] };
        var picture = new ClusterPicture([Seen.Cluster(1).Nodes[0] with { At = Some.Noon.AddSeconds(said) }]);
        DateTimeOffset? end = ended is { } seconds ? Some.Noon.AddSeconds(seconds) : null;
        Assert.Equal(isWanted ? [Some.Pve1] : [], CampaignReports.Wanted(campaign, picture, due: false, end, Some.Noon.AddSeconds(2)));
    }
}
