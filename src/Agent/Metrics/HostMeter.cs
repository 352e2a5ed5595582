using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Agent.Metrics;

/// <summary>The host's own figures, from files of the kernel that never hang. Not for use from two places at once.</summary>
internal sealed class HostMeter(Host host)
{
    private readonly FileBytes file = new();
    private readonly string stat = host.At("/proc/stat");
    private readonly string meminfo = host.At("/proc/meminfo");
    private readonly string loadavg = host.At("/proc/loadavg");
    private readonly string uptime = host.At("/proc/uptime");
    private readonly string mounts = host.At("/proc/mounts");
    private ProcessorTime? before;

    /// <summary>Puts the host's figures into a sample.</summary>
    public NodeMetrics Measure(NodeMetrics sample, List<string> problems)
    {
        ProcessorTime? processors = null;
        if (Reads(stat, problems))
        {
            processors = ProcFiles.Processors(file.Content);
            Say(processors is null, stat, "no line of all processors", problems);
        }

        var percent = Percent(before, processors);
        before = processors;

        Usage? memory = null, swap = null;
        if (Reads(meminfo, problems))
        {
            (memory, swap) = (ProcFiles.Memory(file.Content), ProcFiles.Swap(file.Content));
            Say(memory is null, meminfo, "no MemTotal or no MemAvailable", problems);
            Say(swap is null, meminfo, "no SwapTotal or no SwapFree", problems);
        }

        LoadAverages? load = null;
        if (Reads(loadavg, problems))
        {
            load = ProcFiles.Load(file.Content);
            Say(load is null, loadavg, "no load averages", problems);
        }

        long? seconds = null;
        if (Reads(uptime, problems))
        {
            seconds = ProcFiles.Uptime(file.Content);
            Say(seconds is null, uptime, "no seconds since boot", problems);
        }

        return sample with { CpuPercent = percent, Cores = processors?.Cores, Load = load, UptimeSeconds = seconds, Memory = memory, Swap = swap };
    }

    /// <summary>The file systems to look at; null when they could not be listed.</summary>
    public List<(string Path, string Type)>? Mounts(List<string> problems) => Reads(mounts, problems) ? ProcFiles.Mounts(file.Content) : null;

    private static double? Percent(ProcessorTime? before, ProcessorTime? now)
    {
        // Ticks counted differently after a processor went away or came back: a sum that shrank says nothing of the time between.
        var (busy, idle) = (now?.Busy - before?.Busy, now?.Idle - before?.Idle);
        return busy >= 0 && idle >= 0 && busy + idle > 0 ? 100.0 * busy / (busy + idle) : null;
    }

    private bool Reads(string path, List<string> problems)
    {
        if (file.Read(path) is not 0 and var error)
        {
            problems.Add(FileBytes.Problem(path, error));
            return false;
        }

        return true;
    }

    private static void Say(bool missing, string path, string what, List<string> problems)
    {
        if (missing)
        {
            problems.Add($"{path} has {what}");
        }
    }
}
