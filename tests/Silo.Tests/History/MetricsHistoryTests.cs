using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using NannyOrleans.Domain.Metrics;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Silo.History;
using NannyOrleans.Silo.Tests.Storage;

namespace NannyOrleans.Silo.Tests.History;

public sealed class MetricsHistoryTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly ClusterId Lab = ClusterId.Parse("c0123456789abcdef");
    private static readonly ClusterId Other = ClusterId.Parse("cfedcba9876543210");
    private static readonly NodeName Pve1 = NodeName.Parse("pve1");
    private static readonly NodeName Pve2 = NodeName.Parse("pve2");

    private readonly HistoryFile file = new();
    private readonly HandClock clock = new(Noon);

    public void Dispose() => file.Dispose();

    [Fact]
    public async Task A_rollup_comes_back_whole_and_what_is_unknown_stays_unknown()
    {
        var rollup = new MetricsRollup(Lab, Pve1, Noon, 10)
        {
            CpuPercent = 12.5,
            CpuPercentMax = 99,
            MemoryBytes = 34359738368,
            RunningContainers = 0,
            Guests = [new(new(100)) { CpuCores = 0.25, MemoryUsedBytes = 1 }, new(new(101))],
        };
        var history = await Written(rollup);
        var read = Assert.Single(await history.Read(Lab, Pve1, Noon, Noon));
        Assert.Equal(Stored.Json(rollup), Stored.Json(read));
        Assert.Null(read.Load1);
        Assert.Null(read.RunningVms);
        Assert.Equal(0, read.RunningContainers);
        Assert.Null(read.Guests[1].CpuCores);
    }

    [Fact]
    public async Task Those_of_one_node_or_of_a_cluster_in_a_time_come_back_the_oldest_first()
    {
        var history = await Written(Of(Pve2, 10), Of(Pve1, 10), Of(Pve1, 0), Of(Pve1, 5), Of(Pve1, 15), Of(Pve1, 5) with { Cluster = Other });
        Assert.Equal([(Pve1, 0), (Pve1, 5), (Pve1, 10), (Pve2, 10), (Pve1, 15)], await Read(history, Lab, null, 0, 60));
        Assert.Equal([(Pve1, 5), (Pve1, 10)], await Read(history, Lab, Pve1, 5, 10)); // both ends belong to it
        Assert.Equal([(Pve1, 10)], await Read(history, Lab, Pve1, 6, 14));
        Assert.Equal([(Pve1, 5)], await Read(history, Other, null, 0, 60));
        Assert.Empty(await Read(history, Lab, NodeName.Parse("pve3"), 0, 60));
        Assert.Empty(await Read(history, Lab, Pve1, 60, 0));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_two_parts_of_the_same_five_minutes_the_one_of_more_samples_stands(bool inOneBatch)
    {
        var history = New();
        foreach (var samples in new[] { 4, 9, 1 })
        {
            history.Add(Of(Pve1, 0) with { Samples = samples, CpuPercent = samples });
            if (!inOneBatch)
            {
                await history.WriteAll(CancellationToken.None);
            }
        }

        await history.WriteAll(CancellationToken.None);
        var read = Assert.Single(await history.Read(Lab, null, Noon, Noon));
        Assert.Equal((9, 9d), (read.Samples, read.CpuPercent));
        Assert.Equal(9, file.Ask<long>("SELECT Samples FROM metrics"));
    }

    [Fact]
    public async Task More_than_a_batch_is_written_at_once()
    {
        var history = await Written([.. Enumerable.Range(0, 2345).Select(number => Of(NodeName.Parse($"pve{number}"), 0))]);
        Assert.Equal(2345, (await history.Read(Lab, null, Noon, Noon)).Select(rollup => rollup.Node).Distinct().Count());
    }

    [Fact]
    public async Task Pruning_drops_what_is_older_than_thirty_days_and_nothing_else()
    {
        var history = await Written(
            Of(Pve1, 0) with { At = Noon.AddDays(-31) },
            Of(Pve1, 0) with { At = Noon.AddDays(-30).AddSeconds(-1) },
            Of(Pve1, 0) with { At = Noon.AddDays(-30) },
            Of(Pve1, 0) with { At = Noon },
            Of(Pve1, 0) with { At = Noon.AddDays(1) });
        await history.Prune(CancellationToken.None);
        Assert.Equal([Noon.AddDays(-30), Noon, Noon.AddDays(1)], (await history.Read(Lab, null, DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue)).Select(rollup => rollup.At));
    }

    [Fact]
    public async Task A_database_that_fails_loses_what_it_was_given_and_takes_what_comes_after()
    {
        var history = New();
        file.Tell("ALTER TABLE metrics RENAME TO away");
        history.Add(Of(Pve1, 0));
        await history.WriteAll(CancellationToken.None);
        file.Tell("ALTER TABLE away RENAME TO metrics");
        history.Add(Of(Pve1, 5));
        await history.WriteAll(CancellationToken.None);
        Assert.Equal([(Pve1, 5)], await Read(history, Lab, null, 0, 60));
    }

    [Fact]
    public async Task A_turn_that_fails_in_any_way_does_not_end_the_service()
    {
        var failing = new FailingOnce(file);
        var history = new MetricsHistory(failing, clock, NullLogger<MetricsHistory>.Instance);
        await history.StartAsync(CancellationToken.None);
        await clock.Started.Task.Within("the service's start");
        history.Add(Of(Pve1, 0));
        clock.Tick();
        await failing.Failed.Task.Within("the turn that fails");
        history.Add(Of(Pve1, 5));
        await Waiting.Until(
            () =>
            {
                clock.Tick();
                return Read(history, Lab, null, 0, 60);
            },
            read => read is [(_, 5)],
            "the next turn");
        Assert.False(history.ExecuteTask!.IsCompleted);
        await history.StopAsync(CancellationToken.None).Within("the service's end");
    }

    [Fact] // Grains hand over what they have of the present five minutes when the silo stops.
    public async Task What_waits_when_the_service_stops_is_written()
    {
        var history = New();
        await history.StartAsync(CancellationToken.None);
        await clock.Started.Task.Within("the service's start");
        history.Add(Of(Pve1, 0));
        await history.StopAsync(CancellationToken.None).Within("the service's end");
        Assert.Equal([(Pve1, 0)], await Read(history, Lab, null, 0, 60));
    }

    [Fact]
    public async Task A_hundred_guests_take_a_few_kilobytes()
    {
        var guests = Enumerable.Range(100, 100).Select(number => new GuestRollup(new(number)) { CpuCores = number / 7d, MemoryUsedBytes = number * 1e7, MemoryBytes = 1 << 30 }).ToArray();
        await Written(Of(Pve1, 0) with { Guests = guests });
        Assert.InRange(file.Ask<long>("SELECT LENGTH(Data) FROM metrics"), 1, 5000);
    }

    private static MetricsRollup Of(NodeName node, int minutes) => new(Lab, node, Noon.AddMinutes(minutes), 10) { CpuPercent = 1 };

    private MetricsHistory New() => new(file, clock, NullLogger<MetricsHistory>.Instance);

    private async Task<MetricsHistory> Written(params MetricsRollup[] rollups)
    {
        var history = New();
        foreach (var rollup in rollups)
        {
            history.Add(rollup);
        }

        await history.WriteAll(CancellationToken.None);
        return history;
    }

    private static async Task<(NodeName Node, int Minutes)[]> Read(MetricsHistory history, ClusterId cluster, NodeName? node, int from, int to) =>
        [.. (await history.Read(cluster, node, Noon.AddMinutes(from), Noon.AddMinutes(to))).Select(rollup => (rollup.Node, (int)(rollup.At - Noon).TotalMinutes))];

    /// <summary>A database that is away once, in a way that nobody thought of.</summary>
    private sealed class FailingOnce(HistoryFile file) : IDbContextFactory<HistoryDb>
    {
        public TaskCompletionSource Failed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public HistoryDb CreateDbContext()
        {
            if (Failed.TrySetResult())
            {
                throw new InvalidOperationException("The disk is on fire.");
            }

            return file.CreateDbContext();
        }
    }

    /// <summary>A clock that stands, and whose timers fire when told to.</summary>
    private sealed class HandClock(DateTimeOffset now) : TimeProvider
    {
        private readonly List<(TimerCallback Callback, object? State)> timers = [];

        /// <summary>Somebody waits for it: until then a tick reaches nobody.</summary>
        public TaskCompletionSource Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override DateTimeOffset GetUtcNow() => now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            lock (timers)
            {
                timers.Add((callback, state));
            }

            Started.TrySetResult();
            return new Hand();
        }

        public void Tick()
        {
            (TimerCallback Callback, object? State)[] due;
            lock (timers)
            {
                due = [.. timers];
            }

            foreach (var (callback, state) in due)
            {
                callback(state);
            }
        }

        private sealed class Hand : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => default;
        }
    }
}
