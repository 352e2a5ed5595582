using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>
/// Patches a VM through its QEMU guest agent. What is known of a run is in the VM (<see cref="VmRun"/>); here it is asked for at growing
/// intervals, since each <c>qm</c> costs the host most of a second.
/// </summary>
internal sealed partial class PatchVmHandler(Host host, PatchHandler patches, TimeProvider clock, ILogger logger) : IJobHandler<PatchVm>
{
    private readonly Programs programs = new(host);

    /// <summary>How long after the start it is looked for the first time, and the shortest time between looks.</summary>
    public TimeSpan FirstPoll { get; init; } = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public async Task Run(PatchVm job, JournalEntry entry, JobProgress progress, CancellationToken stopping)
    {
        string? notStarted = null;
        if (entry.Started is not { } started)
        {
            var (refusal, script) = await patches.PrepareOrCancel(job, entry, progress, stopping);

            // Asked before the start is noted: a VM that cannot be worked in is refused, not interrupted.
            refusal ??= script is null ? null : await WhyUnworkable(job, progress, stopping);
            if (script is null || refusal is not null || progress.Cancelled.IsCancellationRequested)
            {
                entry.Finish(refusal is null ? JobOutcome.Cancelled : JobOutcome.Failed, refusal ?? "cancelled before it was started");
                return;
            }

            entry.IsInVm = true;
            started = entry.Start(host.BootId());
            Log.Starting(logger, entry.Id, job.Vmid);

            // Whatever it says, the VM is asked next: an answer that was lost says nothing of what was done.
            var (said, problem) = await Exec(job, VmRun.Start, [VmRun.Systemd, job.Script.Sha256, .. PatchChecks.Command(job, isHost: false)], stopping, script);
            notStarted = said?.Trim() is "damaged" ? "the script did not arrive whole" : problem;
        }

        progress.Running();
        var (outcome, detail, code) = await Watch(job, entry, started, notStarted, progress, stopping);
        entry.Finish(outcome, detail, code);
    }

    /// <summary>
    /// Removes what a job whose end is on disk has left in its VM. A run whose end nobody knows is left as it is: its directory is the claim that
    /// keeps it from being started late, and a later job in the VM sweeps it away.
    /// </summary>
    public async Task CleanUp(JournalEntry entry, CancellationToken stopping)
    {
        await Task.Yield();
        try
        {
            for (var wait = FirstRetry; entry is { End.ExitCode: not null, Received.Job: PatchVm job }; wait *= 2)
            {
                if ((await Exec(job, VmRun.Remove, [], stopping)).Problem is not { } problem)
                {
                    break;
                }

                Log.NotRemoved(logger, entry.Id, job.Vmid, problem);
                if (wait > LastRetry)
                {
                    return; // the next start of the agent tries again
                }

                await Task.Delay(wait, clock, stopping);
            }

            entry.IsInVm = false;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The next agent does it.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            Log.NotCleanedUp(logger, entry.Id, e.Message);
        }
    }

