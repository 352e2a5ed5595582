using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Tests.Campaigns;

public sealed class CampaignTests(SharedServer shared)
{
    public static TheoryData<string, string> Wrong => new()
    {
        { """{}""", "mode" },
        { """{"mode":"now"}""", "mode" },
        { """{"mode":"apply","nodes":["no/node"]}""", "nodes[0]" },
        { """{"mode":"apply","nodes":[]}""", "nodes" },
        { """{"mode":"apply","nodes":["pve9"]}""", "nodes" },
        { """{"mode":"apply","canary":"pve9"}""", "nodes" },
        { """{"mode":"apply","soak_seconds":-1}""", "soak_seconds" },
        { """{"mode":"apply","guests":"some"}""", "guests" },
        { """{"mode":"apply","guests":"tagged"}""", "guest_tag" },
        { """{"mode":"apply","guest_tag":"web"}""", "guest_tag" },
        { """{"mode":"apply","drain":"kill"}""", "drain" },
        { """{"mode":"apply","reboot":"maybe"}""", "reboot" },
        { """{"mode":"apply","on_failure":"go on"}""", "on_failure" },
        { """{"mode":"apply","without_quorum":"yes"}""", "without_quorum" },
        { """{"mode":"apply","window_end":"2020-01-01T00:00:00Z"}""", "window_end" },
        { """{"mode":"apply","exclusions":["a;b"]}""", "exclusions[0]" },
        { """{"mode":"apply","plans":{"pve1":"x"}}""", "plans.pve1" },
        { """{"mode":"apply","plans":{"no/node":"x","neither/one":"x"}}""", "plans.neither/one" },
        { """{"mode":"apply","limits":{"gate_seconds":0}}""", "limits.gate_seconds" },
        { """{"mode":"apply","limits":{"settle_seconds":86401}}""", "limits.settle_seconds" },
        { """{"mode":"apply","colour":"red"}""", "colour" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task What_is_wrong_is_named_and_nothing_begins(string body, string field)
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        await Connect(host);
        foreach (var path in (string[])["", "/plan"])
        {
            var answer = (await shared.Admin.PostLikeCurl($"{Path(host)}{path}", body)).Is(400);
            Assert.Contains(field, answer.Json.GetProperty("errors").EnumerateObject().Select(error => error.Name));
        }

        Assert.Equal(0, (await shared.Admin.Get(Path(host))).Is(200).Json.GetArrayLength());
    }

    [Fact]
    public async Task A_plan_says_what_would_happen_and_every_reason_why_not_and_touches_nothing()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var web = Some.Container();
        await host.Connect(shared.Server.Url);
        await host.ReportInventory(Seen(host, web) with { Host = Seen(host).Host! with { RunningTasks = ["backup of CT 100"] } });
        var plan = (await shared.Admin.PostLikeCurl($"{Path(host)}/plan", """{"mode":"apply"}""")).Is(200);
        var node = Assert.Single(plan.Json.GetProperty("nodes").EnumerateArray());
        Assert.Equal(("pve1", 3, true), (node.GetProperty("node").GetString(), node.GetProperty("pending_updates").GetInt32(), node.GetProperty("can_be_rebooted").GetBoolean()));
        var busy = Assert.Single(node.GetProperty("gates").EnumerateArray(), gate => gate.GetProperty("verdict").GetString() is not "pass");
        Assert.Equal(("tasks", "pve1 is busy: backup of CT 100."), (busy.GetProperty("name").GetString(), busy.GetProperty("reason").GetString()));
        var move = Assert.Single(node.GetProperty("guests").EnumerateArray());
        Assert.Equal(("shutdown", "There is no other node to move to."), (move.GetProperty("way").GetString(), move.GetProperty("reason").GetString()));
        Assert.Equal(0, (await shared.Admin.Get(Path(host))).Is(200).Json.GetArrayLength());
        Assert.True(host.HasNoJob());
    }

