using Microsoft.Extensions.Logging;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Agent.Metrics;

/// <summary>Takes and sends samples for as long as a connection stands. Whatever goes wrong with one, the next one comes, and nothing else is held up.</summary>
/// <param name="sample">Takes one.</param>
/// <param name="interval">How often.</param>
/// <param name="clock">Waits.</param>
/// <param name="logger">Hears of each trouble when it begins, not each time.</param>
internal sealed partial class MetricsReports(Func<CancellationToken, Task<NodeMetrics>> sample, TimeSpan interval, TimeProvider clock, ILogger logger)
{
    private HashSet<string> known = new(StringComparer.Ordinal);

    /// <summary>Runs until cancelled.</summary>
    public async Task Run(Func<NodeMetrics, CancellationToken, Task> send, CancellationToken cancellationToken)
    {
        // Rates need two samples: the second one does not wait for its time, or a new host would show none for a whole interval.
        var wait = interval < UntilSecond ? interval : UntilSecond;
        for (var samples = 1L; ; samples++)
        {
            await Report(send, cancellationToken);
            if (samples % SamplesBetweenCollections is 2)
            {
                // A host's memory is its guests'. Idle as it is, the collector would not look for days at what connecting and the
                // first inventory left, nor at the little that each sample leaves; looking takes a few milliseconds.
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            }

            await Task.Delay(wait, clock, cancellationToken);
            wait = interval * (0.95 + (Random.Shared.NextDouble() * 0.1)); // hosts started together drift apart
        }
    }

    private async Task Report(Func<NodeMetrics, CancellationToken, Task> send, CancellationToken cancellationToken)
    {
        try
        {
            var taken = await sample(cancellationToken);
            Say(taken.Problems ?? []);
            await send(taken, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // A lost connection ends the whole session, which says so. Anything else concerns this sample only.
            Say([$"a sample was not sent: {e.Message}"]);
        }
    }

    private void Say(IReadOnlyList<string> problems)
    {
        var now = new HashSet<string>(problems, StringComparer.Ordinal);
        foreach (var problem in problems)
        {
            if (!known.Contains(problem))
            {
                Log.Problem(logger, problem);
            }
        }

        known = now;
    }

    private const int SamplesBetweenCollections = 10;
    private static readonly TimeSpan UntilSecond = TimeSpan.FromSeconds(3);

    private static partial class Log
    {
        [LoggerMessage(3001, LogLevel.Warning, "Metrics: {Problem}", EventName = "MetricsProblem")]
        public static partial void Problem(ILogger logger, string problem);
    }
}
