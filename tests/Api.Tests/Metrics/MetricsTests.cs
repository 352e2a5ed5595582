using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Metrics;

public sealed class MetricsTests(SharedServer shared)
{
    [Fact]
    public async Task A_hosts_samples_are_kept_as_they_came()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (web, vm) = (Some.Container(), Some.Machine());
        await host.ConnectWith(shared.Server.Url, web, vm);
        Assert.Empty(Points(await shared.Admin.Get($"/api/agents/{host.Id}/metrics")));

        await host.ReportMetrics(Some.Metrics(Some.Measured(web), Some.Measured(vm)));
        await host.ReportMetrics(new(Some.Noon, 30)); // a host that could read nothing
        var answer = (await shared.Admin.Get($"/api/agents/{host.Id}/metrics?resolution=raw")).Is(200);
        Assert.Equal((host.Id.Value, "raw"), (answer.Text("id"), answer.Text("resolution")));
        var (first, second) = Points(answer) is [var one, var other] ? (one, other) : throw new InvalidOperationException(answer.Body);
        foreach (var (field, value) in new[]
        {
            ("cpu_percent", 50), ("load1", 4), ("memory_used_bytes", (double)(16L << 30)), ("memory_bytes", 64L << 30), ("swap_used_bytes", 0), ("disk_used_bytes", 10L << 30), ("disk_bytes", 100L << 30),
            ("network_in_per_second", 1000), ("network_out_per_second", 2000), ("guests_cpu_cores", 1), ("guests_memory_used_bytes", 2L << 30), ("running_containers", 1), ("running_vms", 1),
        })
        {
            Assert.Equal((field, value), (field, first.GetProperty(field).GetDouble()));
            Assert.Equal((field, JsonValueKind.Null), (field, second.GetProperty(field).ValueKind)); // unknown is not zero
        }

        Assert.True(first.GetProperty("at").GetDateTimeOffset() <= second.GetProperty("at").GetDateTimeOffset());

