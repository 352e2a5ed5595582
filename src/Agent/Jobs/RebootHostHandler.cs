using System.Globalization;
using Microsoft.Extensions.Logging;
using NannyOrleans.Agent.Inventories;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>
/// Restarts the machine the agent runs on, by one <c>systemctl reboot</c> in the job's life, and is done when the agent is back under another
/// boot id. In a container, whose boot id is its host's, by its first process.
/// </summary>
internal sealed partial class RebootHostHandler(Host host, bool isProxmox, TimeProvider clock, ILogger logger) : IJobHandler<RebootHost>
{
    /// <inheritdoc/>
    public async Task Run(RebootHost job, JournalEntry entry, JobProgress progress, CancellationToken stopping)
    {
        var (started, resumed) = (entry.Started, true);
        if (started is null)
        {
            if (Refusal(job) is { } refusal)
            {
                entry.Finish(JobOutcome.Failed, refusal);
                return;
            }

            // Whoever ends the agent now wants no restart begun by it; the next one begins it.
            stopping.ThrowIfCancellationRequested();
            if (progress.Cancelled.IsCancellationRequested)
            {
                entry.Finish(JobOutcome.Cancelled, "cancelled before it was begun");
                return;
            }

            // Durable before anything happens: after this line systemctl is never called again.
            started = entry.Start(host.BootId(), FirstOfAll(), new BootKernel(host, isProxmox).Look().Next);
            resumed = false;
            progress.Running();
            Log.Restarting(logger, entry.Id);

            // Not ended with the agent, which the restart itself ends.
            var end = await new Programs(host).Run(
                "sh", ["-c", ClaimAndRestart, "nannyagent-job", entry.Run.Claim], CommandLimit, OutputLimit, CancellationToken.None, shown: "systemctl reboot").WaitAsync(stopping);
            stopping.ThrowIfCancellationRequested();
            if (end is { ExitCode: > 0 and < SignalCodes, Problem: { } problem })
            {
                entry.Finish(JobOutcome.Failed, PlainText.Of(problem), end.ExitCode);
                return;
            }

            // Without an answer, or ended by a signal, as the restart itself does: the boot id will say.
        }
        else if (host.BootId() is { } boot && !IsAnother(boot, started) && entry.Run.TryPrevent())
        {
            entry.Finish(JobOutcome.Failed, JobReport.NeverRan);
            return;
        }
        else
        {
            progress.Running();
        }

        await Watch(job, entry, started, resumed, stopping);
    }

    private async Task Watch(RebootHost job, JournalEntry entry, JobStart started, bool resumed, CancellationToken stopping)
    {
        var (deadline, poll) = (new JobDeadline(job.TimeoutSeconds, started, resumed, clock), FirstPoll);
        while (true)
        {
            var boot = host.BootId();
            if (boot is not null && IsAnother(boot, started))
            {
                // However late: a machine that was restarted is no timeout.
                var verdict = HostRebootVerdict.Of(new BootKernel(host, isProxmox).Look(), started.Kernel);
                entry.Finish(verdict.Outcome, verdict.Detail);
                return;
            }

            if (deadline.HasPassed())
            {
                entry.Finish(JobOutcome.Failed, boot is null
                    ? "timeout: the boot id cannot be read, so nobody can tell whether the machine was restarted"
                    : "timeout: the machine has not been restarted; it may still be shutting down");
                return;
            }

            await Task.Delay(poll, clock, stopping);
            poll = poll < LastPoll ? poll * 1.5 : LastPoll;
        }
    }

    private bool IsAnother(string boot, JobStart started) => boot != started.BootId || (started.Process is { } before && FirstOfAll() is { } now && now != before);

    private string? Refusal(RebootHost job) => job switch
    {
        { TimeoutSeconds: < 1 or > 86400 } => $"a timeout of {job.TimeoutSeconds.ToString(CultureInfo.InvariantCulture)} s is not from 1 to 86400",
        _ when host.BootId() is null => $"{host.At("/proc/sys/kernel/random/boot_id")} cannot be read: nobody could tell whether the machine was restarted",
        _ when new Programs(host).Find("systemctl") is null => $"there is no systemctl in {host.SearchPath}",
        _ => null,
    };

    private FirstProcess? FirstOfAll()
    {
        var text = new HostTexts(host).Read("/proc/1/stat", []);
        return text is not null && ProcessStat.TryParse(text, out var first) ? new(first.Pid, first.StartTime) : null;
    }

    // The run's claim is made by the very process that becomes systemctl: an agent that finds it missing can make it, and then knows that
    // nothing was or will be begun.
    private const string ClaimAndRestart = """mkdir "$1" && exec systemctl reboot""";
    private const int SignalCodes = 129; // and more: ended by a signal
    private const int OutputLimit = 4096;
    private static readonly TimeSpan CommandLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan FirstPoll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LastPoll = TimeSpan.FromSeconds(2);

    private static partial class Log
    {
        [LoggerMessage(2021, LogLevel.Warning, "Job {Job}: restarting this machine", EventName = "HostRebootStarting")]
        public static partial void Restarting(ILogger logger, JobId job);
    }
}
