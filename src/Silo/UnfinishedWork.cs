using NannyOrleans.Grains.Batches;
using NannyOrleans.Grains.Campaigns;
using NannyOrleans.Grains.Fleet;

namespace NannyOrleans.Silo;

/// <summary>
/// Has unfinished work go on after a start, and at once when a silo is gone that had it: what keeps a campaign or a batch going is a timer of its
/// activation. A campaign's reminder would come too, within a minute, and only where reminders are stored. Each silo does it: asking twice is harmless.
/// </summary>
internal sealed partial class UnfinishedWork(IGrainFactory grains, IClusterMembershipService membership, TimeProvider clock, ILogger<UnfinishedWork> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var (seen, due) = (MembershipVersion.MinValue, clock.GetUtcNow());
        using var tick = new PeriodicTimer(TimeSpan.FromSeconds(1), clock);
        do
        {
            var present = membership.CurrentSnapshot.Version;
            if (present == seen && clock.GetUtcNow() < due)
            {
                continue;
            }

            try
            {
                // Batches again and again: a write that failed has ended the activation that worked on one, and none has a reminder. Each by itself: one
                // that can't be read must not keep the others, nor the campaigns, from going on.
                await Task.WhenAll(ResumeBatches(), present == seen ? Task.CompletedTask : ResumeCampaigns());
                (seen, due) = (present, clock.GetUtcNow() + Period);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                LogNotResumed(failure.Message);
                seen = MembershipVersion.MinValue;
                await Task.Delay(AfterFailure, clock, stoppingToken);
            }
        }
        while (await tick.WaitForNextTickAsync(stoppingToken));
    }

    private async Task ResumeBatches() =>
        await Task.WhenAll((await grains.GetGrain<IUnfinishedBatchesGrain>(0).All()).Select(batch => grains.GetGrain<IBatchGrain>(batch.Value).Resume()));

    private async Task ResumeCampaigns() => await Task.WhenAll((await grains.GetGrain<IFleetGrain>(0).Clusters())
        .Where(cluster => !cluster.IsMachine).Select(cluster => grains.GetGrain<IClusterPatchOrchestrator>(cluster.Value).Look()));

    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(5);

    // 3013 retired (CampaignsNotResumed): this says it.
    [LoggerMessage(3011, LogLevel.Warning, "Unfinished batches and campaigns could not be asked to go on, trying again: {Reason}", EventName = "WorkNotResumed")]
    private partial void LogNotResumed(string reason);
}
