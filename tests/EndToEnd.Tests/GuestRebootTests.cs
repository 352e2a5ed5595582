using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>Restarts of a container, seen by the start of its first process.</summary>
[Collection("guests")]
public sealed class GuestRebootTests(GuestLab lab)
{
    private const int Guest = GuestLab.Rebooted;

    [Fact]
    public async Task A_restart_waits_for_the_package_job_and_the_next_job_for_the_restart()
    {
        Cluster.NeedContainers();
        var before = await lab.Lab.Start(Guest);
        var slow = new SlowPackage(lab.Lab, Guest);
        await slow.Hold();
        var apply = await lab.Server.StartPatch($"lxc-{Guest}", "apply");
        await slow.Reached();
        var reboot = await Ask(reason: "After the patch.");
        var after = await lab.Server.StartPatch($"lxc-{Guest}", "dry-run");

        // All that was to be sent to the agent has been once it has looked at the container for us.
        await lab.Diagnosed(Guest);
        Assert.Equal("running", (string?)(await lab.Server.Get($"/api/patches/{apply}"))["status"]);
        Assert.Equal("pending", (string?)(await lab.Server.Get(reboot))["status"]);
        Assert.Equal("pending", (string?)(await lab.Server.Get($"/api/patches/{after}"))["status"]);
        Assert.Equal(before, await lab.Lab.Start(Guest));
        await slow.Release();

        var patched = await lab.Server.Operation(apply, "succeeded", "failed", "interrupted");
        Assert.True((string?)patched["status"] is "succeeded", patched.ToJsonString());
        var ended = await End(reboot);
        Assert.True((string?)ended["status"] is "completed", ended.ToJsonString());
        Assert.Equal("After the patch.", (string?)ended["reason"]);
        Assert.NotEqual(before, await lab.Lab.Start(Guest));
        var looked = await lab.Server.Operation(after, "succeeded", "failed", "interrupted");
        Assert.True((string?)looked["status"] is "succeeded", looked.ToJsonString());
        Assert.Equal(0, (int?)looked["total_count"]);
        Assert.True(At(ended, "started_at") >= At(patched, "completed_at"), $"the restart began while packages were worked on: {ended} {patched}");
        Assert.True(At(looked, "started_at") >= At(ended, "completed_at"), $"the next job began before the restart had ended: {looked} {ended}");
        Assert.Equal(LabCluster.New, await lab.Lab.Versions(Guest));
    }

    [Fact]
    public async Task A_restart_of_a_locked_container_waits_says_why_and_gives_up_at_its_limit()
    {
        Cluster.NeedContainers();
        var before = await lab.Lab.Start(Guest);
        await lab.Lab.Verb("lock", $"{Guest}", "snapshot");
        try
        {
            var waiting = await Ask(waitSeconds: 600);
            await lab.Server.Until(
                () => lab.Server.Get(waiting), one => (string?)one["waiting_for"] is "container is locked (snapshot)", "the restart to say what it waits for");
            var (status, cancelled) = await lab.Server.Send(HttpMethod.Post, $"{waiting}/cancel");
            Assert.True(status is 202, $"{status}: {cancelled}");
            Assert.Equal("cancelled", (string?)(await End(waiting))["status"]);

            var late = await End(await Ask(waitSeconds: 0));
            Assert.True((string?)late["status"] is "failed", late.ToJsonString());
            Assert.Equal("container is locked (snapshot)", (string?)late["failure"]!["message"]);
        }
        finally
        {
            await lab.Lab.Verb("unlock", $"{Guest}");
        }

        Assert.Equal(before, await lab.Lab.Start(Guest));
        Assert.Equal("completed", (string?)(await End(await Ask()))["status"]);
        Assert.NotEqual(before, await lab.Lab.Start(Guest));
    }

    private static DateTimeOffset At(JsonNode operation, string field) => (DateTimeOffset)operation[field]!;

    /// <summary>Asks for a restart; gives where it is told of.</summary>
    private async Task<string> Ask(string? reason = null, int? waitSeconds = null)
    {
        var (status, body) = await lab.Server.Send(
            HttpMethod.Post, "/api/reboots", new JsonObject { ["agent_id"] = $"lxc-{Guest}", ["reason"] = reason, ["wait_seconds"] = waitSeconds });
        Assert.True(status is 202, $"{status}: {body}");
        return $"/api/reboots/{body!["id"]}";
    }

    private Task<JsonNode> End(string reboot) => lab.Server.Until(
        () => lab.Server.Get(reboot), one => (string?)one["status"] is not ("pending" or "running"), "the restart to end");
}
