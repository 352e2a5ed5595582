using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Tests.Patches;

/// <summary>An operation from the request to its result, through the hub.</summary>
public sealed class PatchLifeTests(SharedServer shared)
{
    [Fact]
    public async Task A_host_that_is_away_gets_the_job_once_when_it_comes_and_its_result_is_shown()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, container);
        await host.FallSilent(shared.Admin);

        var id = await Order(host, container, "dry-run");
        Assert.Equal("pending", (await Operation(id)).Text("status"));

        await host.Connect(shared.Server.Url);
        var job = await host.NextJob();
        Assert.Equal((id, container.Vmid, PatchMode.DryRun, "apt-update.sh"), (job.Id.Value, job.Vmid, job.Mode, job.Script.Name));
        await host.Report(new(job.Id, JobOutcome.Accepted, null));
        Assert.Equal("pending", (await Operation(id)).Text("status"));
        await host.Report(new(job.Id, JobOutcome.Running, null) { StartedAt = Some.Noon });
        Assert.Equal("running", (await Operation(id)).Text("status"));
        await host.Report(Some.Success(job));
        Assert.True(host.HasNoJob());

        var result = await Operation(id);
        Assert.Equal(("succeeded", id, Some.GuestId(host, container), "pve1"), (result.Text("status"), result.Text("operation_id"), result.Text("agent_id"), result.Text("node")));
        Assert.Equal((0, 2), (result.Json.GetProperty("exit_code").GetInt32(), result.Json.GetProperty("total_count").GetInt32()));
        Assert.Equal(["nginx (1.18.0 → 1.24.0)", "libnew (new 2.0)"], Texts(result, "packages_to_upgrade"));
        Assert.Equal(["mysql-server"], Texts(result, "packages_held"));
        Assert.Equal(Some.Success(job).StandardOutput, result.Text("stdout"));
        Assert.Equal("Reading package lists...\n", result.Text("stderr"));
        Assert.Equal(Some.Noon.AddSeconds(42), result.Json.GetProperty("completed_at").GetDateTimeOffset());
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (result.Json.GetProperty("failure").ValueKind, result.Json.GetProperty("packages_upgraded").ValueKind));

        // The next connection brings nothing that is over.
        await host.ConnectWith(shared.Server.Url, container);
        Assert.True(host.HasNoJob());
    }

    [Fact]
    public async Task An_apply_says_what_it_upgraded_and_held()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, container);
        var id = await Order(host, container, "apply");
        await host.Report(Some.Success(await host.NextJob()));
        var result = await Operation(id);
        Assert.Equal(("succeeded", 0), (result.Text("status"), result.Json.GetProperty("exit_code").GetInt32()));
        Assert.Equal(["nginx", "libnew"], Texts(result, "packages_upgraded"));
        Assert.Equal(["mysql-server"], Texts(result, "packages_held"));
        Assert.Equal(JsonValueKind.Null, result.Json.GetProperty("packages_to_upgrade").ValueKind);
    }

    [Fact]
    public async Task A_stopped_container_fails_with_its_reason()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container() with { Status = GuestStatus.Stopped };
        await host.ConnectWith(shared.Server.Url, container);
        var id = await Order(host, container, "apply");
        await host.Report(new((await host.NextJob()).Id, JobOutcome.Failed, "container not running") { CompletedAt = Some.Noon });
        var failure = (await Operation(id)).Json.GetProperty("failure");
        Assert.Equal(("container-not-running", "container not running"), (failure.GetProperty("code").GetString(), failure.GetProperty("message").GetString()));
    }

    [Fact]
    public async Task Only_the_hosts_own_agent_speaks_for_a_job()
    {
        var cluster = Some.Cluster();
        await using var host = await HostPeer.Register(shared.Admin, cluster);
        await using var neighbour = await HostPeer.Register(shared.Admin, cluster, "pve2");
        await using var stranger = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, container);
        await neighbour.ConnectWith(shared.Server.Url);
        await stranger.ConnectWith(shared.Server.Url);
        var id = await Order(host, container, "apply");
        var job = await host.NextJob();

        await neighbour.Report(Some.Success(job));
        await stranger.Report(Some.Success(job));
        Assert.Equal("pending", (await Operation(id)).Text("status"));

        // A job that never was is no news either.
        await host.Report(Some.Success(job) with { Id = NannyOrleans.Protocol.Ids.JobId.Parse("01M83HW1FS84TGPXTCYJ45S8G9") });
        (await shared.Admin.Get("/api/patches/01M83HW1FS84TGPXTCYJ45S8G9")).IsProblem(404, "not-found");

        await host.Report(Some.Success(job));
        Assert.Equal("succeeded", (await Operation(id)).Text("status"));
        await host.Report(new(job.Id, JobOutcome.Interrupted, "late"));
        Assert.Equal("succeeded", (await Operation(id)).Text("status"));
    }

    public static TheoryData<string, string> Broken => new()
    {
        { AgentHub.ReportJob, "null" },
        { AgentHub.ReportJob, "5" },
        { AgentHub.ReportJob, "{}" },
        { AgentHub.ReportJob, """{"id":null,"outcome":"succeeded","detail":null}""" },
        { AgentHub.ReportJob, """{"id":"ID","detail":null}""" },
        { AgentHub.ReportJob, """{"id":"ID","outcome":"succeeded"}""" },
        { AgentHub.ReportJob, """{"id":"ID","outcome":null,"detail":null}""" },
        { AgentHub.ReportJob, """{"id":"ID","outcome":"done","detail":null}""" },
        { AgentHub.ReportJob, """{"id":"ID","outcome":2,"detail":null}""" }, // numbers are renumbered one day
        { AgentHub.ReportJob, """{"id":"ID","outcome":99,"detail":null}""" },
        { AgentHub.ReportJob, """{"id":"ID","outcome":"failed","detail":null,"standard_output":null}""" },
        { AgentHub.ReportJob, """{"id":"ID","outcome":"failed","detail":null,"standard_error":null}""" },
        { AgentHub.ReportJob, """{"id":"ID","outcome":"failed","detail":null,"exit_code":"0"}""" },
        { AgentHub.ReportJob, """{"id":"ID","outcome":"failed","detail":null,"completed_at":"yesterday"}""" },
        { AgentHub.ReportInventory, "null" },
        { AgentHub.ReportInventory, "{}" },
        { AgentHub.ReportInventory, """{"collected_at":"2026-11-23T12:00:00Z","agent_version":"0.1.0","hostname":"evil","pve_version":null,"boot_id":null,"cluster":null,"guests":[null],"problems":[]}""" },
        { AgentHub.ReportInventory, """{"collected_at":"2026-11-23T12:00:00Z","agent_version":"0.1.0","hostname":"evil","pve_version":null,"boot_id":null,"cluster":null,"guests":null,"problems":null}""" },
        { AgentHub.ReportInventory, """{"collected_at":"2026-11-23T12:00:00Z","agent_version":"0.1.0","hostname":"evil","pve_version":null,"boot_id":null,"cluster":null,"guests":null,"problems":[null]}""" },
        { AgentHub.ReportInventory, """{"collected_at":"2026-11-23T12:00:00Z","agent_version":"0.1.0","hostname":"evil","pve_version":null,"boot_id":null,"cluster":{"name":"lab","quorate":true,"members":[null]},"guests":null,"problems":[]}""" },
        { AgentHub.ReportInventory, """{"collected_at":"2026-11-23T12:00:00Z","agent_version":"0.1.0","hostname":"evil","pve_version":null,"boot_id":null,"cluster":null,"guests":[{"vmid":5,"type":"lxc","name":"x","status":"running","os_type":null,"os":null,"lock":null,"template":false,"problem":null}],"problems":[]}""" },
        { AgentHub.ReportInventory, """{"collected_at":"2026-11-23T12:00:00Z","agent_version":"0.1.0","hostname":"evil","pve_version":null,"boot_id":null,"cluster":null,"guests":[{"vmid":500,"type":"lxc","name":"x","status":7,"os_type":null,"os":null,"lock":null,"template":false,"problem":null}],"problems":[]}""" },
        { "NoSuchMethod", "{}" },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task A_message_with_a_part_missing_is_refused_and_the_connection_stays(string method, string message)
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, container);
        var id = await Order(host, container, "apply");
        var job = await host.NextJob();

        var before = (await shared.Admin.Get($"/api/agents/{host.Id}")).Body;
        var refusal = await Assert.ThrowsAsync<HubException>(() => host.Call(method, JsonElement.Parse(message.Replace("ID", id, StringComparison.Ordinal))));
        Assert.DoesNotContain("   at ", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("pending", (await Operation(id)).Text("status"));
        Assert.Equal(before, (await shared.Admin.Get($"/api/agents/{host.Id}")).Body);
        Assert.Equal("running", (await shared.Admin.Get($"/api/agents/{Some.GuestId(host, container)}")).Text("status"));

        await host.Report(Some.Success(job));
        Assert.Equal("succeeded", (await Operation(id)).Text("status"));
    }

    [Fact]
    public async Task A_message_beyond_all_bounds_ends_its_own_connection_alone()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        await using var other = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container();
        await other.ConnectWith(shared.Server.Url, container);
        await host.ConnectWith(shared.Server.Url);

        var id = await Order(other, container, "apply");
        var job = await other.NextJob();
        await Assert.ThrowsAnyAsync<Exception>(() => host.Report(Some.Success(job) with { StandardOutput = new('x', 5 * 1024 * 1024) }));
        await host.Closed.Within("the connection with the oversized message to be cut");
        await other.Report(Some.Success(job));
        Assert.Equal("succeeded", (await Operation(id)).Text("status"));
        await host.ConnectWith(shared.Server.Url);
    }

    [Fact] // Megabytes are usual: a whole apt run.
    public async Task A_long_output_arrives_whole()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, container);
        var id = await Order(host, container, "apply");
        var printed = string.Concat(Enumerable.Repeat("Unpacking größe \u001b[1m(2.0)\u001b[0m over (1.0) ...\n", 30_000));
        await host.Report(Some.Success(await host.NextJob()) with { StandardError = printed });
        Assert.Equal(printed, (await Operation(id)).Text("stderr"));
    }

    private async Task<string> Order(HostPeer host, GuestSeen guest, string mode) =>
        (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(Some.GuestId(host, guest), mode))).Is(202).Text("operation_id");

    private async Task<Answer> Operation(string id) => (await shared.Admin.Get($"/api/patches/{id}")).Is(200);

    private static string[] Texts(Answer answer, string field) => [.. answer.Json.GetProperty(field).EnumerateArray().Select(one => one.GetString()!)];
}
