using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using NannyOrleans.Bench;

// What the agent costs its host: CPU at the default intervals, memory idle and after 2,000 jobs. Beside it, on the same machine in the same
// minutes, prometheus-node-exporter, which people run on every host without a thought, scraped as often as the agent measures.
const int Containers = 20;
const int Jobs = 2000;
const string Script =
    """
    #!/bin/sh
    # A guest's side of a dry run that finds one update: what is measured is the agent, not a package manager.
    [ "$1" = exec ] || exit 1
    cat >/dev/null
    echo 'nanny-patch: started' >&2
    echo '{"mode":"dry-run","packages":[{"name":"nginx","from":"1.18.0","to":"1.24.0","security":true,"origin":"Debian-Security"}],"kept_back":[],"held":[],"removed":[],"failed":[],"reboot_required":false,"warnings":[]}'
    """;
var window = TimeSpan.FromSeconds(double.Parse(Environment.GetEnvironmentVariable("AGENT_SECONDS") ?? "630", CultureInfo.InvariantCulture)); // two discoveries and their half minutes

using var exporter = Launcher.Start(new ProcessStartInfo("setpriv", ["--pdeathsig", "KILL", $"{BenchServer.Repository}/artifacts/node-exporter/usr/bin/prometheus-node-exporter", "--web.listen-address=127.0.0.1:19100"]) { RedirectStandardError = true });
_ = exporter.StandardError.BaseStream.CopyToAsync(Stream.Null);
try
{
    using var server = await BenchServer.Start();
    await using var host = await LabHost.Up(Containers);
    await host.StartAgent(server, discoverySeconds: 300, metricsSeconds: 30);
    var guests = await Running(server);

    using var scrape = new HttpClient();
    var before = Agent(host);
    var began = Stopwatch.StartNew();
    using (var tick = new PeriodicTimer(TimeSpan.FromSeconds(30)))
    {
        while (began.Elapsed < window)
        {
            await scrape.GetStringAsync("http://127.0.0.1:19100/metrics");
            await tick.WaitForNextTickAsync();
        }
    }

    var idle = Agent(host);
    var beside = ProcessCost.Of(exporter.Id);
    var perHour = (idle.CpuSeconds - before.CpuSeconds) / began.Elapsed.TotalHours;

    host.Replace("pct", Script);
    await Patch(server, guests, Jobs);
    var worked = Agent(host);
    var binary = new FileInfo($"{BenchServer.Repository}/artifacts/agent/nannyagent").Length / 1048576.0;
    Figures.Say($"{Containers} containers, {began.Elapsed.TotalSeconds:F0} s at the default intervals: {perHour:F1} s of CPU an hour");
    Figures.Say($"agent: {idle.RssMiB:F1} MiB idle, {worked.RssMiB:F1} MiB after {Jobs} jobs, {worked.PeakMiB:F1} MiB at most; node-exporter: {beside.RssMiB:F1} MiB");
    Figures.AtMost("agent-cpu", perHour, "seconds-an-hour", 60);
    Figures.AtMost("agent-idle-over-node-exporter", idle.RssMiB / beside.RssMiB, "x", 1.25);
    Figures.AtMost("agent-after-jobs-over-idle", worked.RssMiB / idle.RssMiB, "x", 2);
    Figures.AtMost("agent-binary", binary, "MiB", 12);
}
finally
{
    exporter.Kill();
}

Figures.Print();

static ProcessCost Agent(LabHost host) => ProcessCost.Of(host.AgentPid);

static async Task<string[]> Running(BenchServer server)
{
    while (true)
    {
        var rows = await server.Get("/api/agents?filter=" + Uri.EscapeDataString("proxmox_type=='lxc'&&status=='running'&&os!=null"));
        if (rows.GetArrayLength() is Containers)
        {
            return [.. rows.EnumerateArray().Select(row => row.GetProperty("id").GetString()!)];
        }

        await Task.Delay(200);
    }
}

static async Task Patch(BenchServer server, string[] guests, int jobs)
{
    var waiting = new Queue<string>();
    for (var job = 0; job < jobs; job++)
    {
        using var answer = await server.Http.PostAsJsonAsync("/api/patches", new { agent_id = guests[job % guests.Length], mode = "dry-run" });
        answer.EnsureSuccessStatusCode();
        waiting.Enqueue((await answer.Content.ReadFromJsonAsync<Dictionary<string, object?>>())!["operation_id"]!.ToString()!);
        if (waiting.Count > 100)
        {
            await Ended(server, waiting.Dequeue());
        }
    }

    while (waiting.TryDequeue(out var last))
    {
        await Ended(server, last);
    }
}

static async Task Ended(BenchServer server, string operation)
{
    while (true)
    {
        switch ((await server.Get($"/api/patches/{operation}")).GetProperty("status").GetString())
        {
            case "succeeded":
                return;
            case "pending" or "running":
                await Task.Delay(50);
                break;
            case var other:
                throw new InvalidOperationException($"Operation {operation} {other}.");
        }
    }
}
