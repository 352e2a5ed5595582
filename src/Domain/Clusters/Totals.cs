using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Clusters;

/// <summary>Sums of what is known; what is not known is counted, never summed as zero.</summary>
internal static class Totals
{
    public static ResourceTotals OfHosts(IReadOnlyList<NodeView> nodes) => Sum(nodes.Select(node =>
    {
        var metrics = node.Metrics;
        var cores = metrics?.Cores ?? node.Host?.Cores ?? 0;
        var root = metrics?.Mounts?.FirstOrDefault(mount => mount.Path is "/")?.Usage;
        return new ResourceTotals(
            1,
            metrics is { CpuPercent: not null, Memory: not null } ? 1 : 0,
            cores,
            (metrics?.CpuPercent ?? 0) / 100 * cores,
            metrics?.Memory?.TotalBytes ?? node.Host?.MemoryBytes ?? 0,
            metrics?.Memory?.UsedBytes ?? 0,
            root?.TotalBytes ?? 0,
            root?.UsedBytes ?? 0,
            metrics?.NetworkInPerSecond ?? 0,
            metrics?.NetworkOutPerSecond ?? 0);
    }));

    public static ResourceTotals OfGuests(IEnumerable<GuestView> guests) => Sum(guests.Where(guest => !guest.Template).Select(guest => new ResourceTotals(
        1,
        guest.Metrics is { Status: GuestStatus.Stopped } or { CpuCores: not null, Memory: not null } ? 1 : 0,
        guest.Seen.Cores ?? 0,
        guest.Metrics?.CpuCores ?? 0,
        guest.Seen.MemoryBytes ?? 0,
        guest.Metrics?.Memory?.UsedBytes ?? 0,
        DiskBytes(guest.Seen) ?? 0,
        guest.Metrics?.Disk?.UsedBytes ?? 0,
        guest.Metrics?.NetworkInPerSecond ?? 0,
        guest.Metrics?.NetworkOutPerSecond ?? 0)));

    public static ResourceTotals Sum(IEnumerable<ResourceTotals> parts)
    {
        var sum = new ResourceTotals(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        foreach (var part in parts)
        {
            sum = new(
                sum.Of + part.Of,
                sum.Measured + part.Measured,
                sum.Cores + part.Cores,
                sum.CpuCoresUsed + part.CpuCoresUsed,
                Saturated(sum.MemoryBytes, part.MemoryBytes),
                Saturated(sum.MemoryUsedBytes, part.MemoryUsedBytes),
                Saturated(sum.DiskBytes, part.DiskBytes),
                Saturated(sum.DiskUsedBytes, part.DiskUsedBytes),
                sum.NetworkInPerSecond + part.NetworkInPerSecond,
                sum.NetworkOutPerSecond + part.NetworkOutPerSecond);
        }

        return sum;
    }

    public static GuestCounts Count(IReadOnlyList<GuestView> guests, bool listed) => new(
        guests.Count,
        guests.Count(guest => guest is { Status: GuestStatus.Running, Type: GuestType.Lxc }),
        guests.Count(guest => guest is { Status: GuestStatus.Running or GuestStatus.Paused, Type: GuestType.Qemu }),
        guests.Count(guest => guest.Status is GuestStatus.Stopped),
        guests.Count(guest => guest.Status is GuestStatus.Unknown),
        listed ? 0 : 1);

    public static GuestCounts Count(IEnumerable<GuestCounts> parts) => parts.Aggregate(
        new GuestCounts(0, 0, 0, 0, 0, 0),
        (sum, part) => new(
            sum.Total + part.Total, sum.RunningCts + part.RunningCts, sum.RunningVms + part.RunningVms, sum.Stopped + part.Stopped, sum.Unknown + part.Unknown, sum.NodesUnlisted + part.NodesUnlisted));

    /// <summary>The space of a guest's disks, less those whose configuration does not say, as for bind mounts; null when that are all.</summary>
    public static long? DiskBytes(GuestSeen guest) => guest.Disks is not { } disks || (disks.Count > 0 && disks.All(disk => disk.SizeBytes is null))
        ? null
        : disks.Aggregate(0L, (sum, disk) => Saturated(sum, disk.SizeBytes ?? 0));

    // A report may say any number; a sum that wrapped below zero would be worse than one that stops.
    private static long Saturated(long one, long other) => one > long.MaxValue - other ? long.MaxValue : one + other;
}
