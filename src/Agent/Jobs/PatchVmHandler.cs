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

    /// <inheritdoc/>
    public async Task Run(PatchVm job, JournalEntry entry, JobProgress progress, CancellationToken stopping)
    {
        if (entry.Started is not { } started)
        {
            var (refusal, script) = await patches.PrepareOrCancel(job, entry, progress, stopping);

            // Asked before the start is noted: a VM that cannot be worked in is refused, not interrupted.
            refusal ??= script is null ? null : (await Look(job, false, 0, stopping)).Problem;
            if (script is null || refusal is not null || progress.Cancelled.IsCancellationRequested)
            {
                entry.Finish(refusal is null ? JobOutcome.Cancelled : JobOutcome.Failed, refusal ?? "cancelled before it was started");
                return;
            }

            started = entry.Start(host.BootId());
            Log.Starting(logger, entry.Id, job.Vmid);

            // Whatever comes of it, the VM is asked next: an answer that was lost says nothing of what was done.
            await Exec(job, VmRun.Start, [VmRun.Systemd, job.Script.Sha256, .. PatchChecks.Command(job, isHost: false)], stopping, script);
        }

        progress.Running();
        var (outcome, detail, code) = await Watch(job, entry, started, progress, stopping);
        entry.Finish(outcome, detail, code);
        if (code is not null && (await Exec(job, VmRun.Remove, [], stopping)).Problem is { } problem)
        {
            Log.NotRemoved(logger, entry.Id, job.Vmid, problem);
        }
    }

    private async Task<(JobOutcome Outcome, string? Detail, int? Code)> Watch(PatchVm job, JournalEntry entry, JobStart started, JobProgress progress, CancellationToken stopping)
    {
        var (began, late) = (clock.GetTimestamp(), TimeSpan.FromSeconds(job.TimeoutSeconds) + Late);
        var (asked, killing, claimedFor) = ((long?)null, false, 0);
        using var tail = new OutputTail(entry.Id, entry.Run);

        // What an agent before this one had fetched may not have reached the disk: all of it is fetched again.
        await using var stdout = File.Create(entry.Run.StandardOutput);
        await using var stderr = File.Create(entry.Run.StandardError);
        while (true)
        {
            var cancelled = progress.Cancelled.IsCancellationRequested;
            var (seen, problem) = await Look(job, false, stdout.Length, stopping);
            if (seen is { } first)
            {
                stdout.Write(first.Block);
                if (first.Err > stderr.Length && stderr.Length < Most)
                {
                    (seen, problem) = await Look(job, true, stderr.Length, stopping);
                    stderr.Write(seen?.Block ?? []);
                }

                stdout.Flush(flushToDisk: true);
                stderr.Flush(flushToDisk: true);
                tail.Read(progress.Output);
            }

            switch (seen?.State)
            {
                case "ended" when stdout.Length < Math.Min(seen.Value.Out, Most) || stderr.Length < Math.Min(seen.Value.Err, Most):
                    continue; // the rest at once
                case "ended" when asked is not null && seen.Value.ExitCode is not 0:
                    return (JobOutcome.Cancelled, killing ? "cancelled while it ran; it did not end when asked and was killed" : "cancelled while it ran; it ended as asked", seen.Value.ExitCode);
                case "ended":
                    var (outcome, detail) = PatchVerdict.Of(job, seen.Value.ExitCode!.Value, clock.GetUtcNow() - started.At, PatchHandler.Errors(entry));
                    return (outcome, detail, seen.Value.ExitCode);
                case "prevented":
                    return (JobOutcome.Failed, "could not be started in the VM", null);
                case "none" when stdout.Length + stderr.Length is 0:
                    await Exec(job, VmRun.Prevent, [], stopping);
                    break; // its answer may be lost, the claim is not: the next look tells
                case "none" or "gone":
                case "claimed" when ++claimedFor > ClaimPatience:
                    return (JobOutcome.Interrupted, "the job was started in the VM, its end is unknown", null);
                case "runs" when cancelled:
                    killing |= asked is { } since && clock.GetElapsedTime(since) > patches.Grace;
                    asked ??= clock.GetTimestamp();
                    await Exec(job, VmRun.Signal, [killing ? "KILL" : "TERM"], stopping);
                    break;
                default:
                    break;
            }

            var watched = clock.GetElapsedTime(began);
            if (problem is not null && watched > late + patches.Grace)
            {
                return (JobOutcome.Interrupted, $"the job was started in the VM, its end is unknown: {problem}", null);
            }

            await Wait(cancelled ? FirstPoll : Poll(watched), cancelled ? CancellationToken.None : progress.Cancelled, stopping);
        }
    }

    private static TimeSpan Poll(TimeSpan watched) => watched / 10 is var poll && poll < FirstPoll ? FirstPoll : poll < LastPoll ? poll : LastPoll;

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

    private async Task<((string State, int? ExitCode, long Out, long Err, byte[] Block)? Seen, string? Problem)> Look(PatchVm job, bool errors, long offset, CancellationToken stopping)
    {
        var length = (int)Math.Clamp(Most - offset, 0, Block);
        var (output, problem) = await Exec(job, VmRun.Look, [errors ? "err" : "out", $"{offset}", $"{length}"], stopping);
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
            { ExitCode: null } => (null, "qm guest exec did not end in time or could not be started"),
            _ => (null, GuestExec.Refusal(end.Error)),
        };
    }

    private const int Block = 128 * 1024;
    private const long Most = 8 * 1024 * 1024;
    private const int OutputLimit = 512 * 1024;
    private const int ClaimPatience = 15;
    private static readonly TimeSpan ExecLimit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan FirstPoll = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LastPoll = TimeSpan.FromSeconds(30);

    private static partial class Log
    {
        [LoggerMessage(2011, LogLevel.Information, "Job {Job}: patching VM {Vmid} through its guest agent", EventName = "VmJobStarting")]
        public static partial void Starting(ILogger logger, JobId job, Vmid vmid);

        [LoggerMessage(2012, LogLevel.Warning, "Job {Job}: its directory in VM {Vmid} could not be removed: {Reason}", EventName = "VmJobNotRemoved")]
        public static partial void NotRemoved(ILogger logger, JobId job, Vmid vmid, string reason);
    }
}
