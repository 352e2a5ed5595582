using System.Globalization;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Data.Sqlite;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Tests;

/// <summary>kill -9, and the same data under a new process at a new address.</summary>
public sealed class RestartTests : IAsyncDisposable
{
    private const string Password = "a password of its own";

    private readonly DataDirectory data = new();
    private ServerProcess server = null!;
    private Caller admin = null!;

    [Fact]
    public async Task What_waits_and_what_runs_goes_on_where_it_was()
    {
        await Start();
        var cluster = Some.Cluster();
        await using var working = await HostPeer.Register(admin, cluster);
        await using var away = await HostPeer.Register(admin, cluster, "pve2");
        var (busy, waiting) = (Some.Container(), Some.Container());
        await working.Connect(server.Url);
        await working.ReportInventory(Some.Inventory(working, busy) with { IntervalSeconds = 1 });
        await away.Connect(server.Url);
        await away.ReportInventory(Some.Inventory(away, waiting) with { IntervalSeconds = 1 });
        await away.FallSilent(admin);

        var running = await Order(working, busy);
        var pending = await Order(away, waiting);
        var job = await working.NextJob();
        await working.Report(new(job.Id, JobOutcome.Running, null) { StartedAt = Some.Noon });

        var token = admin.Token;
        await server.Kill();
        await working.Closed.Within("the host to notice that the server is gone");
        await Start();

        // Its tokens hold, though its address is another one.
        admin = admin.With(token);
        foreach (var (id, state) in (IEnumerable<(string, string)>)[(working.Id.Value, "offline"), (away.Id.Value, "offline"), (Some.GuestId(working, busy), "unknown"), (Some.GuestId(away, waiting), "unknown")])
        {
            Assert.Equal(state, (await admin.Get($"/api/agents/{id}")).Is(200).Text("status")); // nobody has said anything since
        }

        Assert.Equal("running", (await Operation(running)).Text("status"));
        Assert.Equal("pending", (await Operation(pending)).Text("status"));
        var tree = (await admin.Get("/api/topology?format=text")).Body;
        Assert.Contains($"LXC {busy.Vmid}: {busy.Name}", tree, StringComparison.Ordinal);
        Assert.Contains($"LXC {waiting.Vmid}: {waiting.Name}", tree, StringComparison.Ordinal);

        // The one that was at work says the end until it is heard; a later word changes nothing.
        await working.Connect(server.Url);
        await working.Report(Some.Success(job));
        await working.Report(Some.Success(job) with { ExitCode = 100, Outcome = JobOutcome.Failed, Detail = "late" });
        var result = await Operation(running);
        Assert.Equal(("succeeded", 0), (result.Text("status"), result.Json.GetProperty("exit_code").GetInt32()));

        // The one that was away gets its job now, once.
        (await admin.Refresh(Registration.ClientId, away.RefreshToken)).Is(200);
        await away.Connect(server.Url);
        var late = await away.NextJob();
        Assert.Equal(pending, late.Id.Value);
        await away.Report(Some.Success(late));
        await away.ConnectWith(server.Url, waiting);
        Assert.True(away.HasNoJob());
        Assert.Equal("succeeded", (await Operation(pending)).Text("status"));

        await server.Kill();
        Assert.Equal(new[] { running, pending }.Order(StringComparer.Ordinal), Ended());
    }

    [Fact]
    public async Task A_report_that_was_answered_is_never_lost()
    {
        await Start();
        await using var host = await HostPeer.Register(admin, Some.Cluster());
        var container = Some.Container();
        await host.ConnectWith(server.Url, container);
        var id = await Order(host, container);
        var job = await host.NextJob();
        await host.Report(Some.Success(job));
        await server.Kill();

        await Start();
        var result = await Operation(id);
        Assert.Equal(("succeeded", Some.Success(job).StandardOutput), (result.Text("status"), result.Text("stdout")));
        await host.ConnectWith(server.Url, container);
        Assert.True(host.HasNoJob());
        Assert.Equal([id], Ended());
    }

