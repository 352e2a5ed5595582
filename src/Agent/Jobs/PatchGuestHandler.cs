using Microsoft.Extensions.Logging;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>
/// Patches one container. Called again after a restart of the agent, it goes on where the journal says the job is. Without a
/// <paramref name="node"/> this is a machine outside Proxmox VE, which has no containers: every job is refused.
/// </summary>
internal sealed partial class PatchGuestHandler(Host host, NodeName? node, BoundedReads reads, ScriptCache scripts, TimeProvider clock, ILogger logger)
    : IJobHandler<PatchGuest>
{
    /// <inheritdoc/>
    public async Task Run(PatchGuest job, JournalEntry entry, JobProgress progress, CancellationToken stopping)
    {
        if (entry.Started is not { } started)
        {
            var (refusal, script) = await Prepare(job, stopping);
            if (refusal is not null)
            {
                entry.Finish(JobOutcome.Failed, refusal);
                return;
            }

            // Durable before anything runs: after this line the job is never started again, whatever happens.
            started = entry.Start(host.BootId());
            Log.Starting(logger, entry.Id, job.Vmid);
            if (entry.Run.Start(host, script, PatchGuestChecks.Command(job)) is { } problem)
            {
                entry.Finish(JobOutcome.Failed, $"could not be started: {problem}");
                return;
            }
        }

        progress.Running();
        await Watch(job, entry, started, stopping);
    }

    private async Task<(string? Refusal, string Script)> Prepare(PatchGuest job, CancellationToken cancellationToken)
    {
        if (PatchGuestChecks.Refusal(job) is { } wrong)
        {
            return (wrong, string.Empty);
        }

        if (node is not { } name)
        {
            return ($"this machine is no Proxmox VE host and has no container {job.Vmid}; only the host that runs it can patch it", string.Empty);
        }

        // From the first attempt: a job may have waited for hours behind another on its container.
        var began = clock.GetTimestamp();
        for (var failures = 1; ; failures++)
        {
            try
            {
                var script = await scripts.Get(job.Script, cancellationToken);

                // Last, so that as little time as possible lies between the look and the start.
                var conf = await reads.Read(host.At("/etc/pve"), () => PveFiles.ReadContainer(host, name, job.Vmid), cancellationToken);
                return (PatchGuestChecks.Refusal(job.Vmid, conf), script);
            }
            catch (Exception e) when (e is ScriptException or UnreadableException)
            {
                return (e.Message, string.Empty);
            }
            catch (Exception e) when (e is HttpRequestException or RegistrationEndedException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
            {
                if (clock.GetElapsedTime(began) > FetchLimit)
                {
                    return ($"could not fetch the script {job.Script.Name}: {PlainText.Of(e.Message)}", string.Empty);
                }

                Log.CannotFetch(logger, job.Script.Name, e.Message);
                await Task.Delay(Backoff.After(failures, Random.Shared.NextDouble()), clock, cancellationToken);
            }
        }
    }

    private async Task Watch(PatchGuest job, JournalEntry entry, JobStart started, CancellationToken cancellationToken)
    {
        var run = entry.Run;
        var patience = clock.GetTimestamp();
        var late = TimeSpan.FromSeconds(job.TimeoutSeconds) + Grace;
        var endedByUs = false;
        for (var poll = FirstPoll; ; poll = poll < LastPoll ? poll * 1.5 : LastPoll)
        {
            var boot = host.BootId();

            // Another boot only if both are known: one that cannot be read just now says nothing, and pid and start time remain.
            var anotherBoot = boot is not null && started.BootId is not null && boot != started.BootId;
            var runner = anotherBoot ? null : run.RunnerProcess();
            var alive = runner?.IsAlive() is true;

            // Asked after the runner: it writes the code and then ends, so a dead one has written what it ever will.
            if (run.Ended() is { } end)
            {
                var stderr = Kept(run.StandardError, StderrLimit, StderrEncodedLimit);
                var (outcome, detail) = endedByUs
                    ? (JobOutcome.Failed, $"{PatchVerdict.TimedOut(job)}; it was ended from the host and may go on inside the container")
                    : anotherBoot && !PatchVerdict.HasStarted(stderr.Text)
                        ? (JobOutcome.Interrupted, Unknown) // the code outlived the power loss, the output did not
                        : PatchVerdict.Of(job, end.Code, end.At - started.At, stderr.Text);
                entry.Finish(outcome, detail, end.Code, end.At);
                return;
            }

            if (runner is { } lost && !alive)
            {
                entry.Finish(
                    endedByUs ? JobOutcome.Failed : JobOutcome.Interrupted,
                    endedByUs ? $"{PatchVerdict.TimedOut(job)}; it was killed from the host and may go on inside the container" : Unknown);
                return;
            }

            if (runner is null && clock.GetElapsedTime(patience) > RunnerPatience)
            {
                // No runner ever said who it is. In the same boot its claim tells whether it began; in another one the claim itself may be lost.
                var prevented = boot is not null && boot == started.BootId && run.TryPrevent();
                entry.Finish(
                    prevented ? JobOutcome.Failed : JobOutcome.Interrupted,
                    prevented ? "could not be started: the agent ended just before it ran" : Unknown);
                return;
            }

            // The runner's age, not the wall clock's word: a clock that is set must not kill a package manager.
            if (alive && runner!.Value.Age() is { } age && age > late)
            {
                // timeout(1) in the container should have ended it. A frozen container answers nobody.
                DetachedRun.End(runner.Value, force: age > late + Grace);
                Log.EndingFromOutside(logger, entry.Id);
                endedByUs = true;
            }

            await Task.Delay(poll, clock, cancellationToken);
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
        };
    }

    private static KeptOutput Kept(string path, int limit, int encodedLimit) => KeptOutput.Read(path, limit, encodedLimit);

    private const string Unknown = "the job was started, its end is unknown";
    private const int StdoutLimit = 1024 * 1024;
    private const int StderrLimit = 256 * 1024;

    // Together below the 4 MiB the server takes in one message.
    private const int StdoutEncodedLimit = 2816 * 1024;
    private const int StderrEncodedLimit = 768 * 1024;

    private static readonly TimeSpan FetchLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RunnerPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstPoll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LastPoll = TimeSpan.FromSeconds(1);

    private static partial class Log
    {
        [LoggerMessage(2001, LogLevel.Information, "Job {Job}: patching container {Vmid}", EventName = "JobStarting")]
        public static partial void Starting(ILogger logger, JobId job, Vmid vmid);

        [LoggerMessage(2002, LogLevel.Warning, "Script {Script} could not be fetched, trying again: {Reason}", EventName = "ScriptNotFetched")]
        public static partial void CannotFetch(ILogger logger, string script, string reason);

        [LoggerMessage(2003, LogLevel.Warning, "Job {Job} is far over its time; ending it from the host", EventName = "JobEndedFromOutside")]
        public static partial void EndingFromOutside(ILogger logger, JobId job);
    }
}
