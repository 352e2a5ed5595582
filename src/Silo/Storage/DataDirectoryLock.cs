namespace NannyOrleans.Silo.Storage;

/// <summary>
/// Holds a data directory for one silo: two would each believe in what they have in memory, and only the versions of rows would keep them from
/// writing over each other. The kernel gives it back when the process ends, however it does.
/// </summary>
internal sealed class DataDirectoryLock : IHostedService, IDisposable
{
    private readonly FileStream held;

    /// <summary>Takes the directory, at once or not at all.</summary>
    /// <exception cref="CannotStartException">Another server has it.</exception>
    public DataDirectoryLock(SiloOptions options)
    {
        try
        {
            held = new(options.PathOf("silo.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new CannotStartException($"The data directory {Path.GetFullPath(options.DataDirectory)} can't be locked; another server uses it already? {refused.Message}", refused);
        }
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose() => held.Dispose();
}
