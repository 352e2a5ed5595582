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
/// <param name="GuestsCpuCores">Processors' worth, all guests together.</param>
/// <param name="GuestsMemoryUsed">Bytes, all guests together.</param>
/// <param name="RunningCts">Containers that run; -1 when not known.</param>
/// <param name="RunningVms">Virtual machines that run; -1 when not known.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)] // NaN has to cross to a process that asks
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

    // What no float can hold is no figure either: infinity has no mean and no JSON.
    private static float Known(double? figure) => (float?)figure is { } known && float.IsFinite(known) ? known : float.NaN;

    // A sum with a gap is no sum: a guest that runs and has not been measured uses something.
    private static float Sum(IReadOnlyList<GuestMetrics>? guests, Func<GuestMetrics, double?> figure) => guests is null
        ? float.NaN
        : Known(guests.Where(guest => guest.Status is not GuestStatus.Stopped).Sum(guest => figure(guest) ?? double.NaN));

    private static short Running(IReadOnlyList<GuestMetrics>? guests, GuestType type) =>
        guests is null || guests.Any(guest => guest.Type == type && guest.Status is GuestStatus.Unknown)
            ? (short)-1
            : (short)guests.Count(guest => guest.Type == type && guest.Status is GuestStatus.Running);
}

/// <summary>The samples of the last day of one host. It grows with what there is, and nothing in it is stored.</summary>
public sealed class MetricsRing
{
    /// <summary>How long a sample is kept.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(1);

    /// <summary>The most samples: one a second. An agent that sends more often must not fill the server's memory.</summary>
    public const int MaxSamples = 24 * 60 * 60;

    private readonly Queue<NodeSample> samples = new();
    private long newest;

    /// <summary>Adds a sample and drops those that are too old. When the clock was set back, those of the time that has not come yet go too.</summary>
    public void Add(NodeSample sample)
    {
        if (sample.At < newest)
        {
            var kept = samples.Where(one => one.At <= sample.At).ToArray();
            samples.Clear();
            foreach (var one in kept)
            {
                samples.Enqueue(one);
            }
        }

        while (samples.TryPeek(out var oldest) && (sample.At - oldest.At >= (long)Kept.TotalSeconds || samples.Count >= MaxSamples))
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
