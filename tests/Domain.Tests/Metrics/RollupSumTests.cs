using NannyOrleans.Domain.Metrics;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Domain.Tests.Metrics;

public sealed class RollupSumTests
{
    [Fact]
    public void Means_are_over_what_was_known()
    {
        var rollup = Sum(
            Measured.Nothing,
            Measured.Nothing with { CpuPercent = 10, Load = new(1, 0, 0), Memory = new(2, 8), Swap = new(0, 0), NetworkInPerSecond = 5 },
            Measured.Nothing with { CpuPercent = 20, Load = new(4, 0, 0), Memory = new(4, 8), Mounts = [new("/", "ext4", new(3, 9))], NetworkOutPerSecond = 7 });
        Assert.Equal(3, rollup.Samples);
        Assert.Equal((15, 20), (rollup.CpuPercent, rollup.CpuPercentMax));
        Assert.Equal(2.5, rollup.Load1);
        Assert.Equal((3, 8), (rollup.MemoryUsedBytes, rollup.MemoryBytes));
        Assert.Equal((0, 3, 9), (rollup.SwapUsedBytes, rollup.DiskUsedBytes, rollup.DiskBytes));
        Assert.Equal((5, 7), (rollup.NetworkInPerSecond, rollup.NetworkOutPerSecond));
    }

    [Fact]
    public void What_was_never_known_is_not_zero()
    {
        foreach (var rollup in new[] { Sum(), Sum(Measured.Nothing), Sum(Measured.Nothing, Measured.Nothing) })
        {
            Assert.Equal(
                rollup,
                new MetricsRollup(Some.Cluster, Some.Pve1, Some.Noon, rollup.Samples) { Guests = rollup.Guests });
            Assert.Empty(rollup.Guests);
        }
    }

    [Fact]
    public void A_guest_is_summed_while_it_runs()
    {
        var rollup = Sum(
            Measured.Nothing with { Guests = [Measured.Guest(101) with { Memory = new(10, 100) }, Measured.Guest(100, GuestStatus.Stopped), Measured.Guest(102, GuestStatus.Unknown)] },
            Measured.Nothing,
            Measured.Nothing with { Guests = [Measured.Guest(101) with { CpuCores = 0.5, Memory = new(30, 100), DiskReadPerSecond = 0 }, Measured.Guest(100)] },
            Measured.Nothing with { Guests = [Measured.Guest(101, GuestStatus.Stopped) with { CpuCores = 99 }] });
        Assert.Equal([100, 101], rollup.Guests.Select(guest => guest.Vmid.Value));
        Assert.Equal(new(new(100)), rollup.Guests[0]);
        Assert.Equal(new(new(101)) { CpuCores = 0.5, MemoryUsedBytes = 20, MemoryBytes = 100, DiskReadPerSecond = 0 }, rollup.Guests[1]);
    }

    [Fact]
    public void Guests_that_run_are_counted_as_of_the_end()
    {
        GuestMetrics[] both = [Measured.Guest(100), Measured.Guest(200, type: GuestType.Qemu)];
        var stopped = Sum(Measured.Nothing with { Guests = both }, Measured.Nothing with { Guests = [both[1], Measured.Guest(100, GuestStatus.Stopped)] });
        Assert.Equal((0, 1), (stopped.RunningContainers, stopped.RunningVms));
        var lost = Sum(Measured.Nothing with { Guests = both }, Measured.Nothing);
        Assert.Equal((null, null), (lost.RunningContainers, lost.RunningVms));
    }

    [Fact]
    public void What_comes_to_no_number_is_not_known()
    {
        var rollup = Sum(
            Measured.Nothing with { CpuPercent = double.MaxValue, Guests = [Measured.Guest(100) with { CpuCores = double.MaxValue }] },
            Measured.Nothing with { CpuPercent = 5, Guests = [Measured.Guest(100) with { CpuCores = double.MaxValue }] });
        Assert.Equal((5, 5), (rollup.CpuPercent, rollup.CpuPercentMax));
        Assert.Null(rollup.Guests[0].CpuCores);
        Assert.Null(rollup.GuestsCpuCores);
    }

    [Theory]
    [InlineData("2026-11-23T12:04:59.999Z", "2026-11-23T12:00:00Z")]
    [InlineData("2026-11-23T12:05:00Z", "2026-11-23T12:05:00Z")]
    [InlineData("2026-11-23T12:09:00+05:45", "2026-11-23T06:20:00Z")]
    public void Five_minutes_begin_alike_everywhere(string at, string start) =>
        Assert.Equal(DateTimeOffset.Parse(start, null), MetricsRollup.StartOf(DateTimeOffset.Parse(at, null)));

    private static MetricsRollup Sum(params NodeMetrics[] measurements)
    {
        var sum = new RollupSum(Some.Noon);
        foreach (var metrics in measurements)
        {
            sum.Add(NodeSample.Of(metrics, Some.Noon), metrics);
        }

        Assert.Equal(Some.Noon, sum.At);
        return sum.Result(Some.Cluster, Some.Pve1);
    }
}