    [Fact]
    public async Task An_approval_that_was_answered_is_never_lost()
    {
        await Start();
        var code = await HostPeer.AskForCode(admin.With(null), Some.Cluster().Value, "pve1", "pve1", "lab");
        (await admin.PostForm("/device", ("user_code", code.Text("user_code")), ("decision", "approve"))).Is(302);
        await server.Kill();

        await Start();
        var tokens = (await HostPeer.Poll(admin.With(null), code.Text("device_code"))).Is(200);
        await server.Kill();

        await Start();
        (await admin.Get($"/api/agents/{tokens.Text("agent_id")}")).Is(200);
        (await admin.Refresh(Registration.ClientId, tokens.Text("refresh_token"))).Is(200);
    }

    [Fact]
    public async Task What_was_said_by_people_and_by_hosts_is_still_said_and_a_report_can_be_built_on()
    {
        await Start();
        await using var host = await HostPeer.Register(admin, Some.Cluster());
        await using var machine = await HostPeer.Register(admin, Some.Outside(), "box");
        var (container, vm, gone) = (Some.Container(), Some.Machine(), Some.Container());
        await host.Connect(server.Url);
        await host.ReportInventory(Some.Placed(host, container, vm, gone));
        await host.ReportInventory(Some.Placed(host, container, vm) with { Fingerprint = "f1" });
        (await admin.Patch($"/api/agents/{Some.GuestId(host, container)}", """{"platform_family":"arch","tags":["kept"],"notes":"kept, too"}""")).Is(200);
        (await admin.Patch($"/api/agents/{Some.GuestId(host, vm)}", $$"""{"vm_agent":"{{machine.Id}}"}""")).Is(200);
        (await admin.Patch($"/api/agents/{host.Id}", """{"notes":"rack 3"}""")).Is(200);
        (await admin.Patch($"/api/agents/{machine.Id}", """{"platform_family":"suse"}""")).Is(200);
        await Assert.ThrowsAsync<HubException>(() => host.ReportInventory(Some.Inventory(host) with { ClusterId = machine.Cluster }));
        await server.Kill();

        await Start();
        await Holds();
        Assert.Equal(4, (await admin.Get("/api/audit?action=annotate")).Is(200).Json.GetArrayLength());
        Assert.Equal(1, (await admin.Get("/api/audit?action=report-inventory")).Is(200).Json.GetArrayLength());
        Assert.Equal(2, (await admin.Get("/api/audit?action=start-silo")).Is(200).Json.GetArrayLength());

        // Both over a restart and over rediscovery; and what has changed may build on what was stored.
        await host.Connect(server.Url);
        Assert.False((await host.ReportInventory(Some.Inventory(host, container with { Name = "renamed" }) with { Since = "f1", Fingerprint = "f2" })).NeedsWhole);
        Assert.Equal("renamed", (await admin.Get($"/api/agents/{Some.GuestId(host, container)}")).Text("name"));
        await Holds();
        await host.ReportInventory(Some.Inventory(host, container, vm));
        await Holds();

        async Task Holds()
        {
            var row = (await admin.Get($"/api/agents/{Some.GuestId(host, container)}")).Is(200);
            Assert.Equal(("arch", "kept", "kept, too"), (row.Text("platform_family"), row.Json.GetProperty("tags")[0].GetString(), row.Text("notes")));
            Assert.Equal(machine.Id.Value, (await admin.Get($"/api/agents/{Some.GuestId(host, vm)}")).Is(200).Text("vm_agent"));
            Assert.Equal("rack 3", (await admin.Get($"/api/agents/{host.Id}")).Is(200).Text("notes"));
            var box = (await admin.Get($"/api/agents/{machine.Id}")).Is(200);
            Assert.Equal(("vm", "suse", host.Id.Value), (box.Text("proxmox_role"), box.Text("platform_family"), box.Text("proxmox_parent_host")));
            Assert.Equal("deleted", (await admin.Get($"/api/agents/{Some.GuestId(host, gone)}")).Is(200).Text("status"));
            Assert.Equal(2, (await admin.Get($"/api/agents/{host.Id}")).Json.GetProperty("guest_count").GetInt32());
        }
    }

