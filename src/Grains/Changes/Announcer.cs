using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace NannyOrleans.Grains.Changes;

/// <summary>
/// A silo's word that something has changed. Grains say it and go on; it goes out from here a moment later, with all else that was said until then,
/// one batch at a time. What was not taken becomes "anything may have changed". A silo that is killed with words unsaid is told of as such.
/// </summary>
public sealed partial class Announcer(IGrainFactory grains, TimeProvider clock, ILogger<Announcer> logger) : BackgroundService
{
    private readonly PendingChanges pending = new();
    private readonly SemaphoreSlim waiting = new(0);

    /// <summary>Says that something has changed; once it is so. Never throws, and waits for nobody.</summary>
    public void Say(Change change)
    {
        if (pending.Add(change))
        {
            waiting.Release();
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        waiting.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var unrecorded = new Activity("announce").Start(); // of whose parts no trace is made either: they would bury the rest
        var pause = Window;
        while (true)
        {
            await waiting.WaitAsync(stoppingToken);
            await Task.Delay(pause, clock, stoppingToken);
            try
            {
                pause = await grains.GetGrain<IChangesGrain>(0).Publish(pending.Take()).WaitAsync(Limit, clock, stoppingToken) ? Window : Unheard;
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                // The top of a loop. Whether it was told is not known.
                Log.NotTold(logger, failure.Message);
                Say(Change.Anything);
                pause = AfterFailure;
            }
        }
    }

    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(30);
    private static readonly TimeSpan Unheard = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private static partial class Log
    {
        [LoggerMessage(2501, LogLevel.Warning, "That something has changed could not be told, trying again: {Reason}", EventName = "ChangesNotTold")]
        public static partial void NotTold(ILogger logger, string reason);
    }
}

/// <summary>Puts it together.</summary>
public static class AnnouncerSetup
{
    /// <summary>Lets the grains of this silo say what has changed. After the silo, which it asks.</summary>
    public static IServiceCollection AddAnnouncer(this IServiceCollection services) =>
        services.AddSingleton<Announcer>().AddHostedService(provider => provider.GetRequiredService<Announcer>());
}
