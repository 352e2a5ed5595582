using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Hosts;

/// <summary>What a host's root has in common with this machine: its kernel's figures, and the control groups of the lab's guests.</summary>
internal static class MachineLinks
{
    private static readonly string[] ProcFiles =
        ["stat", "meminfo", "loadavg", "uptime", "mounts", "cpuinfo", "net/dev", "net/arp", "net/route", "net/fib_trie", "net/if_inet6"];

    /// <summary>Makes or renews the links of one host.</summary>
    public static void Lay(LabDirectory directory, LabPlan plan, string root)
    {
        foreach (var file in ProcFiles) { Link($"{root}/proc/{file}", $"/proc/{file}"); }
        Link($"{root}/proc/net/unix", plan.IsSimulated ? directory.SimulatedSockets : "/proc/net/unix");
        Link($"{root}/var/lib/lxc", plan.IsSimulated ? $"{directory.Path}/guests" : directory.Lxc);
        // As on Debian; the other way round, a reboot would not empty it.
        Directory.CreateDirectory($"{root}/run");
        Link($"{root}/var/run", "../run");
        Directory.CreateDirectory($"{root}/sys/fs/cgroup");
        if (plan.IsSimulated) { LaySimulatedGroups(directory, root); }
        else { LayGroups(directory, root); }
    }

    /// <summary>Makes <paramref name="link"/> lead there, at once for whoever looks.</summary>
    public static void Link(string link, string target)
    {
        if (new FileInfo(link).LinkTarget == target) { return; }
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        var making = $"{link}.tmp.{Environment.ProcessId}";
        File.Delete(making);
        File.CreateSymbolicLink(making, target);
        Native.Rename(making, link);
    }

    /// <summary>
    /// Proxmox VE's names over the lab's own groups, in each hierarchy there is: <c>lxc/ID</c> and <c>qemu.slice/ID.scope</c>.
    /// They lead to the groups of all guests of the lab, also those of other hosts: which are a host's own, its conf files say.
    /// </summary>
    private static void LayGroups(LabDirectory directory, string root)
    {
        foreach (var hierarchy in ControlGroups.Hierarchies())
        {
            var shown = $"{root}{hierarchy}";
            foreach (var part in new[] { "lxc", "qemu.slice" }) { Link($"{shown}/{part}", $"{hierarchy}/{directory.Tag}/{part}"); }
        }

        if (File.Exists($"{ControlGroups.Top}/cgroup.controllers"))
        {
            Link($"{root}{ControlGroups.Top}/cgroup.controllers", $"{ControlGroups.Top}/cgroup.controllers");
        }
    }

    /// <summary>Simulated guests have files in the form of version 2, on whatever machine.</summary>
    private static void LaySimulatedGroups(LabDirectory directory, string root)
    {
        LabDirectory.Replace($"{root}/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n", LabDirectory.Readable);
        foreach (var part in new[] { "lxc", "qemu.slice" })
        {
            Directory.CreateDirectory($"{directory.SimulatedGroups}/{part}");
            Link($"{root}/sys/fs/cgroup/{part}", $"{directory.SimulatedGroups}/{part}");
        }
    }
}
