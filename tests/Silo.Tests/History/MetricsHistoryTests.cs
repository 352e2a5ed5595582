using Microsoft.Extensions.Logging.Abstractions;
using NannyOrleans.Domain.Metrics;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Silo.History;
using NannyOrleans.Silo.Tests.Storage;

namespace NannyOrleans.Silo.Tests.History;

public abstract class MetricsHistoryTests(TestSilo silo) : IAsyncLifetime
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly ClusterId Cluster = ClusterId.Parse("c0123456789abcdef");
    private static readonly ClusterId Other = ClusterId.Parse("cfedcba9876543210");
    private static readonly NodeName Pve1 = NodeName.Parse("pve1");
    private static readonly NodeName Pve2 = NodeName.Parse("pve2");

    private HistoryTables? tables;

    private HistoryTables Tables => tables!;

    public async ValueTask InitializeAsync() => tables = await silo.NewHistory();

    public async ValueTask DisposeAsync()
    {
        await Tables.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Keeps_what_was_added_whole()
    {
        var history = History();
        var rollup = new MetricsRollup(Cluster, Pve1, Noon, 10)
        {
            CpuPercent = 12.5,
            CpuPercentMax = 80,
            Load1 = 0.5,
            MemoryUsedBytes = 1e12,
            RunningContainers = 0,
            Guests =
            [
                new(new(100))
                {
                    CpuCores = 0.25,
                    MemoryUsedBytes = 1,
                    MemoryBytes = 2,
                    DiskUsedBytes = 3,
                    DiskBytes = 4,
                    DiskReadPerSecond = 5,
                    DiskWritePerSecond = 6,
                    NetworkInPerSecond = 1000,
                    NetworkOutPerSecond = 0,
                },
                new(new(999_999_999)),
            ],
        };
        await Write(history, rollup);
        var read = Assert.Single(await history.Read(Cluster, null, Noon, Noon));
        Assert.Equal(Stored.Json(rollup), Stored.Json(read));
        Assert.Equal((null, 0, null), (read.SwapUsedBytes, read.RunningContainers, read.RunningVms)); // null is not 0
        Assert.Equal(Stored.Json(rollup with { Guests = [] }), Stored.Json(Assert.Single(await history.Read(Cluster, Pve1, Noon, Noon))));
    }

    [Fact]
    public async Task The_curve_of_a_guest_goes_on_where_it_migrated_to()
    {
        var history = History();
        var (here, there) = (new GuestRollup(new(100)) { CpuCores = 1 }, new GuestRollup(new(100)) { CpuCores = 2 });
        await Write(
            history,
            At(0, Pve1) with { Guests = [here, new(new(99_999)), new(new(100_000))] },
            At(0, Pve2) with { Guests = [new(new(101))] },
            At(1, Pve2) with { Guests = [there, new(new(101))] },
            At(2, Pve2) with { Guests = [] },
            At(3, Pve2) with { Guests = [there], Cluster = Other });
        var curve = await history.ReadGuest(Cluster, new(100), Noon, Time(9));
        Assert.Equal([(Time(0), Pve1, 1d), (Time(1), Pve2, 2d)], curve.Select(rollup => (rollup.At, rollup.Node, Assert.Single(rollup.Guests).CpuCores!.Value)));
        Assert.Empty(await history.ReadGuest(Cluster, new(102), Noon, Time(9)));
    }

    [Fact]
    public async Task Answers_by_node_and_time_the_oldest_first()
    {
        var history = History();
        await Write(history, [.. from step in Enumerable.Range(0, 5) from node in new[] { Pve2, Pve1 } select At(step, node), At(2, Pve1) with { Cluster = Other }]);
        Assert.Equal(["1 pve1", "2 pve1"], await Read(Pve1, 1, 2));
        Assert.Equal(["0 pve1", "0 pve2", "1 pve1", "1 pve2"], await Read(null, -3, 1));
        Assert.Empty(await Read(Pve1, 9, 20));

        async Task<IEnumerable<string>> Read(NodeName? node, int from, int to) =>
            (await history.Read(Cluster, node, Time(from), Time(to))).Select(rollup => $"{(rollup.At - Noon) / MetricsRollup.Step} {rollup.Node}");
    }

    [Fact]
    public async Task Of_two_of_one_time_the_one_of_more_samples_stands_in_one_batch_or_in_two()
    {
        var history = History();
        await Write(history, At(0, Pve1, samples: 3), At(0, Pve1, samples: 7), At(1, Pve1, samples: 5));
        await Write(history, At(0, Pve1, samples: 2), At(1, Pve1, samples: 9));
        Assert.Equal([7, 9], (await history.Read(Cluster, Pve1, Noon, Time(5))).Select(rollup => rollup.Samples));
        Assert.Equal(2, await Tables.Count("metrics"));
    }

    [Fact]
    public async Task Writes_more_than_one_batch()
    {
        var history = History();
        await Write(history, [.. Enumerable.Range(0, 2500).Select(step => At(step, Pve1))]);
        Assert.Equal(2500, await Tables.Count("metrics"));
    }

    [Fact]
    public async Task Drops_what_is_older_than_thirty_days()
    {
        var history = History();
        var kept = Noon - MetricsRollup.Kept;
        await Write(history, At(0, Pve1) with { At = kept }, At(0, Pve1) with { At = kept - MetricsRollup.Step });
        await history.Prune(CancellationToken.None);
        Assert.Equal(kept, Assert.Single(await history.Read(Cluster, Pve1, DateTimeOffset.UnixEpoch, Noon)).At);
    }

    [Theory]
    [InlineData("Data", "")]
    [InlineData("Data", "no JSON")]
    [InlineData("Data", "{}")]
    [InlineData("Data", "null")]
    [InlineData("Guests", "")]
    [InlineData("Guests", "no guests")]
    [InlineData("Guests", "\u0001half of a guest")]
    public async Task A_row_that_cannot_be_read_hides_no_other(string column, string garbage)
    {
        var history = History();
        await Write(history, [.. Enumerable.Range(0, 3).Select(step => At(step, Pve1) with { Guests = [new(new(100))] })]);
        await Tables.Tell($"UPDATE metrics SET \"{column}\" = @payload WHERE \"At\" = {Time(1).ToUnixTimeSeconds()}", System.Text.Encoding.UTF8.GetBytes(garbage));
        Assert.Equal([Time(0), Time(2)], (await history.Read(Cluster, null, Noon, Time(9))).Select(rollup => rollup.At));
        Assert.Equal(column is "Guests" ? 3 : 2, (await history.Read(Cluster, Pve1, Noon, Time(9))).Count);
        Assert.Equal(column is "Guests" ? 2 : 3, (await history.ReadGuest(Cluster, new(100), Noon, Time(9))).Count);
    }

    [Fact]
    public async Task What_could_not_be_written_waits_and_is_written_later()
    {
        var history = History();
        await Tables.Tell("ALTER TABLE metrics RENAME TO away");
        await Assert.ThrowsAnyAsync<Exception>(() => Write(history, [.. Enumerable.Range(0, 1500).Select(step => At(step, Pve1))]));
        await Tables.Tell("ALTER TABLE away RENAME TO metrics");
        await Write(history, At(0, Pve2));
        Assert.Equal(1501, await Tables.Count("metrics"));
    }

    [Fact]
    public async Task Of_more_than_can_wait_the_oldest_are_lost()
    {
        var history = History();
        await Write(history, [.. Enumerable.Range(0, 20_500).Select(step => At(step, Pve1))]);
        Assert.Equal(20_000, await Tables.Count("metrics"));
        Assert.Equal(Time(500).ToUnixTimeSeconds(), await Tables.Ask<long>("SELECT min(\"At\") FROM metrics"));
    }

    [Fact] // a figure no JSON has: of one host, and all others' rows with it
    public async Task Absurd_figures_of_one_host_cost_no_other_its_row()
    {
        var history = History();
        var sum = new RollupSum(Noon);
        var metrics = new Protocol.Metrics.NodeMetrics(Noon, 30)
        {
            CpuPercent = 1e300,
            Guests = [new(new(100), Protocol.Inventories.GuestType.Lxc, Protocol.Inventories.GuestStatus.Running) { CpuCores = double.MaxValue, NetworkInPerSecond = double.MaxValue }],
        };
        sum.Add(NodeSample.Of(metrics, Noon), metrics);
        sum.Add(NodeSample.Of(metrics, Noon), metrics);
        await Write(history, sum.Result(Cluster, Pve1), At(0, Pve2));
        Assert.Equal([Pve1, Pve2], (await history.Read(Cluster, null, Noon, Noon)).Select(rollup => rollup.Node));
    }

    [Fact]
    public async Task What_grains_have_when_the_silo_ends_is_written()
    {
        using var data = new DataDirectory();
        await using (var silo = await RunningSilo.Start(data))
        {
            var node = silo.Grains.GetGrain<INodeGrain>($"{Cluster}/pve1");
            var agent = AgentId.Parse("01M83HYC366EDV4QB830883JAT");
            await node.Enrol(new(agent, "pve1", "lab"));
            Assert.Null(await node.RecordMetrics(agent, new(Noon, 30) { CpuPercent = 42 }));
        }

        Assert.Equal(1, data.Ask<long>("history.db", "SELECT count(*) FROM metrics WHERE Node = 'pve1' AND Samples = 1"));
    }

    private static MetricsRollup At(int step, NodeName node, int samples = 1) => new(Cluster, node, Time(step), samples) { CpuPercent = step };

    private static DateTimeOffset Time(int step) => Noon + (step * MetricsRollup.Step);

    private MetricsHistory History() => new(Tables, new AtNoon(), NullLogger<MetricsHistory>.Instance);

    private static async Task Write(MetricsHistory history, params MetricsRollup[] rollups)
    {
        foreach (var rollup in rollups)
        {
            history.Add(rollup);
        }

        await history.WriteAll(CancellationToken.None);
    }

    private sealed class AtNoon : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Noon;
    }
}

public sealed class MetricsHistoryOnSqliteTests(SharedSilo silo) : MetricsHistoryTests(silo);

public sealed class MetricsHistoryOnPostgresTests(SiloOnPostgres silo) : MetricsHistoryTests(silo), IClassFixture<SiloOnPostgres>;
