using NannyOrleans.Grains.Batches;

namespace NannyOrleans.Silo.Batches;

/// <summary>
/// Has unfinished batches go on after a start, and after a write that failed ended the activation that worked on one: an embedded silo has
/// no reminders that would.
/// </summary>
internal sealed partial class BatchResume(IGrainFactory grains, TimeProvider clock, ILogger<BatchResume> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                foreach (var batch in await grains.GetGrain<IUnfinishedBatchesGrain>(0).All())
                {
                    await grains.GetGrain<IBatchGrain>(batch.Value).Resume();
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

    [LoggerMessage(3011, LogLevel.Warning, "Unfinished batches could not be asked to go on, trying again: {Reason}", EventName = "BatchesNotResumed")]
    private partial void LogNotResumed(string reason);
}
