using CsCheck;
using NannyOrleans.Agent.Metrics;
using NannyOrleans.Agent.Tests.Support;

namespace NannyOrleans.Agent.Tests.Metrics;

public sealed class CounterTests
{
    private readonly SteppedClock clock = new();
    private Counter counter;

    [Fact]
    public void The_first_figure_has_no_rate_and_the_next_has_the_mean_between()
    {
        Assert.Null(Next(1000, 0));
        Assert.Equal(50, Next(1500, 10));
        Assert.Equal(0, Next(1500, 10));
    }

    [Fact]
    public void A_figure_that_went_backwards_has_no_rate_but_the_one_after_it_has()
    {
        Next(1000, 0);
        Assert.Null(Next(10, 10));
        Assert.Equal(1, Next(20, 10));
    }

    [Fact]
    public void After_a_gap_there_is_no_rate()
    {
        Next(1000, 0);
        Assert.Null(Next(null, 10));
        Assert.Null(Next(1100, 10));
    }

    [Fact]
    public void Two_figures_of_one_moment_have_no_rate_and_the_first_stays_the_one_to_compare_with()
    {
        Next(1000, 0);
        Assert.Null(Next(2000, 0.01));
        Assert.Null(Next(3000, 0.01));
        Assert.Equal(100, Next(5000, 39.98)!.Value, precision: 3);
        Assert.Null(Next(10, 0.01)); // began anew, however soon
        Assert.Equal(1, Next(20, 10));
    }

    [Fact]
    public void What_is_forgotten_begins_anew()
    {
        Next(1000, 0);
        counter.Forget();
        Assert.Null(Next(2000, 10));
    }

    [Fact]
    public void No_row_of_figures_makes_a_rate_below_zero_or_no_number() =>
        Gen.Select(Gen.Long[0, long.MaxValue], Gen.Double[0, 100]).Array[1, 20].Sample(steps =>
        {
            var counter = default(Counter);
            foreach (var (figure, seconds) in steps)
            {
                clock.Advance(seconds);
                Assert.True(counter.PerSecond(figure, clock.GetTimestamp(), clock) is null or (>= 0 and < double.PositiveInfinity));
            }
        }, threads: 1);

    private double? Next(long? figure, double seconds)
    {
        clock.Advance(seconds);
        return counter.PerSecond(figure, clock.GetTimestamp(), clock);
    }
}
