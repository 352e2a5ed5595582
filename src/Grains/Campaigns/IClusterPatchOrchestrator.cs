using NannyOrleans.Domain;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Protocol.Ids;
using Orleans.Concurrency;

namespace NannyOrleans.Grains.Campaigns;

/// <summary>The one running campaign of a cluster; key: its <see cref="ClusterId"/>, so that two can never walk one cluster at once.</summary>
[GrainInterfaceType("cluster-patch-orchestrator")]
public interface IClusterPatchOrchestrator : IGrainWithStringKey
{
    /// <summary>What a campaign would do if it were started now. Nothing is touched.</summary>
    [Alias("Plan")]
    Task<CampaignPlan> Plan(CampaignOrder order);

    /// <summary>Begins a campaign; stored when this returns. The same id again changes nothing.</summary>
    [Alias("Start")]
    Task<Outcome<CampaignState>> Start(JobId id, CampaignOrder order);

    /// <summary>Holds it back; stored when this returns.</summary>
    /// <param name="id">The campaign; another one is refused.</param>
    /// <param name="by">Who says so.</param>
    [Alias("Pause")]
    Task<Outcome<CampaignState>> Pause(JobId id, string by);

    /// <summary>Goes on after a pause or a halt; stored when this returns.</summary>
    /// <param name="id">The campaign; another one is refused.</param>
    /// <param name="by">Who says so.</param>
    /// <param name="windowEnd">A new end of the window; null to leave it.</param>
    [Alias("Resume")]
    Task<Outcome<CampaignState>> Resume(JobId id, string by, DateTimeOffset? windowEnd);

    /// <summary>Ends it and puts back what it changed; stored when this returns.</summary>
    /// <param name="id">The campaign; another one is refused.</param>
    /// <param name="by">Who says so.</param>
    [Alias("Abort")]
    Task<Outcome<CampaignState>> Abort(JobId id, string by);

    /// <summary>Allows the reboot of a node that awaits it; stored when this returns.</summary>
    /// <param name="id">The campaign; another one is refused.</param>
    /// <param name="node">The node.</param>
    /// <param name="by">Who says so.</param>
    [Alias("Approve")]
    Task<Outcome<CampaignState>> Approve(JobId id, NodeName node, string by);

    /// <summary>The cluster's campaign, the running or the last one; its <see cref="CampaignState.Id"/> is null when there never was one.</summary>
    [AlwaysInterleave]
    [Alias("Get")]
    Task<CampaignState> Get();

    /// <summary>Waits until the campaign is another than the one seen.</summary>
    /// <param name="version">The version seen; a newer one is given at once.</param>
    /// <param name="wait">How long at most, up to <see cref="CampaignPage.MaxWait"/>.</param>
    [AlwaysInterleave]
    [Alias("Watch")]
    Task<CampaignPage> Watch(long version, TimeSpan wait);

    /// <summary>Has it look at the world now: an operation of it has ended, a node has reported, or the server was restarted. Nobody waits for it.</summary>
    [OneWay]
    [Alias("Look")]
    Task Look();
}

/// <summary>What somebody who watches a campaign is told.</summary>
/// <param name="Campaign">The campaign as it is now.</param>
/// <param name="Version">Counts its changes since this server started; only to be compared with another of the same campaign.</param>
public sealed record CampaignPage(CampaignState Campaign, long Version)
{
    /// <summary>The longest wait: well within the time a grain call may take.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(15);
}
