using Microsoft.Extensions.Logging;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>
/// Patches one container, or the machine itself. Called again after a restart of the agent, it goes on where the journal says the job
/// is. Without a <paramref name="node"/> this is a machine outside Proxmox VE, which has no containers.
/// </summary>
internal sealed partial class PatchHandler(Host host, NodeName? node, BoundedReads reads, ScriptCache scripts, TimeProvider clock, ILogger logger)
    : IJobHandler<PatchJob>
{
    private readonly Programs programs = new(host);

    /// <summary>How long a job that was asked to end may take to do so before it is killed: a package manager in the middle of a package needs a while.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(60);

    /// <inheritdoc/>
    public async Task Run(PatchJob job, JournalEntry entry, JobProgress progress, CancellationToken stopping)
    {
        if ((entry.Started ?? await Begin(job, entry, progress, stopping)) is not { } started)
        {
            return;
        }

        progress.Running();
        var end = await Watch(job, entry, started, progress, stopping);
        var warning = await StopAgain(job, entry, stopping);
        entry.Finish(end.Outcome, end.Detail, end.ExitCode, end.At, warning);
    }

    // Null when it has ended before it began.
    private async Task<JobStart?> Begin(PatchJob job, JournalEntry entry, JobProgress progress, CancellationToken stopping)
    {
        try
        {
            var (refusal, script) = await PrepareOrCancel(job, entry, progress, stopping);
            if (script is null)
            {
                var left = await StopAgain(job, entry, stopping);
                entry.Finish(refusal is null ? JobOutcome.Cancelled : JobOutcome.Failed, refusal ?? "cancelled before it was started", warning: left);
                return null;
            }

            // Durable before anything runs: after this line the job is never started again, whatever happens.
            var started = entry.Start(host.BootId());
            Log.Starting(logger, entry.Id, job.Target?.ToString() ?? "this machine");
            if (await entry.Run.Start(host, script, PatchChecks.Command(job, node is not null), job.Script.Sha256) is { } problem)
            {
                var left = await StopAgain(job, entry, stopping);
                entry.Finish(JobOutcome.Failed, $"could not be started: {problem}", warning: left);
                return null;
            }

            return started;
        }
        catch (TooLateException)
        {
            await StopAgain(job, entry, stopping);
            throw;
        }
    }

    // No script and no refusal: it was cancelled meanwhile.
    internal async Task<(string? Refusal, string? Script)> PrepareOrCancel(PatchJob job, JournalEntry entry, JobProgress progress, CancellationToken stopping)
    {
        using var wanted = CancellationTokenSource.CreateLinkedTokenSource(stopping, progress.Cancelled);
        try
        {
            return await Prepare(job, entry, progress, wanted.Token);
        }
        catch (OperationCanceledException) when (progress.Cancelled.IsCancellationRequested && !stopping.IsCancellationRequested)
        {
            return (null, null);
        }
    }

    private async Task<(string? Refusal, string? Script)> Prepare(PatchJob job, JournalEntry entry, JobProgress progress, CancellationToken wanted)
    {
        if (PatchChecks.Refusal(job) is { } wrong)
        {
            return (wrong, null);
        }

        if (job.Target is not null && node is null)
        {
            return ($"this machine is no Proxmox VE host and has no {(job is PatchVm ? "VM" : "container")} {job.Target}; only the host that runs it can patch it", null);
        }

        // From the first attempt: a job may have waited for hours behind another on its container.
        var began = clock.GetTimestamp();
        var said = string.Empty;
        for (var failures = 1; ; failures++)
        {
            wanted.ThrowIfCancellationRequested();
            entry.ThrowIfTooLate();
            try
            {
                var script = await scripts.Get(job.Script, wanted);
                if (job.Target is not { } vmid)
                {
                    return (null, script);
                }

                // Last, so that as little time as possible lies between the look and the start.
                var file = await reads.Read(host.At("/etc/pve"), () => GuestConfFile.Read(host, node!.Value, vmid), wanted);
                var container = file is { Type: GuestType.Lxc } ? file.Text : null;
                var (refusal, held) = job is PatchVm ? PatchChecks.OfVm(vmid, file) : (null, PatchChecks.LockOf(container));
                if (held is null)
                {
                    if (job is PatchGuest guest)
                    {
                        refusal = PatchChecks.Refusal(vmid, container) ?? (guest.StartStopped ? await StartIfStopped(guest, container!, entry, wanted) : null);
                    }

                    return refusal is null ? (null, script) : (refusal, null);
                }

                if (clock.GetElapsedTime(began) >= TimeSpan.FromSeconds(job is PatchVm vm ? vm.WaitSeconds : ((PatchGuest)job).WaitSeconds))
                {
                    return (held, null);
                }

                if (held != said)
                {
                    progress.WaitsFor($"waiting: {said = held}");
                }

                await Task.Delay(LockPoll, clock, wanted);
            }
            catch (Exception e) when (e is ScriptException or UnreadableException)
            {
                return (e.Message, null);
            }
            catch (Exception e) when (e is HttpRequestException or RegistrationEndedException or TaskCanceledException && !wanted.IsCancellationRequested)
            {
                if (clock.GetElapsedTime(began) > FetchLimit)
                {
                    return ($"could not fetch the script {job.Script.Name}: {PlainText.Of(e.Message)}", null);
                }

                Log.CannotFetch(logger, job.Script.Name, e.Message);
                await Task.Delay(Backoff.After(failures, Random.Shared.NextDouble()), clock, wanted);
            }
        }
    }

    /// <summary>Starts a container that is stopped, having noted durably that it was: it is stopped again whatever comes of the job.</summary>
    /// <returns>Why it could not be; null when it runs.</returns>
    private async Task<string?> StartIfStopped(PatchGuest job, string conf, JournalEntry entry, CancellationToken wanted)
    {
        var process = await new GuestProcesses(host).Find(GuestType.Lxc, job.Vmid, wanted);
        switch (process.Status)
        {
            case GuestStatus.Running:
                return null;
            case GuestStatus.Stopped:
                break;
            default:
                return $"it is not known whether the container runs: {process.Problem}";
        }

        if (await reads.Read(host.At("/etc/pve"), () => IsHaManaged(job.Vmid), wanted))
        {
            return "the container is stopped and managed by HA, which decides when it runs; start it through HA first";
        }

        entry.NoteStopped();
        var start = await programs.RunApart("pct", ["start", job.Vmid.ToString()], StartLimit, OutputLimit, wanted);
        if (start.Problem is { } problem)
        {
            return $"the stopped container could not be started: {problem}";
        }

        await UntilReady(job.Vmid, conf, wanted);
        return null;
    }

    // It has an address once DHCP has answered; a container without a network, or a slow one, is not waited for longer.
    private async Task UntilReady(Vmid vmid, string conf, CancellationToken wanted)
    {
        if (GuestConf.Parse(GuestType.Lxc, conf) is not { Networks.Count: > 0 })
        {
            return;
        }

        var began = clock.GetTimestamp();
        while (clock.GetElapsedTime(began) < ReadyLimit)
        {
            var addresses = await programs.Run("lxc-info", ["-n", vmid.ToString(), "-iH"], StartLimit, OutputLimit, wanted);
            if (addresses is { Problem: null } && !string.IsNullOrWhiteSpace(addresses.Output))
            {
                return;
            }

            await Task.Delay(LastPoll, clock, wanted);
        }
    }

    private bool IsHaManaged(Vmid vmid)
    {
        var file = host.At("/etc/pve/ha/resources.cfg");
        try
        {
            return File.ReadLines(file).Any(line => line.StartsWith("ct:", StringComparison.Ordinal) && line[3..].Trim() == vmid.ToString());
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException && Directory.Exists(host.At("/etc/pve/nodes")))
        {
            return false; // HA was never used; without /etc/pve itself that would not be known
        }
    }

    /// <summary>Stops a container that was started for the job. After a crash it is done again: a stopped one stays stopped.</summary>
    /// <returns>That it could not be, and why; null when it is as it was before the job.</returns>
    private async Task<string?> StopAgain(PatchJob job, JournalEntry entry, CancellationToken stopping)
    {
        if (job.Target is not { } vmid || !entry.WasStopped)
        {
            return null;
        }

        var end = await programs.RunApart("pct", ["shutdown", vmid.ToString(), "--timeout", "60", "--forceStop", "1"], StopLimit, OutputLimit, stopping);
        if (end.Problem is not { } problem || (await new GuestProcesses(host).Find(GuestType.Lxc, vmid, stopping)).Status is GuestStatus.Stopped)
        {
            return null;
        }

        Log.NotStopped(logger, entry.Id, vmid, problem);
        return $"the container was stopped before and could not be stopped again: {PlainText.Of(problem)}";
    }

    /// <summary>A share of a job's time so far: it is looked at the rarer the longer it runs.</summary>
    private static TimeSpan Share(TimeSpan watched, int part, TimeSpan least) => watched / part is var share && share < least ? least : share < LastPoll ? share : LastPoll;

    private async Task<End> Watch(PatchJob job, JournalEntry entry, JobStart started, JobProgress progress, CancellationToken stopping)
    {
        var run = entry.Run;
        var patience = clock.GetTimestamp();
        var late = TimeSpan.FromSeconds(job.TimeoutSeconds) + Late;
        var (ending, told, nextOutput) = (new Ending(), false, TimeSpan.Zero);
        using var output = new OutputTail(entry.Id, run);
        var theirs = new List<TreeProcess>();
        while (true)
        {
            var boot = host.BootId();

            // Another boot only if both are known: one that cannot be read just now says nothing, and pid and start time remain.
            var anotherBoot = boot is not null && started.BootId is not null && boot != started.BootId;
            var runner = anotherBoot ? null : run.RunnerProcess();
            var alive = runner?.IsAlive() is true;
            var watched = clock.GetElapsedTime(patience);
            if (watched >= nextOutput)
            {
                // Whoever watches reads it no faster than this; each piece is a message to the server.
                output.Read(progress.Output);
                nextOutput = watched + OutputPeriod;
            }

            // Asked after the runner: it writes the code and then ends, so a dead one has written what it ever will.
            if (run.Ended() is { } end)
            {
                if (end.Code is not 0)
                {
                    await ProcessTree.End(theirs, Grace < Leftovers ? Grace : Leftovers, clock, stopping);
                }

                return Ended(job, end, started, ending, anotherBoot, Kept(run.StandardError, StderrLimit, StderrEncodedLimit).Text);
            }

            if (runner is not null && !alive)
            {
                return ending.Reason is { } reason ? new(ending.Outcome, $"{reason}; it was killed", null, null) : new(JobOutcome.Interrupted, Unknown, null, null);
            }

            if (runner is null && watched > RunnerPatience)
            {
                // No runner ever said who it is. In the same boot its claim tells whether it began; in another one the claim itself may be lost.
                var prevented = boot is not null && boot == started.BootId && run.TryPrevent();
                return prevented
                    ? new(JobOutcome.Failed, JobReport.NeverRan, null, null)
                    : new(JobOutcome.Interrupted, Unknown, null, null);
            }

            if (alive)
            {
                // The runner's age, not the wall clock's word: a clock that is set must not kill a package manager.
                if (ending.Reason is null && progress.Cancelled.IsCancellationRequested)
                {
                    ending = new(JobOutcome.Cancelled, "cancelled while it ran", clock.GetTimestamp());
                    Log.Cancelling(logger, entry.Id);
                }
                else if (ending.Reason is null && runner!.Value.Age() is { } age && age > late)
                {
                    // timeout(1) in the container should have ended it. A frozen container answers nobody.
                    ending = new(JobOutcome.Failed, PatchVerdict.TimedOut(job), clock.GetTimestamp());
                    Log.EndingFromOutside(logger, entry.Id);
                }

                // apt gives dpkg a session of its own, which timeout(1) does not reach, and without its parent nobody finds it any more.
                if (ending.Reason is not null || runner!.Value.Age() >= TimeSpan.FromSeconds(job.TimeoutSeconds) - BeforeDeadline)
                {
                    theirs.AddRange(ProcessTree.Below(runner!.Value));
                }

                EndIfDue(ending, runner!.Value);
            }

            if (!told && (OutputSpace.GiveBack(run.StandardOutput) ?? OutputSpace.GiveBack(run.StandardError)) is { } grows)
            {
                told = true;
                Log.NoSpaceGivenBack(logger, entry.Id, grows);
            }

            await Wait(run, watched, progress, ending, stopping);
        }
    }

    private End Ended(PatchJob job, (int Code, DateTimeOffset At) end, JobStart started, Ending ending, bool anotherBoot, string stderr)
    {
        if (anotherBoot && !PatchVerdict.HasStarted(stderr))
        {
            return new(JobOutcome.Interrupted, Unknown, end.Code, end.At); // the code outlived the power loss, the output did not
        }

        if (ending.Reason is { } reason && end.Code is not 0)
        {
            return new(ending.Outcome, $"{reason}; {(ending.IsForced(clock, Grace) ? "it did not end when asked and was killed" : "it ended as asked")}", end.Code, end.At);
        }

        var (outcome, detail) = PatchVerdict.Of(job, end.Code, end.At - started.At, stderr);
        return new(outcome, detail, end.Code, end.At);
    }

    // First asked, so that the script's own way out is taken; then, when it takes too long, everything that is left of it is killed.
    private void EndIfDue(Ending ending, ProcessStat runner)
    {
        if (ending.Reason is null)
        {
            return;
        }

        if (ending.IsForced(clock, Grace))
        {
            ProcessTree.Kill(runner);
        }
        else if (!ending.Asked)
        {
            ending.Asked = ProcessTree.AskScript(runner);
        }
    }

    // Until it has ended, which is noticed late by a hundredth of its time at most, or until the next whole look: those read a dozen files and send
    // what was printed. Woken by a cancel, so that it is not noticed late; from then on each look is a whole one, since what is left over has to be known.
    private async Task Wait(DetachedRun run, TimeSpan watched, JobProgress progress, Ending ending, CancellationToken stopping)
    {
        var began = clock.GetTimestamp();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, ending.Reason is null ? progress.Cancelled : CancellationToken.None);
        try
        {
            do
            {
                await Task.Delay(Share(watched, 100, FirstPoll), clock, either.Token);
            }
            while (ending.Reason is null && !run.HasEnded && clock.GetElapsedTime(began) < Share(watched, 30, OutputPeriod));
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            // Cancelled: the loop looks at once.
        }
    }

    /// <summary>The report of a job that has ended, its output read from the files.</summary>
    public static JobReport Report(JournalEntry entry, JobEnd end)
    {
        var stdout = Kept(entry.Run.StandardOutput, StdoutLimit, StdoutEncodedLimit);
        var stderr = Kept(entry.Run.StandardError, StderrLimit, StderrEncodedLimit);
        return new(entry.Id, end.Outcome, end.Detail)
        {
            ExitCode = end.ExitCode,
            StandardOutput = stdout.Text,
            StandardError = stderr.Text,
            StandardOutputCut = stdout.Cut,
            StandardErrorCut = stderr.Cut,
            StartedAt = end.StartedAt,
            CompletedAt = end.CompletedAt,
            Warning = end.Warning,
        };
    }

    /// <summary>Standard error as it is kept: what a verdict is made of.</summary>
    internal static string Errors(JournalEntry entry) => Kept(entry.Run.StandardError, StderrLimit, StderrEncodedLimit).Text;

    private static KeptOutput Kept(string path, int limit, int encodedLimit) => KeptOutput.Read(path, limit, encodedLimit);

    private const string Unknown = "the job was started, its end is unknown";
    private const int StdoutLimit = 1024 * 1024;
    private const int StderrLimit = 256 * 1024;

    // Together below the 4 MiB the server takes in one message.
    private const int StdoutEncodedLimit = 2816 * 1024;
    private const int StderrEncodedLimit = 768 * 1024;

    private static readonly TimeSpan FetchLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan BeforeDeadline = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Leftovers = TimeSpan.FromSeconds(10); // as timeout(1) gives to what it can reach
    private static readonly TimeSpan LockPoll = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan StopLimit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(30);
    private const int OutputLimit = 4096;
    private static readonly TimeSpan RunnerPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstPoll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LastPoll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan OutputPeriod = TimeSpan.FromMilliseconds(250);

    private sealed record End(JobOutcome Outcome, string? Detail, int? ExitCode, DateTimeOffset? At);

    /// <summary>Whether and why a running job is being ended.</summary>
    private sealed class Ending(JobOutcome outcome = JobOutcome.Failed, string? reason = null, long since = 0)
    {
        public JobOutcome Outcome => outcome;

        public string? Reason => reason;

        public bool Asked { get; set; }

        public bool IsForced(TimeProvider clock, TimeSpan grace) => clock.GetElapsedTime(since) > grace;
    }

    private static partial class Log
    {
        [LoggerMessage(2006, LogLevel.Warning, "Job {Job} prints a lot and its output keeps taking space: {Reason}", EventName = "JobOutputGrows")]
        public static partial void NoSpaceGivenBack(ILogger logger, JobId job, string reason);

        [LoggerMessage(2004, LogLevel.Information, "Job {Job}: cancelled; it is asked to end", EventName = "JobCancelling")]
        public static partial void Cancelling(ILogger logger, JobId job);

        [LoggerMessage(2005, LogLevel.Error, "Job {Job}: container {Vmid} was stopped before it and could not be stopped again: {Reason}", EventName = "GuestNotStopped")]
        public static partial void NotStopped(ILogger logger, JobId job, Vmid vmid, string reason);

        [LoggerMessage(2001, LogLevel.Information, "Job {Job}: patching {Target}", EventName = "JobStarting")]
        public static partial void Starting(ILogger logger, JobId job, string target);

        [LoggerMessage(2002, LogLevel.Warning, "Script {Script} could not be fetched, trying again: {Reason}", EventName = "ScriptNotFetched")]
        public static partial void CannotFetch(ILogger logger, string script, string reason);

        [LoggerMessage(2003, LogLevel.Warning, "Job {Job} is far over its time; ending it from the host", EventName = "JobEndedFromOutside")]
        public static partial void EndingFromOutside(ILogger logger, JobId job);
    }
}
