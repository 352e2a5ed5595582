using System.Collections.Concurrent;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Journal;

public sealed class JobJournalTests : IDisposable
{
    private readonly LabHost host = new();
    private readonly ImpatientClock longAgo = new();

    private string Jobs => Path.Combine(host.Directory, "var/lib/nannyagent/jobs");

    public void Dispose() => host.Dispose();

    [Fact]
    public async Task A_pruned_job_stops_being_a_job_before_any_of_its_files_goes()
    {
        var job = Reported();

        // The kernel tells of changes in the order in which they are made, so the first is what a power loss leaves first.
        using var watcher = new FileSystemWatcher(Jobs) { IncludeSubdirectories = true, NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName };
        var changes = new ConcurrentQueue<FileSystemEventArgs>();
        watcher.Renamed += (_, change) => changes.Enqueue(change);
        watcher.Deleted += (_, change) => changes.Enqueue(change);
        watcher.EnableRaisingEvents = true;
        new JobJournal(host.Host, TimeProvider.System).Prune();
        await Eventually.Until(() => !changes.IsEmpty, "the first change of the journal");

        var first = Assert.IsType<RenamedEventArgs>(changes.First());
        Assert.Equal(job.Id.Value, first.OldName);
        Assert.False(JobId.TryParse(first.Name, null, out _));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Jobs));
    }

    [Theory]
    [InlineData("job.json")]
    [InlineData("job.json", "started")]
    [InlineData("job.json", "started", "end.json")]
    [InlineData("end.json", "reported")]
    public void What_an_interrupted_pruning_leaves_is_no_job_and_goes_with_the_next(params string[] left)
    {
        var job = Reported();
        var gone = Path.Combine(Jobs, job.Id.Value + JournalEntry.GoneSuffix);
        Directory.Move(Path.Combine(Jobs, job.Id.Value), gone);
        foreach (var file in Directory.EnumerateFiles(gone).Where(file => !left.Contains(Path.GetFileName(file))))
        {
            File.Delete(file);
        }

        var journal = new JobJournal(host.Host, TimeProvider.System);
        Assert.Empty(journal.All());
        Assert.Null(journal.Find(job.Id));
        journal.Prune();
        Assert.Empty(Directory.EnumerateFileSystemEntries(Jobs));
    }

    private PatchGuest Reported()
    {
        var job = RunningAgent.Job(new("apt-update.sh", new string('0', 64)));
        var entry = new JobJournal(host.Host, longAgo).Add(job);
        entry.Start("boot");
        entry.Finish(JobOutcome.Succeeded, null, 0);
        entry.MarkReported();
        return job;
    }
}
