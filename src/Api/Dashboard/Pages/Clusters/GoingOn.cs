using NannyOrleans.Api.Campaigns;
using NannyOrleans.Api.Dashboard.Calls;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Dashboard.Pages.Clusters;

/// <summary>What a page of the campaigns that have not ended says of one cluster.</summary>
/// <param name="IsKnown">Whether it says so at all: a campaign that is not on the page may be on another.</param>
/// <param name="Campaign">The newest of the cluster; null when there is none.</param>
internal sealed record GoingOn(bool IsKnown, CampaignView? Campaign)
{
    /// <summary>Reads it from the page.</summary>
    public static GoingOn Of(Reading<IReadOnlyList<CampaignView>> page, ClusterId cluster)
    {
        if (page.Problem is not null || page.Value is not { } campaigns)
        {
            return new(false, null);
        }

        var campaign = campaigns.FirstOrDefault(one => one.Cluster == cluster);
        return new(campaign is not null || page.Total <= campaigns.Count, campaign);
    }
}
