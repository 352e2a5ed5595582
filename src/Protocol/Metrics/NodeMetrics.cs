using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Protocol.Metrics;

/// <summary>
/// What one host measures every <c>metrics_interval</c>, from <c>/proc</c>, control groups and pmxcfs' files; no program is run for it.
/// Rates are means since the sample before. What could not be read is null, never zero. A lost one is not sent again.
/// </summary>
/// <param name="CollectedAt">When it was measured, by the host's clock.</param>
/// <param name="IntervalSeconds">In how many seconds the next one comes, 1 to 3600. Three of these without one, and the host is offline.</param>
public sealed record NodeMetrics(DateTimeOffset CollectedAt, int IntervalSeconds)
{
    /// <summary>The longest list in it.</summary>
    public const int MaxItems = 10_000;

    /// <summary>The longest path, name or problem in it, in characters. Agents cut what is longer.</summary>
    public const int MaxText = 2000;

    /// <summary>The greatest rate, percentage or load: a thousand terabytes a second. A sum of many stays a number.</summary>
    public const double MaxFigure = 1e15;

    /// <summary>Processor time used, percent of all cores together, 0 to 100; null in the first sample.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? CpuPercent { get; init; }

    /// <summary>Processors.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Cores { get; init; }

    /// <summary>Load averages of 1, 5 and 15 minutes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public LoadAverages? Load { get; init; }

    /// <summary>Seconds since boot.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? UptimeSeconds { get; init; }

    /// <summary>Memory: used is the total less what the kernel calls available.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usage? Memory { get; init; }

    /// <summary>Swap.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usage? Swap { get; init; }

    /// <summary>Each mounted file system with blocks of its own; network ones are left out, since a dead server would hold the sample up.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<MountUsage>? Mounts { get; init; }

    /// <summary>Bytes a second in through the physical interfaces; null in the first sample.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? NetworkInPerSecond { get; init; }

    /// <summary>Bytes a second out through the physical interfaces; null in the first sample.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? NetworkOutPerSecond { get; init; }

    /// <summary>The guests of this host; null when they could not be listed, and outside Proxmox VE.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<GuestMetrics>? Guests { get; init; }

    /// <summary>Storages whose figures Proxmox VE keeps; null when it could not be read, and outside Proxmox VE.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<StorageUsage>? Storages { get; init; }

    /// <summary>Whether this member has quorum; null when that could not be read, and outside Proxmox VE.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Quorate { get; init; }

    /// <summary>This node's state as HA's manager sees it (<c>online</c>, <c>maintenance</c>, …); null when HA is not used or could not be read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? HaState { get; init; }

    /// <summary>What could not be read and why; null when all could.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Problems { get; init; }

    /// <summary>Whether it can be taken: no gap in a list, no guest twice, no list or text too long, no figure out of bounds or below zero.</summary>
    public bool IsSound() =>
        IntervalSeconds is >= 1 and <= 3600
        && Sound(CpuPercent) && Sound(NetworkInPerSecond) && Sound(NetworkOutPerSecond) && Cores is not < 0 && UptimeSeconds is not < 0
        && (Load is null || (Sound(Load.One) && Sound(Load.Five) && Sound(Load.Fifteen)))
        && Sound(Memory) && Sound(Swap)
        && (Mounts is null || (Mounts.Count <= MaxItems && Mounts.All(mount => mount is not null && Sound(mount.Usage) && Sound(mount.Path) && Sound(mount.Type))))
        && (Guests is null || (Guests.Count <= MaxItems && Guests.All(guest => guest is not null && guest.IsSound()) && Guests.DistinctBy(guest => guest.Vmid).Count() == Guests.Count))
        && (Storages is null || (Storages.Count <= MaxItems && Storages.All(storage => storage is not null && Sound(storage.Usage) && Sound(storage.Name))))
        && (Problems is null || (Problems.Count <= MaxItems && Problems.All(problem => problem is not null && Sound(problem))))
        && Sound(HaState);

    internal static bool Sound(double? figure) => figure is null or (>= 0 and <= MaxFigure);

    internal static bool Sound(string? text) => text is null or { Length: <= MaxText };

    internal static bool Sound(Usage? usage) => usage is null || (usage.UsedBytes >= 0 && usage.TotalBytes >= 0);
}

/// <summary>How much of something is used.</summary>
/// <param name="UsedBytes">Bytes used.</param>
/// <param name="TotalBytes">Bytes in all; 0 when there is none of it.</param>
public sealed record Usage(long UsedBytes, long TotalBytes);

/// <summary>Load averages, processes that run or wait.</summary>
/// <param name="One">Of one minute.</param>
/// <param name="Five">Of five minutes.</param>
/// <param name="Fifteen">Of fifteen minutes.</param>
public sealed record LoadAverages(double One, double Five, double Fifteen);

/// <summary>A mounted file system.</summary>
/// <param name="Path">Where.</param>
/// <param name="Type">Its type, such as <c>ext4</c>.</param>
/// <param name="Usage">How full it is; for root, so blocks kept for root count as free.</param>
public sealed record MountUsage(string Path, string Type, Usage Usage);

/// <summary>A storage's figures.</summary>
/// <param name="Name">Its name in storage.cfg.</param>
/// <param name="Usage">How full it is.</param>
public sealed record StorageUsage(string Name, Usage Usage);

/// <summary>A guest as its host measures it.</summary>
/// <param name="Vmid">Its number.</param>
/// <param name="Type">CT or VM.</param>
/// <param name="Status">Running or stopped, as the kernel has it; paused is for inventories to tell.</param>
public sealed record GuestMetrics(Vmid Vmid, GuestType Type, GuestStatus Status)
{
    /// <summary>Processors' worth of time used: 1.5 is one and a half cores; null in its first sample and while it does not run.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? CpuCores { get; init; }

    /// <summary>Memory used, and its limit.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usage? Memory { get; init; }

    /// <summary>Swap used, and its limit; null for a VM.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usage? Swap { get; init; }

    /// <summary>The root file system of a CT that runs; null for a VM, which alone knows.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usage? Disk { get; init; }

    /// <summary>Bytes a second read from disks; null when the kernel does not count them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? DiskReadPerSecond { get; init; }

    /// <summary>Bytes a second written to disks; null when the kernel does not count them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? DiskWritePerSecond { get; init; }

    /// <summary>Bytes a second the guest receives; null without an interface on a bridge.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? NetworkInPerSecond { get; init; }

    /// <summary>Bytes a second the guest sends; null without an interface on a bridge.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? NetworkOutPerSecond { get; init; }

    internal bool IsSound() => NodeMetrics.Sound(CpuCores) && NodeMetrics.Sound(Memory) && NodeMetrics.Sound(Swap) && NodeMetrics.Sound(Disk)
        && NodeMetrics.Sound(DiskReadPerSecond) && NodeMetrics.Sound(DiskWritePerSecond) && NodeMetrics.Sound(NetworkInPerSecond) && NodeMetrics.Sound(NetworkOutPerSecond);
}