    [Fact] // Five minutes are long for a test; an orderly end hands over what there is of them.
    public async Task Means_of_hosts_and_guests_outlive_an_orderly_restart()
    {
        await Start();
        await using var host = await HostPeer.Register(admin, Some.Cluster());
        var (container, vm) = (Some.Container(), Some.Machine());
        await host.ConnectWith(server.Url, container, vm);
        await host.ReportMetrics(Some.Metrics(Some.Measured(container), Some.Measured(vm)));
        await host.ReportMetrics(Some.Metrics(Some.Measured(container) with { CpuCores = 1.5 }) with { CpuPercent = 100 });
        Assert.Equal(0, await server.Program.Terminate());

        await Start();
        Assert.Empty((await admin.Get($"/api/agents/{host.Id}/metrics?resolution=raw")).Is(200).Json.GetProperty("points").EnumerateArray());
        var points = (await admin.Get($"/api/agents/{host.Id}/metrics?resolution=5m")).Is(200).Json.GetProperty("points").EnumerateArray().ToArray();
        Assert.InRange(points.Length, 1, 2); // the five minutes may have ended between the two
        Assert.Equal(100, points.Max(point => point.GetProperty("cpu_percent_max").GetDouble()));
        Assert.All(points, point => Assert.Equal(0, point.GetProperty("at").GetDateTimeOffset().ToUnixTimeSeconds() % 300));
        if (points is [var both])
        {
            Assert.Equal((75, 1.25), (both.GetProperty("cpu_percent").GetDouble(), both.GetProperty("guests_cpu_cores").GetDouble()));
        }

        var means = (await admin.Get($"/api/agents/{Some.GuestId(host, container)}/metrics")).Is(200);
        Assert.Equal("5m", means.Text("resolution"));
        var guest = means.Json.GetProperty("points").EnumerateArray().Last();
        Assert.Equal(("pve1", 8L << 30), (guest.GetProperty("node").GetString(), guest.GetProperty("disk_bytes").GetInt64()));
        Assert.Contains(guest.GetProperty("cpu_cores").GetDouble(), new[] { 1, 1.5 });
        Assert.Single((await admin.Get($"/api/agents/{Some.GuestId(host, vm)}/metrics")).Is(200).Json.GetProperty("points").EnumerateArray());
        Assert.Empty((await admin.Get($"/api/agents/{host.Id}/metrics?resolution=5m&from=2026-01-01&to=2026-01-02")).Is(200).Json.GetProperty("points").EnumerateArray());
    }

    public async ValueTask DisposeAsync()
    {
        if (server is not null)
        {
            await server.DisposeAsync();
        }

        data.Dispose();
    }

    private async Task Start()
    {
        if (server is { } former)
        {
            await former.DisposeAsync();
        }

        server = await ServerProcess.Start(data.Path, Password);
        admin = await new Caller(server.Url).SignIn("admin", Password);
    }

    private async Task<string> Order(HostPeer host, NannyOrleans.Protocol.Inventories.GuestSeen guest) =>
        (await admin.PostLikeCurl("/api/patches", Some.Order(Some.GuestId(host, guest)))).Is(202).Text("operation_id");

    private async Task<Answer> Operation(string id) => (await admin.Get($"/api/patches/{id}")).Is(200);

    /// <summary>The history as it is on disk.</summary>
    private IEnumerable<string> Ended()
    {
        using var history = new SqliteConnection($"Data Source={Path.Combine(data.Path, "history.db")};Pooling=False");
        history.Open();
        using var query = history.CreateCommand();
        query.CommandText = "SELECT o.Id FROM operations o JOIN operation_outputs p ON p.Id = o.Id ORDER BY o.Id";
        using var rows = query.ExecuteReader();
        while (rows.Read())
        {
            yield return Convert.ToString(rows[0], CultureInfo.InvariantCulture)!;
        }
    }
}