        // Without a word of resolution the samples, as far as they reach; any short name will do.
        Assert.Equal(2, Points(await shared.Admin.Get($"/api/agents/{host.Id}/metrics")).Length);
        Assert.Equal("5m", (await shared.Admin.Get($"/api/agents/{host.Id}/metrics?from={At(TimeSpan.FromDays(-2))}")).Is(200).Text("resolution"));
        Assert.Empty(Points(await shared.Admin.Get($"/api/agents/{host.Id}/metrics?resolution=raw&from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z")));
        Assert.Equal(2, Points(await shared.Admin.Get($"/api/agents/{host.Id}/metrics?resolution=raw&to={At(TimeSpan.FromHours(1))}&from={At(TimeSpan.FromDays(-29))}")).Length);
    }

    [Theory]
    [InlineData("from=garbage", "from")]
    [InlineData("from=", "from")]
    [InlineData("from=2020-01-01T00:00:00Z", "from")] // more than 30 days before now
    [InlineData("from=2026-01-02&to=2026-01-01", "from")]
    [InlineData("from=2026-01-01&to=2026-02-15", "from")]
    [InlineData("from=2999-01-01", "from")]
    [InlineData("from=0001-01-01", "from")]
    [InlineData("to=garbage", "to")]
    [InlineData("to=0001-01-01T00:00:00Z", "to")]
    [InlineData("to=9999-12-31T23:59:59Z&from=garbage", "from")]
    [InlineData("to=2026-13-45", "to")]
    [InlineData("to=10:30", "to")] // today's, or which?
    [InlineData("to=2026", "to")]
    [InlineData("resolution=1h", "resolution")]
    [InlineData("resolution=RAW", "resolution")]
    [InlineData("resolution=", "resolution")]
    public async Task What_is_wrong_with_a_time_is_named(string query, string field)
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        Assert.NotEqual(string.Empty, (await shared.Admin.Get($"/api/agents/{host.Id}/metrics?{query}")).NamesField(field));
    }

    [Fact]
    public async Task A_guest_has_means_and_says_so_and_nobody_has_none()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var web = Some.Container();
        await host.ConnectWith(shared.Server.Url, web);
        (await shared.Admin.Get($"/api/agents/{Some.GuestId(host, web)}/metrics?resolution=raw")).NamesField("resolution");
        Assert.Equal("5m", (await shared.Admin.Get($"/api/agents/{Some.GuestId(host, web)}/metrics")).Is(200).Text("resolution"));
        Assert.Equal(Some.GuestId(host, web), (await shared.Admin.Get($"/api/agents/{web.Name}/metrics?resolution=5m")).Is(200).Text("id"));
        (await shared.Admin.Get("/api/agents/nobody-of-this-name/metrics")).IsProblem(404, "not-found");
    }

    [Fact]
    public async Task A_host_is_online_while_it_reports_whether_it_is_connected_or_not()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var web = Some.Container();
        Assert.Equal("offline", await Status(host.Id.Value));
        await host.Connect(shared.Server.Url);
        Assert.Equal("offline", await Status(host.Id.Value)); // it has not said anything
        await host.ReportInventory(Some.Inventory(host, web));
        Assert.Equal(("online", "running"), (await Status(host.Id.Value), await Status(Some.GuestId(host, web))));
        var seen = (await shared.Admin.Get($"/api/agents/{host.Id}")).Json.GetProperty("last_seen").GetDateTimeOffset();

        // Away for a moment: three of its intervals may pass.
        await host.Disconnect();
        Assert.Equal(("online", "running"), (await Status(host.Id.Value), await Status(Some.GuestId(host, web))));

        // Connected, and silent for longer.
        await host.Connect(shared.Server.Url);
        await host.ReportMetrics(Some.Metrics(Some.Measured(web)) with { IntervalSeconds = 1 });
        var silent = await Waiting.Until(() => shared.Admin.Get($"/api/agents/{host.Id}"), row => row.Text("status") is "offline", "three missed intervals");
        Assert.True(silent.Json.GetProperty("last_seen").GetDateTimeOffset() >= seen);
        Assert.Equal(JsonValueKind.Null, silent.Json.GetProperty("cpu_percent").ValueKind); // what was is not what is
        Assert.Equal(64L << 30, (await shared.Admin.Get($"/api/agents/{host.Id}/metrics")).Is(200).Json.GetProperty("points")[0].GetProperty("memory_bytes").GetInt64());
        Assert.Equal("unknown", await Status(Some.GuestId(host, web)));
        Assert.Contains($"Node: pve1 (Host Agent: {host.Id}, offline, last seen {silent.Json.GetProperty("last_seen").GetDateTimeOffset():u})", (await shared.Admin.Get("/api/topology?format=text")).Body, StringComparison.Ordinal);

        await host.ReportMetrics(Some.Metrics(Some.Measured(web)));
        await Waiting.Until(() => shared.Admin.Get($"/api/agents/{host.Id}"), row => row.Text("status") is "online", "the host to be back");
        Assert.Equal("running", await Status(Some.GuestId(host, web)));
    }

    [Fact]
    public async Task A_former_agent_reports_nothing_for_its_node()
    {
        var cluster = Some.Cluster();
        await using var former = await HostPeer.Register(shared.Admin, cluster);
        await former.ConnectWith(shared.Server.Url);
        await using var present = await HostPeer.Register(shared.Admin, cluster);
        await former.Closed.Within("the former agent to be cut off");
        await former.Connect(shared.Server.Url);
        var refused = await Record.ExceptionAsync(() => former.ReportMetrics(Some.Metrics()));
        Assert.True(refused is HubException or InvalidOperationException or OperationCanceledException or IOException, $"{refused}"); // refused, or cut off first
        Assert.Empty(Points(await shared.Admin.Get($"/api/agents/{present.Id}/metrics")));
    }

    private static string At(TimeSpan fromNow) => Uri.EscapeDataString(TimeProvider.System.GetUtcNow().Add(fromNow).ToString("O"));

    private static JsonElement[] Points(Answer answer) => [.. answer.Is(200).Json.GetProperty("points").EnumerateArray()];

    private async Task<string> Status(string id) => (await shared.Admin.Get($"/api/agents/{id}")).Is(200).Text("status");
}
