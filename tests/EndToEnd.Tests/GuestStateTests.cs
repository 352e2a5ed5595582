using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>The right time and the right state: stopped, template, locked.</summary>
[Collection("guests")]
public sealed class GuestStateTests(GuestLab lab)
{
    [Fact]
    public async Task A_stopped_container_is_left_alone_unless_the_request_says_to_start_it_and_then_it_is_stopped_again()
    {
        Cluster.NeedContainers();
        const int Guest = GuestLab.Stopped;
        var alone = await lab.Server.PatchToEnd($"lxc-{Guest}", "apply");
        Assert.True((string?)alone["status"] is "failed", alone.ToJsonString());
        Assert.Equal("container-not-running", (string?)alone["failure"]!["code"]);
        Assert.Equal("status: stopped\n", await lab.Lab.OnHost("pve2", "pct", "status", $"{Guest}"));

        var started = await Ends(new() { ["agent_id"] = $"lxc-{Guest}", ["mode"] = "apply", ["exclusions"] = new JsonArray("lab-db"), ["start_stopped"] = true });
        Assert.True((string?)started["status"] is "succeeded", started.ToJsonString());
        Assert.True((bool?)started["start_stopped"]);
        Assert.Equal(["lab-slow", "lab-tls", "lab-web"], PatchingTests.Texts(started["packages_upgraded"]).Order());
        Assert.Equal("status: stopped\n", await lab.Lab.OnHost("pve2", "pct", "status", $"{Guest}"));

        // A second one must find it as stopped as the first did; it must not be left running by a failure either.
        await lab.Lab.OnHost("pve2", "pct", "start", $"{Guest}");
        Assert.Equal(new(LabCluster.New) { ["lab-db"] = LabCluster.Old["lab-db"] }, await lab.Lab.Versions(Guest));
        await lab.Lab.Inside(Guest, "mv", "/srv/repo", "/srv/gone");
        await lab.Lab.OnHost("pve2", "pct", "stop", $"{Guest}");
        var failed = await Ends(new() { ["agent_id"] = $"lxc-{Guest}", ["mode"] = "apply", ["start_stopped"] = true });
        Assert.True((string?)failed["status"] is "failed", failed.ToJsonString());
        Assert.Equal("repository-unreachable", (string?)failed["failure"]!["code"]);
        Assert.Equal("status: stopped\n", await lab.Lab.OnHost("pve2", "pct", "status", $"{Guest}"));
    }

    [Fact]
    public async Task A_template_is_neither_patched_nor_started_nor_restarted()
    {
        Cluster.NeedContainers();
        var (status, problem) = await lab.Server.Patch(new() { ["agent_id"] = $"lxc-{GuestLab.Template}", ["mode"] = "apply", ["start_stopped"] = true });
        Assert.Equal((409, "template"), (status, (string?)problem["code"]));
        (status, problem) = await lab.Server.Send(HttpMethod.Post, "/api/reboots", new JsonObject { ["agent_id"] = $"lxc-{GuestLab.Template}" }) is var (code, body) ? (code, body!) : default;
        Assert.Equal((409, "template"), (status, (string?)problem["code"]));
        Assert.Equal("status: stopped\n", await lab.Lab.OnHost("pve2", "pct", "status", $"{GuestLab.Template}"));
    }

    [Fact]
    public async Task A_locked_container_is_waited_for_with_its_reason_shown_and_given_up_at_the_limit()
    {
        Cluster.NeedContainers();
        const int Guest = GuestLab.Locked;
        await lab.Lab.Verb("lock", $"{Guest}", "backup");
        try
        {
            var late = await Ends(new() { ["agent_id"] = $"lxc-{Guest}", ["mode"] = "apply", ["wait_seconds"] = 1 });
            Assert.True((string?)late["status"] is "failed", late.ToJsonString());
            Assert.Equal("container is locked (backup)", (string?)late["failure"]!["message"]);
            Assert.Null(late["started_at"]);
            Assert.Equal(LabCluster.Old, await lab.Lab.Versions(Guest));

            var id = await lab.Server.StartPatch(new() { ["agent_id"] = $"lxc-{Guest}", ["mode"] = "apply", ["wait_seconds"] = 600 });
            var waiting = await lab.Server.Until(
                () => lab.Server.Get($"/api/patches/{id}"), one => one["waiting_for"] is not null, "the lock to be waited for");
            Assert.Equal(("pending", "waiting: container is locked (backup)"), ((string?)waiting["status"], (string?)waiting["waiting_for"]));

            // Others on the host go on meanwhile.
            var beside = await lab.Server.PatchToEnd($"lxc-{GuestLab.Rebooted}", "dry-run");
            Assert.True((string?)beside["status"] is "succeeded", beside.ToJsonString());
            Assert.Equal("pending", (string?)(await lab.Server.Get($"/api/patches/{id}"))["status"]);
            await lab.Lab.Verb("unlock", $"{Guest}");
            var operation = await lab.Server.Operation(id, "succeeded", "failed", "interrupted");
            Assert.True((string?)operation["status"] is "succeeded", operation.ToJsonString());
            Assert.Null(operation["waiting_for"]);
            Assert.Equal(LabCluster.New, await lab.Lab.Versions(Guest));
        }
        finally
        {
            await lab.Lab.Verb("unlock", $"{Guest}");
        }
    }

    private async Task<JsonNode> Ends(JsonObject ask) => await lab.Server.Operation(await lab.Server.StartPatch(ask), "succeeded", "failed", "interrupted");
}
