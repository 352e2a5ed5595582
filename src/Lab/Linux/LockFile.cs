namespace NannyOrleans.Lab.Linux;

/// <summary>A flock that ends with its process, however that ends.</summary>
internal sealed class LockFile : IDisposable
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);
    private readonly int descriptor;

    private LockFile(int descriptor) => this.descriptor = descriptor;

    /// <summary>Takes the lock, or null after <paramref name="patience"/>.</summary>
    /// <param name="path">Created when missing; its directory must exist.</param>
    /// <param name="patience">How long to wait.</param>
    /// <param name="waiting">Called once when somebody else holds it.</param>
    public static LockFile? Take(string path, TimeSpan patience, Action? waiting = null)
    {
        var started = Environment.TickCount64;
        var said = false;
        while (true)
        {
            var descriptor = Native.OpenLockFile(path);
            if (descriptor < 0) { throw new IOException($"cannot open lock file {path}"); }
            while (!Native.TryFlock(descriptor, Native.LockExclusive | Native.LockNow))
            {
                if (!said) { waiting?.Invoke(); said = true; }
                if (Environment.TickCount64 - started >= patience.TotalMilliseconds)
                {
                    Native.Close(descriptor);
                    return null;
                }

                Thread.Sleep(Poll);
            }

            // `down` removes lock files: one that was waited for may be gone, and another process may hold its successor.
            var link = new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget;
            if (link is not null && !link.EndsWith(" (deleted)", StringComparison.Ordinal)) { return new(descriptor); }
            Native.Close(descriptor);
        }
    }

    public void Dispose() => Native.Close(descriptor);
}
