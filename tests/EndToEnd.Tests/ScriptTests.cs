using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>Which script runs in a container: the catalogue's, a custom one where the host admits it, and none on a guess.</summary>
[Collection("guests")]
public sealed class ScriptTests(GuestLab lab)
{
    private const string Name = "lab-custom.sh";

    [Fact]
    public async Task A_custom_script_runs_for_its_version_where_the_host_s_own_configuration_admits_it_and_nowhere_else()
    {
        Cluster.NeedContainers();
        var (status, added) = await lab.Server.Send(
            HttpMethod.Post, "/api/scripts", new JsonObject { ["name"] = Name, ["platform_family"] = "debian", ["os_version"] = GuestLab.OddVersion, ["content"] = Custom });
        Assert.True(status is 201, $"{status}: {added}");
        (_, var validation) = await lab.Server.Send(HttpMethod.Post, $"/api/scripts/{Name}/validate");
        Assert.True((bool?)validation!["valid"], validation.ToJsonString());
        try
        {
            var custom = await lab.Server.PatchToEnd($"lxc-{GuestLab.OddOnPve2}", "apply");
            Assert.True((string?)custom["status"] is "succeeded", custom.ToJsonString());
            Assert.Equal((Name, (string?)added!["sha256"]), ((string?)custom["script"]!["name"], (string?)custom["script"]!["sha256"]));
            Assert.Equal(["The custom script was here."], PatchingTests.Texts(custom["warnings"]));
            Assert.Equal("apply\n", await lab.Lab.Inside(GuestLab.OddOnPve2, "cat", "/root/custom"));
            Assert.Equal(LabCluster.Old, await lab.Lab.Versions(GuestLab.OddOnPve2));

            var refused = await lab.Server.PatchToEnd($"lxc-{GuestLab.OddOnPve1}", "apply");
            Assert.True((string?)refused["status"] is "failed", refused.ToJsonString());
            Assert.Equal("script-refused", (string?)refused["failure"]!["code"]);
            Assert.Contains("custom_scripts: true", (string?)refused["failure"]!["message"]);
            Assert.Null(refused["started_at"]);
            Assert.Empty(await lab.Lab.Inside(GuestLab.OddOnPve1, "find", "/root", "-name", "custom"));
            Assert.Equal(LabCluster.Old, await lab.Lab.Versions(GuestLab.OddOnPve1));

            // Another version of the family has the catalogue's.
            await Succeeds(GuestLab.Rebooted, "apt-update.sh");
        }
        finally
        {
            Assert.Equal(204, (await lab.Server.Send(HttpMethod.Delete, $"/api/scripts/{Name}")).Status);
        }

        Assert.Equal(4, (int?)(await Succeeds(GuestLab.OddOnPve1, "apt-update.sh"))["total_count"]);
    }

    [Fact]
    public async Task A_catalogue_script_that_was_altered_on_the_host_s_disk_does_not_run_and_is_fetched_again()
    {
        Cluster.NeedContainers();
        var sha = (string)(await Succeeds(GuestLab.Rebooted, "apt-update.sh"))["script"]!["sha256"]!;
        var file = $"{lab.Lab.RootOf("pve2")}/var/lib/nannyagent/scripts/{sha}";
        await File.WriteAllTextAsync(file, "printf 'nanny-patch: started\\n' >&2\necho >/root/altered\n" + await File.ReadAllTextAsync(file));

        await Succeeds(GuestLab.Rebooted, "apt-update.sh");
        Assert.Empty(await lab.Lab.Inside(GuestLab.Rebooted, "find", "/root", "-name", "altered"));
        Assert.Equal(sha, Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(file))));
    }

    [Fact]
    public async Task A_distribution_that_nobody_knows_is_not_patched_on_a_guess_but_on_a_person_s_word()
    {
        Cluster.NeedContainers();
        const int Guest = GuestLab.Unknown;
        var (status, problem) = await lab.Server.Patch($"lxc-{Guest}", "apply");
        Assert.Equal((409, "unknown-family"), (status, (string?)problem["code"]));
        (status, var wrong) = await lab.Server.Send(HttpMethod.Patch, $"/api/agents/lxc-{Guest}", new JsonObject { ["platform_family"] = "plan9" });
        Assert.Equal(400, status);
        Assert.NotNull(wrong!["errors"]!["platform_family"]);

        // A wrong word ends in the script's: it looks for its package manager first.
        await lab.Server.PatchAgent($"lxc-{Guest}", """{"platform_family": "arch"}""");
        var mistaken = await lab.Server.PatchToEnd($"lxc-{Guest}", "apply");
        Assert.True((string?)mistaken["status"] is "failed", mistaken.ToJsonString());
        Assert.Equal("unsupported", (string?)mistaken["failure"]!["code"]);
        Assert.Equal(LabCluster.Old, await lab.Lab.Versions(Guest));

        await lab.Server.PatchAgent($"lxc-{Guest}", """{"platform_family": "debian"}""");
        Assert.Equal(4, (int?)(await Succeeds(Guest, "apt-update.sh"))["total_count"]);
    }

    /// <summary>A dry run with this script.</summary>
    private async Task<JsonNode> Succeeds(int vmid, string script)
    {
        var operation = await lab.Server.PatchToEnd($"lxc-{vmid}", "dry-run");
        Assert.True((string?)operation["status"] is "succeeded", operation.ToJsonString());
        Assert.Equal(script, (string?)operation["script"]!["name"]);
        return operation;
    }

    private const string Custom =
        """
        #!/bin/sh
        printf 'nanny-patch: started\n' >&2
        mode=apply
        [ "${1:-}" != --dry-run ] || mode=dry-run
        echo $mode >>/root/custom
        printf '{"family":"apt","mode":"%s","packages":[],"kept_back":[],"held":[],"removed":[],"failed":[],' "$mode"
        printf '"reboot_required":null,"services_to_restart":null,"warnings":["The custom script was here."]}\n'
        """;
}
