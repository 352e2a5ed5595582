using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Tests.Patches;

/// <summary>Which agent gets which job for what a person named.</summary>
public sealed class PatchTargetTests(SharedServer shared)
{
    [Fact]
    public async Task A_host_is_patched_by_its_own_agent_and_alone()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, container);
        var answer = (await Order($$"""{"agent_id":"{{host.Id}}","mode":"apply","security_only":true,"autoremove":true,"timeout_seconds":7200,"exclusions":["pve-kernel*"]}""")).Is(202);
        Assert.Equal((host.Id.Value, true, true), (answer.Text("agent_id"), answer.Json.GetProperty("security_only").GetBoolean(), answer.Json.GetProperty("autoremove").GetBoolean()));
        var job = await host.NextJob<PatchHost>();
        Assert.Equal((7200, true, true, "apt-update.sh"), (job.TimeoutSeconds, job.SecurityOnly, job.Autoremove, job.Script.Name));
        Assert.Equal(["pve-kernel*"], job.Exclusions);

        (await Order(Some.Order(Some.GuestId(host, container)))).Is(202);
        await host.Report(new(job.Id, JobOutcome.Running, null));
        Assert.True(host.HasNoJob()); // the host's own goes first
        await host.Report(Some.Success(job));
        await host.NextJob();
        Assert.Equal("succeeded", (await shared.Admin.Get($"/api/patches/{job.Id}")).Is(200).Text("status"));
        var audited = (await shared.Admin.Get($"/api/audit?target={host.Id}")).Is(200).Json.EnumerateArray().Select(entry => $"{entry.GetProperty("actor")}: {entry.GetProperty("action")} {entry.GetProperty("result")}");
        Assert.Equal([$"agent {host.Id}: end-job succeeded", "person admin: queue-job queued", "person admin: start-patch asked"], audited);
    }

    [Fact]
    public async Task A_machine_outside_is_patched_by_its_own_agent_and_so_is_the_vm_it_is()
    {
        var uuid = Some.Uuid();
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        await using var box = await HostPeer.Register(shared.Admin, Some.Outside(), $"box-{Some.Vmid()}");
        var vm = Some.Machine() with { SmbiosUuid = uuid };
        await host.ConnectWith(shared.Server.Url, vm);
        var inventory = Some.Inventory(box);
        await box.Connect(shared.Server.Url);
        await box.ReportInventory(inventory with { Guests = null, Host = new() { Os = new("debian", [], "13", "Debian GNU/Linux 13 (trixie)"), SmbiosUuid = uuid } });

        var answer = (await Order(Some.Order(Some.GuestId(host, vm)))).Is(202);
        Assert.Equal(box.Id.Value, answer.Text("agent_id"));
        Assert.Equal(answer.Text("operation_id"), (await box.NextJob<PatchHost>()).Id.Value);
        (await Order($$"""{"agent_id":"{{box.Id}}","mode":"dry-run","start_stopped":true}""")).IsProblem(409, "start-stopped-unsupported");
        Assert.True(host.HasNoJob());
    }

    [Fact]
    public async Task A_vm_is_patched_through_its_guest_agent_only_if_a_person_has_allowed_it()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var vm = Some.Machine() with { OsType = "l26", Os = new("debian", [], "13", "Debian GNU/Linux 13 (trixie)"), QemuAgent = true };
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, vm, container);
        var id = Some.GuestId(host, vm);
        Assert.False((await shared.Admin.Get($"/api/agents/{id}")).Json.GetProperty("agentless_vm").GetBoolean());
        (await Order(Some.Order(id))).IsProblem(409, "requires-agent");

        var allowed = (await shared.Admin.Patch($"/api/agents/{id}", """{"agentless_vm":true}""")).Is(200);
        Assert.True(allowed.Json.GetProperty("agentless_vm").GetBoolean());
        Assert.Contains("not recommended", allowed.Text("agentless_vm_warning"), StringComparison.Ordinal);
        (await Order(Some.Order(id))).Is(202);
        var job = await host.NextJob<PatchVm>();
        Assert.Equal((vm.Vmid, 900), (job.Vmid, job.WaitSeconds));
        await host.Report(Some.Success(job));

        (await shared.Admin.Patch($"/api/agents/{id}", """{"agentless_vm":null}""")).Is(200);
        (await Order(Some.Order(id))).IsProblem(409, "requires-agent");
        (await shared.Admin.Patch($"/api/agents/{id}", """{"agentless_vm":"yes"}""")).NamesField("agentless_vm");
        (await shared.Admin.Patch($"/api/agents/{Some.GuestId(host, container)}", """{"agentless_vm":true}""")).IsProblem(409, "not-a-vm");
        (await shared.Admin.Patch($"/api/agents/{host.Id}", """{"agentless_vm":true}""")).IsProblem(409, "not-a-vm");
    }

    [Fact]
    public async Task An_apply_from_a_plan_installs_what_was_approved_or_says_what_has_changed()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (container, other) = (Some.Container(), Some.Container());
        await host.ConnectWith(shared.Server.Url, container, other);
        var id = Some.GuestId(host, container);
        var plan = (await Order($$"""{"agent_id":"{{id}}","mode":"dry-run","exclusions":["mysql-*"]}""")).Is(202).Text("operation_id");
        (await Order($$"""{"agent_id":"{{id}}","mode":"apply","plan":"{{plan}}"}""")).IsProblem(409, "plan-not-ended");
        await host.Report(Some.Success(await host.NextJob()));
        (await Order($$"""{"agent_id":"{{Some.GuestId(host, other)}}","mode":"apply","plan":"{{plan}}"}""")).IsProblem(409, "plan-of-another-target");
        (await Order($$"""{"agent_id":"{{id}}","mode":"apply","plan":"01M83HW1FS84TGPXTCYJ45S8G9"}""")).IsProblem(409, "plan-not-found");

        var apply = (await Order($$"""{"agent_id":"{{id}}","mode":"apply","plan":"{{plan}}","start_stopped":true,"wait_seconds":5}""")).Is(202).Text("operation_id");
        var job = await host.NextJob();
        Assert.Equal((PlanFingerprint.Of([("nginx", "1.24.0"), ("libnew", "2.0")], []), true, 5), (job.Plan, job.StartStopped, job.WaitSeconds));
        Assert.Equal(["mysql-*"], job.Exclusions);
        await host.Report(new(job.Id, JobOutcome.Failed, null)
        {
            ExitCode = 1,
            StandardOutput = """{"mode":"apply","packages":[{"name":"nginx","from":"1.18.0","to":"1.26.0","security":true,"origin":null},{"name":"curl","from":"1","to":"2","security":false,"origin":null}],"removed":["libold"],"error":{"code":"plan-changed","message":"What would be installed or removed has changed."}}""",
            StartedAt = Some.Noon,
        });
        var result = (await shared.Admin.Get($"/api/patches/{apply}")).Is(200);
        Assert.Equal(("failed", plan), (result.Text("status"), result.Text("plan")));
        var difference = result.Json.GetProperty("plan_difference");
        Assert.Equal("curl", Assert.Single(difference.GetProperty("added").EnumerateArray()).GetProperty("name").GetString());
        Assert.Equal("libnew", Assert.Single(difference.GetProperty("removed").EnumerateArray()).GetProperty("name").GetString());
        Assert.Equal("1.26.0", Assert.Single(difference.GetProperty("changed").EnumerateArray()).GetProperty("now").GetString());
        Assert.Equal("libold", Assert.Single(difference.GetProperty("removals_added").EnumerateArray()).GetString());
        Assert.Empty(difference.GetProperty("removals_dropped").EnumerateArray());
        (await Order($$"""{"agent_id":"{{id}}","mode":"apply","plan":"{{apply}}"}""")).IsProblem(409, "plan-not-a-dry-run");
    }

    private Task<Answer> Order(string body) => shared.Admin.PostLikeCurl("/api/patches", body);
}
