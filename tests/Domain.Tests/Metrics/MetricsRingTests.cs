using CsCheck;
using NannyOrleans.Domain.Metrics;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Tests.Metrics;

public sealed class MetricsRingTests
{
    private readonly MetricsRing ring = new();

    private IEnumerable<double> Hours => ring.Between(DateTimeOffset.MinValue, DateTimeOffset.MaxValue).Select(sample => (DateTimeOffset.FromUnixTimeSeconds(sample.At) - Some.Noon).TotalHours);

    [Fact]
    public void Keeps_a_day_and_no_more()
    {
        Add(0, 1, 23.5, 24);
        Assert.Equal([1, 23.5, 24], Hours);
        Add(25, 100);
        Assert.Equal([100], Hours);
    }

    [Fact]
    public void Gives_those_of_a_time_with_both_its_ends_the_oldest_first()
    {
        Add(0, 1, 2, 3);
        Assert.Equal([1, 2], ring.Between(Some.Noon.AddHours(1), Some.Noon.AddHours(2)).Select(sample => (DateTimeOffset.FromUnixTimeSeconds(sample.At) - Some.Noon).TotalHours));
        Assert.Empty(ring.Between(Some.Noon.AddHours(2), Some.Noon.AddHours(1)));
        Assert.Empty(new MetricsRing().Between(DateTimeOffset.MinValue, DateTimeOffset.MaxValue));
    }

    [Fact]
    public void A_clock_set_back_does_not_stop_it()
    {
        Add(0, 1, 2, 1.5, 1.75);
        Assert.Equal([0, 1, 1.5, 1.75], Hours);
    }

    [Fact] // The server came up with a wrong clock, years ahead, and was set right.
    public void A_clock_set_back_by_years_does_not_stop_it()
    {
        Add(24 * 365 * 10, 0, 1);
        Assert.Equal([0, 1], Hours);
    }

    [Fact]
    public void Several_in_one_second_all_stay()
    {
        Add(0, 0, 0);
        Assert.Equal([0, 0, 0], Hours);
    }

    [Fact]
    public void Whatever_the_clock_does_there_is_a_day_at_most_in_order_and_with_the_newest() => Gen.Int[0, 100].Array[1, 50].Sample(hours =>
    {
        var any = new MetricsRing();
        foreach (var hour in hours)
        {
            any.Add(Measured.At(Some.Noon.AddHours(hour)));
        }

        var kept = any.Between(DateTimeOffset.MinValue, DateTimeOffset.MaxValue).Select(sample => sample.At).ToArray();
        Assert.Equal(kept.Order(), kept);
        Assert.Equal(Some.Noon.AddHours(hours[^1]).ToUnixTimeSeconds(), kept[^1]);
        Assert.True(kept[^1] - kept[0] < MetricsRing.Kept.TotalSeconds);
    });

    [Fact]
    public void What_is_not_known_is_not_zero_in_a_sample()
    {
        var sample = Measured.At(Some.Noon);
        float[] figures =
        [
            sample.CpuPercent, sample.Load1, sample.MemoryUsed, sample.MemoryTotal, sample.SwapUsed, sample.RootUsed, sample.RootTotal, sample.NetworkIn, sample.NetworkOut,
            sample.GuestsCpuCores, sample.GuestsMemoryUsed,
        ];
        Assert.All(figures, figure => Assert.True(float.IsNaN(figure)));
        Assert.Equal((-1, -1), (sample.RunningCts, sample.RunningVms));
    }

    [Fact]
    public void What_is_known_to_be_zero_is_zero_in_a_sample()
    {
        var sample = NodeSample.Of(Measured.Nothing with { CpuPercent = 0, Swap = new(0, 0), Guests = [Measured.Guest(100, GuestStatus.Stopped)] }, Some.Noon);
        Assert.Equal((0f, 0f, 0f, 0f, 0, 0), (sample.CpuPercent, sample.SwapUsed, sample.GuestsCpuCores, sample.GuestsMemoryUsed, sample.RunningCts, sample.RunningVms));
    }

    [Fact]
    public void Guests_are_summed_as_far_as_known()
    {
        var first = NodeSample.Of(Measured.Nothing with { Guests = [Measured.Guest(100) with { Memory = new(7, 9) }, Measured.Guest(101)] }, Some.Noon);
        Assert.True(float.IsNaN(first.GuestsCpuCores)); // after one sample nobody can say how much time was used
        Assert.Equal(7, first.GuestsMemoryUsed);

        var second = NodeSample.Of(
            Measured.Nothing with
            {
                Guests =
                [
                    Measured.Guest(100) with { CpuCores = 1.5 },
                    Measured.Guest(101),
                    Measured.Guest(200, type: GuestType.Qemu) with { CpuCores = 0.25 },
                    Measured.Guest(201, GuestStatus.Stopped, GuestType.Qemu),
                    Measured.Guest(202, GuestStatus.Unknown, GuestType.Qemu),
                ],
            },
            Some.Noon);
        Assert.Equal((1.75f, 2, 1), (second.GuestsCpuCores, second.RunningCts, second.RunningVms));
        Assert.True(float.IsNaN(second.GuestsMemoryUsed));
    }

    [Fact]
    public void The_root_file_system_alone_counts_as_the_disk()
    {
        var sample = NodeSample.Of(Measured.Nothing with { Mounts = [new("/boot", "vfat", new(1, 2)), new("/", "ext4", new(3, 4))] }, Some.Noon);
        Assert.Equal((3f, 4f), (sample.RootUsed, sample.RootTotal));
    }

    [Fact]
    public void A_figure_that_no_float_holds_is_not_known() =>
        Assert.True(float.IsNaN(NodeSample.Of(Measured.Nothing with { NetworkInPerSecond = double.MaxValue }, Some.Noon).NetworkIn));

    private void Add(params double[] hours)
    {
        foreach (var hour in hours)
        {
            ring.Add(Measured.At(Some.Noon.AddHours(hour)));
        }
    }
}
