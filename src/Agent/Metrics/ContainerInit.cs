using System.Globalization;
using System.Text;
using NannyOrleans.Agent.Linux;

namespace NannyOrleans.Agent.Metrics;

/// <summary>
/// The first process of a container, found without LXC's tools: of the processes in its control group the one that has number 1 inside.
/// It is remembered with its start time, since its number may come to another process. Not for use from two places at once.
/// </summary>
internal sealed class ContainerInit
{
    private (long Pid, long Started)? known;
    private int roundsToWait;

    /// <summary>
    /// The container's root as the kernel shows it to the host; null when its first process was not found. The path ends at the root: what
    /// follows would be for the container to decide.
    /// </summary>
    public string? Root { get; private set; }

    /// <summary>Looks whether it is still the same, and for the new one when it is not.</summary>
    /// <param name="directory">The container's control group.</param>
    /// <param name="file">A buffer.</param>
    /// <returns>False when it is another one than in the round before: all counters began anew.</returns>
    public bool Find(string directory, FileBytes file)
    {
        if (IsSame(file))
        {
            return true;
        }

        var before = known;
        (known, Root) = (null, null);
        if (roundsToWait-- <= 0)
        {
            known = Search(directory, file);
            Root = known is { } found ? string.Create(CultureInfo.InvariantCulture, $"/proc/{found.Pid}/root") : null;
            roundsToWait = known is null ? RoundsBetweenSearches : 0;
        }

        return before is null;
    }

    /// <summary>Whether it still is the process it was. Asked after its root was looked at: then it was that one's root.</summary>
    public bool IsSame(FileBytes file) => known is { } it && StartTime(it.Pid, file) == it.Started;

    /// <summary>Forgets it: the container does not run.</summary>
    public void Forget() => (known, Root, roundsToWait) = (null, null, 0);

    private static (long Pid, long Started)? Search(string directory, FileBytes file)
    {
        // The container makes the groups below its own as it likes, so there is an end to the walk. Its first process is near
        // the top: in the group LXC puts it into, or in the one that systemd makes for itself there.
        var processes = 0;
        var waiting = new Queue<string>();
        waiting.Enqueue(directory);
        for (var groups = 0; groups < MostGroups && waiting.TryDequeue(out var group); groups++)
        {
            if (file.Read($"{group}/cgroup.procs") is 0)
            {
                var text = Encoding.ASCII.GetString(file.Content); // the buffer is needed for each of them
                foreach (var line in text.AsSpan().EnumerateLines())
                {
                    if (processes++ >= MostProcesses)
                    {
                        return null;
                    }

                    if (long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && pid > 0 && IsInit(pid, file))
                    {
                        return StartTime(pid, file) is { } started ? (pid, started) : null;
                    }
                }
            }

            Below(group, waiting);
        }

        return null;
    }

    private static void Below(string group, Queue<string> waiting)
    {
        try
        {
            foreach (var below in Directory.EnumerateDirectories(group))
            {
                if (waiting.Count < MostGroups)
                {
                    waiting.Enqueue(below);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It went with its last process.
        }
    }

    // The kernel's own /proc, wherever the root is: processes have none.
    private static bool IsInit(long pid, FileBytes file) =>
        file.Read(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/status")) is 0 && ProcFiles.IsInit(file.Content);

    private static long? StartTime(long pid, FileBytes file) =>
        file.Read(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat")) is 0 ? ProcFiles.StartTime(file.Content) : null;

    private const int MostGroups = 64;
    private const int MostProcesses = 2000;
    private const int RoundsBetweenSearches = 10;
}
