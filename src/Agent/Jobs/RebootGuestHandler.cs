using Microsoft.Extensions.Logging;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>
/// Restarts one guest, by one <c>pct reboot</c> or <c>qm reboot</c> in its life, and is done when the guest has another first process. Without a
/// <paramref name="node"/> this is a machine outside Proxmox VE, which has no guests: every job is refused.
/// </summary>
internal sealed partial class RebootGuestHandler(Host host, NodeName? node, BoundedReads reads, TimeProvider clock, ILogger logger) : IJobHandler<RebootGuest>
{
    /// <inheritdoc/>
    public async Task Run(RebootGuest job, JournalEntry entry, JobProgress progress, CancellationToken stopping)
    {
        var processes = new GuestProcesses(host);
        var (started, resumed) = (entry.Started, true);
        if (started is null)
        {
            if (await Prepare(job, entry, processes, progress, stopping) is not { Begin: var (type, before) } ready)
            {
                entry.Finish(JobOutcome.Cancelled, "cancelled before it was begun");
                return;
            }

            if (ready.Refusal is not null)
            {
                entry.Finish(JobOutcome.Failed, ready.Refusal);
                return;
            }

            // Durable before anything happens: after this line no second reboot is ever begun.
            started = entry.Start(host.BootId(), before);
            resumed = false;
            Log.Starting(logger, entry.Id, job.Vmid);
            if (await entry.Run.Start(host, "/dev/null", GuestRebootChecks.Command(job, type)) is { } problem)
            {
                entry.Finish(JobOutcome.Failed, $"could not be started: {problem}");
                return;
            }
        }

        progress.Running();
        await Watch(job, entry, started, resumed, processes, stopping);
    }

    // Null when it was cancelled meanwhile.
    private async Task<Ready?> Prepare(RebootGuest job, JournalEntry entry, GuestProcesses processes, JobProgress progress, CancellationToken stopping)
    {
        if (GuestRebootChecks.Refusal(job) is { } wrong)
        {
            return Refused(wrong);
        }

        if (node is not { } name)
        {
            return Refused($"this machine is no Proxmox VE host and has no guest {job.Vmid}; only the host that runs it can restart it");
        }

        using var wanted = CancellationTokenSource.CreateLinkedTokenSource(stopping, progress.Cancelled);
        var (began, said) = (clock.GetTimestamp(), string.Empty);
        try
        {
            while (true)
            {
                entry.ThrowIfTooLate();

                // The file last, so that as little time as possible lies between the look at the lock and the start.
                var type = (await Read())?.Type;
                var process = type is { } known ? await processes.Find(known, job.Vmid, wanted.Token) : null;
                var file = await Read();
                var (refusal, held) = GuestRebootChecks.Of(job.Vmid, file?.Type == type ? file : null, process);
                wanted.Token.ThrowIfCancellationRequested();
                if (held is null)
                {
                    return refusal is not null ? Refused(refusal) : new(null, (file!.Type, process!.First!));
                }

                if (clock.GetElapsedTime(began) >= TimeSpan.FromSeconds(job.WaitSeconds))
                {
                    return Refused(held);
                }

                if (held != said)
                {
                    progress.WaitsFor(said = held);
                }

                await Task.Delay(LockPoll, clock, wanted.Token);
            }
        }
        catch (UnreadableException e)
        {
            return Refused(e.Message);
        }
        catch (OperationCanceledException) when (progress.Cancelled.IsCancellationRequested && !stopping.IsCancellationRequested)
        {
            return null;
        }

        Task<GuestConfFile?> Read() => reads.Read(host.At("/etc/pve"), () => GuestConfFile.Read(host, name, job.Vmid), wanted.Token);
    }

    private async Task Watch(RebootGuest job, JournalEntry entry, JobStart started, bool resumed, GuestProcesses processes, CancellationToken stopping)
    {
        var watch = new CommandWatch(host, entry.Run, started, resumed, job.TimeoutSeconds, clock);
        while (true)
        {
            var seen = watch.Look();
            if (seen.NeverRan)
            {
                entry.Finish(JobOutcome.Failed, JobReport.NeverRan);
                return;
            }

            var guest = await Find(job.Vmid, processes, stopping);
            if (GuestRebootChecks.Of(new(guest.Program, started.Process, guest.Process, seen.ExitCode, seen.Error, seen.Runs, seen.AnotherBoot, seen.IsLate)) is { } verdict)
            {
                entry.Finish(verdict.Outcome, verdict.Detail, seen.ExitCode);
                return;
            }

            await watch.Wait(stopping);
        }
    }

    private async Task<(string Program, GuestProcess Process)> Find(Vmid vmid, GuestProcesses processes, CancellationToken stopping)
    {
        try
        {
            if (node is { } name && await reads.Read(host.At("/etc/pve"), () => GuestConfFile.Read(host, name, vmid), stopping) is { } file)
            {
                return (file.Type is GuestType.Lxc ? "pct" : "qm", await processes.Find(file.Type, vmid, stopping));
            }

            return ("pct or qm", new(GuestStatus.Unknown, null, $"guest {vmid} is not on this node any more"));
        }
        catch (UnreadableException e)
        {
            return ("pct or qm", new(GuestStatus.Unknown, null, e.Message));
        }
    }

    private static Ready Refused(string why) => new(why, default);

    private static readonly TimeSpan LockPoll = TimeSpan.FromSeconds(5);

    private sealed record Ready(string? Refusal, (GuestType Type, FirstProcess Before) Begin);

    private static partial class Log
    {
        [LoggerMessage(2011, LogLevel.Information, "Job {Job}: restarting guest {Vmid}", EventName = "GuestRebootStarting")]
        public static partial void Starting(ILogger logger, JobId job, Vmid vmid);
    }
}
