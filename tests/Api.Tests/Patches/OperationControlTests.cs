using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Tests.Patches;

/// <summary>Lists, cancelling, watching, restarts and diagnoses.</summary>
public sealed class OperationControlTests(SharedServer shared)
{
    [Fact]
    public async Task Operations_are_listed_alive_and_ended_by_what_is_asked_for()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (one, other) = (Some.Container(), Some.Container());
        await host.ConnectWith(shared.Server.Url, one, other);
        var first = await Order(host, one, "dry-run");
        await host.Report(Some.Success(await host.NextJob()));
        var second = await Order(host, one, "apply");
        var third = await Order(host, other, "dry-run");

        Assert.Equal([third, second, first], await Listed($"cluster={host.ClusterName}"));
        Assert.Equal([first, second, third], await Listed($"cluster={host.Cluster}&sort=created_at"));
        Assert.Equal([third, second], await Listed($"cluster={host.Cluster}&status=pending,running"));
        Assert.Equal([first], await Listed($"cluster={host.Cluster}&status=succeeded"));
        Assert.Equal([second], await Listed($"agent_id={Some.GuestId(host, one)}&mode=apply"));
        Assert.Equal([second, first], await Listed($"agent_id={one.Vmid}"));
        Assert.Equal([third], await Listed($"name={other.Name}&requested_by=admin&node=pve1"));
        Assert.Empty(await Listed($"cluster={host.Cluster}&until=2020-01-01"));
        Assert.Equal([second], await Listed($"cluster={host.Cluster}&since=2020-01-01&page=2&per_page=1"));
        Assert.Equal("3", (await shared.Admin.Get($"/api/patches?cluster={host.Cluster}&per_page=1")).Header("X-Total-Count"));
    }

    [Theory]
    [InlineData("status=broken", "status")]
    [InlineData("status=pending,", "status")]
    [InlineData("mode=now", "mode")]
    [InlineData("batch=7", "batch")]
    [InlineData("since=yesterday", "since")]
    [InlineData("until=10:30", "until")]
    [InlineData("sort=colour", "sort")]
    [InlineData("sort=--name", "sort")]
    [InlineData("page=0", "page")]
    [InlineData("per_page=1001", "per_page")]
    [InlineData("agent=x", "agent")] // a misspelled filter would list everything
    public async Task A_list_that_makes_no_sense_is_refused_by_the_parameters_name(string query, string field)
    {
        (await shared.Admin.Get($"/api/patches?{query}")).NamesField(field);
        (await shared.Admin.Get($"/api/reboots?{query}")).NamesField(field);
    }

    [Fact]
    public async Task An_operation_is_cancelled_before_it_is_sent_or_by_the_agent_and_not_after_its_end()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, container);
        var (running, waiting) = (await Order(host, container, "apply"), await Order(host, container, "apply"));
        var job = await host.NextJob();
        await host.Report(new(job.Id, JobOutcome.Running, null) { StartedAt = Some.Noon });

        Assert.Equal("cancelled", (await Cancel("patches", waiting)).Is(202).Text("status"));
        (await Cancel("patches", waiting)).IsProblem(409, "already-ended");
        var asked = (await Cancel("patches", running)).Is(202);
        Assert.Equal(("running", true), (asked.Text("status"), asked.Json.GetProperty("cancel_requested").GetBoolean()));
        Assert.Equal(running, (await host.NextCancel()).Id.Value);
        await host.Report(new(job.Id, JobOutcome.Cancelled, "It was unpacking."));
        var ended = (await shared.Admin.Get($"/api/patches/{running}")).Is(200);
        Assert.Equal(("cancelled", "It was unpacking."), (ended.Text("status"), ended.Json.GetProperty("failure").GetProperty("message").GetString()));
        (await Cancel("patches", running)).IsProblem(409, "already-ended");
        (await Cancel("patches", "01M83HW1FS84TGPXTCYJ45S8G9")).IsProblem(404, "not-found");
        (await Cancel("reboots", running)).IsProblem(404, "not-found");
        Assert.True(host.HasNoJob());
    }

    [Fact]
    public async Task Who_follows_an_operation_sees_what_it_prints_as_it_comes_and_its_end()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, container);
        var id = await Order(host, container, "apply");
        var job = await host.NextJob();
        await host.Report(new(job.Id, JobOutcome.Running, null));
        await host.Call(AgentHub.ReportOutput, new JobOutput(job.Id, OutputChannel.StandardError, 0, 6, "Hit:1\n"));
        var soFar = (await shared.Admin.Get($"/api/patches/{id}/output")).Is(200);
        Assert.Equal(("running", "Hit:1\n", "0-6"), (soFar.Text("status"), soFar.Text("stderr"), soFar.Text("next")));

        var following = shared.Admin.Get($"/api/patches/{id}/output?follow=true"); // it ends when the operation does
        await host.Call(AgentHub.ReportOutput, new JobOutput(job.Id, OutputChannel.StandardError, 6, 10, "\u001b[31mred\n "));
        await host.Report(Some.Success(job) with { StandardError = "Hit:1\n\u001b[31mred\n Done\n" });
        var seen = (await following).Is(200);
        Assert.Equal("text/event-stream", seen.ContentType);
        Assert.DoesNotContain('\u001b', seen.Body); // nothing reaches a terminal as it is
        Assert.Contains("event: output\ndata: {\"channel\":\"stderr\",\"offset\":0,\"text\":\"Hit:1\\n", seen.Body, StringComparison.Ordinal);
        Assert.Contains("\\u001B[31mred", seen.Body, StringComparison.Ordinal);
        Assert.Contains("event: end\ndata: {\"status\":\"succeeded\",\"exit_code\":0,\"failure\":null}\n\n", seen.Body, StringComparison.Ordinal);

        // Whoever comes back goes on from where it was.
        var rest = (await shared.Admin.Get($"/api/patches/{id}/output?follow=true&offset=0-16")).Is(200).Body;
        Assert.DoesNotContain("Hit:1", rest, StringComparison.Ordinal);
        Assert.Contains("Done", rest, StringComparison.Ordinal);
        var resumed = (await shared.Admin.GetAfter($"/api/patches/{id}/output?follow=true&offset=0-0", "0-16")).Is(200).Body; // the header stands above the address
        Assert.Equal(rest, resumed);
        (await shared.Admin.GetAfter($"/api/patches/{id}/output?follow=true", "sixteen")).NamesField("offset");
        (await shared.Admin.Get($"/api/patches/{id}/output?offset=7")).NamesField("offset");
        (await shared.Admin.Get($"/api/patches/{id}/output?follow=perhaps")).NamesField("follow");
        (await shared.Admin.Get("/api/patches/01M83HW1FS84TGPXTCYJ45S8G9/output?follow=true")).IsProblem(404, "not-found");
    }

    [Fact]
    public async Task While_nothing_is_printed_a_comment_says_that_the_stream_lives_and_who_hangs_up_comes_back_to_where_it_was()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, container);
        var id = await Order(host, container, "apply");
        var job = await host.NextJob();
        await host.Report(new(job.Id, JobOutcome.Running, null));
        await host.Call(AgentHub.ReportOutput, new JobOutput(job.Id, OutputChannel.StandardError, 0, 6, "Hit:1\n"));
        var seen = await shared.Admin.ReadUntil($"/api/patches/{id}/output?follow=true", ": still there"); // the line after it is empty: no event
        Assert.Contains("event: output", seen);
        Assert.DoesNotContain("event: end", seen);
        var last = seen.Last(line => line.StartsWith("id: ", StringComparison.Ordinal))["id: ".Length..];

        await host.Call(AgentHub.ReportOutput, new JobOutput(job.Id, OutputChannel.StandardError, 6, 6, "Get:2\n"));
        await host.Report(Some.Success(job) with { StandardError = "Hit:1\nGet:2\n" });
        var rest = (await shared.Admin.GetAfter($"/api/patches/{id}/output?follow=true", last)).Is(200).Body;
        Assert.DoesNotContain("Hit:1", rest, StringComparison.Ordinal);
        Assert.Contains("Get:2", rest, StringComparison.Ordinal);
        Assert.Contains("event: end", rest, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_another_hosts_agent_says_that_a_job_prints_is_not_shown()
    {
        var cluster = Some.Cluster();
        await using var host = await HostPeer.Register(shared.Admin, cluster);
        await using var neighbour = await HostPeer.Register(shared.Admin, cluster, "pve2");
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, container);
        await neighbour.ConnectWith(shared.Server.Url);
        var id = await Order(host, container, "apply");
        var job = await host.NextJob();
        await neighbour.Call(AgentHub.ReportOutput, new JobOutput(job.Id, OutputChannel.StandardError, 0, 6, "forged"));
        Assert.Equal(string.Empty, (await shared.Admin.Get($"/api/patches/{id}/output")).Is(200).Text("stderr"));
    }

    [Fact]
    public async Task A_restart_waits_for_the_packages_work_of_its_target_and_ends_as_the_agent_says()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, container);
        await Order(host, container, "apply");
        var patch = await host.NextJob();
        var answer = (await shared.Admin.PostLikeCurl("/api/reboots", $$"""{"agent_id":"{{Some.GuestId(host, container)}}","reason":"A new libc.","timeout_seconds":60,"wait_seconds":0}""")).Is(202);
        var id = answer.Text("id");
        Assert.Equal(("pending", "A new libc.", Some.GuestId(host, container)), (answer.Text("status"), answer.Text("reason"), answer.Text("agent_id")));
        await host.Report(new(patch.Id, JobOutcome.Running, null));
        Assert.True(host.HasNoJob());
        await host.Report(Some.Success(patch));
        var job = await host.NextJob<RebootGuest>();
        Assert.Equal((id, container.Vmid, 60, 0), (job.Id.Value, job.Vmid, job.TimeoutSeconds, job.WaitSeconds));
        await host.Report(new(job.Id, JobOutcome.Accepted, "The container is locked (backup)."));
        Assert.Equal("The container is locked (backup).", (await Reboot(id)).Text("waiting_for"));
        await host.Report(new(job.Id, JobOutcome.Failed, "timeout: it did not start within 60 s") { StartedAt = Some.Noon });
        Assert.Equal("timeout", (await Reboot(id)).Text("status"));

        var second = (await shared.Admin.PostLikeCurl("/api/reboots", $$"""{"agent_id":"{{host.Id}}"}""")).Is(202).Text("id");
        var reboot = await host.NextJob<RebootHost>();
        Assert.Equal(900, reboot.TimeoutSeconds);
        await host.Report(new(reboot.Id, JobOutcome.Succeeded, null) { StartedAt = Some.Noon });
        Assert.Equal("completed", (await Reboot(second)).Text("status"));
        Assert.Equal([id], await Restarts("timeout"));
        Assert.Equal([second, id], await Restarts("completed,timeout"));
        Assert.Empty(await Restarts("failed")); // shown as a timeout, so none of these
        Assert.Equal([second, id], (await shared.Admin.Get($"/api/reboots?cluster={host.Cluster}")).Is(200).Json.EnumerateArray().Select(one => one.GetProperty("id").GetString()!));
        (await shared.Admin.Get($"/api/patches/{second}")).IsProblem(404, "not-found");
        var audited = (await shared.Admin.Get($"/api/audit?target={Some.GuestId(host, container)}")).Is(200).Json.EnumerateArray().ToArray();
        Assert.Contains(audited, entry => entry.GetProperty("action").GetString() is "start-reboot" && entry.GetProperty("detail").GetString()!.Contains("A new libc.", StringComparison.Ordinal));
        foreach (var (action, result) in new[] { ("queue-job", "queued"), ("end-job", "timeout") })
        {
            Assert.Contains(audited, entry => (entry.GetProperty("action").GetString(), entry.GetProperty("result").GetString()) == (action, result) && entry.GetProperty("detail").GetString()!.Contains($"operation {id}, reboot", StringComparison.Ordinal));
        }

        async Task<string?[]> Restarts(string status) =>
            [.. (await shared.Admin.Get($"/api/reboots?cluster={host.Cluster}&status={status}")).Is(200).Json.EnumerateArray().Select(one => one.GetProperty("id").GetString())];
    }

    [Fact]
    public async Task Only_a_restart_can_be_listed_as_timed_out() => (await shared.Admin.Get("/api/patches?status=timeout")).NamesField("status");

    [Fact]
    public async Task After_a_hosts_patch_its_old_figures_are_not_shown_and_it_is_asked_for_new_ones()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var inventory = Some.Inventory(host) with { Host = new() { PendingUpdates = 7, RebootRequired = false } };
        await host.ConnectWith(shared.Server.Url);
        await host.ReportInventory(inventory);
        Assert.Equal("7", await Pending());
        (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(host.Id.Value, "apply"))).Is(202);
        var job = await host.NextPatch();
        await host.Report(Some.Success(job) with { StartedAt = Some.Noon });
        var ask = await host.NextDiscover();
        Assert.Equal((null, true), (ask.Vmid, ask.HostOnly));
        Assert.Equal(string.Empty, await Pending()); // not known, which is not zero
        await host.ReportInventory(inventory with { Host = new() { PendingUpdates = 0, RebootRequired = true } });
        Assert.Equal("0", await Pending());

        async Task<string> Pending() => (await shared.Admin.Get($"/api/agents/{host.Id}")).Is(200).Json.GetProperty("pending_updates").ToString();
    }

    [Theory]
    [InlineData("""{}""", "agent_id")]
    [InlineData("""{"agent_id":"x","timeout_seconds":0}""", "timeout_seconds")]
    [InlineData("""{"agent_id":"x","wait_seconds":90000}""", "wait_seconds")]
    [InlineData("""{"agent_id":"x","force":true}""", "force")]
    public async Task A_restart_that_is_not_whole_is_refused_by_the_fields_name(string body, string field) =>
        (await shared.Admin.PostLikeCurl("/api/reboots", body)).NamesField(field);

    [Fact]
    public async Task A_diagnosis_runs_beside_other_work_and_its_checks_are_shown()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, container);
        await Order(host, container, "apply");
        await host.NextJob();
        var answer = (await shared.Admin.Send("POST", $"/api/agents/{Some.GuestId(host, container)}/diagnose")).Is(202);
        var job = await host.NextJob<Diagnose>();
        Assert.Equal((container.Vmid, "debian"), (job.Vmid, job.ExpectedFamily));
        Assert.Contains($"Location: /api/diagnoses/{job.Id}", answer.Headers, StringComparison.Ordinal);
        await host.Report(new(job.Id, JobOutcome.Succeeded, null)
        {
            StandardOutput = """{"checks":[{"name":"disk-space","result":"problem","message":"/var has 10 MB left.","advice":"Make room."}]}""",
        });
        var result = (await shared.Admin.Get($"/api/diagnoses/{job.Id}")).Is(200);
        var check = Assert.Single(result.Json.GetProperty("checks").EnumerateArray());
        Assert.Equal(("succeeded", "problem", "Make room."), (result.Text("status"), check.GetProperty("result").GetString(), check.GetProperty("advice").GetString()));
        (await shared.Admin.Get("/api/diagnoses/01M83HW1FS84TGPXTCYJ45S8G9")).IsProblem(404, "not-found");
        (await shared.Admin.Send("POST", "/api/agents/nobody-of-this-name/diagnose")).IsProblem(404, "not-found");
    }

    private async Task<string> Order(HostPeer host, GuestSeen guest, string mode) =>
        (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(Some.GuestId(host, guest), mode))).Is(202).Text("operation_id");

    private async Task<string[]> Listed(string query) =>
        [.. (await shared.Admin.Get($"/api/patches?{query}")).Is(200).Json.EnumerateArray().Select(one => one.GetProperty("operation_id").GetString()!)];

    private Task<Answer> Cancel(string resource, string id) => shared.Admin.Send("POST", $"/api/{resource}/{id}/cancel");

    private async Task<Answer> Reboot(string id) => (await shared.Admin.Get($"/api/reboots/{id}")).Is(200);
}
