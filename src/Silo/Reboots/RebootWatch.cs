using NannyOrleans.Grains.Nodes;
using NannyOrleans.Silo.History;

namespace NannyOrleans.Silo.Reboots;

/// <summary>
/// Has nodes end restarts that nobody answers for: the agent that watches the deadline goes down with its host, and may not come back. From the
/// rows alone, so that a restart of the server changes nothing; a node's own timer would not outlive its activation.
/// </summary>
internal sealed partial class RebootWatch(OperationHistory history, IGrainFactory grains, TimeProvider clock, ILogger<RebootWatch> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var tick = new PeriodicTimer(Period, clock);
        do
        {
            try
            {
                // Each by itself: one that can't be read must not keep the others from being looked at.
                await Task.WhenAll((await history.Restarting(stoppingToken)).Select(node => grains.GetGrain<INodeGrain>(node.ToString()).EndOverdue()));
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                LogNotWatched(failure.Message); // the next turn asks again
            }
        }
        while (await tick.WaitForNextTickAsync(stoppingToken));
    }

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(15);

    [LoggerMessage(3012, LogLevel.Warning, "Restarts under way could not be looked at, trying again: {Reason}", EventName = "RebootsNotWatched")]
    private partial void LogNotWatched(string reason);
}
