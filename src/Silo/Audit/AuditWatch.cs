using System.Reflection;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Grains.History;
using NannyOrleans.Silo.History;

namespace NannyOrleans.Silo.Audit;

/// <summary>
/// Writes down that this silo starts, so that a log with nothing in it is never a whole one, and notes in this process's own log where the audit log
/// ends: at start, each hour and at the end. Who can put the database back to an earlier time can mostly not do that with the journal too, and
/// <c>audit verify --expect</c> compares them.
/// </summary>
internal sealed partial class AuditWatch(IDbContextFactory<HistoryDb> databases, AuditKey key, IAuditLog audit, TimeProvider clock, ILogger<AuditWatch> logger) : BackgroundService
{
    /// <summary>How often the head is noted.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromHours(1);

    /// <inheritdoc/>
    /// <exception cref="CannotStartException">The log was begun with another key, or its head is not what a silo has written.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        if (await Head(cancellationToken) is { } head && !AuditChain.IsSealed(key, head))
        {
            throw new CannotStartException(
                $"The head of the audit log was not sealed with the {AuditKey.File} in this data directory. Copy that of the installation's other servers or backups here; if it is that one, the log was tampered with: see `audit verify`.");
        }

        var version = typeof(AuditWatch).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        await audit.Add(new(clock.GetUtcNow(), AuditEntry.System, "start-silo", Environment.MachineName, "done", $"version {version}"));
        await Note(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Note(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var tick = new PeriodicTimer(Every, clock);
        while (await tick.WaitForNextTickAsync(stoppingToken))
        {
            await Note(stoppingToken);
        }
    }

    private async Task Note(CancellationToken cancellationToken)
    {
        try
        {
            if (await Head(cancellationToken) is { } head)
            {
                Log.Head(logger, head);
            }
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            Log.NotNoted(logger, failure); // the next turn tries again
        }
    }

    private async Task<AuditHead?> Head(CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        return await AuditAppending.Head(database, cancellationToken: cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(3052, LogLevel.Information, "The audit log ends at {Head}", EventName = "AuditHead")]
        public static partial void Head(ILogger logger, AuditHead head);

        [LoggerMessage(3053, LogLevel.Error, "Where the audit log ends could not be read; the next turn tries again")]
        public static partial void NotNoted(ILogger logger, Exception failure);
    }
}
