using NannyOrleans.Agent.Journal;

namespace NannyOrleans.Agent.Jobs;

/// <summary>
/// How long a reboot or another command may take, over restarts of the agent and of the machine. The clock that nobody sets counts; the wall clock, all that outlives
/// a boot, is only believed by one who found the job already started, and not before the world had some time to answer.
/// </summary>
internal sealed class JobDeadline(int timeoutSeconds, JobStart started, bool resumed, TimeProvider clock)
{
    private readonly TimeSpan timeout = TimeSpan.FromSeconds(timeoutSeconds);
    private readonly long began = clock.GetTimestamp();

    /// <summary>Whether it has passed.</summary>
    public bool HasPassed()
    {
        var watched = clock.GetElapsedTime(began);
        return watched > timeout || (resumed && clock.GetUtcNow() - started.At > timeout && watched > Grace);
    }

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(60);
}
