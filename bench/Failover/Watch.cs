using System.Diagnostics;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Guests;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Protocol.Ids;
using Orleans.Runtime.Placement;

namespace NannyOrleans.Bench.Failover;

/// <summary>A grain and a question that it answers from what it has stored.</summary>
internal sealed record Probe(GrainId Grain, Func<Task> Ask)
{
    private static readonly AgentId Agent = AgentId.Parse("01M83HW1FS84TGPXTCYJ45S8G9");
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Grains that were never active: 150 nodes and 50 guests.</summary>
    public static IReadOnlyList<Probe> Fresh(IGrainFactory grains, int round) => [.. Make(grains, round)];

    /// <summary>Asks until it answers. A grain that is not active becomes so on this silo.</summary>
    public async Task WakeOn(SiloAddress silo)
    {
        RequestContext.Set(IPlacementDirector.PlacementHintKey, silo);
        await UntilAnswered();
    }

    private static IEnumerable<Probe> Make(IGrainFactory grains, int round)
    {
        var cluster = $"c{round:x16}";
        foreach (var number in Enumerable.Range(1, 150))
        {
            var node = grains.GetGrain<INodeGrain>($"{cluster}/pve{number}");
            yield return new(node.GetGrainId(), () => node.IsAgent(Agent));
        }

        foreach (var number in Enumerable.Range(100, 50))
        {
            var guest = grains.GetGrain<IGuestGrain>($"{cluster}/{number}");
            yield return new(guest.GetGrainId(), guest.Get);
        }
    }

    /// <summary>Those that every list needs: the fleet and its clusters.</summary>
    public static async Task<IReadOnlyList<Probe>> Fleet(IGrainFactory grains)
    {
        var fleet = grains.GetGrain<IFleetGrain>(0);
        List<Probe> all = [new(fleet.GetGrainId(), fleet.Clusters)];
        foreach (var number in Enumerable.Range(1, 12))
        {
            var id = ClusterId.Parse($"cf{number:x15}");
            var cluster = grains.GetGrain<IClusterGrain>(id.Value);
            await fleet.Add(id);
            await cluster.Enrol(NodeName.Parse("pve1"), new Enrolment(Agent, "pve1.lan", $"cluster-{number}"));
            all.Add(new(cluster.GetGrainId(), cluster.Overview));
        }

        return all;
    }

    /// <summary>Asks until it answers.</summary>
    public async Task UntilAnswered()
    {
        while (!await Answers())
        {
            await Task.Delay(Pause);
        }
    }

    /// <summary>Asks again and again until told that it is enough, and then until the next answer.</summary>
    /// <returns>The longest time without an answer.</returns>
    public async Task<TimeSpan> LongestGap(CancellationToken enough)
    {
        var (since, longest) = (Stopwatch.StartNew(), TimeSpan.Zero);
        while (true)
        {
            var last = enough.IsCancellationRequested;
            if (await Answers())
            {
                longest = since.Elapsed > longest ? since.Elapsed : longest;
                since.Restart();
                if (last)
                {
                    return longest;
                }
            }

            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    private async Task<bool> Answers()
    {
        var asked = Ask();
        try
        {
            await asked.WaitAsync(Patience);
            return true;
        }
        catch (Exception failure) when (failure is OrleansException or TimeoutException)
        {
            _ = asked.ContinueWith(late => late.Exception, TaskScheduler.Default); // nobody waits for that one any more
            return false;
        }
    }
}

/// <summary>Somebody who looks at the fleet through an Api all the time, one request after the other.</summary>
internal sealed class Looker : IAsyncDisposable
{
    private readonly HttpClient http;
    private readonly CancellationTokenSource stop = new();
    private readonly Task looking;
    private readonly Lock gate = new();
    private TaskCompletionSource next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long good = Stopwatch.GetTimestamp();
    private TimeSpan longest;

    public Looker(HttpClient http)
    {
        this.http = http;
        looking = Look();
    }

    /// <summary>Forgets what was.</summary>
    public void Begin()
    {
        lock (gate)
        {
            longest = TimeSpan.Zero;
        }
    }

    /// <summary>The longest time between two good answers since <see cref="Begin"/>, once there is another one.</summary>
    public async Task<TimeSpan> LongestGap()
    {
        Task another;
        lock (gate)
        {
            another = next.Task;
        }

        await another;
        lock (gate)
        {
            return longest;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await looking;
        stop.Dispose();
    }

    private async Task Look()
    {
        while (!stop.IsCancellationRequested)
        {
            if (await Ask())
            {
                lock (gate)
                {
                    var gap = Stopwatch.GetElapsedTime(good);
                    longest = gap > longest ? gap : longest;
                    good = Stopwatch.GetTimestamp();
                    next.SetResult();
                    next = new(TaskCreationOptions.RunContinuationsAsynchronously);
                }
            }

            await Task.Delay(50);
        }
    }

    private async Task<bool> Ask()
    {
        try
        {
            using var answer = await http.GetAsync("/api/topology", CancellationToken.None);
            await answer.Content.ReadAsByteArrayAsync(CancellationToken.None);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception cut) when (cut is HttpRequestException or IOException or TaskCanceledException)
        {
            return false;
        }
    }
}
