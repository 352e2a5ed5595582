namespace NannyOrleans.Silo.Health;

/// <summary>
/// Between a service manager's signal and the process's end: the framework cuts agents' connections at once, and a balancer would go on sending
/// them here until its next probe. Who asks a second time does not wait.
/// </summary>
internal sealed class DelayedStop(IHostApplicationLifetime application, TimeSpan delay, TimeProvider clock) : IHostApplicationLifetime
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
        if (Interlocked.Increment(ref asked) is 1 && delay > TimeSpan.Zero && ApplicationStarted.IsCancellationRequested)
        {
            _ = Later();
        }
        else
        {
            application.StopApplication();
        }
    }

    private async Task Later()
    {
        await Task.Delay(delay, clock);
        application.StopApplication();
    }
}
