using CsCheck;
using NannyOrleans.Domain.Metrics;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Metrics;

public sealed class MetricsTests
{
    [Fact]
    public void A_ring_keeps_a_day()
    {
        var ring = new MetricsRing();
        for (var second = 0L; second <= 86_400 + 600; second += 30)
        {
            ring.Add(At(second));
        }

        var all = ring.Between(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(1));
        Assert.Equal((630L, 87_000L, 2880), (all[0].At, all[^1].At, all.Count));
        Assert.Equal([1020L, 1050L, 1080L], ring.Between(DateTimeOffset.FromUnixTimeSeconds(1000), DateTimeOffset.FromUnixTimeSeconds(1080)).Select(sample => sample.At));
    }

    [Fact]
    public void A_ring_is_bounded_however_often_an_agent_sends()
    {
        var ring = new MetricsRing();
        for (var number = 0; number < MetricsRing.MaxSamples + 5; number++)
        {
            ring.Add(At(1) with { CpuPercent = number });
        }

        var all = ring.Between(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddDays(1));
        Assert.Equal((MetricsRing.MaxSamples, 5f), (all.Count, all[0].CpuPercent));
    }

    [Fact]
    public void A_ring_is_in_order_and_within_a_day_whatever_the_clock_does() => Gen.Int[0, 200_000].Array[0, 50].Sample(times =>
    {
        var ring = new MetricsRing();
        foreach (var time in times)
        {
            ring.Add(At(time));
            var all = ring.Between(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(1)).Select(sample => sample.At).ToArray();
            Assert.Equal(all.Order(), all);
            Assert.Equal(time, all[^1]); // after a clock that was ahead had been set right, too
            Assert.True(all[^1] - all[0] < 86_400);
        }
    });

    [Fact]
    public void What_a_sample_does_not_say_is_not_zero()
    {
        var nothing = NodeSample.Of(new(Noon, 30), Noon);
        Assert.All(Figures(nothing), figure => Assert.True(float.IsNaN(figure)));
        Assert.Equal((-1, -1), (nothing.RunningCts, nothing.RunningVms));
        var none = NodeSample.Of(Sample(), Noon); // no guests is known to be none
        Assert.Equal((0f, 0f, 0, 0), (none.GuestsCpuCores, none.GuestsMemoryUsed, none.RunningCts, none.RunningVms));
    }

    [Fact]
    public void A_sum_over_guests_with_a_gap_is_no_sum()
    {
        var (known, stopped) = (Guest(100, GuestStatus.Running, 0.5, 10), Guest(101, GuestStatus.Stopped, null, null));
        var sum = NodeSample.Of(Sample(known, stopped, Guest(200, GuestStatus.Running, 1, 20, GuestType.Qemu)), Noon);
        Assert.Equal((1.5f, 30f, 1, 1), (sum.GuestsCpuCores, sum.GuestsMemoryUsed, sum.RunningCts, sum.RunningVms));
        var gap = NodeSample.Of(Sample(known, Guest(102, GuestStatus.Running, null, 5)), Noon);
        Assert.Equal((true, 15f), (float.IsNaN(gap.GuestsCpuCores), gap.GuestsMemoryUsed));
        Assert.Equal((-1, 1), (NodeSample.Of(Sample(known, Guest(103, GuestStatus.Unknown, 1, 1), Guest(200, GuestStatus.Running, 1, 1, GuestType.Qemu)), Noon) is var unknown ? unknown.RunningCts : 0, unknown.RunningVms));
    }

    [Fact]
    public void A_figure_that_no_float_holds_is_not_known()
    {
        var sample = NodeSample.Of(Sample(Guest(100, GuestStatus.Running, 1e300, 1)) with { CpuPercent = 1e300 }, Noon);
        Assert.True(float.IsNaN(sample.CpuPercent) && float.IsNaN(sample.GuestsCpuCores));
    }