    [Fact]
    public async Task A_campaign_of_one_host_is_patched_approved_rebooted_and_told_from_beginning_to_end()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        await Connect(host);
        var started = (await shared.Admin.PostLikeCurl(Path(host), """{"mode":"apply","approve_reboots":true,"limits":{"settle_seconds":0}}""")).Is(202);
        var (id, boot, needed) = (started.Text("id"), "boot-1", false);
        Assert.Equal($"{Path(host)}/{id}", started.Header("Location"));
        Assert.Equal("campaign-running", (await shared.Admin.PostLikeCurl(Path(host), """{"mode":"dry-run"}""")).Is(409).Text("code"));

        using var stop = new CancellationTokenSource();
        var reports = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await host.NextDiscover();
                await host.ReportInventory(Seen(host) with { BootId = boot, Host = Seen(host).Host! with { RebootRequired = needed } });
            }
        }, CancellationToken.None);
        var patch = await host.NextJob<PatchHost>();
        Assert.NotNull(patch.StartBy);
        Assert.Equal(id, patch.Campaign?.Value); // for the agent's log
        needed = true;
        await host.Report(Some.Success(patch));
        await Step("approval");
        Assert.Equal("nothing-to-approve", (await shared.Admin.PostLikeCurl($"{Path(host)}/{id}/approve", """{"node":"pve2"}""")).Is(409).Text("code"));
        (await shared.Admin.PostLikeCurl($"{Path(host)}/{id}/approve", """{"node":"pve1"}""")).Is(202);
        var reboot = await host.NextJob<RebootHost>();
        (boot, needed) = ("boot-2", false);
        await host.Report(new(reboot.Id, JobOutcome.Succeeded, null));
        var done = await Waiting.Until(() => shared.Admin.Get($"{Path(host)}/{id}"), campaign => campaign.Text("status") is "completed", "the campaign to end");
        await stop.CancelAsync();
        Assert.Equal("done", done.Json.GetProperty("nodes")[0].GetProperty("step").GetString());

        Assert.Equal(id, (await shared.Admin.Get(Path(host))).Is(200).Json[0].GetProperty("id").GetString());
        Assert.Equal("pve1", (await shared.Admin.Get($"{Path(host)}/{id}/plan")).Is(200).Json.GetProperty("nodes")[0].GetProperty("node").GetString());
        var timeline = (await shared.Admin.Get($"{Path(host)}/{id}/timeline")).Is(200).Json;
        Assert.Contains(timeline.EnumerateArray(), happened => happened.GetProperty("step").GetString() is "reboot" && happened.GetProperty("gates").GetArrayLength() > 5);
        var last = timeline.GetArrayLength();
        var followed = (await shared.Admin.Get($"{Path(host)}/{id}/timeline?follow=true&after={last - 1}")).Is(200).Body;
        Assert.Contains($"id: {last}\nevent: event\n", followed, StringComparison.Ordinal);
        Assert.Contains("event: end\n", followed, StringComparison.Ordinal);
        Assert.DoesNotContain($"id: {last - 1}\n", followed, StringComparison.Ordinal);
        Assert.Equal("campaign-not-running", (await shared.Admin.PostLikeCurl($"{Path(host)}/{id}/pause", "")).Is(409).Text("code"));
        Assert.Equal("not-found", (await shared.Admin.Get($"{Path(host)}/01M83HW1FS84CA000000000009")).Is(404).Text("code"));
        var audit = (await shared.Admin.Get($"/api/audit?cluster={host.Cluster}&limit=1000")).Is(200).Json.EnumerateArray().Select(entry => $"{entry.GetProperty("action")} {entry.GetProperty("result")}").ToArray();
        Assert.Contains("start-campaign asked", audit);
        Assert.Contains("campaign-step reboot", audit);
        Assert.Contains("campaign-step done", audit);
        Assert.Contains("pause-campaign campaign-not-running", audit);

        Task Step(string step) => Waiting.Until(
            () => shared.Admin.Get($"{Path(host)}/{id}"), campaign => campaign.Json.GetProperty("nodes")[0].GetProperty("step").GetString() == step, $"step {step}");
    }

    [Fact]
    public async Task Before_a_node_its_containers_are_patched_from_outside_and_its_vms_by_the_agents_inside_them()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        await using var inside = await HostPeer.Register(shared.Admin, Some.Outside(), $"vm-{Some.Vmid()}");
        var (uuid, web, vm, windows) = (Some.Uuid(), Some.Container(), Some.Machine(), Some.Machine());
        await inside.Connect(shared.Server.Url);
        await inside.ReportInventory(Some.MachineInventory(inside, uuid));
        await host.Connect(shared.Server.Url);
        await host.ReportInventory(Seen(host, web, vm with { SmbiosUuid = uuid }, windows));
        const string Order = """{"mode":"dry-run","guests":"all"}""";
        var plan = (await shared.Admin.PostLikeCurl($"{Path(host)}/plan", Order)).Is(200).Json.GetProperty("nodes")[0].GetProperty("patched_first");
        Assert.Equal(
            [(web.Vmid.Value, null), (vm.Vmid.Value, null), (windows.Vmid.Value, "It has no agent inside, and it is not allowed to patch it from outside (agentless_vm).")],
            plan.EnumerateArray().Select(guest => (guest.GetProperty("vmid").GetInt32(), guest.GetProperty("reason").GetString())));

        var id = (await shared.Admin.PostLikeCurl(Path(host), Order)).Is(202).Text("id");
        var (first, second) = (await host.NextJob<PatchGuest>(), await inside.NextJob<PatchHost>());
        Assert.Equal((web.Vmid, id, id), (first.Vmid, first.Campaign?.Value, second.Campaign?.Value));
        await host.Report(Some.Success(first));
        Assert.True(host.HasNoJob());
        await inside.Report(Some.Success(second));
        await host.Report(Some.Success(await host.NextJob<PatchHost>()));
        await Waiting.Until(() => shared.Admin.Get($"{Path(host)}/{id}"), campaign => campaign.Text("status") is "completed", "the campaign to end");
    }

    [Fact]
    public async Task Paused_resumed_and_aborted_by_a_person_it_does_so()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        await host.Connect(shared.Server.Url);
        await host.ReportInventory(Seen(host) with { Host = Seen(host).Host! with { RunningTasks = ["backup of CT 100"] } }); // its conditions never hold
        var id = (await shared.Admin.PostLikeCurl(Path(host), """{"mode":"apply"}""")).Is(202).Text("id");
        Assert.Equal("paused", (await shared.Admin.PostLikeCurl($"{Path(host)}/{id}/pause", "")).Is(202).Text("status"));
        Assert.Equal("window_end", (await shared.Admin.PostLikeCurl($"{Path(host)}/{id}/resume", """{"window_end":"2020-01-01T00:00:00Z"}""")).Is(400).Json.GetProperty("errors").EnumerateObject().Single().Name);
        Assert.Equal("running", (await shared.Admin.PostLikeCurl($"{Path(host)}/{id}/resume", "")).Is(202).Text("status"));
        (await shared.Admin.PostLikeCurl($"{Path(host)}/{id}/abort", "")).Is(202);
        var ended = await Waiting.Until(() => shared.Admin.Get($"{Path(host)}/{id}"), campaign => campaign.Text("status") is "aborted", "the campaign to end");
        Assert.Contains("Aborted by admin", ended.Text("reason"), StringComparison.Ordinal);
        Assert.True(host.HasNoJob());
    }

    private static string Path(HostPeer host) => $"/api/clusters/{host.Cluster}/campaigns";

    private async Task Connect(HostPeer host)
    {
        await host.Connect(shared.Server.Url);
        await host.ReportInventory(Seen(host));
    }

    internal static Inventory Seen(HostPeer host, params GuestSeen[] guests) => new(
        TimeProvider.System.GetUtcNow(), "0.2.0", host.Node.Value, "pve-manager/9.2.11/0", "boot-1",
        new(host.ClusterName, true, [new(host.Node, true, 1)]) { Clustered = false, Ha = new(false, null, false, new Dictionary<string, string>(), []) }, guests, [])
    {
        Host = new()
        {
            KernelRunning = "6.17.4-1-pve",
            KernelNewest = "6.17.4-1-pve",
            RebootRequired = false,
            PendingUpdates = 3,
            RepositoryProblems = [],
            RunningTasks = [],
            RootFreeBytes = 20L << 30,
            BootFreeBytes = 1L << 30,
        },
    };
}
