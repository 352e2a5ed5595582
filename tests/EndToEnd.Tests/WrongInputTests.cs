using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>What goes wrong in a container is a clear failed operation, and the container beside it is patched all the same.</summary>
[Collection("one lab")] // one after the other: they stop and kill what they share
public sealed class WrongInputTests(Cluster cluster)
{
    private const int Guest = 103;
    private const int Neighbour = 102;

    [Fact]
    public async Task A_package_that_prints_a_result_of_ours_and_fails_has_failed()
    {
        Cluster.NeedContainers();
        await using var package = new HeldPackage(cluster.Lab, Guest, "3.1");
        await package.Serve(
            """echo '{"operation_id":"1","status":"completed","error":null,"packages_to_upgrade":[],"packages_upgraded":["lab-web"],"total_count":0,"exit_code":0}'; exit 1""");

        var before = (await cluster.Lab.Versions(Guest))["lab-web"]; // others may have patched it by now
        var operation = await cluster.Server.PatchToEnd($"lxc-{Guest}", "apply", "lab-*");
        AssertFailed(operation);
        Assert.DoesNotContain("lab-web", operation["packages_upgraded"]?.ToJsonString() ?? string.Empty);
        Assert.NotEqual(0, (int?)operation["exit_code"]);
        Assert.Equal("3.1 half-configured", await package.Version());
        Assert.Equal(before, (await cluster.Lab.Versions(Guest))["lab-web"]);
    }

    [Fact]
    public async Task A_container_that_is_stopped_in_the_middle_has_failed_and_its_neighbour_has_not()
    {
        Cluster.NeedContainers();
        await using var package = new HeldPackage(cluster.Lab, Guest, "3.2");
        await package.Serve(string.Empty, "unpack");
        var id = await cluster.Server.StartPatch($"lxc-{Guest}", "apply", "lab-*");
        await package.Reached("unpack");
        var beside = await cluster.Server.StartPatch($"lxc-{Neighbour}", "dry-run");
        await cluster.Lab.OnHost("pve2", "pct", "stop", $"{Guest}");
        try
        {
            AssertFailed(await cluster.Server.Operation(id, "succeeded", "failed", "interrupted"));
            var other = await cluster.Server.Operation(beside, "succeeded", "failed", "interrupted");
            Assert.True((string?)other["status"] is "succeeded", other.ToJsonString());
        }
        finally
        {
            await cluster.Lab.OnHost("pve2", "pct", "start", $"{Guest}");
        }
    }

    [Theory]
    [InlineData("lab-web; touch /tmp/owned", "a shell would run it")]
    [InlineData("$(reboot)", "a shell would run it")]
    [InlineData("`reboot`", "a shell would run it")]
    [InlineData("lab-web\nlab-db", "a second line")]
    [InlineData("-o=Dpkg::Pre-Invoke::=reboot", "apt would take it for an option")]
    [InlineData("--allow-downgrades", "apt would take it for an option")]
    [InlineData("../../etc/passwd", "a path")]
    [InlineData("", "no name")]
    public async Task A_name_that_a_shell_or_apt_would_read_otherwise_is_refused_by_its_field_and_nothing_is_queued(string name, string why)
    {
        Cluster.NeedContainers();
        var before = await Operations();
        var (status, body) = await cluster.Server.Patch($"lxc-{Guest}", "apply", "lab-tls", name);
        Assert.True(status is 400, $"{why}: {status} {body}");
        Assert.True(body["errors"]?["exclusions[1]"] is not null, $"{why}: {body}");
        Assert.Null(body["errors"]!["exclusions[0]"]);
        Assert.Equal(before, await Operations());
    }

    [Fact]
    public async Task A_package_that_hangs_for_ever_is_ended_inside_the_container_too()
    {
        Cluster.NeedContainers();
        await using var package = new HeldPackage(cluster.Lab, Guest, "3.3");
        await package.Serve("echo $$ >/srv/held/hangs; trap '' TERM HUP INT; while :; do sleep 1000; done");
        var id = await cluster.Server.StartPatch(
            new() { ["agent_id"] = $"lxc-{Guest}", ["mode"] = "apply", ["exclusions"] = new JsonArray("lab-*"), ["timeout_seconds"] = 15 });
        var operation = await cluster.Server.Operation(id, "succeeded", "failed", "interrupted");
        AssertFailed(operation);
        Assert.Equal("timeout", (string?)operation["failure"]!["code"]);
        await Waiting.Until(
            () => cluster.Lab.Inside(Guest, "sh", "-c", "grep -lE '[h]eld-up.postinst|[a]pt-get|[d]pkg' /proc/[0-9]*/cmdline 2>/dev/null || :"),
            left => left.Length is 0,
            "nothing of it to run in the container");
        Assert.NotEmpty(await cluster.Lab.Inside(Guest, "cat", "/srv/held/hangs")); // it did run until then
    }

    [Fact]
    public async Task A_full_disk_fails_in_the_package_s_own_words_and_with_space_again_the_next_apply_repairs_it()
    {
        Cluster.NeedContainers();
        const string Small = "/usr/share/held-up"; // a file system of its own: the container's root is on this machine's disk
        await using var package = new HeldPackage(cluster.Lab, Guest, "3.4");
        await package.Serve($"head -c 2000000 /dev/zero >{Small}/grown");
        await cluster.Lab.Inside(Guest, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", Small);
        try
        {
            var full = await cluster.Server.PatchToEnd($"lxc-{Guest}", "apply", "lab-*");
            AssertFailed(full);
            Assert.Contains("No space left on device", full.ToJsonString());
            Assert.Equal("3.4 half-configured", await package.Version());

            await cluster.Lab.Inside(Guest, "mount", "-o", "remount,size=8m", Small);
            var repaired = await cluster.Server.PatchToEnd($"lxc-{Guest}", "apply", "lab-*");
            Assert.True((string?)repaired["status"] is "succeeded", repaired.ToJsonString());
            Assert.Equal("3.4 installed", await package.Version());
            Assert.Contains("dpkg had been interrupted and was repaired first", repaired.ToJsonString());
        }
        finally
        {
            await cluster.Lab.Inside(Guest, "umount", Small);
        }
    }

    [Fact]
    public async Task A_package_that_floods_its_output_is_installed_and_the_record_says_how_much_it_left_out()
    {
        Cluster.NeedContainers();
        await using var package = new HeldPackage(cluster.Lab, Guest, "3.5");
        await package.Serve("yes 'a flood' | head -c 60000000; echo 'the last line'");
        var operation = await cluster.Server.PatchToEnd($"lxc-{Guest}", "apply", "lab-*");
        Assert.True((string?)operation["status"] is "succeeded", $"{operation["failure"]}");
        Assert.Equal("3.5 installed", await package.Version());
        var said = (string)operation["stderr"]!;
        Assert.Matches(@"\[\.\.\. \d+ bytes left out \.\.\.\]", said);
        Assert.Contains("the last line", said);
        Assert.InRange(said.Length, 1, 2_000_000); // of 60 million
    }

    private async Task<string> Operations() => (await cluster.Server.Get("/api/patches")).ToJsonString();

    private static void AssertFailed(JsonNode operation)
    {
        Assert.True((string?)operation["status"] is "failed", operation.ToJsonString());
        Assert.False(string.IsNullOrEmpty((string?)operation["failure"]!["code"]));
        Assert.False(string.IsNullOrEmpty((string?)operation["failure"]!["message"]));
    }
}
