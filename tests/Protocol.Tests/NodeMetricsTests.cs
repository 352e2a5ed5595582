using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Protocol.Tests;

public sealed class NodeMetricsTests
{
    private static readonly NodeMetrics Sample = new(new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero), 30);
    private static readonly GuestMetrics Guest = new(new(100), GuestType.Lxc, GuestStatus.Running);

    public static TheoryData<NodeMetrics> Sound =>
    [
        Sample,
        Sample with { CpuPercent = 0, Memory = new(0, 0), NetworkInPerSecond = 1e12 },
        Sample with { Memory = new(long.MaxValue, long.MaxValue), Guests = [Guest, Guest with { Vmid = new(101) }] },
    ];

    public static TheoryData<NodeMetrics> Unsound =>
    [
        Sample with { IntervalSeconds = 0 },
        Sample with { CpuPercent = -1 },
        Sample with { CpuPercent = double.NaN },
        Sample with { NetworkInPerSecond = double.PositiveInfinity },
        Sample with { NetworkOutPerSecond = double.MaxValue }, // two of them come to an infinity
        Sample with { Load = new(0, 0, -1) },
        Sample with { Memory = new(-1, 0) },
        Sample with { Guests = [null!] },
        Sample with { Guests = [Guest, Guest] },
        Sample with { Guests = [Guest with { CpuCores = 1e300 }] },
        Sample with { Problems = [null!] },
    ];

    [Theory]
    [MemberData(nameof(Sound), DisableDiscoveryEnumeration = true)]
    public void What_a_host_can_measure_is_taken(NodeMetrics sample) => Assert.True(sample.IsSound());

    [Theory]
    [MemberData(nameof(Unsound), DisableDiscoveryEnumeration = true)]
    public void What_no_host_can_measure_is_not(NodeMetrics sample) => Assert.False(sample.IsSound());
}
