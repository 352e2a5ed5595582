using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Domain.Campaigns;

/// <summary>Which campaigns are wanted, of whatever cluster; the newest come first. What is null does not matter.</summary>
/// <param name="Skip">How many of those selected are left out at the start.</param>
/// <param name="Take">How many are answered at most.</param>
public sealed record CampaignQuery(int Skip, int Take)
{
    /// <summary>Whether nothing more comes of it; one that is paused or has halted has not ended.</summary>
    public bool? Ended { get; init; }

    /// <summary>Of this cluster.</summary>
    public ClusterId? Cluster { get; init; }

    /// <summary>Of any of these clusters: whoever asks sees no others. Null: all.</summary>
    public IReadOnlyList<ClusterId>? Clusters { get; init; }
}

/// <summary>Some of the campaigns that a query selects.</summary>
/// <param name="Total">How many it selects in all.</param>
/// <param name="Campaigns">Those of the page.</param>
public sealed record CampaignSelection(int Total, IReadOnlyList<ClusterCampaign> Campaigns);

/// <summary>A campaign and whose it is.</summary>
/// <param name="Cluster">Its cluster.</param>
/// <param name="Campaign">The campaign, without its news.</param>
public sealed record ClusterCampaign(ClusterId Cluster, CampaignState Campaign);
