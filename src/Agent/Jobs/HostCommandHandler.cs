using System.Globalization;
using Microsoft.Extensions.Logging;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>
/// Carries out what is one command, at most once in a job's life: the world is asked first, the start is journalled, the command runs detached,
/// and the world says how it went. What was begun is not cancelled. Without a <paramref name="node"/> every job is refused.
/// </summary>
internal sealed partial class HostCommandHandler(Host host, NodeName? node, BoundedReads reads, TimeProvider clock, ILogger logger) : IJobHandler<Job>
{
    /// <inheritdoc/>
    public async Task Run(Job job, JournalEntry entry, JobProgress progress, CancellationToken stopping)
    {
        if (Refusal(job) is { } wrong)
        {
            entry.Finish(JobOutcome.Failed, wrong);
            return;
        }

        var command = Of(job);
        var (started, resumed) = (entry.Started, true);
        if (started is null)
        {
            entry.ThrowIfTooLate();
            var look = await LookUnlessCancelled(command, progress, stopping);
            stopping.ThrowIfCancellationRequested();
            if (look is null || progress.Cancelled.IsCancellationRequested)
            {
                entry.Finish(JobOutcome.Cancelled, "cancelled before it was begun");
                return;
            }

            if (look.Command is null)
            {
                entry.Finish(look.AsAsked is true ? JobOutcome.Succeeded : JobOutcome.Failed, look.AsAsked is true ? "it was so already" : look.Problem);
                return;
            }

            // Durable before anything happens: after this line no second command is ever begun.
            started = entry.Start(host.BootId());
            resumed = false;
            Log.Starting(logger, entry.Id, command.Name);
            if (await entry.Run.Start(host, "/dev/null", look.Command) is { } problem)
            {
                entry.Finish(JobOutcome.Failed, $"could not be started: {problem}");
                return;
            }
        }

        progress.Running();
        await Watch(command, entry, new(host, entry.Run, started, resumed, job.TimeoutSeconds, clock), stopping);
    }

    private static async Task<CommandLook?> LookUnlessCancelled(IHostCommand command, JobProgress progress, CancellationToken stopping)
    {
        using var wanted = CancellationTokenSource.CreateLinkedTokenSource(stopping, progress.Cancelled);
        try
        {
            return await Look(command, wanted.Token);
        }
        catch (OperationCanceledException) when (progress.Cancelled.IsCancellationRequested && !stopping.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task Watch(IHostCommand command, JournalEntry entry, CommandWatch watch, CancellationToken stopping)
    {
        long? ending = null;
        while (true)
        {
            var seen = watch.Look();
            if (seen.NeverRan)
            {
                entry.Finish(JobOutcome.Failed, JobReport.NeverRan);
                return;
            }

            if (command.IsEndedWhenLate && seen is { IsLate: true, Runs: true, Runner: { } runner } && (ending is not { } since || clock.GetElapsedTime(since) < GivenUp))
            {
                ending ??= clock.GetTimestamp();
                DetachedRun.End(runner, force: clock.GetElapsedTime(ending.Value) > Grace);
            }
            else if (HostCommandVerdict.Of(command, seen, seen.Runs ? null : await Look(command, stopping)) is { } verdict)
            {
                entry.Finish(verdict.Outcome, verdict.Detail, seen.ExitCode);
                return;
            }

            await watch.Wait(stopping);
        }
    }

    private static async Task<CommandLook> Look(IHostCommand command, CancellationToken cancellationToken)
    {
        try
        {
            return await command.Look(cancellationToken);
        }
        catch (UnreadableException e)
        {
            return CommandLook.Unknown(PlainText.Of(e.Message));
        }
    }

    private string? Refusal(Job job) => job switch
    {
        _ when node is null => "this machine is no Proxmox VE host",
        { TimeoutSeconds: < 1 or > 86400 } => $"a timeout of {job.TimeoutSeconds.ToString(CultureInfo.InvariantCulture)} s is not from 1 to 86400",
        { Target: { Value: < Vmid.Smallest or > Vmid.Largest } vmid } => $"{vmid} is not a vmid",
        SetCephFlag { Flag: not SetCephFlag.Allowed } ceph => $"'{PlainText.Of(ceph.Flag ?? string.Empty, 40)}' is no flag that may be changed: only {SetCephFlag.Allowed} is",
        MigrateGuest move when move.To == node => $"{move.To} is this node itself",
        _ => null,
    };

    private IHostCommand Of(Job job) => job switch
    {
        SetMaintenance maintenance => new MaintenanceCommand(host, reads, clock, maintenance),
        SetCephFlag flag => new CephFlagCommand(host, flag),
        MigrateGuest move => new MigrateCommand(host, node!.Value, reads, move),
        PowerGuest power => new PowerCommand(host, node!.Value, reads, power),
        _ => throw new InvalidOperationException($"{job.GetType().Name} is no job of this handler"),
    };

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan GivenUp = TimeSpan.FromSeconds(30);

    private static partial class Log
    {
        [LoggerMessage(2031, LogLevel.Information, "Job {Job}: {Command}", EventName = "HostCommandStarting")]
        public static partial void Starting(ILogger logger, JobId job, string command);
    }
}