    [Fact]
    public void A_rollup_has_the_means_of_what_was_known()
    {
        var rollup = Rolled(
            Sample(Guest(100, GuestStatus.Running, 1, 100), Guest(200, GuestStatus.Running, 2, null, GuestType.Qemu)) with { CpuPercent = 10, Memory = new(100, 1000), Mounts = [new("/boot", "ext4", new(1, 2)), new("/", "ext4", new(50, 500))] },
            Sample(Guest(100, GuestStatus.Running, null, 300)) with { CpuPercent = 30 },
            Sample(Guest(100, GuestStatus.Stopped, null, null)) with { CpuPercent = null });
        Assert.Equal((3, 20d, 30d, 100d, 1000d, 50d, 500d), (rollup.Samples, rollup.CpuPercent, rollup.CpuPercentMax, rollup.MemoryUsedBytes, rollup.MemoryBytes, rollup.DiskUsedBytes, rollup.DiskBytes));
        Assert.Equal((null, null, null), (rollup.Load1, rollup.SwapUsedBytes, rollup.NetworkInPerSecond));
        Assert.Equal((0, 0), (rollup.RunningContainers, rollup.RunningVms)); // at the end
        Assert.Equal([(100, 1d, 200d), (200, 2d, null)], rollup.Guests.Select(guest => (guest.Vmid.Value, guest.CpuCores!.Value, guest.MemoryUsedBytes)));
    }

    [Fact]
    public void A_rollup_of_nothing_known_knows_nothing()
    {
        var rollup = Rolled(new NodeMetrics(Noon, 30));
        Assert.Equal((1, null, null, null, null, null), (rollup.Samples, rollup.CpuPercent, rollup.CpuPercentMax, rollup.GuestsCpuCores, rollup.RunningContainers, rollup.RunningVms));
        Assert.Empty(rollup.Guests);
        Assert.Null(new RollupSum(Noon).Result(Cluster, Pve1).RunningContainers);
    }

    [Fact]
    public void Whatever_is_measured_a_mean_lies_between_and_is_a_number() => Gen.Double[1, 1e308].Nullable().Array[1, 20].Sample(figures =>
    {
        var rollup = Rolled([.. figures.Select(figure => Sample(Guest(100, GuestStatus.Running, figure, null)) with { NetworkInPerSecond = figure, CpuPercent = figure })]);
        foreach (var mean in new[] { rollup.CpuPercent, rollup.CpuPercentMax, rollup.NetworkInPerSecond, rollup.GuestsCpuCores, rollup.Guests[0].CpuCores })
        {
            Assert.True(mean is null || double.IsFinite(mean.Value));
            Assert.True(mean is null || (mean >= figures.Min() * 0.999 && mean <= figures.Max() * 1.001));
        }

        Assert.Equal(figures.All(figure => figure is null or > float.MaxValue), rollup.CpuPercent is null);
    });

    [Theory]
    [InlineData("2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z")]
    [InlineData("2026-11-23T12:04:59.999Z", "2026-11-23T12:00:00Z")]
    [InlineData("2026-11-23T12:05:00+05:45", "2026-11-23T06:20:00Z")]
    public void Five_minutes_begin_at_a_multiple_of_them(string at, string start) =>
        Assert.Equal(DateTimeOffset.Parse(start), MetricsRollup.StartOf(DateTimeOffset.Parse(at)));

    private static float[] Figures(NodeSample sample) =>
        [sample.CpuPercent, sample.Load1, sample.MemoryUsed, sample.MemoryTotal, sample.SwapUsed, sample.RootUsed, sample.RootTotal, sample.NetworkIn, sample.NetworkOut, sample.GuestsCpuCores, sample.GuestsMemoryUsed];

    private static NodeSample At(long second) => NodeSample.Of(new(Noon, 30), DateTimeOffset.FromUnixTimeSeconds(second));

    private static GuestMetrics Guest(int vmid, GuestStatus status, double? cpu, long? memory, GuestType type = GuestType.Lxc) =>
        new(new(vmid), type, status) { CpuCores = cpu, Memory = memory is { } used ? new(used, 1000) : null };

    private static MetricsRollup Rolled(params NodeMetrics[] samples)
    {
        var sum = new RollupSum(Noon);
        foreach (var metrics in samples)
        {
            sum.Add(NodeSample.Of(metrics, Noon), metrics);
        }

        return sum.Result(Cluster, Pve1);
    }
}
