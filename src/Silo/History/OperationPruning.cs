using NannyOrleans.Grains.Batches;

namespace NannyOrleans.Silo.History;

/// <summary>Drops operations that ended longer ago than they are kept, and batches with their last one; some at a time, so that nobody waits for a long transaction.</summary>
internal sealed partial class OperationPruning(OperationHistory history, IGrainFactory grains, SiloOptions options, TimeProvider clock, ILogger<OperationPruning> logger) : BackgroundService
{
    /// <summary>Operations of one transaction.</summary>
    public const int AtOnce = 200;

    /// <summary>Drops all that is old enough.</summary>
    /// <returns>How many were dropped.</returns>
    public async Task<int> Prune(CancellationToken cancellationToken)
    {
        var dropped = 0;
        int last;
        do
        {
            last = await history.Prune(clock.GetUtcNow() - TimeSpan.FromDays(options.OperationDays), AtOnce, batch => grains.GetGrain<IBatchGrain>(batch.Value).Forget(), cancellationToken);
            dropped += last;
        }
        while (last is AtOnce);
        return dropped;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromHours(1), clock);
        do
        {
            try
            {
                Log.Pruned(logger, await Prune(stoppingToken));
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                Log.Failing(logger, failure); // the next turn tries again
            }
        }
        while (await tick.WaitForNextTickAsync(stoppingToken));
    }

    private static partial class Log
    {
        [LoggerMessage(3110, LogLevel.Debug, "{Count} old operations dropped")]
        public static partial void Pruned(ILogger logger, int count);

        [LoggerMessage(3111, LogLevel.Error, "Old operations could not be dropped; the next turn tries again")]
        public static partial void Failing(ILogger logger, Exception failure);
    }
}
