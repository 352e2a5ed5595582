using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Domain.Metrics;

/// <summary>Five minutes of one host and its guests: means over what was known; null where nothing was.</summary>
/// <param name="Cluster">The cluster, or the machine.</param>
/// <param name="Node">The node.</param>
/// <param name="At">When the five minutes began: a multiple of them since the epoch, UTC.</param>
/// <param name="Samples">How many samples it is made of.</param>
public sealed record MetricsRollup(ClusterId Cluster, NodeName Node, DateTimeOffset At, int Samples)
{
    /// <summary>The time each one covers.</summary>
    public static readonly TimeSpan Step = TimeSpan.FromMinutes(5);

    /// <summary>How long they are kept.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    /// <summary>Percent of all cores.</summary>
    public double? CpuPercent { get; init; }

    /// <summary>The highest sample of it.</summary>
    public double? CpuPercentMax { get; init; }

    /// <summary>Load average of one minute.</summary>
    public double? Load1 { get; init; }

    /// <summary>Bytes.</summary>
    public double? MemoryUsedBytes { get; init; }

    /// <summary>Bytes.</summary>
    public double? MemoryBytes { get; init; }

    /// <summary>Bytes.</summary>
    public double? SwapUsedBytes { get; init; }

    /// <summary>Bytes used of the root file system.</summary>
    public double? DiskUsedBytes { get; init; }

    /// <summary>Bytes of the root file system.</summary>
    public double? DiskBytes { get; init; }

    /// <summary>Bytes a second.</summary>
    public double? NetworkInPerSecond { get; init; }

    /// <summary>Bytes a second.</summary>
    public double? NetworkOutPerSecond { get; init; }

    /// <summary>Processors' worth of time, all guests together.</summary>
    public double? GuestsCpuCores { get; init; }

    /// <summary>Bytes, all guests together.</summary>
    public double? GuestsMemoryUsedBytes { get; init; }

    /// <summary>Containers that ran, at the end.</summary>
    public int? RunningContainers { get; init; }

    /// <summary>Virtual machines that ran, at the end.</summary>
    public int? RunningVms { get; init; }

    /// <summary>The guests that ran, by vmid.</summary>
    public IReadOnlyList<GuestRollup> Guests { get; init; } = [];

    /// <summary>When the five minutes of a time began.</summary>
    public static DateTimeOffset StartOf(DateTimeOffset at)
    {
        var step = (long)Step.TotalSeconds;
        return DateTimeOffset.FromUnixTimeSeconds(at.ToUnixTimeSeconds() / step * step);
    }
}

/// <summary>Five minutes of one guest: means over what was known; null where nothing was.</summary>
/// <param name="Vmid">The guest.</param>
public sealed record GuestRollup(Vmid Vmid)
{
    /// <summary>Processors' worth of time.</summary>
    public double? CpuCores { get; init; }

    /// <summary>Bytes.</summary>
    public double? MemoryUsedBytes { get; init; }

    /// <summary>Bytes.</summary>
    public double? MemoryBytes { get; init; }

    /// <summary>Bytes.</summary>
    public double? DiskUsedBytes { get; init; }

    /// <summary>Bytes.</summary>
    public double? DiskBytes { get; init; }

    /// <summary>Bytes a second.</summary>
    public double? DiskReadPerSecond { get; init; }

    /// <summary>Bytes a second.</summary>
    public double? DiskWritePerSecond { get; init; }

    /// <summary>Bytes a second.</summary>
    public double? NetworkInPerSecond { get; init; }

    /// <summary>Bytes a second.</summary>
    public double? NetworkOutPerSecond { get; init; }
}

/// <summary>Adds samples up to a rollup.</summary>
/// <param name="at">When the five minutes began.</param>
public sealed class RollupSum(DateTimeOffset at)
{
    private readonly Dictionary<Vmid, GuestSum> guests = [];
    private int samples;
    private Mean cpu, load, memoryUsed, memory, swapUsed, diskUsed, disk, networkIn, networkOut, guestsCpu, guestsMemory;
    private float cpuMax = float.NaN;
    private NodeSample last;

