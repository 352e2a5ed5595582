using System.Globalization;
using System.Text;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Agent.Metrics;

/// <summary>What the texts of <c>/proc</c> say (proc(5)). Null is what a text does not say, whatever it says instead.</summary>
internal static class ProcFiles
{
    /// <summary><c>/proc/stat</c>: ticks in which the processors worked and did not, all of them together, and how many there are.</summary>
    public static ProcessorTime? Processors(ReadOnlySpan<byte> stat)
    {
        var lines = new Words(stat);
        (long Busy, long Idle)? sum = null;
        var cores = 0;
        while (lines.NextLine(out var line))
        {
            if (line.StartsWith("cpu "u8))
            {
                sum = Sum(line);
            }
            else if (line.Length > 3 && line.StartsWith("cpu"u8) && line[3] is >= (byte)'0' and <= (byte)'9')
            {
                cores++;
            }
        }

        return sum is { } ticks ? new(ticks.Busy, ticks.Idle, cores is 0 ? null : cores) : null;
    }

    /// <summary><c>/proc/meminfo</c>: memory, used being the total less what is available; null on a kernel before 3.14, which does not say.</summary>
    public static Usage? Memory(ReadOnlySpan<byte> meminfo) =>
        Used(Words.Value(meminfo, "MemTotal:"u8), Words.Value(meminfo, "MemAvailable:"u8));

    /// <summary><c>/proc/meminfo</c>: swap.</summary>
    public static Usage? Swap(ReadOnlySpan<byte> meminfo) =>
        Used(Words.Value(meminfo, "SwapTotal:"u8), Words.Value(meminfo, "SwapFree:"u8));

    /// <summary><c>/proc/loadavg</c>.</summary>
    public static LoadAverages? Load(ReadOnlySpan<byte> loadavg)
    {
        var words = new Words(loadavg);
        return Fraction(words.Next()) is { } one && Fraction(words.Next()) is { } five && Fraction(words.Next()) is { } fifteen
            ? new(one, five, fifteen)
            : null;
    }

    /// <summary><c>/proc/uptime</c>: whole seconds since boot.</summary>
    public static long? Uptime(ReadOnlySpan<byte> uptime) => Fraction(new Words(uptime).Next()) is { } seconds and < long.MaxValue ? (long)seconds : null;

    /// <summary><c>/proc/PID/stat</c>: when the process started, in ticks since boot. The command's name before it may hold anything.</summary>
    public static long? StartTime(ReadOnlySpan<byte> stat)
    {
        var name = stat.LastIndexOf(") "u8);
        if (name < 0)
        {
            return null;
        }

        var words = new Words(stat[(name + 2)..]);
        for (var field = 3; field < 22; field++)
        {
            words.Next();
        }

        return words.NextNumber();
    }

    /// <summary>
    /// <c>/proc/PID/status</c>: whether it is the first process of a container: number 1 one level below this system. A container's own
    /// containers have first processes, too, further down.
    /// </summary>
    public static bool IsInit(ReadOnlySpan<byte> status)
    {
        var lines = new Words(status);
        while (lines.NextLine(out var line))
        {
            if (line.StartsWith("NSpid:"u8))
            {
                var words = new Words(line["NSpid:"u8.Length..]);
                return words.NextNumber() is not null && words.NextNumber() is 1 && words.Next().IsEmpty;
            }
        }

        return false;
    }

    /// <summary>One line of <c>/proc/net/dev</c>: the interface's name and the bytes that came and went; false for the heading and for garbage.</summary>
    public static bool Interface(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> name, out long received, out long sent)
    {
        (received, sent) = (0, 0);
        name = default;
        var colon = line.LastIndexOf((byte)':'); // an alias has one in its name
        if (colon <= 0)
        {
            return false;
        }

        name = line[..colon].Trim((byte)' ');
        var words = new Words(line[(colon + 1)..]);
        var first = words.NextNumber();
        for (var field = 1; field < 8; field++)
        {
            words.Next();
        }

        if (name.IsEmpty || name.Length > LongestInterface || first is not { } some || words.NextNumber() is not { } other)
        {
            return false;
        }

        (received, sent) = (some, other);
        return true;
    }

