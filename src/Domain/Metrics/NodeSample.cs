using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Domain.Metrics;

/// <summary>One sample of a host and of the sums over its guests, small enough to keep a day of them. NaN is "not known".</summary>
/// <param name="At">When it was received, Unix seconds.</param>
/// <param name="CpuPercent">Percent of all cores.</param>
/// <param name="Load1">Load average of one minute.</param>
/// <param name="MemoryUsed">Bytes.</param>
/// <param name="MemoryTotal">Bytes.</param>
/// <param name="SwapUsed">Bytes.</param>
/// <param name="RootUsed">Bytes used of the root file system.</param>
/// <param name="RootTotal">Bytes of the root file system.</param>
/// <param name="NetworkIn">Bytes a second.</param>
/// <param name="NetworkOut">Bytes a second.</param>
/// <param name="GuestsCpuCores">Processors' worth, all guests that run together, as far as known.</param>
/// <param name="GuestsMemoryUsed">Bytes, all guests that run together, as far as known.</param>
/// <param name="RunningCts">Containers that run; -1 when not known.</param>
/// <param name="RunningVms">Virtual machines that run; -1 when not known.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)] // plain JSON has no NaN
public readonly record struct NodeSample(
    long At,
    float CpuPercent,
    float Load1,
    float MemoryUsed,
    float MemoryTotal,
    float SwapUsed,
    float RootUsed,
    float RootTotal,
    float NetworkIn,
    float NetworkOut,
    float GuestsCpuCores,
    float GuestsMemoryUsed,
    short RunningCts,
    short RunningVms)
{
    /// <summary>What is kept of a report.</summary>
    public static NodeSample Of(NodeMetrics metrics, DateTimeOffset now)
    {
        var root = metrics.Mounts?.FirstOrDefault(mount => mount.Path is "/")?.Usage;
        var guests = metrics.Guests;
        return new(
            now.ToUnixTimeSeconds(),
            Known(metrics.CpuPercent),
            Known(metrics.Load?.One),
            Known(metrics.Memory?.UsedBytes),
            Known(metrics.Memory?.TotalBytes),
            Known(metrics.Swap?.UsedBytes),
            Known(root?.UsedBytes),
            Known(root?.TotalBytes),
            Known(metrics.NetworkInPerSecond),
            Known(metrics.NetworkOutPerSecond),
            Sum(guests, guest => guest.CpuCores),
            Sum(guests, guest => guest.Memory?.UsedBytes),
            Running(guests, GuestType.Lxc),
            Running(guests, GuestType.Qemu));
    }

    // What no float can hold counts as not known: an infinity would spoil each mean and sum it is in.
    private static float Known(double? figure) => figure is { } known && float.IsFinite((float)known) ? (float)known : float.NaN;

    // A guest in its first sample has no figure yet; that none has one is not the same as zero.
    private static float Sum(IReadOnlyList<GuestMetrics>? guests, Func<GuestMetrics, double?> figure)
    {
        if (guests is null)
        {
            return float.NaN;
        }

        var running = guests.Where(guest => guest.Status is GuestStatus.Running).ToArray();
        return running.Length > 0 && running.All(guest => figure(guest) is null) ? float.NaN : Known(running.Sum(figure));
    }

    private static short Running(IReadOnlyList<GuestMetrics>? guests, GuestType type) =>
        guests is null ? (short)-1 : (short)guests.Count(guest => guest.Type == type && guest.Status is GuestStatus.Running);
}

/// <summary>The samples of the last day of one host. It grows with what there is, and nothing in it is stored.</summary>
public sealed class MetricsRing
{
    /// <summary>How long a sample is kept.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(1);

    private readonly Queue<NodeSample> samples = new();
    private long newest;

    /// <summary>
    /// Adds a sample and drops those that are too old. Those that are newer than it are dropped too: the clock was set back, and to wait
    /// for the time it had before could take years.
    /// </summary>
    public void Add(NodeSample sample)
    {
        if (samples.Count > 0 && newest > sample.At)
        {
            var before = samples.Where(one => one.At <= sample.At).ToArray();
            samples.Clear();
            foreach (var one in before)
            {
                samples.Enqueue(one);
            }
        }

        while (samples.TryPeek(out var oldest) && sample.At - oldest.At >= (long)Kept.TotalSeconds)
        {
            samples.Dequeue();
        }

        samples.Enqueue(sample);
        newest = sample.At;
    }

    /// <summary>The samples of a time, the oldest first.</summary>
    public IReadOnlyList<NodeSample> Between(DateTimeOffset from, DateTimeOffset to) =>
        [.. samples.Where(sample => sample.At >= from.ToUnixTimeSeconds() && sample.At <= to.ToUnixTimeSeconds())];
}
