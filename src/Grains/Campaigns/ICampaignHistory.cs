using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Protocol.Ids;
using Orleans.Concurrency;

namespace NannyOrleans.Grains.Campaigns;

/// <summary>Where campaigns are kept, with what they did.</summary>
public interface ICampaignHistory
{
    /// <summary>
    /// Stores a campaign as it is now and what happened in it. An event that is stored already stays as it is; a campaign that has ended changes no
    /// more.
    /// </summary>
    /// <param name="cluster">Its cluster.</param>
    /// <param name="campaign">The campaign, its news among it.</param>
    /// <param name="plan">What it was to do when it was started; null to leave what is stored.</param>
    Task Keep(ClusterId cluster, CampaignState campaign, CampaignPlan? plan);

    /// <summary>A cluster's campaigns, the newest first.</summary>
    Task<IReadOnlyList<CampaignState>> List(ClusterId cluster, int skip, int take);

    /// <summary>Campaigns of all clusters that a query selects, the newest first.</summary>
    Task<CampaignSelection> Select(CampaignQuery query);

    /// <summary>A campaign of a cluster; null when it has none of this id.</summary>
    Task<CampaignState?> Find(ClusterId cluster, JobId id);

    /// <summary>What a campaign was to do when it was started; null when there is none of this id, or a crash came before it was stored.</summary>
    Task<CampaignPlan?> FindPlan(ClusterId cluster, JobId id);

    /// <summary>What happened in a campaign, oldest first.</summary>
    /// <param name="id">The campaign.</param>
    /// <param name="after">The number of the last event that is known; 0 for none.</param>
    /// <param name="take">How many at most.</param>
    Task<IReadOnlyList<CampaignEvent>> Events(JobId id, int after, int take);
}

/// <summary>Reads campaigns, for processes that have no database of their own. There is one name, key 0, and as many activations as are needed.</summary>
[GrainInterfaceType("campaigns")]
public interface ICampaignsGrain : IGrainWithIntegerKey
{
    /// <inheritdoc cref="ICampaignHistory.List"/>
    [Alias("List")]
    Task<IReadOnlyList<CampaignState>> List(ClusterId cluster, int skip, int take);

    /// <inheritdoc cref="ICampaignHistory.Select"/>
    [Alias("Select")]
    Task<CampaignSelection> Select(CampaignQuery query);

    /// <inheritdoc cref="ICampaignHistory.Find"/>
    [Alias("Find")]
    Task<CampaignState?> Find(ClusterId cluster, JobId id);

    /// <inheritdoc cref="ICampaignHistory.FindPlan"/>
    [Alias("FindPlan")]
    Task<CampaignPlan?> FindPlan(ClusterId cluster, JobId id);

    /// <inheritdoc cref="ICampaignHistory.Events"/>
    [Alias("Events")]
    Task<IReadOnlyList<CampaignEvent>> Events(JobId id, int after, int take);
}

[StatelessWorker]
[GrainType("campaigns")]
internal sealed class CampaignsGrain(ICampaignHistory history) : Grain, ICampaignsGrain
{
    public Task<IReadOnlyList<CampaignState>> List(ClusterId cluster, int skip, int take) => history.List(cluster, skip, take);

    public Task<CampaignSelection> Select(CampaignQuery query) => history.Select(query);

    public Task<CampaignState?> Find(ClusterId cluster, JobId id) => history.Find(cluster, id);

    public Task<CampaignPlan?> FindPlan(ClusterId cluster, JobId id) => history.FindPlan(cluster, id);

    public Task<IReadOnlyList<CampaignEvent>> Events(JobId id, int after, int take) => history.Events(id, after, take);
}
