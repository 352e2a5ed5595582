using System.Diagnostics.Metrics;
using System.Reflection;
using System.Security.Claims;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using NannyOrleans.Api.Agents;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Telemetry;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Silo;

namespace NannyOrleans.Api.Tests.Agents;

/// <summary>What an Api does for the agents that are connected to it when it is the silos that fail.</summary>
public sealed class AgentConnectionsTests
{
    private static readonly AgentId Agent = AgentId.Parse("01M83HW1FS84TGPXTCYJ45S8G9");

    [Theory]
    [InlineData(false)] // stopped: its grains are handed over, without what they had in memory
    [InlineData(true)]
    public async Task Where_a_silo_is_gone_each_session_is_renewed_at_once_and_its_cluster_hears_that_the_agent_is_there(bool isDeath)
    {
        var grains = (Grains)DispatchProxy.Create<IGrainFactory, Grains>();
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using var departures = new SiloDepartures();
        using var connections = new AgentConnections(
            (IGrainFactory)(object)grains, null!, departures, new Instruments(services.GetRequiredService<IMeterFactory>()), TimeProvider.System, NullLogger<AgentConnections>.Instance);
        await connections.StartAsync(CancellationToken.None);
        foreach (var node in new[] { "pve1", "pve2" })
        {
            Assert.Null(await connections.Attach(new Connected(node), Agent, NodeKey.Parse($"c0123456789abcdef/{node}")));
        }

        departures.Tell(isDeath);
        departures.Tell(isDeath); // the second time, on which nothing is lost while the first is acted on

        // Without a departure a cluster is told nothing, so this is no turn of the clock.
        var told = new HashSet<string>();
        while (told.Count < 2)
        {
            var call = await grains.Calls.Reader.ReadAsync().AsTask().Within("clusters to be told");
            if (call.StartsWith("RecordContact", StringComparison.Ordinal))
            {
                told.Add(call);
            }
        }

        Assert.Equal(["RecordContact pve1", "RecordContact pve2"], told.Order(StringComparer.Ordinal));
        await connections.StopAsync(CancellationToken.None);
    }

    /// <summary>Grains that say what they are asked, and agree.</summary>
    public class Grains : DispatchProxy
    {
        public Channel<string> Calls { get; private set; } = Channel.CreateUnbounded<string>();

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            Calls.Writer.TryWrite($"{targetMethod!.Name} {args!.FirstOrDefault()}");
            return targetMethod.Name switch
            {
                nameof(IGrainFactory.GetGrain) => Grain(targetMethod.ReturnType),
                nameof(IGrainFactory.CreateObjectReference) => args![0],
                nameof(INodeGrain.Attach) => Task.FromResult<Outcome<SessionTicket>>(new SessionTicket(1)),
                nameof(INodeGrain.Renew) => Task.FromResult(true),
                "RecordContact" => Task.CompletedTask,
                _ => null,
            };
        }

        private object Grain(Type type)
        {
            var grain = Create(type, typeof(Grains));
            ((Grains)grain).Calls = Calls;
            return grain;
        }
    }

    private sealed class Connected(string id) : HubCallerContext
    {
        public override string ConnectionId => id;

        public override string? UserIdentifier => null;

        public override ClaimsPrincipal? User => null;

        public override IDictionary<object, object?> Items { get; } = new Dictionary<object, object?>();

        public override IFeatureCollection Features { get; } = new FeatureCollection();

        public override CancellationToken ConnectionAborted => CancellationToken.None;

        public override void Abort()
        {
        }
    }
}
