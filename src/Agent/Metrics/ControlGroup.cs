using System.Globalization;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Metrics;

/// <summary>Where the kernel counts what guests use: one tree of control groups (version 2), or one for each controller (version 1, and both mixed).</summary>
/// <param name="Top">Where they are mounted.</param>
/// <param name="IsUnified">Whether it is the one tree of version 2.</param>
internal sealed record ControlGroups(string Top, bool IsUnified)
{
    /// <summary>As they are on a host right now.</summary>
    public static ControlGroups Of(Host host)
    {
        var top = host.At("/sys/fs/cgroup");
        return new(top, File.Exists(Path.Combine(top, "cgroup.controllers")));
    }

    /// <summary>A file of a guest's group.</summary>
    public string FileOf(GuestType type, Vmid vmid, string controller, string name)
    {
        var group = type is GuestType.Lxc ? $"lxc/{vmid}" : $"qemu.slice/{vmid}.scope";
        return IsUnified ? $"{Top}/{group}/{name}" : $"{Top}/{controller}/{group}/{name}";
    }
}

/// <summary>The files in which the kernel counts what one guest uses. Their paths are put together once.</summary>
internal sealed class ControlGroup(ControlGroups groups, GuestType type, Vmid vmid)
{
    private readonly string cpu = groups.FileOf(type, vmid, "cpuacct", groups.IsUnified ? "cpu.stat" : "cpuacct.usage");
    private readonly string memory = groups.FileOf(type, vmid, "memory", groups.IsUnified ? "memory.current" : "memory.usage_in_bytes");
    private readonly string memoryLimit = groups.FileOf(type, vmid, "memory", groups.IsUnified ? "memory.max" : "memory.limit_in_bytes");
    private readonly string memoryStat = groups.FileOf(type, vmid, "memory", "memory.stat");
    private readonly string swap = groups.FileOf(type, vmid, "memory", groups.IsUnified ? "memory.swap.current" : "memory.memsw.usage_in_bytes");
    private readonly string swapLimit = groups.FileOf(type, vmid, "memory", groups.IsUnified ? "memory.swap.max" : "memory.memsw.limit_in_bytes");
    private readonly string io = groups.FileOf(type, vmid, "blkio", groups.IsUnified ? "io.stat" : "blkio.throttle.io_service_bytes_recursive");
    private readonly string ioOfOldKernels = groups.FileOf(type, vmid, "blkio", "blkio.throttle.io_service_bytes");

    /// <summary>Where it is.</summary>
    public ControlGroups Groups { get; } = groups;

    /// <summary>Its directory, in the tree whose processes are looked through.</summary>
    public string Directory => Path.GetDirectoryName(cpu)!;

    /// <summary>Processor time used, nanoseconds; null when it cannot be read.</summary>
    public long? CpuNanoseconds(FileBytes file) => file.Read(cpu) is not 0 ? null
        : Groups.IsUnified ? Words.Value(file.Content, "usage_usec"u8) is <= long.MaxValue / 1000 and { } microseconds ? microseconds * 1000 : null
        : Words.Number(file.Content.TrimEnd((byte)'\n'));

    /// <summary>Memory used without what the kernel could drop at once, as Proxmox VE shows it, and the limit; both null when they cannot be read, the limit when there is none.</summary>
    public (long? Used, long? Limit) Memory(FileBytes file)
    {
        var usage = Single(file, memory);
        var cache = file.Read(memoryStat) is 0 ? Words.Value(file.Content, Groups.IsUnified ? "inactive_file"u8 : "total_inactive_file"u8) : null;
        return (usage is { } used && cache is { } droppable ? Math.Max(0, used - droppable) : null, Single(file, memoryLimit));
    }

    /// <summary>Swap used and its limit; both null when they cannot be read, the limit when there is none.</summary>
    public (long? Used, long? Limit) Swap(FileBytes file)
    {
        var (used, limit) = (Single(file, swap), Single(file, swapLimit));
        if (Groups.IsUnified)
        {
            return (used, limit);
        }

        // Version 1 only has both together.
        var (memoryUsed, memoryMost) = (Single(file, memory), Single(file, memoryLimit));
        return (used is { } both && memoryUsed is { } ofMemory ? Math.Max(0, both - ofMemory) : null,
            limit is { } most && most >= memoryMost ? most - memoryMost : null);
    }

