using System.Globalization;
using NannyOrleans.Lab.Guests;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Cluster;

/// <summary>A guest as the pvestatd of its host sees it. Bytes and seconds.</summary>
internal sealed record GuestSeen(
    int Vmid, string Node, string Kind, GuestConf Conf, string Status, int? Pid, long Uptime, long Memory, long Disk, long MaxDisk, long NetIn, long NetOut)
{
    public bool IsContainer => Kind is "lxc";
    public string Name => Conf[IsContainer ? "hostname" : "name"] ?? (IsContainer ? $"CT{Vmid}" : $"VM {Vmid}");
    public int Cpus => Number("cores", 1) * (IsContainer ? 1 : Number("sockets", 1));
    public long MaxMemory => (long)Number("memory", 512) << 20;
    public long MaxSwap => (long)Number("swap", 512) << 20;
    public bool IsTemplate => Conf["template"] is "1";

    /// <summary>QEMU says <c>paused</c> where Proxmox VE says that the VM is running.</summary>
    public string PveStatus => Pid is null ? "stopped" : "running";

    private int Number(string key, int unlessGiven) => int.TryParse(Conf[key], CultureInfo.InvariantCulture, out var n) ? n : unlessGiven;
}

/// <summary>The machine's own figures, which every host of a lab gives as its own. Bytes and seconds.</summary>
internal sealed record MachineSeen(
    long Uptime, string[] Load, int Cpus, long Memory, long MemoryAvailable, long MemoryFree, long Swap, long SwapFree, long Disk, long DiskUsed, long DiskAvailable)
{
    public static MachineSeen Read()
    {
        var memory = File.ReadLines("/proc/meminfo").Select(l => l.Split((char[])[':', ' '], StringSplitOptions.RemoveEmptyEntries))
            .ToDictionary(w => w[0], w => long.Parse(w[1], CultureInfo.InvariantCulture) << 10);
        var root = new DriveInfo("/");
        return new(
            (long)double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], CultureInfo.InvariantCulture),
            File.ReadAllText("/proc/loadavg").Split(' ')[..3], Environment.ProcessorCount,
            memory["MemTotal"], memory["MemAvailable"], memory["MemFree"], memory["SwapTotal"], memory["SwapFree"],
            root.TotalSize, root.TotalSize - root.TotalFreeSpace, root.AvailableFreeSpace);
    }
}

/// <summary>What runs in the lab at this moment, with the figures Proxmox VE keeps of it.</summary>
internal sealed class LabStatus(LabDirectory directory, LabPlan plan)
{
    private readonly IGuests containers = plan.IsSimulated ? new SimulatedGuests(directory) : new Containers(directory);
    private readonly VirtualMachines machines = new(directory, plan);

    /// <summary>The machine's figures, read once.</summary>
    public MachineSeen Machine { get; } = MachineSeen.Read();

    /// <summary>The guests whose conf is on <paramref name="node"/> in one host's copy of /etc/pve, sorted by id.</summary>
    public IReadOnlyList<GuestSeen> Guests(string etcPve, string node)
    {
        var running = containers.Running();
        var guests = new List<GuestSeen>();
        foreach (var (vmid, kind) in Files(etcPve, node))
        {
            var file = $"{etcPve}/nodes/{node}/{(kind is "lxc" ? "lxc" : "qemu-server")}/{vmid}.conf";
            if (!File.Exists(file)) { continue; } // moved away between the two looks
            var conf = GuestConf.Parse(File.ReadAllText(file));
            guests.Add(kind is "lxc" ? Container(vmid, node, conf, running.Contains(vmid)) : VirtualMachine(vmid, node, conf));
        }

        return guests.OrderBy(g => g.Vmid).ToList();
    }

    /// <summary>The storages of a node.</summary>
    public IReadOnlyList<StorageSeen> StoragesOf(string etcPve, string node) => File.Exists($"{etcPve}/storage.cfg")
        ? Storages.Read(File.ReadAllText($"{etcPve}/storage.cfg"), node, (Machine.Disk, Machine.DiskUsed))
        : [];

