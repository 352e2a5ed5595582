using System.Diagnostics;
using System.Globalization;
using NannyOrleans.Bench;
using NannyOrleans.Bench.Dashboard;
using NannyOrleans.Bench.Fleet;
using NannyOrleans.Browsing;

// What a person who has the dashboard open waits for, and what his waiting costs the server: a real browser, the real server, and a generated fleet on
// real connections. How long until there is something to see, and until it answers; how long from an agent's report to its words on the screen; and
// how much memory each open dashboard holds. Browser, server and fleet share this machine's cores, so the figures are upper bounds.
const int NodesPerCluster = 25;
const int GuestsPerNode = 20;
const int Warm = 3;
var nodes = Number("DASHBOARD_NODES", 500);
var loads = Number("DASHBOARD_LOADS", 15);
var updates = Number("DASHBOARD_UPDATES", 60);
var open = Number("DASHBOARD_OPEN", 20);

using var server = await BenchServer.Start();
var agents = Enumerable.Range(0, nodes).Select(number => new GeneratedAgent(number, NodesPerCluster, GuestsPerNode)).ToArray();
try
{
    foreach (var agent in agents)
    {
        await agent.Connect(server.Url, await server.Register(agent.Cluster.Value, agent.Node.Value, agent.ClusterName));
        await agent.ReportWhole();
        await agent.ReportMetrics();
    }

    Figures.Say($"{nodes} hosts with {GuestsPerNode} guests each");
    await using var chromium = await Chromium.Start();

    var (paint, interactive) = (new Times(), new Times());
    for (var load = -Warm; load < loads; load++)
    {
        await using var page = await OpenPage.Open(chromium.Browser, server, BenchPages.Fleet);
        if (load >= 0)
        {
            paint.Add(page.FirstPaint);
            interactive.Add(page.Interactive);
        }
    }

    Figures.Say($"{loads} times opened, nothing in the browser's cache: first paint p50 {paint.At(50):F0} ms, p95 {paint.At(95):F0} ms; interactive p50 {interactive.At(50):F0} ms, p95 {interactive.At(95):F0} ms");

    var latency = new Times();
    await using (var page = await OpenPage.Open(chromium.Browser, server, BenchPages.Node(agents[0])))
    {
        for (var update = -Warm; update < updates; update++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"renamed-{update + Warm}-times");
            var took = await page.Until(name, () => agents[0].ReportRenamed(name));
            if (update >= 0)
            {
                latency.Add(took);
            }
        }
    }

    Figures.Say($"{updates} reports, each drawn after p50 {latency.At(50):F0} ms, p95 {latency.At(95):F0} ms");

    var (list, jump) = (new Times(), new Times());
    for (var load = -Warm; load < loads; load++)
    {
        await using var page = await OpenPage.Open(chromium.Browser, server, BenchPages.Guests);
        var took = await page.JumpToEnd();
        if (load >= 0)
        {
            list.Add(page.Interactive);
            jump.Add(took);
        }
    }

    Figures.Say($"the list of all {nodes * (GuestsPerNode + 1)} guests and hosts: interactive p50 {list.At(50):F0} ms, p95 {list.At(95):F0} ms; a jump to its end p50 {jump.At(50):F0} ms, p95 {jump.At(95):F0} ms");

    await Task.WhenAll(agents.Select(agent => agent.ReportMetrics())); // hosts that fall silent now would be news
    await Collector.Collect(server.Pid);
    var before = ProcessCost.Of(server.Pid);
    var pages = new List<OpenPage>();
    while (pages.Count < open)
    {
        pages.Add(await OpenPage.Open(chromium.Browser, server, BenchPages.Fleet));
    }

    await Collector.Collect(server.Pid);
    var after = ProcessCost.Of(server.Pid);
    var began = Stopwatch.GetTimestamp();
    await Task.Delay(TimeSpan.FromSeconds(10));
    var idle = 100 * (ProcessCost.Of(server.Pid).OwnCpuSeconds - after.OwnCpuSeconds) / Stopwatch.GetElapsedTime(began).TotalSeconds;
    foreach (var page in pages)
    {
        await page.DisposeAsync();
    }

    Figures.Say($"{open} open: {before.RssMiB:F0} MiB before, {after.RssMiB:F0} MiB with them; while nothing happens {idle:F1} % of a core");
    Figures.AtMost("dashboard-first-paint-p50", paint.At(50), "ms", 1000);
    Figures.AtMost("dashboard-interactive-p50", interactive.At(50), "ms", 2000);
    Figures.AtMost("dashboard-list-interactive-p50", list.At(50), "ms", 2000);
    Figures.AtMost("dashboard-list-jump-p95", jump.At(95), "ms", 1000);
    Figures.AtMost("dashboard-update-p50", latency.At(50), "ms", 150);
    Figures.AtMost("dashboard-update-p95", latency.At(95), "ms", 300);
    Figures.AtMost("dashboard-memory-each", (after.RssMiB - before.RssMiB) / open, "MiB", 5);
}
finally
{
    foreach (var agent in agents)
    {
        await agent.DisposeAsync();
    }
}

Figures.Print();

static int Number(string setting, int usual) => Environment.GetEnvironmentVariable(setting) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : usual;
