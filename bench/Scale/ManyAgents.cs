using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NannyOrleans.Bench.Fleet;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Bench.Scale;

/// <summary>Agents by the thousand on one Api process, each with a sample every 30 s, a ping between two, and what has changed every 300 s.</summary>
internal sealed class ManyAgents : IAsyncDisposable
{
    public const int GuestsPerHost = 10;
    public const int HostsPerCluster = 20;
    private const int Sources = 8; // 127.0.0.2 and on: one address has 28,000 ports
    private const int First = 100; // those before are other agents of this benchmark

    private readonly Installation installation;
    private readonly Tokens tokens;
    private readonly HttpMessageInvoker[] from = [.. Enumerable.Range(2, Sources).Select(From)];
    private readonly ConcurrentQueue<LightAgent> connected = [];
    private readonly CancellationTokenSource stop = new();
    private readonly Task sending;
    private LightAgent[] agents = [];

    public ManyAgents(Installation installation, Tokens tokens)
    {
        (this.installation, this.tokens) = (installation, tokens);
        sending = Task.Run(Send);
    }

    public int Connected => connected.Count;

    public int Lost => connected.Count(agent => agent.Lost is not null);

    /// <summary>Has hosts known, as an approved registration does: by the grains' own calls.</summary>
    public async Task Enrol(int count)
    {
        agents = [.. Enumerable.Range(First, count).Select(number => new LightAgent(new(number, HostsPerCluster, GuestsPerHost), AgentId.Parse(Ulid.NewUlid().ToString())))];
        await Parallel.ForEachAsync(agents.GroupBy(agent => agent.Host.Cluster), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (cluster, _) =>
        {
            await installation.Grains.GetGrain<IFleetGrain>(0).Add(cluster.Key);
            foreach (var agent in cluster)
            {
                var enrolment = new Enrolment(agent.Id, agent.Host.Node.Value, agent.Host.ClusterName);
                await installation.Grains.GetGrain<IClusterGrain>(cluster.Key.Value).Enrol(agent.Host.Node, enrolment);
                await Node(agent).Enrol(enrolment);
            }
        });
    }

    /// <summary>Connects more of them, until there are so many.</summary>
    /// <returns>How many were refused for want of a place.</returns>
    public async Task<int> ConnectTo(int count)
    {
        var refused = 0;
        await Parallel.ForEachAsync(agents[connected.Count..count], new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (agent, _) =>
        {
            var token = tokens.For(agent.Id, new NodeKey(agent.Host.Cluster, agent.Host.Node).ToString());
            switch (await agent.Connect(installation.Agents.Url, token, from[(uint)agent.GetHashCode() % Sources]))
            {
                case 101:
                    connected.Enqueue(agent);
                    break;
                case 503:
                    Interlocked.Increment(ref refused);
                    break;
                case var status:
                    throw new InvalidOperationException($"{agent.Host.Node} of {agent.Host.ClusterName}: {status} instead of a connection.");
            }
        });
        return refused;
    }

    /// <summary>Ends the sending, and counts on both sides.</summary>
    /// <returns>Samples that agents have sent, that the nodes' grains have, and agents whose last inventory is not what their grain has.</returns>
    public async Task<(int Sent, int Arrived, int OtherInventories)> Count()
    {
        await stop.CancelAsync();
        await sending;
        var (sent, arrived, others) = (connected.Sum(agent => agent.Sent), 0, 0);
        var end = Stopwatch.StartNew();
        do
        {
            await Task.Delay(1000); // samples are not answered: those on their way get time to arrive
            (arrived, others) = (0, 0);
            await Parallel.ForEachAsync(connected, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (agent, _) =>
            {
                Interlocked.Add(ref arrived, (await Node(agent).Samples(DateTimeOffset.MinValue, DateTimeOffset.MaxValue)).Count);
                if ((await Node(agent).Inventory()).Report?.Fingerprint != agent.Host.Whole().Fingerprint)
                {
                    Interlocked.Increment(ref others);
                }
            });
        }
        while (arrived < sent && end.Elapsed < TimeSpan.FromSeconds(15));
        return (sent, arrived, others);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await sending;
        Parallel.ForEach(agents, agent => agent.Dispose());
        stop.Dispose();
    }

    private INodeGrain Node(LightAgent agent) => installation.Grains.GetGrain<INodeGrain>(new NodeKey(agent.Host.Cluster, agent.Host.Node).ToString());

    // Half an interval is a turn: in one half each agent sends a sample, in the other a ping, spread over it.
    private async Task Send()
    {
        const int Slots = 150;
        var slot = TimeSpan.FromSeconds(GeneratedAgent.MetricsSeconds) / 2 / Slots;
        var began = Stopwatch.StartNew();
        for (var turn = 0L; !stop.IsCancellationRequested; turn++)
        {
            var number = 0;
            foreach (var agent in connected)
            {
                if (number++ % Slots != turn % Slots || agent.Lost is not null)
                {
                    continue;
                }

                var half = (turn / Slots) + (number / Slots);
                if (half % 2 is 1)
                {
                    await agent.SendPing();
                    continue;
                }

                await agent.SendSample();
                if (half / 2 % (GeneratedAgent.InventorySeconds / GeneratedAgent.MetricsSeconds) == number % 10)
                {
                    _ = agent.ReportChange(changed: number % 7 is 0); // who loses its connection counts as lost
                }
            }

            if ((slot * (turn + 1)) - began.Elapsed is { Ticks: > 0 } early)
            {
                await Task.Delay(early);
            }
        }
    }

    private static HttpMessageInvoker From(int last) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (context, cancellation) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Bind(new IPEndPoint(IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"127.0.0.{last}")), 0));
            await socket.ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });
}
