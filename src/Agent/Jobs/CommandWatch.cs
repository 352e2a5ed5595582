using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Linux;

namespace NannyOrleans.Agent.Jobs;

/// <summary>Looks at a job's detached command, over restarts of the agent and of the host.</summary>
/// <param name="host">The host.</param>
/// <param name="run">The command's run.</param>
/// <param name="started">When it was begun.</param>
/// <param name="resumed">Whether an earlier agent began it.</param>
/// <param name="timeoutSeconds">How long the job may take.</param>
/// <param name="clock">The host's clock.</param>
internal sealed class CommandWatch(Host host, DetachedRun run, JobStart started, bool resumed, int timeoutSeconds, TimeProvider clock)
{
    private readonly JobDeadline deadline = new(timeoutSeconds, started, resumed, clock);
    private readonly long began = clock.GetTimestamp();
    private TimeSpan poll = FirstPoll;

    /// <summary>Looks now.</summary>
    public CommandSeen Look()
    {
        var boot = host.BootId();

        // Another boot only if both are known: one that cannot be read just now says nothing.
        var anotherBoot = boot is not null && started.BootId is not null && boot != started.BootId;
        var runner = anotherBoot ? null : run.RunnerProcess();
        var alive = runner?.IsAlive() is true;
        var end = run.Ended(); // asked after the runner: a dead one has written what it ever will
        return new(
            end?.Code,
            KeptOutput.Read(run.StandardError, ErrorLimit, ErrorLimit).Text,
            Runs: end is null && (alive || (runner is null && !anotherBoot)),
            anotherBoot,
            deadline.HasPassed())
        {
            Runner = alive ? runner : null,
            NeverRan = !anotherBoot && runner is null && end is null && clock.GetElapsedTime(began) > RunnerPatience && boot is not null && run.TryPrevent(),
        };
    }

    /// <summary>Waits for the next look, the longer the more there were.</summary>
    public async Task Wait(CancellationToken stopping)
    {
        await Task.Delay(poll, clock, stopping);
        poll = poll < LastPoll ? poll * 1.5 : LastPoll;
    }

    private const int ErrorLimit = 4096;
    private static readonly TimeSpan RunnerPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstPoll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LastPoll = TimeSpan.FromSeconds(5);
}

/// <summary>One look at a job's command.</summary>
/// <param name="ExitCode">Its exit code; null when there is none yet, or when it is lost.</param>
/// <param name="Error">What it wrote to standard error.</param>
/// <param name="Runs">Whether it still runs, or may be about to.</param>
/// <param name="AnotherBoot">Whether the host was restarted since.</param>
/// <param name="IsLate">Whether the job's time is over.</param>
internal sealed record CommandSeen(int? ExitCode, string Error, bool Runs, bool AnotherBoot, bool IsLate)
{
    /// <summary>Its runner while that lives.</summary>
    public ProcessStat? Runner { get; init; }

    /// <summary>Whether the agent ended after it had noted the start and before it ran: it has not run and never will.</summary>
    public bool NeverRan { get; init; }
}
