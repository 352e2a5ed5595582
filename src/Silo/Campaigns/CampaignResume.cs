using NannyOrleans.Grains.Campaigns;
using NannyOrleans.Grains.Fleet;

namespace NannyOrleans.Silo.Campaigns;

/// <summary>
/// Has unfinished campaigns go on after a start, and after a write that failed ended the activation that walked one: an embedded silo has no
/// reminders that would.
/// </summary>
internal sealed partial class CampaignResume(IGrainFactory grains, TimeProvider clock, ILogger<CampaignResume> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                foreach (var cluster in (await grains.GetGrain<IFleetGrain>(0).Clusters()).Where(cluster => !cluster.IsMachine))
                {
                    await grains.GetGrain<IClusterPatchOrchestrator>(cluster.Value).Look();
                }

                await Task.Delay(Period, clock, stoppingToken);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                LogNotResumed(failure.Message);
                await Task.Delay(AfterFailure, clock, stoppingToken);
            }
        }
    }

    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(5);

    [LoggerMessage(3013, LogLevel.Warning, "Unfinished campaigns could not be asked to go on, trying again: {Reason}", EventName = "CampaignsNotResumed")]
    private partial void LogNotResumed(string reason);
}
