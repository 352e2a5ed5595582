using System.Threading.Channels;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Grains.Tests.Nodes;

/// <summary>An agent's connection that keeps what came down it.</summary>
internal sealed class ListeningSession : IAgentSession
{
    private readonly Channel<Job> jobs = Channel.CreateUnbounded<Job>();
    private readonly Channel<Discover> asks = Channel.CreateUnbounded<Discover>();
    private readonly Channel<CancelJob> cancels = Channel.CreateUnbounded<CancelJob>();
    private readonly TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IAgentSession Reference { get; private set; } = null!;

    public SessionTicket Ticket { get; private set; } = null!;

    public Task Closed => closed.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public bool IsClosed => closed.Task.IsCompleted;

    public IEnumerable<Job> Received
    {
        get
        {
            while (jobs.Reader.TryRead(out var job))
            {
                yield return job;
            }
        }
    }

    public static async Task<ListeningSession> Open(IGrainFactory grains, INodeGrain node, AgentId agent)
    {
        var session = new ListeningSession();
        session.Reference = grains.CreateObjectReference<IAgentSession>(session);
        session.Ticket = (await node.Attach(agent, session.Reference)).Value!;
        return session;
    }

    public Task<Job> NextJob() => jobs.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public Task<Discover> NextAsk() => asks.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public Discover? TryAsk() => asks.Reader.TryRead(out var ask) ? ask : null;

    public Task<CancelJob> NextCancel() => cancels.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public Task Cancel(CancelJob ask) => cancels.Writer.WriteAsync(ask).AsTask();

    public Task Run(Job job) => jobs.Writer.WriteAsync(job).AsTask();

    public Task Discover(Discover ask) => asks.Writer.WriteAsync(ask).AsTask();

    public Task Close(string reason)
    {
        closed.TrySetResult();
        return Task.CompletedTask;
    }
}
