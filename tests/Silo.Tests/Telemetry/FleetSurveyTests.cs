using System.Diagnostics.Metrics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Campaigns;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Telemetry;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Silo.History;
using NannyOrleans.Silo.Telemetry;

namespace NannyOrleans.Silo.Tests.Telemetry;

public sealed class FleetSurveyTests
{
    [Fact]
    public async Task What_is_silent_waits_or_has_halted_is_counted_and_what_is_old_is_not_shown()
    {
        using var data = new DataDirectory();
        await using var silo = await RunningSilo.Start(data);
        var (key, agent, now) = (NodeKey.Parse("c0123456789abcdef/pve1"), AgentId.Parse("01M83HYC366EDV4QB830883JAT"), DateTimeOffset.UtcNow);
        var node = silo.Grains.GetGrain<INodeGrain>(key.ToString());
        await node.Enrol(new(agent, "pve1", "lab"));
        await silo.Grains.GetGrain<IClusterGrain>(key.Cluster.Value).Enrol(key.Node, new(agent, "pve1", "lab"));
        await silo.Grains.GetGrain<IFleetGrain>(0).Add(key.Cluster);
        var target = new OperationTarget(key.Cluster, key.Node, "pve1", null, null, agent, Domain.Guests.PlatformFamily.Debian);
        Assert.False((await node.Enqueue(target.Reboot(JobId.Parse("01M83HW1FS84TGPXTCYJ45S8G9"), null, 60, 0, "admin", now.AddMinutes(-10)))).IsRefused);
        await silo.Services.GetRequiredService<ICampaignHistory>().Keep(key.Cluster, new() { Id = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GA"), Status = CampaignStatus.Halted }, plan: null);

        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var (instruments, clock) = (new Instruments(services.GetRequiredService<IMeterFactory>()), new LateClock());
        using var survey = new FleetSurvey(silo.Grains, silo.Services.GetRequiredService<IDbContextFactory<HistoryDb>>(), instruments, clock, NullLogger<FleetSurvey>.Instance);
        Assert.Empty(Read(instruments)); // before it has looked it knows nothing, and does not say 0
        await survey.StartAsync(CancellationToken.None);
        var figures = await Waiting.Until(() => Task.FromResult(Read(instruments)), read => read.ContainsKey("nanny.campaigns halted"), "the first look");
        await survey.StopAsync(CancellationToken.None);

        Assert.Equal(
            [("nanny.campaigns halted", 1), ("nanny.clusters unknown", 1), ("nanny.nodes offline", 1), ("nanny.outbox.jobs reboot pending", 1)],
            figures.Where(figure => figure.Value > 0 && figure.Key is not "nanny.outbox.oldest.age").Select(figure => (figure.Key, (int)figure.Value)).Order());
        Assert.InRange(figures["nanny.outbox.oldest.age"], 600, 600 + Waiting.Limit.TotalSeconds);
        Assert.Equal(0, figures["nanny.nodes online"]);
        Assert.Equal(0, figures["nanny.clusters lost"]);

        clock.Late = TimeSpan.FromMinutes(1);
        Assert.Empty(Read(instruments));
    }

    private static Dictionary<string, double> Read(Instruments instruments)
    {
        var read = new Dictionary<string, double>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, own) =>
        {
            if (ReferenceEquals(instrument.Meter, instruments.Meter))
            {
                own.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => read[string.Join(' ', [instrument.Name, .. tags.ToArray().Select(tag => tag.Value)])] = value);
        listener.Start();
        listener.RecordObservableInstruments();
        return read;
    }

    /// <summary>The system's clock, and time that passes when it is told to.</summary>
    private sealed class LateClock : TimeProvider
    {
        public TimeSpan Late { get; set; }

        public override long GetTimestamp() => System.GetTimestamp() + (long)(Late.TotalSeconds * TimestampFrequency);
    }
}
