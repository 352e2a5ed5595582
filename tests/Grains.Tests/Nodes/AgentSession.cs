using System.Threading.Channels;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Grains.Tests.Nodes;

/// <summary>An agent's connection that remembers what came down it.</summary>
internal sealed class AgentSession : IAgentSession
{
    private readonly Channel<Job> jobs = Channel.CreateUnbounded<Job>();
    private readonly Channel<Discover> asked = Channel.CreateUnbounded<Discover>();
    private readonly TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IAgentSession Reference { get; set; } = null!;

    public SessionTicket Ticket { get; set; } = null!;

    public Task Closed => closed.Task.WaitAsync(TimeSpan.FromSeconds(30));

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

    public Task<Job> NextJob() => jobs.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public Task<Discover> NextDiscover() => asked.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public Task Discover(Discover ask) => asked.Writer.WriteAsync(ask).AsTask();

    public Task Run(Job job) => jobs.Writer.WriteAsync(job).AsTask();

    public Task Close(string reason)
    {
        closed.TrySetResult();
        return Task.CompletedTask;
    }
}
