using System.Diagnostics.Metrics;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Telemetry;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Silo.History;

namespace NannyOrleans.Silo.Telemetry;

/// <summary>
/// Looks at the whole fleet now and then, for figures that nobody can count up: who asks for metrics can't wait for grains. Every silo looks and
/// says the same; add them up and they are too many. A figure that is old is no figure any more, and is left out rather than shown.
/// </summary>
internal sealed partial class FleetSurvey : BackgroundService
{
    private const string NodeStatusOf = "nanny.node.status";
    private const string QuorumOf = "nanny.cluster.quorum";
    private const string Unknown = "unknown";

    private readonly IGrainFactory grains;
    private readonly IDbContextFactory<HistoryDb> databases;
    private readonly TimeProvider clock;
    private readonly ILogger<FleetSurvey> logger;
    private Figures? fleet;
    private Figures? work;
    private TimeSpan period = Shortest;

    public FleetSurvey(IGrainFactory grains, IDbContextFactory<HistoryDb> databases, Instruments instruments, TimeProvider clock, ILogger<FleetSurvey> logger)
    {
        (this.grains, this.databases, this.clock, this.logger) = (grains, databases, clock, logger);
        Add("nanny.nodes", "{node}", "Proxmox VE hosts and machines by state; no-agent is unknown.", () => fleet, NodeStatusOf);
        Add("nanny.clusters", "{cluster}", "Clusters by quorum; unknown also where they could not be asked.", () => fleet, QuorumOf);
        Add("nanny.outbox.jobs", "{job}", "Operations that have not ended: pending are waited for, running are at their agents.", () => work, Instruments.OperationKind, Instruments.OperationStatus);
        Add("nanny.outbox.oldest.age", "s", "How long the operation that is pending the longest has waited; 0 when none is.", () => work);
        Add("nanny.campaigns", "{campaign}", "Campaigns that have not ended, by state.", () => work, Instruments.CampaignState);

        void Add(string name, string unit, string what, Func<Figures?> figures, params string[] attributes) =>
            instruments.Meter.CreateObservableGauge(name, () => Fresh(figures()).Where(figure => figure.Name == name).Select(figure =>
                new Measurement<double>(figure.Value, attributes.Zip(figure.Attributes).Select(pair => KeyValuePair.Create(pair.First, (object?)pair.Second)))), unit, what);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            var began = clock.GetTimestamp();
            try
            {
                var (seen, done) = (await LookAtFleet(stoppingToken), await LookAtWork(stoppingToken));
                period = TimeSpan.FromTicks(Math.Max(Shortest.Ticks, Rest * clock.GetElapsedTime(began).Ticks)); // a large fleet less often
                (fleet, work) = (new(clock.GetTimestamp(), 3 * period, seen), new(clock.GetTimestamp(), 3 * period, done));
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                LogNotSurveyed(failure.Message); // the next turn looks again
            }

            await Task.Delay(period, clock, stoppingToken);
        }
    }

    private async Task<IReadOnlyList<Figure>> LookAtFleet(CancellationToken cancellationToken)
    {
        var (nodes, clusters) = (new Dictionary<NodeStatus, int>(), new Dictionary<string, int>());
        foreach (var some in (await grains.GetGrain<IFleetGrain>(0).Clusters()).Chunk(AtOnce))
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var (id, cluster) in some.Zip(await Task.WhenAll(some.Select(Ask))))
            {
                if (!id.IsMachine)
                {
                    var quorum = cluster switch
                    {
                        { Clustered: false } => "standalone",
                        { Quorate: true } => "quorate",
                        { Quorate: false } => "lost",
                        _ => Unknown,
                    };
                    clusters[quorum] = clusters.GetValueOrDefault(quorum) + 1;
                }

                Count(NodeStatus.Online, cluster?.NodeCount.Online - cluster?.NodeCount.Maintenance);
                Count(NodeStatus.Maintenance, cluster?.NodeCount.Maintenance);
                Count(NodeStatus.Offline, cluster?.NodeCount.Offline);
                Count(NodeStatus.NoAgent, cluster?.NodeCount.NoAgent);
            }
        }

        return
        [
            .. Enum.GetValues<NodeStatus>().Select(status => new Figure("nanny.nodes", nodes.GetValueOrDefault(status), Instruments.Word(status))),
            .. ((string[])["quorate", "lost", "standalone", Unknown]).Select(quorum => new Figure("nanny.clusters", clusters.GetValueOrDefault(quorum), quorum)),
        ];

        void Count(NodeStatus status, int? more) => nodes[status] = nodes.GetValueOrDefault(status) + (more ?? 0);
    }

    // One that can't be asked must not hide the others.
    private async Task<ClusterOverview?> Ask(ClusterId id)
    {
        try
        {
            return await grains.GetGrain<IClusterGrain>(id.Value).Overview();
        }
        catch (Exception failure)
        {
            LogNotAsked(id, failure.Message);
            return null;
        }
    }

    private async Task<IReadOnlyList<Figure>> LookAtWork(CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var alive = await database.Operations.Where(row => row.Completed == null).GroupBy(row => new { row.Kind, row.Status })
            .Select(group => new { group.Key.Kind, group.Key.Status, Count = group.Count(), Oldest = group.Min(row => row.Created) }).ToListAsync(cancellationToken);
        var campaigns = (await database.Campaigns.Where(row => row.Completed == null).Select(row => row.Record).ToListAsync(cancellationToken))
            .Select(record => JsonElement.Parse(record).GetProperty("status").GetString()).ToLookup(status => status);
        var oldest = alive.Where(row => row.Status == $"{OperationStatus.Pending}").Min(row => (long?)row.Oldest);
        return
        [
            .. from kind in Enum.GetValues<OperationKind>()
               from status in (OperationStatus[])[OperationStatus.Pending, OperationStatus.Running]
               select new Figure("nanny.outbox.jobs", alive.Find(row => row.Kind == $"{kind}" && row.Status == $"{status}")?.Count ?? 0, Instruments.Word(kind), Instruments.Word(status)),
            new Figure("nanny.outbox.oldest.age", oldest is null ? 0 : Math.Max(0, (clock.GetUtcNow().ToUnixTimeMilliseconds() - oldest.Value) / 1000.0)),
            .. from status in (CampaignStatus[])[CampaignStatus.Running, CampaignStatus.Paused, CampaignStatus.Halted, CampaignStatus.Aborting]
               select new Figure("nanny.campaigns", campaigns[Instruments.Word(status)].Count(), Instruments.Word(status)),
        ];
    }

    private IReadOnlyList<Figure> Fresh(Figures? figures) => figures is not null && clock.GetElapsedTime(figures.At) < figures.Good ? figures.All : [];

    private const int AtOnce = 100;
    private const int Rest = 20;
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(15);

    private sealed record Figures(long At, TimeSpan Good, IReadOnlyList<Figure> All);

    private sealed record Figure(string Name, double Value, params string[] Attributes);

    [LoggerMessage(3021, LogLevel.Warning, "The fleet could not be looked at for metrics, trying again: {Reason}", EventName = "FleetNotSurveyed")]
    private partial void LogNotSurveyed(string reason);

    [LoggerMessage(3022, LogLevel.Warning, "Cluster {Cluster} could not be asked for metrics: {Reason}", EventName = "ClusterNotSurveyed")]
    private partial void LogNotAsked(ClusterId cluster, string reason);
}
