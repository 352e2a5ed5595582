using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NannyOrleans.Api.Dashboard.Live;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Campaigns;
using NannyOrleans.Grains.Changes;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Silo;
using Orleans.Configuration;

namespace NannyOrleans.Api.Tests.Dashboard;

/// <summary>The feed from real grains to those who listen in an Api, with the silo in its process and in one of its own.</summary>
public sealed class ChangeFeedTests : IAsyncLifetime
{
    private static readonly NodeName Pve1 = NodeName.Parse("pve1");

    private readonly DataDirectory data = new();
    private readonly ClusterId cluster = Some.Cluster();
    private readonly ConcurrentQueue<Change> heard = [];
    private readonly int gateway = Port.Free();
    private RunningProgram? silo;
    private IHost? api;

    private ChangeFeed Feed => api!.Services.GetRequiredService<ChangeFeed>();

    private IGrainFactory Grains => api!.Services.GetRequiredService<IGrainFactory>();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (api is not null)
        {
            await api.StopAsync().Within("the end of the Api");
            api.Dispose();
        }

        await (silo?.DisposeAsync() ?? ValueTask.CompletedTask);
        data.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_page_hears_of_reports_operations_output_and_campaigns(bool embedded)
    {
        await Start(embedded);
        using var all = Feed.Listen(Hear, Change.Anything);
        await Report();
        await Heard(new(ChangeKind.Cluster, cluster, "pve1"));

        var operation = NewOperation();
        var grain = Grains.GetGrain<IOperationGrain>(operation.Id.Value);
        await grain.Open(operation);
        await Heard(new(ChangeKind.Operation, cluster, operation.Id.Value));
        await grain.TakeOutput(new(cluster, Pve1), new(operation.Id, OutputChannel.StandardError, 0, 3, "One"));
        await Heard(new(ChangeKind.Output, cluster, operation.Id.Value));
        heard.Clear();
        await grain.Report(new(operation.Id, JobOutcome.Failed, "no"));
        await Heard(new(ChangeKind.Operation, cluster, operation.Id.Value));

        var campaign = NewId();
        Assert.Null((await Grains.GetGrain<IClusterPatchOrchestrator>(cluster.Value).Start(campaign, new(PatchMode.DryRun, "admin"))).Refusal);
        await Heard(new(ChangeKind.Campaign, cluster, campaign.Value));

        // What is said in this process alone.
        Feed.Say(new(ChangeKind.People));
        await Heard(new(ChangeKind.People));
    }

    [Fact]
    public async Task Where_the_silo_is_killed_it_is_not_live_and_after_its_return_anything_may_have_changed()
    {
        await Start(embedded: false);
        using var one = Feed.Listen(Hear, new Change(ChangeKind.Cluster, cluster, "pve1"));
        await Report();
        await Heard(new(ChangeKind.Cluster, cluster, "pve1"));
        heard.Clear();

        await silo!.Kill();
        await Live(false);
        await Heard(Change.Anything);
        await silo.DisposeAsync();
        heard.Clear();

        await StartSilo();
        await Live(true);
        await Heard(Change.Anything);
        heard.Clear();
        await Report();
        await Heard(new(ChangeKind.Cluster, cluster, "pve1"));
    }

    [Fact]
    public async Task Where_the_feed_begins_anew_anything_may_have_changed_and_a_departed_silo_is_such_a_case()
    {
        await Start(embedded: true);
        using var one = Feed.Listen(Hear, new Change(ChangeKind.Cluster, cluster, "pve1"));
        await Grains.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);
        await Heard(Change.Anything); // with the next renewal or batch
        Assert.True(Feed.Health.IsLive);

        heard.Clear();
        await Report();
        await Heard(new(ChangeKind.Cluster, cluster, "pve1"));
        heard.Clear();
        api!.Services.GetRequiredService<SiloDepartures>().Tell(isDeath: true);
        await Heard(Change.Anything);
    }

    private void Hear(IReadOnlyList<Change> changes)
    {
        foreach (var change in changes)
        {
            heard.Enqueue(change);
        }
    }

    // It, or that anything may have changed: what a batch held up says in place of it.
    private Task<ConcurrentQueue<Change>> Heard(Change change) => Waiting.Until(() => Task.FromResult(heard), all => all.Any(one => one == change || one == Change.Anything), $"{change} to be heard");

    private Task<FeedHealth> Live(bool isLive) => Waiting.Until(() => Task.FromResult(Feed.Health), health => health.IsLive == isLive, $"the feed to be live: {isLive}");

    private async Task Start(bool embedded)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        if (embedded)
        {
            builder.AddSilo(new() { DataDirectory = data.Path, Port = 0 }, withGateway: false);
        }
        else
        {
            await StartSilo();
            builder.AddSiloClient(new() { DataDirectory = data.Path, GatewayPort = gateway });
            builder.Services.Configure<ClientMessagingOptions>(client => client.ResponseTimeout = TimeSpan.FromSeconds(10)); // how long a call to a dead silo hangs
        }

        builder.Services.AddChangeFeed();
        api = builder.Build();
        await api.StartAsync().Within("the Api");
        await Live(true);
    }

    private async Task StartSilo()
    {
        silo = new([BuiltProgram.Of("Silo")], new Dictionary<string, string>
        {
            ["NANNY_urls"] = "http://127.0.0.1:0",
            ["NANNY_Silo__DataDirectory"] = data.Path,
            ["NANNY_Silo__Port"] = "0",
            ["NANNY_Silo__GatewayPort"] = $"{gateway}",
        });
        await silo.Line("Application started");
    }

    private async Task Report()
    {
        var now = TimeProvider.System.GetUtcNow();
        var inventory = new Inventory(now, "0.2.0", "pve1", "pve-manager/9.2.11/0", "boot-1", new("lab", true, [new(Pve1, true, 1)]), [], []);
        await Grains.GetGrain<IClusterGrain>(cluster.Value).RecordInventory(Pve1, new() { Report = inventory, ReceivedAt = now, GuestsAt = now });
    }

    private OperationRecord NewOperation()
    {
        var route = new PatchRoute(Pve1, new(100), "web-01", PlatformFamily.Debian, "apt-update.sh");
        return new PatchOrder(PatchMode.DryRun, [], "admin").At(NewId(), cluster, route, new("apt-update.sh", new string('a', 64)), Some.Noon).Operation;
    }

    private static JobId NewId() => JobId.Parse(Ulid.NewUlid().ToString());
}