    /// <summary>
    /// <c>/proc/mounts</c>: file systems with blocks of their own, each once, where it was mounted first. Left out: what lives in memory or in
    /// the kernel only, what is on another machine, images that are always full, and binds of what is there already.
    /// </summary>
    public static List<(string Path, string Type)> Mounts(ReadOnlySpan<byte> mounts)
    {
        var found = new List<(string Path, string Type)>();
        var sources = new HashSet<string>(StringComparer.Ordinal);
        var lines = new Words(mounts);
        while (found.Count < MostMounts && lines.NextLine(out var line))
        {
            var words = new Words(line);
            var source = words.Next();
            var path = words.Next();
            var type = words.Next();
            if (path.StartsWith("/"u8) && path.Length < LongestPath && source.Length < LongestPath && type.Length is > 0 and < 40
                && HasBlocks(source, path, Encoding.UTF8.GetString(type)) && sources.Add(Encoding.UTF8.GetString(source)))
            {
                found.Add((Unescaped(path), Encoding.UTF8.GetString(type)));
            }
        }

        return found;
    }

    private static (long Busy, long Idle)? Sum(ReadOnlySpan<byte> line)
    {
        // user nice system idle iowait irq softirq steal; guest time is part of the first two already. Old kernels have fewer.
        var words = new Words(line["cpu "u8.Length..]);
        var (busy, idle) = (0L, 0L);
        for (var field = 0; field < 8; field++)
        {
            var word = words.Next();
            if (word.IsEmpty)
            {
                return field > 3 ? (busy, idle) : null;
            }

            if (Words.Number(word) is not { } ticks)
            {
                return null;
            }

            (busy, idle) = field is 3 or 4 ? (busy, idle + ticks) : (busy + ticks, idle);
        }

        return (busy, idle);
    }

    // A free part larger than the whole is garbage, not an empty machine.
    private static Usage? Used(long? totalKib, long? freeKib) =>
        totalKib is <= long.MaxValue / 1024 and { } total && freeKib is { } free && free <= total ? new((total - free) * 1024, total * 1024) : null;

    private static double? Fraction(ReadOnlySpan<byte> text) =>
        text.Length < 32 && double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    private static bool HasBlocks(ReadOnlySpan<byte> source, ReadOnlySpan<byte> path, string type) => type switch
    {
        "squashfs" or "iso9660" or "udf" or "erofs" or "cramfs" or "romfs" => false,
        "zfs" or "btrfs" or "bcachefs" or "fuseblk" => true,
        "nfs" or "nfs4" or "cifs" or "smb3" or "smbfs" or "ceph" or "9p" or "afs" or "virtiofs" or "glusterfs" or "lustre" or "fuse" => false,
        "tmpfs" or "ramfs" or "rootfs" or "devtmpfs" => false,
        _ when type.StartsWith("fuse.", StringComparison.Ordinal) => false,
        "overlay" => path.Length is 1, // the root of a machine that is a container; elsewhere the blocks are those of what is below it
        _ => source.StartsWith("/dev/"u8),
    };

    // The kernel writes blanks, tabs, line ends and backslashes as three octal digits.
    private static string Unescaped(ReadOnlySpan<byte> path)
    {
        var plain = new byte[path.Length];
        var length = 0;
        for (var i = 0; i < path.Length; i++)
        {
            var escaped = path[i] is (byte)'\\' && i + 3 < path.Length && path[i + 1] is >= (byte)'0' and <= (byte)'3'
                && path[i + 2] is >= (byte)'0' and <= (byte)'7' && path[i + 3] is >= (byte)'0' and <= (byte)'7';
            plain[length++] = escaped ? (byte)(((path[i + 1] - '0') << 6) | ((path[i + 2] - '0') << 3) | (path[i + 3] - '0')) : path[i];
            i += escaped ? 3 : 0;
        }

        return Encoding.UTF8.GetString(plain, 0, length);
    }

    private const int LongestInterface = 32; // the kernel's limit is 15
    private const int LongestPath = 4096;
    private const int MostMounts = 1000;
}

/// <summary>Ticks since boot, all processors together.</summary>
/// <param name="Busy">Worked for somebody, or taken by the hypervisor for others.</param>
/// <param name="Idle">Had nothing to do, or waited for disks.</param>
/// <param name="Cores">How many processors there are; null when the file does not say.</param>
internal readonly record struct ProcessorTime(long Busy, long Idle, int? Cores);
