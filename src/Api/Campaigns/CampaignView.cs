using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Campaigns;

/// <summary>A campaign as shown.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Cluster">Its cluster.</param>
/// <param name="Status">How far it is.</param>
/// <param name="Reason">Why it is paused, halted or aborted; null otherwise.</param>
/// <param name="Current">The node it is at; null when all have ended.</param>
/// <param name="StartedAt">When it was started.</param>
/// <param name="EndedAt">When it ended; null while it has not.</param>
/// <param name="Nodes">Its nodes in the order they are walked, each with its step.</param>
/// <param name="CephFlags">Ceph's flags that it has set and not taken off yet.</param>
/// <param name="Order">What was asked for.</param>
public sealed record CampaignView(
    JobId Id, ClusterId Cluster, CampaignStatus Status, string? Reason, NodeName? Current, DateTimeOffset StartedAt, DateTimeOffset? EndedAt,
    IReadOnlyList<NodeProgress> Nodes, IReadOnlyList<string> CephFlags, CampaignOrder Order)
{
    /// <summary>The view of a campaign that was started.</summary>
    public static CampaignView Of(ClusterId cluster, CampaignState campaign) => new(
        campaign.Id!.Value, cluster, campaign.Status, campaign.Reason, campaign.IsOver ? null : campaign.Current?.Node, campaign.StartedAt, campaign.EndedAt,
        campaign.Nodes, campaign.CephFlags, campaign.Order!);
}
