using System.Globalization;
using System.Runtime.InteropServices;

namespace NannyOrleans.Agent.Linux;

/// <summary>
/// The processes below one, wherever they are: what <c>lxc-attach</c> starts in a container is its child here, though in there it has
/// another number. Killing <c>pct</c> alone leaves it running (FACTS 2.2); whoever has left the tree, such as a service that a package
/// restarted, is nobody's job any more and is left alone.
/// </summary>
internal static partial class ProcessTree
{
    /// <summary>All that runs below a process now, itself not included.</summary>
    public static IReadOnlyList<TreeProcess> Below(ProcessStat top)
    {
        var children = All().ToLookup(process => process.Parent);
        var found = new List<TreeProcess>();
        for (var next = new Queue<int>([top.Pid]); next.TryDequeue(out var pid);)
        {
            foreach (var child in children[pid])
            {
                found.Add(child);
                next.Enqueue(child.Stat.Pid);
            }
        }

        return found;
    }

    /// <summary>
    /// Asks the script below a runner to end, in whichever container: what the <c>timeout</c> that it was started with runs. That program itself is
    /// not asked: it would pass it on, and kill the script ten seconds later (<c>-k</c>), in the middle of a package. BusyBox' own becomes what it
    /// runs and watches it from outside the tree; there the script's shell is asked.
    /// </summary>
    /// <returns>Whether there was one to ask.</returns>
    public static bool AskScript(ProcessStat runner)
    {
        const int Terminate = 15;
        var here = Namespace(runner.Pid);

        // Parents come before their children, so one of the script's own is never the first. What starts a script in a container may be a shell, too,
        // but stays in the host's namespace: lxc-attach and pct have not always their own names (lxc runs itself from memory).
        var below = Below(runner);
        if ((First(process => IsInside(process) && (process.Name is "timeout" || IsShell(process)))
            ?? First(process => process.Name is "timeout" || (IsShell(process) && process.Parent == runner.Pid))) is not { } script)
        {
            return false;
        }

        // A timeout leads a process group of its own, which the script is in.
        var (leads, any) = (script.Name is "timeout" && script.Group == script.Stat.Pid, false);
        foreach (var asked in below.Where(one => leads ? one.Group == script.Group && one != script : one == script).Where(one => one.Stat.IsAlive()))
        {
            any |= Signal(asked.Stat.Pid, Terminate) is 0;
        }

        return any;

        TreeProcess? First(Func<TreeProcess, bool> isIt) => below.Where(isIt).Select(process => (TreeProcess?)process).FirstOrDefault();

        static bool IsShell(TreeProcess process) => process.Name is "sh" or "ash" or "busybox";

        bool IsInside(TreeProcess process) => Namespace(process.Stat.Pid) is { } there && here is not null && there != here;
    }

    /// <summary>Ends what is left of processes that were below one: asked first, and killed when they have not gone in time. None left is no work.</summary>
    public static async Task End(IReadOnlyList<TreeProcess> processes, TimeSpan grace, TimeProvider clock, CancellationToken cancellationToken)
    {
        var since = clock.GetTimestamp();
        for (var signal = 15; processes.Where(process => process.Stat.IsAlive()).ToArray() is { Length: > 0 } alive; signal = clock.GetElapsedTime(since) < grace ? 0 : 9)
        {
            // Signal 0 is none.
            foreach (var process in alive)
            {
                _ = Signal(process.Stat.Pid, signal);
            }

            if (clock.GetElapsedTime(since) > 2 * grace)
            {
                return; // not even killed: it hangs in the kernel
            }

            await Task.Delay(Poll, clock, cancellationToken);
        }
    }

    /// <summary>Kills all below a process, and again what they started meanwhile. The process itself ends by its children's end.</summary>
    public static void Kill(ProcessStat top)
    {
        const int Kill = 9;
        for (var round = 0; round < Rounds; round++)
        {
            var alive = Below(top).Where(process => process.Stat.IsAlive()).ToArray();
            if (alive.Length is 0)
            {
                return;
            }

            // From above: a parent that saw its child die might go on with its next step.
            foreach (var process in alive)
            {
                _ = Signal(process.Stat.Pid, Kill);
            }
        }
    }

    // Null: it has ended, or may not be asked.
    private static string? Namespace(int pid)
    {
        try
        {
            return new FileInfo($"/proc/{pid}/ns/pid").LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static IEnumerable<TreeProcess> All()
    {
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out _) && Read(directory) is { } process)
            {
                yield return process;
            }
        }
    }

    private static TreeProcess? Read(string directory)
    {
        try
        {
            var line = File.ReadAllText(Path.Combine(directory, "stat"));
            var close = line.LastIndexOf(") ", StringComparison.Ordinal);
            var fields = line[(close + 2)..].Split(' ');
            return ProcessStat.TryParse(line, out var stat)
                && int.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out var parent)
                && int.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var group)
                ? new(stat, parent, group, line[(line.IndexOf('(', StringComparison.Ordinal) + 1)..close])
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // it ended while it was looked at
        }
    }

    private const int Rounds = 20;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Signal(int pid, int signal);
}

/// <summary>One process of a tree.</summary>
/// <param name="Stat">Which.</param>
/// <param name="Parent">The process it is a child of.</param>
/// <param name="Group">Its process group, by the leader's pid.</param>
/// <param name="Name">Its program's name, 15 characters at most.</param>
internal readonly record struct TreeProcess(ProcessStat Stat, int Parent, int Group, string Name);