    private async Task<string?> WhyUnworkable(PatchVm job, JobProgress progress, CancellationToken stopping)
    {
        using var wanted = CancellationTokenSource.CreateLinkedTokenSource(stopping, progress.Cancelled);
        try
        {
            return (await Look(job, false, 0, 0, wanted.Token)).Problem;
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task<(JobOutcome Outcome, string? Detail, int? Code)> Watch(
        PatchVm job, JournalEntry entry, JobStart started, string? notStarted, JobProgress progress, CancellationToken stopping)
    {
        var (began, late) = (clock.GetTimestamp(), TimeSpan.FromSeconds(job.TimeoutSeconds) + Late);
        var (reason, outcome, since, forced) = ((string?)null, JobOutcome.Failed, 0L, false);
        using var tail = new OutputTail(entry.Id, entry.Run);

        // What an agent before this one had fetched may not have reached the disk: all of it is fetched again. That there was some is known.
        var spoke = Exists(entry.Run.StandardOutput) || Exists(entry.Run.StandardError);
        await using var stdout = new FetchedOutput(entry.Run.StandardOutput);
        await using var stderr = new FetchedOutput(entry.Run.StandardError);
        while (true)
        {
            var (seen, problem) = await Fetch(job, stdout, stderr, stopping);
            tail.Read(progress.Output);
            spoke |= seen is { Out: > 0 } or { Err: > 0 };
            var watched = clock.GetElapsedTime(began);
            if (reason is null && (progress.Cancelled.IsCancellationRequested || seen?.Age > late || (seen is not null && watched > late)))
            {
                // timeout(1) in the VM should have ended an overdue one. No wall clock is asked: one that is set must not kill a package manager.
                (outcome, reason) = progress.Cancelled.IsCancellationRequested
                    ? (JobOutcome.Cancelled, "cancelled while it ran")
                    : (JobOutcome.Failed, PatchVerdict.TimedOut(job));
                since = clock.GetTimestamp();
                Log.Ending(logger, entry.Id, reason);
            }

            var overdue = reason is not null && clock.GetElapsedTime(since) > patches.Grace;
            switch (seen)
            {
                case { State: "ended" } when !stdout.IsWhole || !stderr.IsWhole:
                    continue; // the rest at once
                case { State: "ended", ExitCode: { } code } when reason is not null && code is not 0:
                    return (outcome, $"{reason}; {(forced ? "it did not end when asked and was killed" : "it ended as asked")}", code);
                case { State: "ended", ExitCode: { } code }:
                    var (verdict, detail) = PatchVerdict.Of(job, code, clock.GetUtcNow() - started.At, PatchHandler.Errors(entry));
                    return (verdict, detail, code);
                case { State: "prevented" }:
                    return (JobOutcome.Failed, notStarted is null ? "could not be started in the VM" : $"could not be started in the VM: {notStarted}", null);
                case { State: "gone" } when forced:
                    return (outcome, $"{reason}; it was killed", null);
                case { State: "none" } when spoke: // a snapshot that was rolled back, a restored backup
                case { State: "gone" }:
                    return (JobOutcome.Interrupted, Unknown, null);
                case { State: "none" }: // the start was answered or given up before, so it will not come any more; should it, this claim is in its way
                case { State: "claimed" } when clock.GetElapsedTime(began) > ClaimPatience:
                    await Exec(job, VmRun.Prevent, [], stopping); // its answer may be lost, the claim is not: the next look tells
                    break;
                case { State: "runs" } when reason is not null:
                    forced |= overdue;
                    await Exec(job, VmRun.Signal, [forced ? "KILL" : "TERM"], stopping);
                    break;
                default:
                    break;
            }

            if (problem is not null && (overdue || watched > late + patches.Grace))
            {
                return (JobOutcome.Interrupted, $"{Unknown}: {problem}", null);
            }

            if (reason is not null && clock.GetElapsedTime(since) > patches.Grace * 10)
            {
                return (JobOutcome.Interrupted, $"{reason}, and it does not end, not even killed", null); // a VM may say for ever that it runs
            }

            await Wait(reason is null || overdue ? Poll(watched) : FirstPoll, reason is null ? progress.Cancelled : CancellationToken.None, stopping);
        }
    }

    /// <summary>Looks, and takes what is new of both outputs.</summary>
    private async Task<(VmLook? Seen, string? Problem)> Fetch(PatchVm job, FetchedOutput stdout, FetchedOutput stderr, CancellationToken stopping)
    {
        var (offset, length) = stdout.Wanted;
        var (seen, problem) = await Look(job, false, offset, length, stopping);
        if (seen is null)
        {
            return (null, problem);
        }

        stdout.Take(offset, seen.Block, seen.Out, seen.State is "ended");
        stderr.Take(stderr.Length, [], seen.Err, seen.State is "ended");
        (offset, length) = stderr.Wanted;
        if (length is 0 || !stderr.HasMore)
        {
            return (seen, null);
        }

        var state = seen;
        (seen, problem) = await Look(job, true, offset, length, stopping);
        if (seen is not null)
        {
            // What it says of the other output is newer than what was taken of that.
            stdout.Take(stdout.Length, [], seen.Out, seen.State is "ended");
            stderr.Take(offset, seen.Block, seen.Err, seen.State is "ended");
        }

        return (seen ?? (state.State is "ended" ? null : state), problem);
    }

    private static bool Exists(string path) => new FileInfo(path) is { Exists: true, Length: > 0 };

    private TimeSpan Poll(TimeSpan watched) => watched / 10 is var poll && poll < FirstPoll ? FirstPoll : poll < LastPoll ? poll : LastPoll;

    private async Task Wait(TimeSpan poll, CancellationToken cancelled, CancellationToken stopping)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancelled);
        try
        {
            await Task.Delay(poll, clock, either.Token);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            // Cancelled: the loop looks at once.
        }
    }

    private async Task<(VmLook? Seen, string? Problem)> Look(PatchVm job, bool errors, long offset, int length, CancellationToken stopping)
    {
        var (output, problem) = await Exec(
            job, VmRun.Look, [errors ? "err" : "out", offset.ToString(CultureInfo.InvariantCulture), length.ToString(CultureInfo.InvariantCulture)], stopping);
        var seen = output is null ? null : VmRun.Parse(output, errors, offset, length);
        return (seen, problem ?? (seen is null ? "the VM's answer cannot be read" : null));
    }

    private async Task<(string? Output, string? Problem)> Exec(PatchVm job, string script, IReadOnlyList<string> arguments, CancellationToken stopping, string? input = null)
    {
        List<string> command = ["guest", "exec", job.Vmid.ToString(), "--timeout", "60", "--pass-stdin", input is null ? "0" : "1", "--", "sh", "-c", script, "nanny", VmRun.Folder, job.Id.ToString()];
        command.AddRange(arguments);
        var end = await programs.Run("qm", command, ExecLimit, OutputLimit, stopping, "qm guest exec", input);
        return end switch
        {
            { Problem: null } => GuestExec.Read(end.Output),
            { ExitCode: null } => (null, end.Problem),
            _ => (null, GuestExec.Refusal(end.Error)),
        };
    }

    private const string Unknown = "the job was started in the VM, its end is unknown";
    private const int OutputLimit = 1024 * 1024;
    private static readonly TimeSpan ExecLimit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LastPoll = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ClaimPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LastRetry = TimeSpan.FromHours(1);

    private static partial class Log
    {
        [LoggerMessage(2011, LogLevel.Information, "Job {Job}: patching VM {Vmid} through its guest agent", EventName = "VmJobStarting")]
        public static partial void Starting(ILogger logger, JobId job, Vmid vmid);

        [LoggerMessage(2012, LogLevel.Warning, "Job {Job}: its directory in VM {Vmid} could not be removed: {Reason}", EventName = "VmJobNotRemoved")]
        public static partial void NotRemoved(ILogger logger, JobId job, Vmid vmid, string reason);

        [LoggerMessage(2013, LogLevel.Warning, "Job {Job}: {Reason}; ending it in the VM", EventName = "VmJobEnding")]
        public static partial void Ending(ILogger logger, JobId job, string reason);

        [LoggerMessage(2014, LogLevel.Error, "Job {Job}: what it has left in its VM could not be seen to: {Reason}", EventName = "VmJobNotCleanedUp")]
        public static partial void NotCleanedUp(ILogger logger, JobId job, string reason);
    }
}
