using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;

namespace NannyOrleans.Bench.Patch;

/// <summary>The control plane, asked as a person asks it.</summary>
internal sealed class Ours(BenchServer server, LabHost host)
{
    private Dictionary<int, string> known = [];
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    /// <summary>Proxmox VE's own commands that were started for one patch of one guest.</summary>
    public double PveCommandsPerPatch { get; private set; } = double.NaN;

    /// <summary>Seconds of CPU that the server's process has spent on patches.</summary>
    public double Server { get; private set; }

    /// <summary>Seconds of CPU that the agent's own process has spent on patches; what it starts for them is not in it.</summary>
    public double Agent { get; private set; }

    /// <summary>How many guests it has patched.</summary>
    public int Patched { get; private set; }

    /// <summary>Waits until the server knows all containers.</summary>
    public async Task Ready(int count)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        var filter = Uri.EscapeDataString("proxmox_type=='lxc'&&status=='running'&&os!=null");
        JsonElement rows;
        while ((rows = await server.Get($"/api/agents?filter={filter}")).GetArrayLength() < count)
        {
            await tick.WaitForNextTickAsync(limit.Token);
        }

        known = rows.EnumerateArray().Select(row => row.GetProperty("id").GetString()!).ToDictionary(id => int.Parse(id[(id.LastIndexOf('-') + 1)..], CultureInfo.InvariantCulture));
    }

    /// <summary>One batch, from the request to the moment the server has the last result.</summary>
    public async Task Patch(int[] ids)
    {
        var (server0, agent0) = (ProcessCost.Of(server.Pid).OwnCpuSeconds, ProcessCost.Of(host.AgentPid).OwnCpuSeconds);
        using var answer = await server.Http.PostAsJsonAsync("/api/patches", new { agent_ids = ids.Select(id => known[id]), mode = "apply" });
        answer.EnsureSuccessStatusCode();
        var batch = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString();
        while (true)
        {
            var now = await server.Get($"/api/patches/batches/{batch}");
            if (now.GetProperty("done").GetBoolean())
            {
                var succeeded = now.GetProperty("counts").TryGetProperty("succeeded", out var count) ? count.GetInt32() : 0;
                if (succeeded != ids.Length)
                {
                    throw new InvalidOperationException($"{succeeded} of {ids.Length} patches succeeded: {now.GetProperty("counts")}");
                }

                Server += ProcessCost.Of(server.Pid).OwnCpuSeconds - server0;
                Agent += ProcessCost.Of(host.AgentPid).OwnCpuSeconds - agent0;
                Patched += ids.Length;
                return;
            }

            await Task.Delay(Poll);
        }
    }

    /// <summary>Counts what <paramref name="work"/>, a patch of so many guests, starts.</summary>
    public async Task CountCalls(Func<Task> work, int guests)
    {
        var before = host.CallsSoFar().Count;
        await work();
        var calls = host.CallsSoFar().Skip(before).ToArray();
        PveCommandsPerPatch = calls.Length / (double)guests;
        Figures.Say($"{calls.Length} of Proxmox VE's commands for {guests} guests: {string.Join(", ", calls.CountBy(call => string.Join(' ', call.Split(' ').Take(2))).Select(call => $"{call.Value} x {call.Key}"))}");
    }
}
