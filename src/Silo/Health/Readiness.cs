using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace NannyOrleans.Silo.Health;

/// <summary>Whether this process can do its work now. Who asks never waits long, and many who ask are answered by one look.</summary>
internal sealed partial class Readiness(HealthCheckService checks, DelayedStop stop, TimeProvider clock, ILogger<Readiness> logger)
{
    private static readonly IReadOnlyList<string> Stopping = ["It is stopping."];

    private readonly Lock gate = new();
    private Task<IReadOnlyList<string>> looking = Task.FromResult<IReadOnlyList<string>>([]);
    private long? lookedAt;
    private string said = string.Empty;

    /// <summary>Why not, for anybody to read; nothing when it can.</summary>
    public async Task<IReadOnlyList<string>> WhyNot()
    {
        if (stop.IsStopping)
        {
            return Stopping;
        }

        Task<IReadOnlyList<string>> look;
        lock (gate)
        {
            if (looking.IsCompleted && (lookedAt is not { } at || clock.GetElapsedTime(at) >= Holds))
            {
                lookedAt = null; // it counts from its end
                looking = Task.Run(Look);
            }

            look = looking;
        }

        try
        {
            return await look.WaitAsync(Limit, clock);
        }
        catch (TimeoutException)
        {
            return ["It could not be found out within 2 seconds."];
        }
    }

    private async Task<IReadOnlyList<string>> Look()
    {
        var report = await checks.CheckHealthAsync();
        IReadOnlyList<string> reasons = [.. report.Entries.Values.Where(entry => entry.Status is not HealthStatus.Healthy).Select(entry => entry.Description ?? "Something is not well.").Order(StringComparer.Ordinal)];
        Say(string.Join(' ', reasons));
        lock (gate)
        {
            lookedAt = clock.GetTimestamp();
        }

        return reasons;
    }

    // Once, and not with each probe.
    private void Say(string reasons)
    {
        if (reasons == said)
        {
            return;
        }

        said = reasons;
        if (reasons.Length > 0)
        {
            LogNotReady(reasons);
        }
        else
        {
            LogReady();
        }
    }

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Holds = TimeSpan.FromSeconds(1);

    [LoggerMessage(3032, LogLevel.Warning, "Not ready: {Reasons}", EventName = "NotReady")]
    private partial void LogNotReady(string reasons);

    [LoggerMessage(3033, LogLevel.Information, "Ready again", EventName = "Ready")]
    private partial void LogReady();
}
