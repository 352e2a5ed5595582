using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace NannyOrleans.Silo.Health;

/// <summary>Whether this process can do its work now. Who asks never waits long, and many who ask are answered by one look.</summary>
internal sealed partial class Readiness(HealthCheckService checks, DelayedStop stop, TimeProvider clock, ILogger<Readiness> logger)
{
    private static readonly Verdict Stopping = new(false, ["It is stopping."]);

    private readonly Lock gate = new();
    private Task<Verdict> looking = Task.FromResult(new Verdict(true, []));
    private long? lookedAt;
    private string said = string.Empty;

    /// <summary>Whether it can, and what is not well, for anybody to read.</summary>
    public async Task<Verdict> Is()
    {
        if (stop.IsStopping)
        {
            return Stopping;
        }

        Task<Verdict> look;
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
            return new(false, ["It could not be found out within 2 seconds."]);
        }
    }

    private async Task<Verdict> Look()
    {
        var report = await checks.CheckHealthAsync();
        IReadOnlyList<string> reasons = [.. report.Entries.Values.Where(entry => entry.Status is not HealthStatus.Healthy).Select(entry => entry.Description ?? "Something is not well.").Order(StringComparer.Ordinal)];
        Say(string.Join(' ', reasons));
        lock (gate)
        {
            lookedAt = clock.GetTimestamp();
        }

        return new(report.Status is not HealthStatus.Unhealthy, reasons);
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

    /// <summary>What was found.</summary>
    public readonly record struct Verdict(bool IsReady, IReadOnlyList<string> Reasons);

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Holds = TimeSpan.FromSeconds(1);

    [LoggerMessage(3032, LogLevel.Warning, "Not ready, or not wholly: {Reasons}", EventName = "NotReady")]
    private partial void LogNotReady(string reasons);

    [LoggerMessage(3033, LogLevel.Information, "Ready again", EventName = "Ready")]
    private partial void LogReady();
}
