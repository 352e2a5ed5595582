using NannyOrleans.Domain.Metrics;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Domain.Tests.Metrics;

/// <summary>Ordinary measurements, so that a test names only what it is about.</summary>
internal static class Measured
{
    /// <summary>A host of which nothing is known but that it measures.</summary>
    public static readonly NodeMetrics Nothing = new(Some.Noon, 30);

    public static GuestMetrics Guest(int vmid, GuestStatus status = GuestStatus.Running, GuestType type = GuestType.Lxc) => new(new(vmid), type, status);

    public static NodeSample At(DateTimeOffset at) => NodeSample.Of(Nothing, at);
}
