using System.Collections.Concurrent;
using Microsoft.AspNetCore.SignalR;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Telemetry;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Silo;

namespace NannyOrleans.Api.Agents;

/// <summary>
/// The agents connected to this process: each is a grain observer that its node's grain knows, kept alive by renewing. The runtime holds
/// observers weakly, so they are held here.
/// </summary>
internal sealed partial class AgentConnections(
    IGrainFactory grains, IHubContext<AgentHub> hub, SiloDepartures departures, Instruments instruments, TimeProvider clock, ILogger<AgentConnections> logger) : BackgroundService
{
    /// <summary>A third of a session's life: two renewals may get lost.</summary>
    private static readonly TimeSpan RenewEvery = NodeMachine.SessionLife / 3;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Connection> open = [];
    private Task departure = departures.Next;

    /// <summary>Opens a session for a connection; says why not when the node's grain refuses.</summary>
    public async Task<Refusal?> Attach(HubCallerContext context, AgentId agent, NodeKey node)
    {
        // While this process was frozen or waited its agent may have gone, and stand at another by now: this would cut it off there.
        context.ConnectionAborted.ThrowIfCancellationRequested();
        var session = new Session(hub, context);
        var reference = grains.CreateObjectReference<IAgentSession>(session);
        try
        {
            var outcome = await grains.GetGrain<INodeGrain>(node.ToString()).Attach(agent, reference);
            if (!outcome.IsRefused)
            {
                var now = clock.GetTimestamp();
                open[context.ConnectionId] = new(node, outcome.Value, session, reference) { RenewedAt = now, AskedAt = now };
            }

            return outcome.Refusal;
        }
        finally
        {
            if (!open.ContainsKey(context.ConnectionId))
            {
                grains.DeleteObjectReference<IAgentSession>(reference);
            }
        }
    }

    /// <summary>Ends a connection's session.</summary>
    public async Task Detach(string connectionId)
    {
        if (open.TryRemove(connectionId, out var connection))
        {
            grains.DeleteObjectReference<IAgentSession>(connection.Reference);
            await grains.GetGrain<INodeGrain>(connection.Node.ToString()).Detach(connection.Ticket);
        }
    }

    /// <summary>
    /// Each connection's session is renewed when its own time has come, and those of thousands not in one moment. None waits for another's:
    /// that of a node whose silo hangs must not cost others theirs.
    /// </summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        instruments.Meter.CreateObservableUpDownCounter("nanny.agents.connected", () => open.Count, "{agent}", "Agents connected to this process.");
        using var tick = new PeriodicTimer(LookEvery, clock);
        while (await tick.WaitForNextTickAsync(stoppingToken))
        {
            // Where a silo is gone, its grains begin anew on others. A node's knows no session, so jobs would wait for the next turn; a cluster's
            // has heard of no node, and would show all of them as offline until each sends its next sample.
            var departed = departure.IsCompleted;
            if (departed)
            {
                departure = departures.Next;
            }

            foreach (var (_, connection) in open)
            {
                connection.HasDeparture |= departed;
                if (connection.Renewal.IsCompleted && (connection.HasDeparture || clock.GetElapsedTime(connection.AskedAt) >= RenewEvery))
                {
                    connection.AskedAt = clock.GetTimestamp();
                    connection.Renewal = Renew(connection, connection.HasDeparture, stoppingToken);
                    connection.HasDeparture = false;
                }
            }
        }
    }

    private async Task Renew(Connection connection, bool departed, CancellationToken stoppingToken)
    {
        try
        {
            if (!await grains.GetGrain<INodeGrain>(connection.Node.ToString()).Renew(connection.Ticket, connection.Reference))
            {
                await connection.Session.Close("The agent has a newer connection.");
            }
            else if (departed)
            {
                await grains.GetGrain<IClusterGrain>(connection.Node.Cluster.Value).RecordContact(connection.Node.Node);
            }

            connection.RenewedAt = clock.GetTimestamp();
        }
        catch (Exception unreachable) when (!stoppingToken.IsCancellationRequested)
        {
            // The top of a loop: the next turn tries again, but not for ever.
            Log.NotRenewed(logger, connection.Node.ToString(), unreachable.Message);
            if (NodeMachine.IsCutOff(clock.GetElapsedTime(connection.RenewedAt)))
            {
                await connection.Session.Close("The agent's session can't be renewed here.");
            }
        }
    }

    private sealed record Connection(NodeKey Node, SessionTicket Ticket, Session Session, IAgentSession Reference)
    {
        public long RenewedAt { get; set; }

        /// <summary>When the last renewal was begun.</summary>
        public long AskedAt { get; set; }

        /// <summary>A silo has gone since.</summary>
        public bool HasDeparture { get; set; }

        /// <summary>It, until it is answered: one at a time.</summary>
        public Task Renewal { get; set; } = Task.CompletedTask;
    }

    private sealed class Session(IHubContext<AgentHub> hub, HubCallerContext context) : IAgentSession
    {
        // As the base type, or the serializer leaves out which kind of job it is.
        public Task Run(Job job) => hub.Clients.Client(context.ConnectionId).SendAsync(Protocol.AgentHub.RunJob, job);

        public Task Cancel(CancelJob ask) => hub.Clients.Client(context.ConnectionId).SendAsync(Protocol.AgentHub.CancelJob, ask);

        public Task Discover(Discover ask) => hub.Clients.Client(context.ConnectionId).SendAsync(Protocol.AgentHub.Discover, ask);

        public Task Close(string reason)
        {
            context.Abort();
            return Task.CompletedTask;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(5101, LogLevel.Warning, "Node {Node}: session not renewed: {Reason}")]
        public static partial void NotRenewed(ILogger logger, string node, string reason);
    }
}
