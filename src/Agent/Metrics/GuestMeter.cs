using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Agent.Metrics;

/// <summary>What one guest uses, from one sample to the next. Not for use from two places at once.</summary>
internal sealed class GuestMeter(GuestType type, Vmid vmid)
{
    private ControlGroup? group;
    private Counter cpu;
    private Counter diskRead;
    private Counter diskWritten;

    /// <summary>Which guest.</summary>
    public Vmid Vmid => vmid;

    /// <summary>CT or VM.</summary>
    public GuestType Type => type;

    /// <summary>Its first process; of a CT.</summary>
    public ContainerInit Init { get; } = new();

    /// <summary>Whether its control group limits its memory, so that its conf need not be asked.</summary>
    public bool IsLimited { get; private set; }

    /// <summary>Takes a sample of a guest that runs.</summary>
    /// <returns>Null when it has no control group: it has just ended, or is just starting, or the groups cannot be read.</returns>
    public GuestMetrics? Measure(ControlGroups groups, GuestLimits limits, NodeMetrics host, NetworkMeter network, BlockDevices devices, FileBytes file, TimeProvider clock)
    {
        if (group is null || group.Groups != groups)
        {
            group = new(groups, type, vmid);
            Forget();
        }

        if (type is GuestType.Lxc && !Init.Find(group.Directory, file))
        {
            ForgetCounts();
        }

        var used = group.CpuNanoseconds(file);
        var cores = cpu.PerSecond(used, clock.GetTimestamp(), clock) / 1e9;
        var (read, written) = group.Disk(file, devices);
        var at = clock.GetTimestamp();
        var (reads, writes) = (diskRead.PerSecond(read, at, clock), diskWritten.PerSecond(written, at, clock));
        if (used is null)
        {
            return null;
        }

        var memory = group.Memory(file);
        IsLimited = Real(memory.Limit, host.Memory?.TotalBytes) is not null;
        var (net, swap) = (network.Guest(vmid.Value), type is GuestType.Lxc ? group.Swap(file) : (null, null));
        return new(vmid, type, GuestStatus.Running)
        {
            CpuCores = cores,
            Memory = Filled(memory.Used, Real(memory.Limit, host.Memory?.TotalBytes) ?? limits.Memory ?? host.Memory?.TotalBytes),
            Swap = Filled(swap.Item1, Real(swap.Item2, host.Swap?.TotalBytes) ?? limits.Swap ?? host.Swap?.TotalBytes),
            DiskReadPerSecond = reads,
            DiskWritePerSecond = writes,
            NetworkInPerSecond = net.In,
            NetworkOutPerSecond = net.Out,
        };
    }

    /// <summary>It does not run: the next sample of it is a first one.</summary>
    public void Forget()
    {
        ForgetCounts();
        Init.Forget();
        IsLimited = false;
    }

    private void ForgetCounts()
    {
        cpu.Forget();
        diskRead.Forget();
        diskWritten.Forget();
    }

    // Version 1 writes "no limit" as a number larger than any memory.
    private static long? Real(long? limit, long? hosts) => limit > 0 && limit <= hosts ? limit : limit is 0 ? 0 : null;

    private static Usage? Filled(long? used, long? total) => used is { } some && total is { } whole ? new(some, whole) : null;
}

/// <summary>What a guest's conf lets it use; null where it does not say, or was not asked.</summary>
/// <param name="Memory">Memory, bytes.</param>
/// <param name="Swap">Swap, bytes; of a CT.</param>
internal readonly record struct GuestLimits(long? Memory, long? Swap);
