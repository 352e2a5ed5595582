using System.Globalization;

namespace NannyOrleans.Agent.Diagnoses;

/// <summary>The kernel's list of file locks, <c>/proc/locks</c>.</summary>
internal static class KernelLocks
{
    /// <summary>The processes that hold a lock on one of these inodes. Those that wait for one hold none.</summary>
    public static IReadOnlyList<int> Holders(string locks, IReadOnlyCollection<string> inodes)
    {
        var found = new SortedSet<int>();
        foreach (var line in locks.Split('\n'))
        {
            // 1: POSIX  ADVISORY  WRITE 1234 08:01:131 0 EOF; a waiting one has -> before its kind.
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, not "->", _, _, var pid, var file, ..]
                && file.Split(':') is [_, _, var inode] && inodes.Contains(inode)
                && int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                found.Add(number);
            }
        }

        return [.. found];
    }
}
