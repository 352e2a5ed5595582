using Microsoft.Extensions.Options;

namespace NannyOrleans.Silo.Health;

/// <summary>
/// Between a service manager's signal and the process's end: the framework cuts agents' connections at once, and a balancer would go on sending
/// them here until its next probe. Who asks a second time does not wait.
/// </summary>
internal sealed class DelayedStop(IHostApplicationLifetime application, IOptions<HealthOptions> options, TimeProvider clock) : IHostApplicationLifetime
{
    private int asked;

    /// <summary>Whether it was told to stop.</summary>
    public bool IsStopping => asked > 0 || application.ApplicationStopping.IsCancellationRequested;

    /// <inheritdoc/>
    public CancellationToken ApplicationStarted => application.ApplicationStarted;

    /// <inheritdoc/>
    public CancellationToken ApplicationStopping => application.ApplicationStopping;

    /// <inheritdoc/>
    public CancellationToken ApplicationStopped => application.ApplicationStopped;

    /// <inheritdoc/>
    public void StopApplication()
    {
        // One that is not up yet serves nobody.
        if (Interlocked.Increment(ref asked) is 1 && options.Value.StopDelaySeconds is > 0 and var seconds && ApplicationStarted.IsCancellationRequested)
        {
            _ = Later(TimeSpan.FromSeconds(seconds));
        }
        else
        {
            application.StopApplication();
        }
    }

    private async Task Later(TimeSpan delay)
    {
        await Task.Delay(delay, clock);
        application.StopApplication();
    }
}
