namespace NannyOrleans.Agent.Jobs;

/// <summary>
/// One output of a run in a VM, as far as it has been fetched: its beginning while the run goes on and, once it has ended, its end. What lies
/// between of a very long one is never asked for and is a hole in the file, as a report leaves it out anyway.
/// </summary>
internal sealed class FetchedOutput(string path) : IAsyncDisposable
{
    // Shared: whoever watches the output, and the verdict, read the file meanwhile.
    private readonly FileStream file = new(path, FileMode.Create, FileAccess.Write, FileShare.Read);
    private long size;
    private bool ended;

    /// <summary>Where the next piece begins that was not fetched yet.</summary>
    public long Length => file.Length;

    /// <summary>Whether all that is wanted is here: known only of a run that has ended.</summary>
    public bool IsWhole => ended && file.Length >= size;

    /// <summary>Whether there is more than was fetched, as far as is known.</summary>
    public bool HasMore => size > file.Length;

    /// <summary>The piece to ask for next; of no length when nothing is.</summary>
    public (long Offset, int Length) Wanted =>
        file.Length < Beginning ? (file.Length, Piece)
        : ended && size > file.Length ? (Math.Max(file.Length, size - End), Piece)
        : (file.Length, 0);

    /// <summary>Takes a piece, on return it is on disk, and how long the whole is by now. What is said after the end counts no more.</summary>
    public void Take(long offset, byte[] piece, long size, bool ended)
    {
        // A VM that says it has ended and grows all the same would be asked for ever.
        if (!this.ended)
        {
            (this.size, this.ended) = (size, ended);
        }

        if (piece.Length > 0)
        {
            file.Position = offset;
            file.Write(piece);
            file.Flush(flushToDisk: true);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => file.DisposeAsync();

    /// <summary>The most that is asked for at once: far below what a guest agent cuts off, and in base64 what fits into the memory of this process.</summary>
    public const int Piece = 256 * 1024;

    private const long Beginning = 2 * 1024 * 1024;
    private const long End = 2 * 1024 * 1024;
}