    private GuestSeen Container(int vmid, string node, GuestConf conf, bool isRunning)
    {
        var size = GuestConf.SubKeys(conf["rootfs"] ?? "").GetValueOrDefault("size", "");
        var pid = isRunning ? containers.InitPid(vmid) : null;
        if (pid is not { } init)
        {
            // What runs without a pid that can be seen is running all the same.
            return new(vmid, node, "lxc", conf, isRunning ? "running" : "stopped", null, 0, 0, 0, Storages.Bytes(size) is > 0 and var n ? n : 4L << 30, 0, 0);
        }

        var (netIn, netOut) = plan.IsSimulated ? (0, 0) : Network(init);
        return new(vmid, node, "lxc", conf, "running", init, Processes.Uptime(init), Memory(vmid), Machine.DiskUsed, Machine.Disk, netIn, netOut);
    }

    private GuestSeen VirtualMachine(int vmid, string node, GuestConf conf)
    {
        var pid = machines.Pid(vmid);
        return new(vmid, node, "qemu", conf, machines.Status(vmid), pid, pid is { } p ? Processes.Uptime(p) : 0,
            pid is null ? 0 : 1L << 20, 0, Bootdisk(conf), 0, 0);
    }

    /// <summary>Bytes of the first disk in the boot order; 0 when there is none.</summary>
    private static long Bootdisk(GuestConf conf)
    {
        var first = conf["boot"]?.Replace("order=", "", StringComparison.Ordinal).Split(';')[0] ?? "";
        return Storages.Bytes(GuestConf.SubKeys(conf[first] ?? "").GetValueOrDefault("size", ""));
    }

    /// <summary>Used memory without the cache that could go, as Proxmox VE counts it.</summary>
    private long Memory(int vmid)
    {
        var (group, usage, cache) = plan.IsSimulated ? ($"{directory.SimulatedGroups}/lxc/{vmid}", "memory.current", "inactive_file")
            : Directory.Exists($"{ControlGroups.Top}/memory/{directory.Tag}") ? ($"{ControlGroups.Top}/memory/{directory.Tag}/lxc/{vmid}", "memory.usage_in_bytes", "total_inactive_file")
            : ($"{ControlGroups.Top}/{directory.Tag}/lxc/{vmid}", "memory.current", "inactive_file");
        var used = Processes.Lines($"{group}/{usage}").Select(l => long.Parse(l, CultureInfo.InvariantCulture)).FirstOrDefault();
        return used - Processes.Lines($"{group}/memory.stat").Select(l => l.Split(' ')).Where(w => w[0] == cache)
            .Select(w => long.Parse(w[1], CultureInfo.InvariantCulture)).FirstOrDefault();
    }

    private static (long In, long Out) Network(int pid)
    {
        var rows = Processes.Lines($"/proc/{pid}/net/dev").Skip(2).Select(l => l.Split((char[])[':', ' '], StringSplitOptions.RemoveEmptyEntries))
            .Where(w => w.Length > 9 && w[0] is not "lo").ToList();
        return (rows.Sum(w => long.Parse(w[1], CultureInfo.InvariantCulture)), rows.Sum(w => long.Parse(w[9], CultureInfo.InvariantCulture)));
    }

    private static IEnumerable<(int Vmid, string Kind)> Files(string etcPve, string node)
    {
        foreach (var (folder, kind) in new[] { ("lxc", "lxc"), ("qemu-server", "qemu") })
        {
            var path = $"{etcPve}/nodes/{node}/{folder}";
            if (!Directory.Exists(path)) { continue; }
            foreach (var file in Directory.EnumerateFiles(path, "*.conf"))
            {
                if (int.TryParse(Path.GetFileNameWithoutExtension(file), CultureInfo.InvariantCulture, out var vmid)) { yield return (vmid, kind); }
            }
        }
    }
}
