using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace NannyOrleans.Silo.Health;

/// <summary>
/// One thing that must be there. A look that hangs is not waited for, and only so many are begun beside it: SQLite's driver and others do not
/// always let go when they are told to.
/// </summary>
internal abstract partial class BoundedCheck(TimeProvider clock, ILogger logger) : IHealthCheck
{
    private int looking;
    private bool said;

    /// <summary>What is looked at, in a sentence's beginning.</summary>
    protected abstract string Subject { get; }

    /// <summary>Looks that may hang at the same time.</summary>
    protected virtual int AtOnce => 1;

    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var reason = await Begin().WaitAsync(Limit, clock, cancellationToken);
            said = false;
            return reason is null ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(reason);
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
        {
            // Who asks is anybody: what the driver says of addresses and files is for the log. Once, and not with each probe.
            if (!said)
            {
                LogFailed(logger, Subject, failure.Message);
                said = true;
            }

            return new(context.Registration.FailureStatus, $"{Subject} does not answer.");
        }
    }

    /// <summary>Looks.</summary>
    /// <returns>What is wrong, for anybody to read; null when nothing is.</returns>
    protected abstract Task<string?> Look(CancellationToken cancellationToken);

    private Task<string?> Begin() => Interlocked.Increment(ref looking) <= AtOnce
        ? Task.Run(LookOnce, CancellationToken.None)
        : Task.FromException<string?>(new TimeoutException($"{Interlocked.Decrement(ref looking)} looks before have not come back."));

    private async Task<string?> LookOnce()
    {
        try
        {
            using var limit = new CancellationTokenSource(Limit, clock);
            return await Look(limit.Token);
        }
        finally
        {
            Interlocked.Decrement(ref looking);
        }
    }

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1.5);

    [LoggerMessage(3031, LogLevel.Warning, "{Subject} does not answer: {Reason}", EventName = "NotReadyBecause")]
    private static partial void LogFailed(ILogger logger, string subject, string reason);
}
