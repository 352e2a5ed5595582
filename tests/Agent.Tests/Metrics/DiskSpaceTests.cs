using NannyOrleans.Agent.Metrics;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Agent.Tests.Metrics;

public sealed class DiskSpaceTests
{
    private static readonly Usage Half = new(1, 2);
    private readonly List<string> problems = [];

    [Fact]
    public async Task The_kernel_says_how_full_a_place_is()
    {
        var found = await new DiskSpace(TimeSpan.FromSeconds(60)).Measure(["/", "/does/not/exist", $"/proc/{Environment.ProcessId}/root"], problems, default);
        Assert.True(found[0]!.TotalBytes > 0 && found[0]!.UsedBytes <= found[0]!.TotalBytes);
        Assert.Equal(new DriveInfo("/").TotalSize, found[0]!.TotalBytes);
        Assert.Null(found[1]);
        Assert.Equal(found[0]!.TotalBytes, found[2]!.TotalBytes);
        Assert.Empty(problems);
    }

    [Fact]
    public async Task A_place_that_hangs_costs_one_wait_and_is_left_out_until_it_answers()
    {
        using var answers = new ManualResetEventSlim();
        var asked = new TaskCompletionSource();
        var clock = new HandClock();
        var disks = new DiskSpace(TimeSpan.FromSeconds(5), clock, path =>
        {
            if (path is "/dead")
            {
                asked.TrySetResult();
                answers.Wait();
            }

            return Half;
        });
        var first = disks.Measure(["/", "/dead", "/data"], problems, default);
        await asked.Task.Within("the question that is not answered");
        clock.TimeIsUp();
        Assert.Equal([Half, null, null], await first.Within("the end of the wait"));
        Assert.Equal("/dead did not say within 5 s how full it is", Assert.Single(problems));

        problems.Clear();
        Assert.Equal([Half, null, Half], await disks.Measure(["/", "/dead", "/data"], problems, default).Within("the others' answers"));
        Assert.Equal("/dead still does not say how full it is", Assert.Single(problems));

        answers.Set();
        await Eventually.Until(() => disks.Measure(["/dead"], problems, default).GetAwaiter().GetResult() is [{ } usage] && usage == Half, "the answer of the place that hung");
    }

    [Fact]
    public async Task Nothing_to_ask_is_no_question() => Assert.Empty(await new DiskSpace(TimeSpan.FromSeconds(60)).Measure([], problems, default));

    private sealed class HandClock : TimeProvider
    {
        private Action timeIsUp = () => { };

        public void TimeIsUp() => timeIsUp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            timeIsUp += () => callback(state);
            return base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
