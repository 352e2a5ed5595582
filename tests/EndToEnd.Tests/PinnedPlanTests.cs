using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>An apply that is approved from a dry run.</summary>
[Collection("guests")]
public sealed class PinnedPlanTests(GuestLab lab)
{
    [Theory]
    [InlineData(GuestLab.PlannedApt, "apt", "apt-get -qy install lab-web")]
    [InlineData(GuestLab.PlannedPacman, "pacman", "pacman -Sy --noconfirm lab-web")]
    public async Task What_has_changed_since_is_the_answer_and_nothing_is_installed_until_it_is_approved_again(int vmid, string family, string change)
    {
        Cluster.NeedContainers();
        var plan = await Succeeds(vmid, new() { ["mode"] = "dry-run", ["exclusions"] = new JsonArray("lab-slow") });
        await lab.Lab.Inside(vmid, "sh", "-c", $"{change} >/dev/null 2>&1"); // somebody else was at it
        var between = new Dictionary<string, string>(LabCluster.Old) { ["lab-web"] = LabCluster.New["lab-web"] };
        Assert.Equal(between, await lab.Lab.Versions(vmid, family));

        var changed = await Ends(vmid, new() { ["mode"] = "apply", ["plan"] = (string?)plan["operation_id"] });
        Assert.True((string?)changed["status"] is "failed", changed.ToJsonString());
        Assert.Equal("plan-changed", (string?)changed["failure"]!["code"]);
        Assert.Equal((string?)plan["operation_id"], (string?)changed["plan"]);
        Assert.Equal("lab-web", (string?)Assert.Single(changed["plan_difference"]!["removed"]!.AsArray())!["name"]);
        Assert.Empty(changed["plan_difference"]!["added"]!.AsArray());
        Assert.Empty(changed["plan_difference"]!["changed"]!.AsArray());
        Assert.Equal(between, await lab.Lab.Versions(vmid, family));

        // Of a new plan all is taken, its exclusion too.
        plan = await Succeeds(vmid, new() { ["mode"] = "dry-run", ["exclusions"] = new JsonArray("lab-slow") });
        var apply = await Succeeds(vmid, new() { ["mode"] = "apply", ["plan"] = (string?)plan["operation_id"] });
        Assert.Equal(["lab-db", "lab-tls"], PatchingTests.Texts(apply["packages_upgraded"]).Order());
        Assert.Null(apply["plan_difference"]);
        Assert.Equal(new(LabCluster.New) { ["lab-slow"] = LabCluster.Old["lab-slow"] }, await lab.Lab.Versions(vmid, family));

        // It has been carried out: once more it is another one.
        var again = await Ends(vmid, new() { ["mode"] = "apply", ["plan"] = (string?)plan["operation_id"] });
        Assert.Equal("plan-changed", (string?)again["failure"]?["code"]);
        Assert.Equal(
            ("plan-not-a-dry-run", "plan-of-another-target"),
            (await Refused(vmid, apply), await Refused(vmid is GuestLab.PlannedApt ? GuestLab.PlannedPacman : GuestLab.PlannedApt, plan)));
    }

    private async Task<string?> Refused(int vmid, JsonNode plan)
    {
        var (status, problem) = await lab.Server.Patch(new() { ["agent_id"] = $"lxc-{vmid}", ["mode"] = "apply", ["plan"] = (string?)plan["operation_id"] });
        Assert.Equal(409, status);
        return (string?)problem["code"];
    }

    private async Task<JsonNode> Succeeds(int vmid, JsonObject ask)
    {
        var operation = await Ends(vmid, ask);
        Assert.True((string?)operation["status"] is "succeeded", operation.ToJsonString());
        return operation;
    }

    private async Task<JsonNode> Ends(int vmid, JsonObject ask)
    {
        ask["agent_id"] = $"lxc-{vmid}";
        return await lab.Server.Operation(await lab.Server.StartPatch(ask), "succeeded", "failed", "interrupted");
    }
}
