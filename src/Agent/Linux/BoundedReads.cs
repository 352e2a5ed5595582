namespace NannyOrleans.Agent.Linux;

/// <summary>
/// Reads that may never come back. <c>/etc/pve</c>, first of all, is a FUSE file system: when its daemon hangs, a read blocks in the kernel and
/// nothing can end it. Each read therefore has a thread of its own, and while one is stuck no further ones are sent after it.
/// </summary>
/// <param name="limit">How long one read may take.</param>
/// <param name="suspicion">What it means when one takes longer, for the error message.</param>
internal sealed class BoundedReads(TimeSpan limit, string suspicion = "pmxcfs hangs")
{
    private volatile Stuck? stuck;

    /// <summary>Runs <paramref name="read"/>.</summary>
    /// <param name="what">What is read, for the error message.</param>
    /// <param name="read">The read; its exceptions reach the caller.</param>
    /// <param name="cancellationToken">Gives up waiting; the thread goes on until its read ends.</param>
    /// <exception cref="UnreadableException">It took longer than the limit, or an earlier read has not come back yet.</exception>
    public async Task<T> Read<T>(string what, Func<T> read, CancellationToken cancellationToken)
    {
        if (stuck is { Read.IsCompleted: false } earlier)
        {
            throw new UnreadableException($"{earlier.What} still does not answer; {suspicion}");
        }

        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                done.SetResult(read());
            }
            catch (Exception e) // handed to the awaiting caller, not swallowed
            {
                done.SetException(e);
            }
        })
        { IsBackground = true, Name = what }.Start();

        try
        {
            return await done.Task.WaitAsync(limit, cancellationToken);
        }
        catch (TimeoutException) when (!done.Task.IsCompleted)
        {
            stuck = new(what, done.Task);
            throw new UnreadableException($"{what} did not answer within {limit.TotalSeconds:0.#} s; {suspicion}");
        }
    }

    private sealed record Stuck(string What, Task Read);
}

/// <summary>Something of the host could not be read; the message says what and why, in a person's words.</summary>
internal sealed class UnreadableException(string message) : IOException(message);
