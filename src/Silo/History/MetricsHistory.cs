using System.Text.Json;
using System.Threading.Channels;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Domain.Metrics;
using NannyOrleans.Grains.History;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Silo.History;

/// <summary>
/// Means over five minutes in SQL, written in batches: all hosts' come in the same seconds, and one transaction for a thousand rows costs
/// as much as one for a single row.
/// </summary>
internal sealed partial class MetricsHistory(IDbContextFactory<HistoryDb> databases, TimeProvider clock, ILogger<MetricsHistory> logger) : BackgroundService, IMetricsHistory
{
    /// <summary>Two rounds of ten thousand hosts; a database that is away for longer loses the oldest.</summary>
    private const int WaitingAtMost = 20_000;

    private const int BatchAtMost = 1000;
    private static readonly TimeSpan WriteEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PruneEvery = TimeSpan.FromHours(1);
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    private readonly Channel<MetricsRollup> waiting = Channel.CreateBounded<MetricsRollup>(new BoundedChannelOptions(WaitingAtMost) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private DateTimeOffset pruneAt;

    public void Add(MetricsRollup rollup) => waiting.Writer.TryWrite(rollup);

    public async Task<IReadOnlyList<MetricsRollup>> Read(ClusterId cluster, NodeName? node, DateTimeOffset from, DateTimeOffset to)
    {
        await using var database = await databases.CreateDbContextAsync();
        var rows = Rows(database, cluster, from, to);
        if (node is { } one)
        {
            // Thirty days of a host are thousands of rows: its guests, most of them by far, are not read.
            return await Readable(cluster, rows.Where(row => row.Node == one.Value).Select(row => new { row.Data }).AsAsyncEnumerable(), row => Unpack(row.Data));
        }

        return await Readable(cluster, rows.AsAsyncEnumerable(), row => Unpack(row.Data) with { Guests = PackedGuests.Unpack(row.Guests) });
    }

    public async Task<IReadOnlyList<MetricsRollup>> ReadGuest(ClusterId cluster, Vmid vmid, DateTimeOffset from, DateTimeOffset to)
    {
        await using var database = await databases.CreateDbContextAsync();
        return await Readable(cluster, Rows(database, cluster, from, to).Select(row => new { row.Node, row.At, row.Samples, row.Guests }).AsAsyncEnumerable(), row => PackedGuests.Find(row.Guests, vmid) is { } guest
            ? new MetricsRollup(cluster, NodeName.Parse(row.Node), DateTimeOffset.FromUnixTimeSeconds(row.At), row.Samples) { Guests = [guest] }
            : null);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var tick = new PeriodicTimer(WriteEvery, clock);
        try
        {
            while (await tick.WaitForNextTickAsync(stoppingToken))
            {
                await Guarded(() => WriteAll(stoppingToken));
                if (clock.GetUtcNow() >= pruneAt)
                {
                    pruneAt = clock.GetUtcNow() + PruneEvery;
                    await Guarded(() => Prune(stoppingToken));
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What waits is written below: grains hand over what they have of the present five minutes when they end.
        }

        await Guarded(() => WriteAll(CancellationToken.None));
    }

    /// <summary>Writes what waits. A batch that can't be written waits on, beside what comes meanwhile.</summary>
    internal async Task WriteAll(CancellationToken cancellationToken)
    {
        while (waiting.Reader.TryPeek(out _))
        {
            var batch = new List<MetricsRollup>();
            while (batch.Count < BatchAtMost && waiting.Reader.TryRead(out var rollup))
            {
                batch.Add(rollup);
            }

            try
            {
                await Write(batch, cancellationToken);
            }
            catch (Exception failure)
            {
                batch.ForEach(Add);
                Log.NotWritten(logger, batch.Count, failure.Message);
                throw;
            }
        }
    }

    internal async Task Prune(CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var before = (clock.GetUtcNow() - MetricsRollup.Kept).ToUnixTimeSeconds();
        var pruned = await database.Metrics.Where(row => row.At < before).ExecuteDeleteAsync(cancellationToken);
        Log.Pruned(logger, pruned);
    }

    private async Task Write(List<MetricsRollup> batch, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var times = batch.Select(rollup => rollup.At.ToUnixTimeSeconds()).Distinct().ToArray();
        var known = await database.Metrics.AsNoTracking().Where(row => times.Contains(row.At))
            .Select(row => new { row.Cluster, row.Node, row.At, row.Samples }).ToDictionaryAsync(row => (row.Cluster, row.Node, row.At), row => row.Samples, cancellationToken);
        // A node whose grain moved within five minutes has two parts of them; the larger one stands for both.
        foreach (var rollup in batch.GroupBy(one => (one.Cluster, one.Node, one.At)).Select(group => group.MaxBy(one => one.Samples)!))
        {
            var row = new MetricsRow
            {
                Cluster = rollup.Cluster.Value,
                Node = rollup.Node.Value,
                At = rollup.At.ToUnixTimeSeconds(),
                Samples = rollup.Samples,
                Data = JsonSerializer.SerializeToUtf8Bytes(rollup with { Guests = [] }, Json),
                Guests = PackedGuests.Pack(rollup.Guests),
            };
            if (!known.TryGetValue((row.Cluster, row.Node, row.At), out var samples))
            {
                database.Metrics.Add(row);
            }
            else if (samples < row.Samples)
            {
                database.Metrics.Update(row);
            }
        }

        await database.SaveChangesAsync(cancellationToken);
    }

    private static IQueryable<MetricsRow> Rows(HistoryDb database, ClusterId cluster, DateTimeOffset from, DateTimeOffset to)
    {
        var (first, last) = (from.ToUnixTimeSeconds(), to.ToUnixTimeSeconds());
        return database.Metrics.AsNoTracking().Where(row => row.Cluster == cluster.Value && row.At >= first && row.At <= last).OrderBy(row => row.At).ThenBy(row => row.Node);
    }

    /// <summary>What can be read of rows, one after another. A damaged one is a gap in a curve, which must not hide the rest of it.</summary>
    private async Task<IReadOnlyList<MetricsRollup>> Readable<T>(ClusterId cluster, IAsyncEnumerable<T> rows, Func<T, MetricsRollup?> unpack)
    {
        var (rollups, unreadable) = (new List<MetricsRollup>(), 0);
        await foreach (var row in rows)
        {
            try
            {
                if (unpack(row) is { } rollup)
                {
                    rollups.Add(rollup);
                }
            }
            catch (Exception damaged) when (damaged is InvalidDataException or FormatException or JsonException)
            {
                unreadable++;
            }
        }

        if (unreadable > 0)
        {
            Log.Unreadable(logger, unreadable, cluster);
        }

        return rollups;
    }

    private async Task Guarded(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            Log.Failing(logger, failure);
        }
    }

    private static MetricsRollup Unpack(byte[] data) => JsonSerializer.Deserialize<MetricsRollup>(data, Json) ?? throw new InvalidDataException("A stored rollup is null.");

    private static partial class Log
    {
        [LoggerMessage(3101, LogLevel.Warning, "{Count} rollups of metrics could not be written and wait: {Reason}")]
        public static partial void NotWritten(ILogger logger, int count, string reason);

        [LoggerMessage(3102, LogLevel.Debug, "{Count} old rollups of metrics dropped")]
        public static partial void Pruned(ILogger logger, int count);

        [LoggerMessage(3104, LogLevel.Warning, "{Count} rollups of metrics of cluster {Cluster} can't be read and are left out")]
        public static partial void Unreadable(ILogger logger, int count, ClusterId cluster);

        [LoggerMessage(3103, LogLevel.Error, "Metrics history: a turn failed; the next one tries again")]
        public static partial void Failing(ILogger logger, Exception failure);
    }
}
