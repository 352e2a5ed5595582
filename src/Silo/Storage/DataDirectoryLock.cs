namespace NannyOrleans.Silo.Storage;

/// <summary>
/// Holds a data directory for one silo: two would each believe in what they have in memory, and only the versions of rows would keep them from
/// writing over each other. The kernel gives it back when the process ends, however it does.
/// </summary>
internal sealed class DataDirectoryLock : IHostedService, IDisposable
{
    /// <summary>A file that is there while a backup is being restored: until then some of the databases may be missing.</summary>
    public const string Restoring = "restore.unfinished";

    private readonly FileStream held;

    /// <summary>Takes the directory, at once or not at all.</summary>
    /// <param name="options">Which.</param>
    /// <param name="restoring">Whether it is taken to restore a backup, and not to be served.</param>
    /// <exception cref="CannotStartException">Another server has it, or a backup was not restored to its end.</exception>
    public DataDirectoryLock(SiloOptions options, bool restoring = false)
    {
        try
        {
            held = new(options.PathOf("silo.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new CannotStartException($"The data directory {Path.GetFullPath(options.DataDirectory)} can't be locked; another server uses it already? {refused.Message}", refused);
        }

        if (!restoring && File.Exists(options.PathOf(Restoring)))
        {
            held.Dispose();
            throw new CannotStartException($"The restore of a backup into {Path.GetFullPath(options.DataDirectory)} was cut off. Do it again.");
        }
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose() => held.Dispose();
}
