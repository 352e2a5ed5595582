using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Domain.Campaigns;

/// <summary>Says whose word a campaign needs anew: left alone, nodes report every few minutes, and it would wait for them at each step.</summary>
public static class CampaignReports
{
    /// <summary>How often nodes report while a campaign's conditions are looked at; two of these without a word, and nobody knows how a node is.</summary>
    public static readonly TimeSpan Pace = TimeSpan.FromSeconds(15);

    /// <summary>How old a word may be while a step is done but for the world to say so.</summary>
    public static readonly TimeSpan Awaiting = TimeSpan.FromSeconds(2);

    /// <summary>The nodes to be asked for a report now.</summary>
    /// <param name="campaign">The campaign.</param>
    /// <param name="picture">The cluster.</param>
    /// <param name="due">What is due and known not to have been asked for yet: its conditions are looked at.</param>
    /// <param name="ended">When the last of its work was found to have ended: what was said before tells nothing of that. Null when it is not known.</param>
    /// <param name="now">The server's clock.</param>
    public static IReadOnlyList<NodeName> Wanted(CampaignState campaign, ClusterPicture picture, bool due, DateTimeOffset? ended, DateTimeOffset now)
    {
        if (campaign.IsOver || campaign.Status is CampaignStatus.Halted || campaign.Current is not { } node
            || (campaign.Status is CampaignStatus.Paused && node.Step.IsGate()))
        {
            return [];
        }

        TimeSpan? most = node.Step switch
        {
            NodeStep.Approval => null,
            NodeStep.Settle => now + Pace < node.Deadline ? null : Pace,
            NodeStep.Pending or NodeStep.Preflight or NodeStep.Ready or NodeStep.LastLook => Pace,
            _ when CampaignSteps.IsBusy(node) => due ? Pace : null,
            NodeStep.Assess or NodeStep.MaintenanceOn or NodeStep.Drain or NodeStep.Reboot or NodeStep.Back or NodeStep.MaintenanceOff or NodeStep.GuestsHome => Awaiting,
            _ => null,
        };
        var since = ended is { } end && end > node.Since ? end : node.Since;
        return most is not { } age ? [] : [.. picture.Nodes.Where(one => one.At is not { } at || at <= since || now - at >= age).Select(one => one.Node)];
    }
}
