using System.Globalization;
using NannyOrleans.Grains.History;

namespace NannyOrleans.Api.Audit;

/// <summary>
/// Writes down what was refused to whom: the first of each kind at once, how many came after it at the end of the minute. Nothing is done in any of
/// them, so they stay refused when they can't be written; what a process had counted in its last minute is lost when it is killed.
/// </summary>
internal sealed partial class Refusals(IGrainFactory grains, TimeProvider clock, ILogger<Refusals> logger) : BackgroundService
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private readonly RefusalCounts counts = new();

    /// <summary>Notes one.</summary>
    /// <param name="refused">What was refused to whom.</param>
    /// <param name="detail">More of it, for a person; of the first of its kind alone.</param>
    public Task Note(Refused refused, string? detail = null) => counts.IsFirst(refused) ? Write(refused, detail) : Task.CompletedTask;

    /// <summary>Writes how many there were.</summary>
    public async Task WriteCounts()
    {
        foreach (var (refused, more) in counts.Take())
        {
            await Write(refused, string.Create(CultureInfo.InvariantCulture, $"{more} more within a minute"));
        }
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await WriteCounts();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var tick = new PeriodicTimer(Minute, clock);
        while (await tick.WaitForNextTickAsync(stoppingToken))
        {
            await WriteCounts();
        }
    }

    private async Task Write(Refused refused, string? detail)
    {
        try
        {
            await grains.GetGrain<IHistoryGrain>(0).AddAudit(new(clock.GetUtcNow(), refused.Actor, refused.Action, refused.Target, refused.Result, detail)
            {
                Address = refused.Address,
                Cluster = Audited.ClusterOf(refused.Target),
            });
        }
        catch (Exception failure)
        {
            Log.NotWritten(logger, refused, failure);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(5303, LogLevel.Error, "{Refused} could not be written down")]
        public static partial void NotWritten(ILogger logger, Refused refused, Exception failure);
    }
}
