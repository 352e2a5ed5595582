using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.DependencyInjection;
using NannyOrleans.Domain.Agents;
using NannyOrleans.Grains.Campaigns;
using NannyOrleans.Grains.Changes;
using NannyOrleans.Grains.History;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Grains.Scripts;
using NannyOrleans.Grains.Telemetry;
using NannyOrleans.Grains.Tests;
using Orleans.Serialization;
using Orleans.Storage;
using Orleans.TestingHost;
using Xunit.Sdk;
using Xunit.v3;

[assembly: AssemblyFixture(typeof(SiloCluster))]

// One clock and one silo for all: to set the one on or end the other's activations is felt by every test that runs.
[assembly: Parallelization(Mode = ParallelMode.None)]

namespace NannyOrleans.Grains.Tests;

/// <summary>One real silo for the whole assembly; each test uses keys of its own.</summary>
public sealed class SiloCluster : IAsyncLifetime
{
    private InProcessTestCluster? cluster;

    internal FailingStorage Storage { get; } = new();

    internal RecordingHistory History { get; } = new();

    internal RecordingMetrics Metrics { get; } = new();

    internal RecordingAudit Audit { get; } = new();

    internal RecordingCampaigns Campaigns { get; } = new();

    internal ShiftedClock Clock { get; } = new();

    internal IGrainFactory Grains => cluster!.Client;

    public async ValueTask InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder(initialSilosCount: 1);
        builder.ConfigureSilo((_, silo) =>
        {
            silo.UseInMemoryReminderService();
            silo.Services.AddSerializer(AddWire);
            silo.Services.AddSingleton<IOperationHistory>(History);
            silo.Services.AddSingleton<IMetricsHistory>(Metrics);
            silo.Services.AddSingleton<IAuditLog>(Audit);
            silo.Services.AddSingleton<ICampaignHistory>(Campaigns);
            silo.Services.AddSingleton<TimeProvider>(Clock);
            silo.Services.AddSingleton<IGrainStorage>(Storage);
            silo.Services.AddSingleton<Instruments>();
            silo.Services.AddAnnouncer();
            silo.Services.AddSingleton(new ScriptKeys(ECDsa.Create(ECCurve.NamedCurves.nistP256), ECDsa.Create(ECCurve.NamedCurves.nistP256), release: null));
        });
        builder.ConfigureClient(client => client.Services.AddSerializer(AddWire));
        cluster = builder.Build();
        await cluster.DeployAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (cluster is not null)
        {
            await cluster.StopAllSilosAsync();
            await cluster.DisposeAsync();
        }
    }

    /// <summary>Ends all activations, as the restart of a silo does: what was only in memory is gone.</summary>
    internal async Task ForgetActivations() =>
        await Grains.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);

    private static void AddWire(ISerializerBuilder serializer) => serializer.AddJsonSerializer(
        type => type.Namespace?.StartsWith("NannyOrleans", StringComparison.Ordinal) is true && !typeof(IAddressable).IsAssignableFrom(type),
        new JsonSerializerOptions { TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { AgentRow.MarkKinds } } });
}

/// <summary>The system's clock, moved.</summary>
internal sealed class ShiftedClock : TimeProvider
{
    public TimeSpan Shift { get; set; }

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Shift;
}
