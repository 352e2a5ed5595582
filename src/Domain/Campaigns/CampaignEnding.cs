using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Domain.Campaigns;

/// <summary>How an aborted campaign ends: what was changed for its node is put back, however often that has to be tried.</summary>
internal static class CampaignEnding
{
    /// <summary>How long something that failed is left alone before it is tried again.</summary>
    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(30);

    /// <summary>Takes one step towards the end, if one can be taken.</summary>
    public static CampaignState Look(CampaignState campaign, ClusterPicture picture, DateTimeOffset now, Func<JobId> next) => campaign.Current switch
    {
        null or { Step: NodeStep.Pending } => End(campaign, now),
        { Step: NodeStep.MaintenanceOff or NodeStep.CephFlagsOff or NodeStep.GuestsHome } node => PuttingBack(campaign, node, picture, now, next),
        // What runs on a host is awaited for as long as its step may take: what is put back beside it could collide with it.
        { } node when CampaignSteps.IsBusy(node) && now < node.Deadline => campaign,
        { } node => PutBack(campaign, node, picture, now, next),
    };

    private static CampaignState PutBack(CampaignState campaign, NodeProgress node, ClusterPicture picture, DateTimeOffset now, Func<JobId> next)
    {
        var back = CampaignSteps.PutBack(campaign, node with { Failed = true, Note = campaign.Reason }, picture, "What was changed is put back.", now, next);
        return back.Current is { Step: NodeStep.Settle or NodeStep.Back } ? End(back, now) : back;
    }

    private static CampaignState PuttingBack(CampaignState campaign, NodeProgress node, ClusterPicture picture, DateTimeOffset now, Func<JobId> next)
    {
        if (CampaignSteps.Undone(node) is { } reason && !CampaignSteps.IsBusy(node))
        {
            // Guests that do not come home need a person; maintenance mode and flags come off however long it takes.
            return node.Step is NodeStep.GuestsHome ? End(campaign, now, $"Not all guests are home: {reason}")
                : now < node.Since + RetryAfter ? campaign
                : CampaignSteps.PutBack(campaign, node, picture, $"Tried again: {reason}", now, next);
        }

        if (node.Step is NodeStep.GuestsHome && now >= node.Deadline)
        {
            return End(campaign, now, "It is not known whether all guests are home.");
        }

        var on = CampaignSteps.Look(campaign, node, picture, now, next);
        return on.Status is CampaignStatus.Halted
            ? now < node.Since + RetryAfter ? campaign : CampaignSteps.PutBack(campaign, node, picture, $"Tried again: {on.Reason}", now, next)
            : on.Current is { Step: NodeStep.Settle } ? End(on, now) : on;
    }

    private static CampaignState End(CampaignState campaign, DateTimeOffset now, string? note = null)
    {
        var ended = campaign with
        {
            Status = CampaignStatus.Aborted,
            Reason = note is null ? campaign.Reason : $"{campaign.Reason} {note}",
            EndedAt = now,
            Nodes = [.. campaign.Nodes.Select(node => node.Step.IsEnd() ? node : node with { Step = node.Step is NodeStep.Pending ? NodeStep.Skipped : NodeStep.Failed, Work = [] })],
        };
        return ended.Tell(null, note is null ? "Aborted; nothing of it is left." : $"Aborted. {note}", now);
    }
}
