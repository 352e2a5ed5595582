using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Journal;

/// <summary>Every job this host was ever given (for <see cref="TombstoneAge"/>), in a directory each: what makes a job start at most once.</summary>
internal sealed class JobJournal(Host host, TimeProvider clock)
{
    /// <summary>How long a reported job's id is remembered. The server sends a job again within minutes, not weeks.</summary>
    public static readonly TimeSpan TombstoneAge = TimeSpan.FromDays(30);

    private readonly string directory = Path.Combine(host.State, "jobs");

    /// <summary>The entry of a job; null when it was never accepted here.</summary>
    public JournalEntry? Find(JobId id)
    {
        var entry = new JournalEntry(id, Path.Combine(directory, id.Value), clock);
        return entry.Exists ? entry : null;
    }

    /// <summary>Writes a new job. On return it is on disk and may be called accepted.</summary>
    public JournalEntry Add(Job job)
    {
        var path = Path.Combine(directory, job.Id.Value);
        DurableFile.MakeDirectory(path);
        var entry = new JournalEntry(job.Id, path, clock);
        entry.Receive(job);
        DurableFile.SyncDirectory(directory);
        DurableFile.SyncDirectory(host.State);
        return entry;
    }

    /// <summary>All entries, oldest id first.</summary>
    public IReadOnlyList<JournalEntry> All() => !Directory.Exists(directory)
        ? []
        : [.. Directory.EnumerateDirectories(directory)
            .Select(path => JobId.TryParse(Path.GetFileName(path), null, out var id) ? new JournalEntry(id, path, clock) : null)
            .OfType<JournalEntry>()
            .Where(entry => entry.Exists)
            .OrderBy(entry => entry.Id.Value, StringComparer.Ordinal)];

    /// <summary>Forgets jobs that were reported long ago, and what an interrupted forgetting left.</summary>
    public void Prune()
    {
        if (!Directory.Exists(directory))
        {
            return;
        }

        foreach (var left in Directory.EnumerateDirectories(directory, $"*{JournalEntry.GoneSuffix}"))
        {
            Directory.Delete(left, recursive: true);
        }

        foreach (var entry in All().Where(entry => entry.Reported is { } reported && clock.GetUtcNow() - reported.At > TombstoneAge))
        {
            entry.Delete();
        }
    }
}