    /// <summary>When the five minutes began.</summary>
    public DateTimeOffset At => at;

    /// <summary>Adds a sample.</summary>
    public void Add(NodeSample sample, NodeMetrics metrics)
    {
        samples++;
        last = sample;
        cpu.Add(sample.CpuPercent);
        cpuMax = float.IsNaN(cpuMax) || sample.CpuPercent > cpuMax ? sample.CpuPercent : cpuMax;
        load.Add(sample.Load1);
        memoryUsed.Add(sample.MemoryUsed);
        memory.Add(sample.MemoryTotal);
        swapUsed.Add(sample.SwapUsed);
        diskUsed.Add(sample.RootUsed);
        disk.Add(sample.RootTotal);
        networkIn.Add(sample.NetworkIn);
        networkOut.Add(sample.NetworkOut);
        guestsCpu.Add(sample.GuestsCpuCores);
        guestsMemory.Add(sample.GuestsMemoryUsed);
        foreach (var guest in metrics.Guests ?? [])
        {
            if (guest.Status is GuestStatus.Running)
            {
                if (!guests.TryGetValue(guest.Vmid, out var sum))
                {
                    if (guests.Count >= NodeMetrics.MaxItems)
                    {
                        continue; // no host has so many within five minutes
                    }

                    guests[guest.Vmid] = sum = new();
                }

                sum.Add(guest);
            }
        }
    }

    /// <summary>What it comes to.</summary>
    public MetricsRollup Result(ClusterId cluster, NodeName node) => new(cluster, node, at, samples)
    {
        CpuPercent = cpu.Value,
        CpuPercentMax = float.IsNaN(cpuMax) ? null : cpuMax,
        Load1 = load.Value,
        MemoryUsedBytes = memoryUsed.Value,
        MemoryBytes = memory.Value,
        SwapUsedBytes = swapUsed.Value,
        DiskUsedBytes = diskUsed.Value,
        DiskBytes = disk.Value,
        NetworkInPerSecond = networkIn.Value,
        NetworkOutPerSecond = networkOut.Value,
        GuestsCpuCores = guestsCpu.Value,
        GuestsMemoryUsedBytes = guestsMemory.Value,
        RunningContainers = samples is 0 || last.RunningCts < 0 ? null : last.RunningCts,
        RunningVms = samples is 0 || last.RunningVms < 0 ? null : last.RunningVms,
        Guests = [.. guests.OrderBy(guest => guest.Key).Select(guest => guest.Value.Result(guest.Key))],
    };

    private sealed class GuestSum
    {
        private Mean cpu, memoryUsed, memory, diskUsed, disk, diskRead, diskWrite, networkIn, networkOut;

        public void Add(GuestMetrics guest)
        {
            cpu.Add(guest.CpuCores);
            memoryUsed.Add(guest.Memory?.UsedBytes);
            memory.Add(guest.Memory?.TotalBytes);
            diskUsed.Add(guest.Disk?.UsedBytes);
            disk.Add(guest.Disk?.TotalBytes);
            diskRead.Add(guest.DiskReadPerSecond);
            diskWrite.Add(guest.DiskWritePerSecond);
            networkIn.Add(guest.NetworkInPerSecond);
            networkOut.Add(guest.NetworkOutPerSecond);
        }

        public GuestRollup Result(Vmid vmid) => new(vmid)
        {
            CpuCores = cpu.Value,
            MemoryUsedBytes = memoryUsed.Value,
            MemoryBytes = memory.Value,
            DiskUsedBytes = diskUsed.Value,
            DiskBytes = disk.Value,
            DiskReadPerSecond = diskRead.Value,
            DiskWritePerSecond = diskWrite.Value,
            NetworkInPerSecond = networkIn.Value,
            NetworkOutPerSecond = networkOut.Value,
        };
    }

    private struct Mean
    {
        private double sum;
        private int count;

        public readonly double? Value => count > 0 && double.IsFinite(sum) ? sum / count : null;

        public void Add(double? figure)
        {
            if (figure is { } known && double.IsFinite(known))
            {
                sum += known;
                count++;
            }
        }
    }
}
