using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>
/// All jobs of this host: takes them, runs each at most once, and says what there is to report. It knows no connection; whoever
/// has one takes from <see cref="Due"/>, sends <see cref="Report"/> and calls <see cref="Acknowledge"/>.
/// </summary>
internal sealed partial class JobRuntime(JobJournal journal, PatchHandler patches, TimeProvider clock, ILogger logger)
{
    private readonly Channel<ReportDue> due = Channel.CreateUnbounded<ReportDue>();
    private readonly Lock gate = new();
    private readonly Channel<JobOutput> output = Channel.CreateBounded<JobOutput>(
        new BoundedChannelOptions(OutputsWaiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private readonly ConcurrentDictionary<JobId, string> waitsFor = [];
    private readonly Dictionary<JobId, CancellationTokenSource> cancels = [];
    private readonly Dictionary<Vmid, Task> queues = [];
    private readonly List<Task> looks = [];
    private Task alone = Task.CompletedTask;
    private readonly HashSet<JobId> watched = [];
    private readonly HashSet<JobId> unreadable = [];
    private CancellationToken stopping = CancellationToken.None;

    /// <summary>Patches VMs.</summary>
    public PatchVmHandler? Vms { get; init; }

    /// <summary>Restarts guests.</summary>
    public IJobHandler<RebootGuest>? GuestReboots { get; init; }

    /// <summary>Restarts this machine.</summary>
    public IJobHandler<RebootHost>? HostReboots { get; init; }

    /// <summary>Carries out what is one command of Proxmox VE's or Ceph's.</summary>
    public IJobHandler<Job>? HostCommands { get; init; }

    /// <summary>Examines guests and this machine.</summary>
    public IJobHandler<Diagnose>? Diagnoses { get; init; }

    /// <summary>What should be reported, in order. Items are cheap: output is read when a report is made.</summary>
    public ChannelReader<ReportDue> Due => due.Reader;

    /// <summary>What running jobs print. Pieces that nobody takes in time are dropped: the final report has the output that counts.</summary>
    public ChannelReader<JobOutput> Output => output.Reader;

    /// <summary>Takes up the journal's unfinished jobs: running ones are found again, accepted ones started.</summary>
    /// <param name="cancellationToken">Stops watching jobs; it never ends one.</param>
    public void Resume(CancellationToken cancellationToken)
    {
        lock (gate)
        {
            stopping = cancellationToken;

            // Loops, where LINQ over structs costs the binary tens of kilobytes.
            var found = Readable();
            foreach (var (entry, outcome) in found)
            {
                if (outcome is not (JobOutcome.Accepted or JobOutcome.Running))
                {
                    CleanUp(entry);
                }
            }

            // A job that runs already holds its container: it goes before those that only wait.
            Queue(found, JobOutcome.Running);
            Queue(found, JobOutcome.Accepted);
        }
    }

    /// <summary>Takes a job from the server. On return it is in the journal and its answer is due. An id seen before is only answered.</summary>
    public void Receive(Job job)
    {
        lock (gate)
        {
            if (journal.Find(job.Id) is { } known)
            {
                var outcome = known.Outcome;
                due.Writer.TryWrite(new(known.Id, outcome));
                if (outcome is JobOutcome.Accepted or JobOutcome.Running && !watched.Contains(known.Id))
                {
                    // In the journal and yet nobody's: putting it there failed after its file had its name.
                    Log.Resuming(logger, known.Id, outcome);
                    Queue(known, known.Received.Job);
                }

                return;
            }

            var entry = journal.Add(job);
            Log.Accepted(logger, entry.Id, job.GetType().Name, job.Campaign is { } campaign ? $" for campaign {campaign}" : string.Empty);
            due.Writer.TryWrite(new(entry.Id, JobOutcome.Accepted));
            Queue(entry, job);
        }
    }

    /// <summary>
    /// Ends a job. It is noted on disk first: an agent that ends now ends the job when it is back. One that is not known, or has ended,
    /// is left as it is.
    /// </summary>
    public void Cancel(JobId id)
    {
        lock (gate)
        {
            if (journal.Find(id) is not { Outcome: JobOutcome.Accepted or JobOutcome.Running } entry)
            {
                return;
            }

            if (!entry.IsCancelled)
            {
                entry.Cancel();
                Log.Cancelling(logger, id);
            }

            cancels.GetValueOrDefault(id)?.Cancel();
        }
    }

    /// <summary>The jobs whose end the server does not have yet, as they are now. For a new connection, which knows of nothing said before.</summary>
    public IReadOnlyList<ReportDue> Unacknowledged()
    {
        lock (gate)
        {
            var unacknowledged = new List<ReportDue>();
            foreach (var (entry, outcome) in Readable())
            {
                if (outcome is not JobOutcome.AlreadyReported)
                {
                    unacknowledged.Add(new(entry.Id, outcome));
                }
            }

            return unacknowledged;
        }
    }

    /// <summary>Makes a report; null when the job has been forgotten, or when the server has its end and did not ask again.</summary>
    public JobReport? Report(ReportDue due)
    {
        if (journal.Find(due.Job) is not { } entry)
        {
            return null;
        }

        if (entry.Reported is not null && due.Outcome is not JobOutcome.AlreadyReported)
        {
            return null; // due before the end was said, as the new connection's first word
        }

        if (entry.Damage is not null)
        {
            return new(due.Job, entry.Outcome, "its journal cannot be read");
        }

        if (due.Outcome is JobOutcome.Accepted)
        {
            return new(due.Job, JobOutcome.Accepted, waitsFor.GetValueOrDefault(due.Job));
        }

        if (due.Outcome is JobOutcome.Running)
        {
            return new(due.Job, JobOutcome.Running, Detail: null) { StartedAt = entry.Started?.At };
        }

        var end = entry.End ?? throw new InvalidOperationException($"Job {due.Job} has no end and {due.Outcome} was due.");
        return entry.Reported is null
            ? PatchHandler.Report(entry, end)
            : new(due.Job, JobOutcome.AlreadyReported, end.Detail) { ExitCode = end.ExitCode, StartedAt = end.StartedAt, CompletedAt = end.CompletedAt };
    }

    /// <summary>The server has stored this report. After a final one the job's output is dropped.</summary>
    public void Acknowledge(JobReport report)
    {
        lock (gate)
        {
            if (report.Outcome.IsFinal() && journal.Find(report.Id) is { Reported: null } entry)
            {
                entry.MarkReported();
                Log.Reported(logger, report.Id, report.Outcome);
            }
        }
    }

    /// <summary>Waits until no job is watched any more; after the runtime was told to stop.</summary>
    public async Task Stopped()
    {
        await Task.WhenAll(Taken(() => queues.Values));
        await Task.WhenAll(Taken(() => looks)); // of which the last job may have added one

        Task[] Taken(Func<IEnumerable<Task>> from)
        {
            lock (gate)
            {
                return [.. from()];
            }
        }
    }

    /// <summary>All entries and how far they are. One that cannot be read stands in the way of none of the others.</summary>
    private List<(JournalEntry Entry, JobOutcome Outcome)> Readable()
    {
        var all = new List<(JournalEntry Entry, JobOutcome Outcome)>();
        foreach (var entry in journal.All())
        {
            try
            {
                all.Add((entry, entry.Outcome));
                if (entry.Damage is { } damage && unreadable.Add(entry.Id))
                {
                    Log.Unreadable(logger, entry.Id, damage);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The disk, and perhaps only now: nothing is said of this job until it can be read.
                if (unreadable.Add(entry.Id))
                {
                    Log.Unreadable(logger, entry.Id, e.Message);
                }
            }
        }

        return all;
    }

    private void Queue(List<(JournalEntry Entry, JobOutcome Outcome)> found, JobOutcome wanted)
    {
        foreach (var (entry, outcome) in found)
        {
            if (outcome == wanted)
            {
                Log.Resuming(logger, entry.Id, outcome);
                Queue(entry, entry.Received.Job);
            }
        }
    }

    // Never two on one target at once, and nothing beside a job on the machine itself, which may restart what the others need. Called
    // under the gate, so the order is that of arrival. A diagnosis only looks.
    private void Queue(JournalEntry entry, Job job)
    {
        watched.Add(entry.Id);
        var cancel = new CancellationTokenSource();
        cancels[entry.Id] = cancel;
        if (entry.IsCancelled)
        {
            cancel.Cancel();
        }

        var target = job.Target ?? default; // default: this machine
        if (job is Diagnose)
        {
            looks.RemoveAll(look => look.IsCompleted);
            looks.Add(RunAfter(Task.CompletedTask, entry, job, cancel));
        }
        else if (job is PatchHost or RebootHost)
        {
            queues[target] = alone = RunAfter(Task.WhenAll([.. queues.Values, alone]), entry, job, cancel);
        }
        else
        {
            queues[target] = RunAfter(Task.WhenAll(queues.GetValueOrDefault(target, Task.CompletedTask), alone), entry, job, cancel);
        }
    }

    // Beside what comes next: whoever waits for the end, or for the VM, does not wait for this. Its end is on disk, so it can be done at any time.
    private void CleanUp(JournalEntry entry)
    {
        if (Vms is null || !entry.IsInVm)
        {
            return;
        }

        lock (gate)
        {
            looks.RemoveAll(look => look.IsCompleted);
            looks.Add(Vms.CleanUp(entry, stopping));
        }
    }

    private async Task RunAfter(Task earlier, JournalEntry entry, Job job, CancellationTokenSource cancel)
    {
        await Task.Yield(); // out of the caller's lock
        if (await IsCancelledBeforeItsTurn(earlier, entry, cancel.Token))
        {
            await earlier; // those behind it wait for that one, too
            return;
        }

        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await Run(entry, job, cancel.Token);
                CleanUp(entry);
                due.Writer.TryWrite(new(entry.Id, entry.Outcome));
                Log.Ended(logger, entry.Id, entry.Outcome, entry.End?.Detail);
                Unwatch(entry.Id);
                return;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return; // the job goes on without us; the next agent finds it
            }
            catch (Exception e)
            {
                // The journal's disk, as a rule. The journal still says how far the job is, so going on from it is safe.
                Log.Failing(logger, entry.Id, e);
            }

            await Task.Delay(RetryAfter, clock, stopping).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>Waits for a job's turn, and ends it here if it is cancelled before: whoever cancels does not wait for another job's end.</summary>
    private async Task<bool> IsCancelledBeforeItsTurn(Task earlier, JournalEntry entry, CancellationToken cancelled)
    {
        var noticed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancelled.Register(noticed.SetResult);
        await Task.WhenAny(earlier, noticed.Task);
        if (earlier.IsCompleted || stopping.IsCancellationRequested)
        {
            await earlier;
            return false; // its handler asks, too
        }

        if (entry.Started is not null || entry.WasStopped)
        {
            await earlier;
            return false; // of an earlier agent: it runs, and is ended by who watches it; or its container does, which is to be stopped again
        }

        try
        {
            entry.Finish(JobOutcome.Cancelled, "cancelled before it was started");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.Failing(logger, entry.Id, e);
            await earlier;
            return false; // on its turn it is tried again
        }

        due.Writer.TryWrite(new(entry.Id, entry.Outcome));
        Log.Ended(logger, entry.Id, entry.Outcome, entry.End?.Detail);
        Unwatch(entry.Id);
        return true;
    }

    private void Unwatch(JobId id)
    {
        waitsFor.TryRemove(id, out _);
        lock (gate)
        {
            watched.Remove(id);
            cancels.Remove(id); // not disposed: a cancel may have it in hand
        }
    }

    private async Task Run(JournalEntry entry, Job job, CancellationToken cancelled)
    {
        try
        {
            await Handled(entry, job, cancelled);
        }
        catch (TooLateException e)
        {
            entry.Finish(JobOutcome.Failed, e.Message);
        }
    }

    private Task Handled(JournalEntry entry, Job job, CancellationToken cancelled) => job switch
    {
        _ when entry.End is not null => Task.CompletedTask,
        PatchGuest or PatchHost => patches.Run((PatchJob)job, entry, Progress(entry, cancelled), stopping),
        PatchVm vm when Vms is not null => Vms.Run(vm, entry, Progress(entry, cancelled), stopping),
        RebootGuest reboot when GuestReboots is not null => GuestReboots.Run(reboot, entry, Progress(entry, cancelled), stopping),
        RebootHost reboot when HostReboots is not null => HostReboots.Run(reboot, entry, Progress(entry, cancelled), stopping),
        SetMaintenance or SetCephFlag or MigrateGuest or PowerGuest when HostCommands is not null => HostCommands.Run(job, entry, Progress(entry, cancelled), stopping),
        Diagnose diagnose when Diagnoses is not null => Diagnoses.Run(diagnose, entry, Progress(entry, cancelled), stopping),
        _ => Refuse(entry, job),
    };

    private static Task Refuse(JournalEntry entry, Job job)
    {
        entry.Finish(JobOutcome.Failed, $"this agent cannot carry out a job of the kind {job.GetType().Name}");
        return Task.CompletedTask;
    }

    private JobProgress Progress(JournalEntry entry, CancellationToken cancelled) => new(
        () =>
        {
            waitsFor.TryRemove(entry.Id, out _);
            due.Writer.TryWrite(new(entry.Id, JobOutcome.Running));
        },
        what =>
        {
            waitsFor[entry.Id] = what;
            due.Writer.TryWrite(new(entry.Id, JobOutcome.Accepted));
        },
        piece => output.Writer.TryWrite(piece),
        cancelled);

    private const int OutputsWaiting = 32;
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(30);

    private static partial class Log
    {
        [LoggerMessage(2101, LogLevel.Information, "Job {Job}: {Kind} accepted{Campaign}", EventName = "JobAccepted")]
        public static partial void Accepted(ILogger logger, JobId job, string kind, string campaign);

        [LoggerMessage(2102, LogLevel.Information, "Job {Job} found in the journal: {Outcome}", EventName = "JobResuming")]
        public static partial void Resuming(ILogger logger, JobId job, JobOutcome outcome);

        [LoggerMessage(2103, LogLevel.Information, "Job {Job}: {Outcome} {Detail}", EventName = "JobEnded")]
        public static partial void Ended(ILogger logger, JobId job, JobOutcome outcome, string? detail);

        [LoggerMessage(2104, LogLevel.Information, "Job {Job}: {Outcome} reported", EventName = "JobReported")]
        public static partial void Reported(ILogger logger, JobId job, JobOutcome outcome);

        [LoggerMessage(2105, LogLevel.Error, "Job {Job} cannot go on; trying again in 30 s", EventName = "JobStuck")]
        public static partial void Failing(ILogger logger, JobId job, Exception exception);

        [LoggerMessage(2107, LogLevel.Information, "Job {Job}: to be cancelled", EventName = "JobCancelRequested")]
        public static partial void Cancelling(ILogger logger, JobId job);

        [LoggerMessage(2106, LogLevel.Error, "Job {Job}: its journal cannot be read: {Reason}", EventName = "JobUnreadable")]
        public static partial void Unreadable(ILogger logger, JobId job, string reason);
    }
}

/// <summary>A report that should be sent.</summary>
/// <param name="Job">The job.</param>
/// <param name="Outcome">What is to be said of it.</param>
internal readonly record struct ReportDue(JobId Job, JobOutcome Outcome);
