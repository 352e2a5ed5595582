using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Silo.Tests.History;
using NannyOrleans.Tests.Postgres;
using Orleans.Runtime.Placement;

namespace NannyOrleans.Silo.Tests.Postgres;

/// <summary>Two that take themselves for the one activation of a grain: what a silo does that wakes up after the others have taken it for dead.</summary>
public sealed class FrozenSiloTests(SharedPostgres postgres) : IDisposable
{
    private static readonly ClusterId Cluster = ClusterId.Parse("c0000000000f02e11");
    private static readonly AgentId Agent = AgentId.Parse("01M83HW1FS84TGPXTCYJ45S8G9");
    private readonly DataDirectory keys = new();
    private string database = string.Empty;

    public void Dispose() => keys.Dispose();

    [Fact]
    public async Task A_silo_that_wakes_after_it_was_taken_for_dead_writes_nothing_and_ends_itself_and_each_job_is_there_once()
    {
        database = await postgres.NewDatabase();
        var port = Port.Free();
        await using var frozen = Start(port);
        await using var one = Start(Port.Free());
        await using var other = Start(Port.Free());
        await Task.WhenAll(frozen.Line(Up), one.Line(Up), other.Line(Up));
        using var client = await Client();
        var grains = client.Services.GetRequiredService<IGrainFactory>();
        var silos = grains.GetGrain<IManagementGrain>(0);
        var members = await Waiting.Until(() => silos.GetHosts(onlyActive: true), hosts => hosts.Count is 3, "three silos");
        var there = members.Keys.Single(silo => silo.Endpoint.Port == port);

        // An outbox on the silo that is about to freeze.
        var node = grains.GetGrain<INodeGrain>($"{Cluster}/pve1");
        RequestContext.Set(IPlacementDirector.PlacementHintKey, there);
        await node.Enrol(new(Agent, "pve1", "lab"));
        RequestContext.Clear();
        Assert.Equal(there, await silos.GetActivationAddress(node));
        var agent = new ConnectedAgent();
        var session = grains.CreateObjectReference<IAgentSession>(agent);
        var ticket = (await node.Attach(Agent, session)).Value!;
        await node.Enqueue(Entry(1));
        await node.Enqueue(Entry(2));
        await Waiting.Until(() => Task.FromResult(agent.Received), received => received.Count is 2, "both jobs to be sent");

        // One more that it is asked for and nobody else is. Whoever asked is told that it is not known once the others have taken over, and not only
        // when the 30 s of a call are over.
        var departure = client.Services.GetRequiredService<SiloDepartures>().Next;
        await frozen.Signal("STOP");
        var unanswered = Failure(node.Enqueue(Entry(3)));
        await Waiting.Until(() => Renewed(node, ticket, session), renewed => renewed, "the session's renewal on another silo");
        Assert.IsType<SiloUnavailableException>(await unanswered);
        await departure.Within("word of it");

        // They go on, and what the agent is sent once more it knows by its id.
        // Each asks again as callers do: the word of a departure comes twice, and ends what waits then.
        await Waiting.Until(() => Failure(Report(node)), failure => failure is null, "the report to be taken");
        await Waiting.Until(() => Failure(node.Enqueue(Entry(4))), failure => failure is null, "the next job to be taken");
        await Waiting.Until(() => Task.FromResult(agent.Received), received => received.Contains(Id(4)), "the next job to be sent");
        var before = await Stored();

        // Awake again it still has what was asked of it, and a state that is long over. It may not write that; it may pass the question on.
        await frozen.Signal("CONT");
        Assert.NotEqual(0, await frozen.Exit()); // a service manager starts it again
        var after = await Stored();
        var passedOn = after.Outbox.Count(entry => entry.Job.Id == Id(3));
        Assert.InRange(passedOn, 0, 1);
        Assert.Equal([Id(2), Id(4)], after.Outbox.Select(entry => entry.Job.Id).Where(id => id != Id(3)));
        Assert.Equal((before.Epoch, before.Agent), (after.Epoch, after.Agent));
        Assert.Equal(passedOn is 1, await grains.GetGrain<IOperationGrain>(Id(3).Value).Get() is not null);
        Assert.Equal(OperationStatus.Failed, (await grains.GetGrain<IOperationGrain>(Id(1).Value).Get())!.Status);
        Assert.Equal(1L, await HistoryOnPostgres.Ask<long>(database, $"""SELECT count(*) FROM operations WHERE "Id" = '{Id(1)}'"""));
    }

    private const string Up = "Application started";

    private RunningProgram Start(int port) => new([BuiltProgram.Of("Silo")], new Dictionary<string, string>
    {
        ["NANNY_Silo__DataDirectory"] = keys.Path,
        ["NANNY_Silo__Postgres"] = database,
        ["NANNY_Silo__Port"] = $"{port}",
        ["NANNY_Silo__GatewayPort"] = $"{Port.Free()}",
        ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{Port.Free()}",
    });

    private async Task<IHost> Client()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.AddSiloClient(new() { DataDirectory = keys.Path, Postgres = database, Embedded = false });
        var client = builder.Build();
        await client.StartAsync().Within("a gateway");
        return client;
    }

    private async Task<NodeState> Stored() => System.Text.Json.JsonSerializer.Deserialize<NodeState>(
        await HistoryOnPostgres.Ask<byte[]>(database, $"SELECT Payload FROM OrleansStorage WHERE IdText = '{Cluster}/pve1' AND Payload IS NOT NULL AND convert_from(Payload, 'UTF8') LIKE '%outbox%'"),
        Wire.Configure(new()))!;

    private static async Task<bool> Renewed(INodeGrain node, SessionTicket ticket, IAgentSession session)
    {
        var call = node.Renew(ticket, session);
        return await Failure(call.WaitAsync(TimeSpan.FromSeconds(2))) is null && await call;
    }

    private static async Task Report(INodeGrain node) => Assert.False((await node.TakeReport(Agent, new(Id(1), JobOutcome.Failed, "It is only a test."))).IsRefused);

    private static async Task<Exception?> Failure(Task call)
    {
        try
        {
            await call;
            return null;
        }
        catch (Exception failure) when (failure is OrleansException or TimeoutException)
        {
            return failure;
        }
    }

    private static JobId Id(int number) => JobId.Parse($"01M83HW1FS84TGF02E11{number:D6}");

    private static OutboxEntry Entry(int number) => new PatchOrder(PatchMode.DryRun, [], "admin").At(
        Id(number), Cluster, new PatchRoute(NodeName.Parse("pve1"), new(100 + number), "web-01", PlatformFamily.Debian, "apt-update.sh"),
        new("apt-update.sh", new string('a', 64)), DateTimeOffset.UnixEpoch);

    private sealed class ConnectedAgent : IAgentSession
    {
        private readonly ConcurrentQueue<JobId> jobs = [];

        public IReadOnlyCollection<JobId> Received => [.. jobs];

        public Task Run(Job job)
        {
            jobs.Enqueue(job.Id);
            return Task.CompletedTask;
        }

        public Task Cancel(CancelJob ask) => Task.CompletedTask;

        public Task Discover(Discover ask) => Task.CompletedTask;

        public Task Close(string reason) => Task.CompletedTask;
    }
}
