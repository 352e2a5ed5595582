using System.Globalization;

namespace NannyOrleans.Lab.Guests;

/// <summary>A control group of version 2 as ordinary files, with figures of a start: nothing counts them on.</summary>
internal static class SimulatedGroup
{
    /// <summary>Writes all files a reader of guests looks for.</summary>
    public static void Write(string group, int pid, string memoryLimit)
    {
        Directory.CreateDirectory(group);
        foreach (var (file, content) in new[]
        {
            ("cgroup.procs", string.Create(CultureInfo.InvariantCulture, $"{pid}\n")), ("cgroup.events", "populated 1\nfrozen 0\n"),
            ("cpu.stat", "usage_usec 1000\nuser_usec 500\nsystem_usec 500\n"), ("io.stat", ""), ("memory.max", $"{memoryLimit}\n"),
            ("memory.current", "1048576\n"), ("memory.swap.current", "0\n"), ("memory.stat", "anon 1048576\nfile 0\ninactive_file 0\n"),
        })
        {
            LabDirectory.Replace($"{group}/{file}", content, LabDirectory.Readable);
        }
    }
}
