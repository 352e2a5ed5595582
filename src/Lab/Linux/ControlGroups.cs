using System.Globalization;

namespace NannyOrleans.Lab.Linux;

/// <summary>The control groups of this machine, in either version or both mixed.</summary>
internal static class ControlGroups
{
    /// <summary>Where they are mounted.</summary>
    public const string Top = "/sys/fs/cgroup";

    /// <summary>Whether the memory controller is one of version 2, of version 1, or not there at all.</summary>
    public static string? MemoryLimitKey =>
        Directory.Exists($"{Top}/memory") && File.Exists($"{Top}/memory/cgroup.procs") ? "lxc.cgroup.memory.limit_in_bytes"
        : File.Exists($"{Top}/cgroup.controllers") && File.ReadAllText($"{Top}/cgroup.controllers").Split(' ', '\n').Contains("memory") ? "lxc.cgroup2.memory.max"
        : null;

    /// <summary>The top directory of each hierarchy: one for version 2, one for each controller of version 1.</summary>
    public static IEnumerable<string> Hierarchies()
    {
        if (!Directory.Exists(Top)) { return []; }
        return File.Exists($"{Top}/cgroup.procs")
            ? [Top]
            : Directory.EnumerateDirectories(Top).Where(hierarchy => File.Exists($"{hierarchy}/cgroup.procs"));
    }

    /// <summary>All groups of one name and below it, in all hierarchies.</summary>
    public static List<string> Under(string name)
    {
        var groups = new List<string>();
        foreach (var own in Hierarchies().Select(top => $"{top}/{name}").Where(Directory.Exists))
        {
            groups.Add(own);
            groups.AddRange(Directory.EnumerateDirectories(own, "*", SearchOption.AllDirectories));
        }

        return groups;
    }

    /// <summary>The processes in a group as this machine numbers them; none when it is gone.</summary>
    public static IEnumerable<int> Members(string group)
    {
        foreach (var line in Processes.Lines($"{group}/cgroup.procs"))
        {
            // 0 is a process of another pid namespace: it ends with its monitor.
            if (int.TryParse(line, CultureInfo.InvariantCulture, out var pid) && pid > 0) { yield return pid; }
        }
    }

    /// <summary>Lets the groups below one of version 2 have the controllers it has. Nothing to do in version 1.</summary>
    public static void HandDown(string group)
    {
        if (!File.Exists($"{group}/cgroup.subtree_control")) { return; }
        foreach (var controller in File.ReadAllText($"{group}/cgroup.controllers").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            // A controller that cannot be handed down leaves its files out: what reads them says so better than we could here.
            try { File.WriteAllText($"{group}/cgroup.subtree_control", $"+{controller}"); }
            catch (IOException) { continue; }
        }
    }

    /// <summary>Lets go on what is frozen in all groups of one name: of version 1, a frozen process cannot even be killed.</summary>
    public static void Thaw(string name)
    {
        foreach (var group in Under(name))
        {
            foreach (var (file, word) in new[] { ("freezer.state", "THAWED"), ("cgroup.freeze", "0") })
            {
                try { if (File.Exists($"{group}/{file}")) { File.WriteAllText($"{group}/{file}", word); } }
                catch (IOException) { continue; } // it has gone
            }
        }
    }

    /// <summary>Removes all groups of one name; they must be empty, or become so soon.</summary>
    public static void Remove(string name)
    {
        for (var round = 0; ; round++)
        {
            var left = Under(name).OrderByDescending(g => g.Length).Where(group => !Removed(group)).ToList();
            if (left.Count is 0) { return; }
            if (round == 100) { throw new LabFailure($"cannot remove control group {left[0]}: does a process live in it?"); }
            Thread.Sleep(20); // a killed process leaves its group a moment later
        }
    }

    private static bool Removed(string group)
    {
        try
        {
            Directory.Delete(group);
            return true;
        }
        catch (IOException)
        {
            return !Directory.Exists(group);
        }
    }
}
