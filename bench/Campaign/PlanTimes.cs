using System.Diagnostics;
using System.Net.Http.Json;
using NannyOrleans.Bench.Fleet;

namespace NannyOrleans.Bench.Campaign;

/// <summary>How long the plan takes for a large cluster: generated hosts that report over real connections, and a client who asks.</summary>
internal static class PlanTimes
{
    private const int Nodes = 32;
    private const int Guests = 100;
    private const int Warming = 20;
    private const int Asked = 200;

    /// <summary>Measures and notes its figures.</summary>
    public static async Task Measure()
    {
        using var server = await BenchServer.Start();
        var agents = Enumerable.Range(0, Nodes).Select(number => new GeneratedAgent(number, Nodes, Guests)).ToArray();
        try
        {
            foreach (var agent in agents)
            {
                await agent.Connect(server.Url, await server.Register(agent.Cluster.Value, agent.Node.Value, agent.ClusterName));
            }

            foreach (var agent in agents)
            {
                await agent.ReportWhole();
                await agent.ReportMetrics();
            }

            var path = $"/api/clusters/{agents[0].Cluster}/campaigns/plan";
            await Until(async () => (await Plan(server, path)).Moves > 0);
            var times = new Times();
            var (bytes, moves) = (0, 0);
            for (var turn = 0; turn < Warming + Asked; turn++)
            {
                var before = Stopwatch.GetTimestamp();
                (bytes, moves) = await Plan(server, path);
                if (turn >= Warming)
                {
                    times.Add(Stopwatch.GetElapsedTime(before));
                }
            }

            if (moves is not (Nodes * Guests * 9 / 10))
            {
                throw new InvalidOperationException($"{moves} moves are planned; nine of ten guests run.");
            }

            Figures.Say($"Plan for {Nodes} nodes with {Guests} guests each, asked {times.Count} times: {moves} moves, {bytes / 1024} KiB; p50 {times.At(50):F1} ms, p99 {times.At(99):F1} ms, longest {times.At(100):F1} ms");
            Figures.AtMost("campaign-plan-p50", times.At(50), "ms", 100);
            Figures.AtMost("campaign-plan-p99", times.At(99), "ms", 100);
            Figures.AtMost("campaign-plan-longest", times.At(100), "ms", 100);
        }
        finally
        {
            foreach (var agent in agents)
            {
                await agent.DisposeAsync();
            }
        }
    }

    // The whole answer read, as a client would; counted after.
    private static async Task<(int Bytes, int Moves)> Plan(BenchServer server, string path)
    {
        using var answer = await server.Http.PostAsJsonAsync(path, new { mode = "apply", reboot = "always" });
        var body = await answer.Content.ReadAsByteArrayAsync();
        answer.EnsureSuccessStatusCode();
        return (body.Length, body.AsSpan().Count("\"way\":"u8));
    }

    private static async Task Until(Func<Task<bool>> isThere)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!await isThere())
        {
            await Task.Delay(100, limit.Token);
        }
    }
}
