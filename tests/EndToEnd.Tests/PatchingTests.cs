using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>Real containers, real apt, real sockets; what happened is read beside the agent.</summary>
[Collection("one lab")] // one after the other: they stop and kill what they share
public sealed class PatchingTests(Cluster cluster)
{
    [Fact]
    public async Task A_dry_run_lists_the_updates_and_an_apply_installs_all_but_the_excluded_one()
    {
        Cluster.NeedContainers();
        await cluster.Lab.Inside(100, "apt-mark", "hold", "lab-tls"); // a person's own hold

        var dryRun = await cluster.Server.PatchToEnd("lxc-100-web-server-01", "dry-run");
        Assert.Equal("succeeded", (string?)dryRun["status"]);
        Assert.Equal(["lab-db (8.0.32 → 8.0.35)", "lab-slow (1.0 → 1.1)", "lab-web (1.18.0 → 1.24.0)"], Texts(dryRun["packages_to_upgrade"]));
        Assert.Equal(["lab-tls"], Texts(dryRun["packages_held"]));
        Assert.Equal(3, (int?)dryRun["total_count"]);
        Assert.Equal(LabCluster.Old, await cluster.Lab.Versions(100));

        var apply = await cluster.Server.PatchToEnd("web-server-01", "apply", "lab-w*");
        Assert.True((string?)apply["status"] is "succeeded", apply.ToJsonString());
        Assert.Equal(0, (int?)apply["exit_code"]);
        Assert.Equal(["lab-db", "lab-slow"], Texts(apply["packages_upgraded"]));
        Assert.Equal(["lab-tls", "lab-web"], Texts(apply["packages_held"]).Order());
        Assert.Contains("Setting up lab-db", (string?)apply["stderr"]);
        Assert.Equal(new(LabCluster.Old) { ["lab-db"] = LabCluster.New["lab-db"], ["lab-slow"] = LabCluster.New["lab-slow"] }, await cluster.Lab.Versions(100));

        // The person's hold is there still, and no other.
        Assert.Equal("lab-tls\n", await cluster.Lab.Inside(100, "apt-mark", "showhold"));
    }

    [Fact]
    public async Task A_stopped_container_gives_a_failed_operation_and_is_untouched()
    {
        Cluster.NeedContainers();
        await cluster.Lab.OnHost("pve1", "pct", "stop", "101");
        var operation = await cluster.Server.PatchToEnd("lxc-101", "apply");
        Assert.Equal("failed", (string?)operation["status"]);
        Assert.Equal("container-not-running", (string?)operation["failure"]!["code"]);
        Assert.Equal("container not running", (string?)operation["failure"]!["message"]);
        Assert.Null(operation["packages_upgraded"]);

        Assert.Equal("status: stopped\n", await cluster.Lab.OnHost("pve1", "pct", "status", "101"));
        await cluster.Lab.OnHost("pve1", "pct", "start", "101");
        Assert.Equal(LabCluster.Old, await cluster.Lab.Versions(101));
        Assert.Equal(0, await cluster.Lab.Upgrades(101, "lab-db"));
    }

    [Fact]
    public async Task A_server_killed_in_the_middle_of_a_job_has_everything_again_and_the_jobs_result()
    {
        Cluster.NeedContainers();
        await cluster.Lab.Inside(102, "sh", "-c", "echo 5 > /etc/lab-slow.seconds");
        var id = await cluster.Server.StartPatch("lxc-102", "apply");
        await cluster.Server.Operation(id, "running");
        var before = await cluster.Server.Get("/api/topology");

        await cluster.Server.Restart();

        Assert.Equal(Names(before), Names(await cluster.Server.Get("/api/topology")));
        var operation = await cluster.Server.Operation(id, "succeeded", "failed", "interrupted");
        Assert.True((string?)operation["status"] is "succeeded", operation.ToJsonString());
        Assert.Equal(LabCluster.New, await cluster.Lab.Versions(102));
        Assert.Equal(1, await cluster.Lab.Upgrades(102, "lab-slow"));
    }

    [Fact]
    public async Task A_job_that_ends_while_the_server_is_down_has_its_result_when_the_server_is_back()
    {
        Cluster.NeedContainers();
        await cluster.Lab.Inside(105, "sh", "-c", "echo 2 > /etc/lab-slow.seconds");
        var id = await cluster.Server.StartPatch("lxc-105", "apply");
        await cluster.Server.Operation(id, "running");
        await cluster.Server.Restart(whileDown: () => Waiting.Until(
            () => cluster.Lab.Inside(105, "dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", "lab-slow"), slow => slow is "1.1 installed", "the container to be patched"));
        var operation = await cluster.Server.Operation(id, "succeeded", "failed", "interrupted");
        Assert.True((string?)operation["status"] is "succeeded", operation.ToJsonString());
        Assert.Equal(1, await cluster.Lab.Upgrades(105, "lab-slow"));
    }

    [Fact]
    public async Task An_agent_killed_in_the_middle_of_a_job_finds_it_again_and_it_ran_once()
    {
        Cluster.NeedContainers();
        await cluster.Lab.Inside(103, "sh", "-c", "echo 5 > /etc/lab-slow.seconds");
        var id = await cluster.Server.StartPatch("lxc-103", "apply");
        await cluster.Server.Operation(id, "running");
        await cluster.Lab.KillAgent("pve2");
        cluster.Lab.StartAgent("pve2");
        var operation = await cluster.Server.Operation(id, "succeeded", "failed", "interrupted");
        Assert.True((string?)operation["status"] is "succeeded", operation.ToJsonString());
        Assert.Equal(1, await cluster.Lab.Upgrades(103, "lab-slow"));
    }

    [Fact]
    public async Task An_operation_for_an_agent_that_is_away_is_pending_and_runs_once_when_it_comes_back()
    {
        Cluster.NeedContainers();
        await cluster.Server.Until(() => cluster.Agent("pve3"), row => (string?)row["status"] is "online", "pve3 to be online"); // another test may just have restarted all
        await cluster.Lab.KillAgent("pve3");
        await cluster.Server.Until(() => cluster.Agent("pve3"), row => (string?)row["status"] is "offline", "pve3 to be offline");
        var id = await cluster.Server.StartPatch("lxc-104", "apply");
        Assert.Equal("pending", (string?)(await cluster.Server.Get($"/api/patches/{id}"))["status"]);
        Assert.Equal("unknown", (string?)(await cluster.Agent("lxc-104"))["status"]); // what a silent host said last is not the present
        Assert.Equal(LabCluster.Old, await cluster.Lab.Versions(104));

        cluster.Lab.StartAgent("pve3");
        var operation = await cluster.Server.Operation(id, "succeeded", "failed", "interrupted");
        Assert.True((string?)operation["status"] is "succeeded", operation.ToJsonString());
        Assert.Equal(LabCluster.New, await cluster.Lab.Versions(104));
        Assert.Equal(1, await cluster.Lab.Upgrades(104, "lab-db"));
    }

    internal static string[] Texts(JsonNode? list) => [.. list!.AsArray().Select(text => (string)text!)];

    private static string[] Names(JsonNode topology) =>
        [.. from cluster in topology["clusters"]!.AsArray() from node in cluster!["nodes"]!.AsArray() from guest in node!["guests"]!.AsArray() select $"{cluster["id"]} {node["name"]} {node["agent"]} {guest!["id"]} {guest["os"]}"];
}