    /// <summary>Bytes read from and written to disks; null when the kernel does not count them.</summary>
    public (long? Read, long? Written) Disk(FileBytes file, BlockDevices devices)
    {
        var error = file.Read(io);
        if (error is FileBytes.NotThere && !Groups.IsUnified)
        {
            error = file.Read(ioOfOldKernels);
        }

        return error is not 0 ? (null, null) : devices.Sum(file.Content, Groups.IsUnified);
    }

    // "max" is no number, so no limit.
    private static long? Single(FileBytes file, string path) => file.Read(path) is 0 ? Words.Number(file.Content.TrimEnd((byte)'\n')) : null;
}

/// <summary>Tells block devices on which others lie from those that lie on others. Not for use from two places at once.</summary>
internal sealed class BlockDevices(Host host)
{
    private readonly Dictionary<long, bool> known = [];

    /// <summary>
    /// Bytes read and written in a group's list of devices; null when it is no such list. The kernel counts a byte at each device it passes:
    /// with LVM thin pools three times. Counted here is what reaches those at the bottom, and all when none of them is there.
    /// </summary>
    public (long? Read, long? Written) Sum(ReadOnlySpan<byte> text, bool isUnified)
    {
        var (bottom, stacked) = (default(Bytes), default(Bytes));

        // A group that never touched a disk has an empty list, or just a sum. That is a count of nothing, and a rate can start from it.
        var understood = text.IsEmpty;
        var lines = new Words(text);
        while (lines.NextLine(out var line))
        {
            var words = new Words(line);
            var name = words.Next();
            if (Device(name) is not { } device)
            {
                understood |= name.SequenceEqual("Total"u8);
                continue;
            }

            understood = true;

            ref var bytes = ref bottom;
            if (IsStacked(device))
            {
                bytes = ref stacked;
            }

            if (isUnified)
            {
                while (words.Next() is { IsEmpty: false } pair)
                {
                    bytes.Read += pair.StartsWith("rbytes="u8) ? Words.Number(pair["rbytes="u8.Length..]) ?? 0 : 0;
                    bytes.Written += pair.StartsWith("wbytes="u8) ? Words.Number(pair["wbytes="u8.Length..]) ?? 0 : 0;
                    bytes.Any = true;
                }
            }
            else
            {
                var kind = words.Next();
                var number = words.NextNumber() ?? 0;
                bytes.Read += kind.SequenceEqual("Read"u8) ? number : 0;
                bytes.Written += kind.SequenceEqual("Write"u8) ? number : 0;
                bytes.Any |= kind.SequenceEqual("Read"u8) || kind.SequenceEqual("Write"u8);
            }
        }

        var counted = bottom.Any ? bottom : stacked;
        return understood && counted is { Read: >= 0, Written: >= 0 } ? (counted.Read, counted.Written) : (null, null);
    }

    private static long? Device(ReadOnlySpan<byte> name)
    {
        var colon = name.IndexOf((byte)':');
        return colon > 0 && Words.Number(name[..colon]) is <= int.MaxValue and { } major && Words.Number(name[(colon + 1)..]) is <= int.MaxValue and { } minor
            ? (major << 32) | minor
            : null;
    }

    private bool IsStacked(long device)
    {
        if (!known.TryGetValue(device, out var stacked))
        {
            stacked = device >> 32 is LoopMajor || HasSlaves(device >> 32, device & uint.MaxValue);
            if (known.Count >= Most)
            {
                known.Clear(); // only a memory of what was asked
            }

            known[device] = stacked;
        }

        return stacked;
    }

    private bool HasSlaves(long major, long minor)
    {
        var directory = host.At(string.Create(CultureInfo.InvariantCulture, $"/sys/dev/block/{major}:{minor}/slaves"));
        try
        {
            return Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // a partition, or a device that has just gone: counted
        }
    }

    private const long LoopMajor = 7;
    private const int Most = 10_000;

    private struct Bytes
    {
        public long Read;
        public long Written;
        public bool Any;
    }
}
