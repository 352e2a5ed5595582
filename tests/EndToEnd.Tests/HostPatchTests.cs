using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>Hosts that patch and restart themselves: real apt and dpkg in each host's own system. Every test has a host of its own.</summary>
[Collection("one lab")] // one after the other: they stop and kill what they share
public sealed class HostPatchTests(Cluster cluster)
{
    private const string Kernel = "6.17.4-2-pve";
    private const string KernelPackage = $"proxmox-kernel-{Kernel}-signed";

    [Fact]
    public async Task A_host_waits_for_dpkgs_lock_runs_alone_gets_a_kernel_and_restarts_into_it()
    {
        Cluster.NeedContainers();
        const string Host = "pve1";
        await Online(Host);
        var dryRun = await Succeeds(Host, "dry-run");
        Assert.Contains(PatchingTests.Texts(dryRun["packages_to_upgrade"]), package => package.StartsWith(KernelPackage, StringComparison.Ordinal));
        Assert.Equal(PatchingTests.Texts(dryRun["packages_to_upgrade"]).Length, (int?)dryRun["total_count"]);
        Assert.False((bool?)dryRun["reboot_required"]);
        Assert.False(File.Exists($"{cluster.Lab.RootOf(Host)}/boot/vmlinuz-{Kernel}"));

        // While another package manager is at work it waits, and with it all that is queued on this node.
        await cluster.Lab.Verb("dpkg", Host, "hold");
        var id = await cluster.Server.StartPatch(Host, "apply");
        await cluster.Server.Until(
            () => cluster.Server.Client.GetStringAsync($"/api/patches/{id}/output"), output => output.Contains("/var/lib/dpkg/lock-frontend", StringComparison.Ordinal), "apt to wait for the lock");
        var beside = await cluster.Server.StartPatch("lxc-101", "dry-run");
        Assert.Equal("pending", (string?)(await cluster.Server.Get($"/api/patches/{beside}"))["status"]);
        Assert.Equal("running", (string?)(await cluster.Server.Get($"/api/patches/{id}"))["status"]);
        Assert.False(File.Exists($"{cluster.Lab.RootOf(Host)}/boot/vmlinuz-{Kernel}"));
        await cluster.Lab.Verb("dpkg", Host, "release");

        var apply = await Ends(id);
        Assert.True((string?)apply["status"] is "succeeded", apply.ToJsonString());
        Assert.Equal(Names(dryRun), PatchingTests.Texts(apply["packages_upgraded"]).Order());
        Assert.True((bool?)apply["reboot_required"]);
        Assert.True(File.Exists($"{cluster.Lab.RootOf(Host)}/boot/vmlinuz-{Kernel}"));
        var guest = await Ends(beside);
        Assert.True((string?)guest["status"] is "succeeded", guest.ToJsonString());
        Assert.True(At(guest, "started_at") >= At(apply, "completed_at"), $"the guest's job started beside the host's: {guest}");
        await Discovered(Host, row => (bool?)row["reboot_required"] is true, "to need a restart");

        var boot = await cluster.Lab.BootId(Host);
        var reboot = await Restart(Host);
        Assert.True((string?)reboot["status"] is "completed", reboot.ToJsonString());
        Assert.NotEqual(boot, await cluster.Lab.BootId(Host));
        Assert.Equal($"{Kernel}\n", await cluster.Lab.InHost(Host, "uname -r"));
        await Discovered(Host, row => (bool?)row["reboot_required"] is false, "to need no restart");
        Assert.Equal(0, (int?)(await Succeeds(Host, "dry-run"))["total_count"]);
        await Row("lxc-101", row => (string?)row["status"] is "running", "to run again");
    }

    [Fact]
    public async Task An_enterprise_repository_without_a_subscription_is_told_as_that_and_never_as_no_updates()
    {
        Cluster.NeedContainers();
        const string Host = "pve2";
        await Online(Host);
        try
        {
            // Beside another one: what that one has, and a word of what is missing.
            await cluster.Lab.Verb("repository", Host, "enterprise");
            var both = await Succeeds(Host, "dry-run");
            Assert.NotEqual(0, (int?)both["total_count"]);
            Assert.Contains(PatchingTests.Texts(both["warnings"]), warning => warning.StartsWith("The enterprise repository refuses this host (401): it has no valid subscription.", StringComparison.Ordinal));

            await cluster.Lab.Verb("repository", Host, "enterprise-only");
            AssertUnknown(await cluster.Server.PatchToEnd(Host, "dry-run"), "subscription-required", "no valid subscription");
            AssertUnknown(await cluster.Server.PatchToEnd(Host, "apply"), "subscription-required", "no valid subscription");

            await cluster.Lab.Verb("repository", Host, "unreachable");
            AssertUnknown(await cluster.Server.PatchToEnd(Host, "dry-run"), "repository-unreachable", "Temporary failure resolving");
        }
        finally
        {
            await cluster.Lab.Verb("repository", Host, "no-subscription");
        }
    }

    [Fact]
    public async Task A_lock_that_is_not_given_back_ends_the_job_at_its_limit_and_nothing_is_installed()
    {
        Cluster.NeedContainers();
        const string Host = "pve2";
        await Online(Host);
        var before = await cluster.Lab.InHost(Host, "dpkg-query -W");
        await cluster.Lab.Verb("dpkg", Host, "hold");
        try
        {
            var id = await cluster.Server.StartPatch(new() { ["agent_id"] = Host, ["mode"] = "apply", ["timeout_seconds"] = 8 });
            var operation = await Ends(id);
            Assert.True((string?)operation["status"] is "failed", operation.ToJsonString());
            Assert.Equal("timeout", (string?)operation["failure"]!["code"]);
            Assert.Contains("/var/lib/dpkg/lock-frontend", (string?)operation["stderr"]);
            Assert.Equal(before, await cluster.Lab.InHost(Host, "dpkg-query -W"));
        }
        finally
        {
            await cluster.Lab.Verb("dpkg", Host, "release");
        }
    }

    [Fact]
    public async Task A_half_configured_package_is_repaired_and_said_so_and_a_file_that_a_person_changed_stays()
    {
        Cluster.NeedContainers();
        const string Host = "pve3";
        await Online(Host);
        await cluster.Lab.InHost(Host, HalfConfigured);
        try
        {
            await cluster.Lab.InHost(Host, "echo 'bwlimit: 50000' >>/etc/vzdump.conf");
            var asked = await cluster.Lab.InHost(Host, "cat /etc/vzdump.conf");

            // A dry run changes nothing, so it can only say it.
            AssertUnknown(await cluster.Server.PatchToEnd(Host, "dry-run"), "dpkg-interrupted", "half-done");
            await cluster.Lab.InHost(Host, "touch /etc/half-done.ready");
            var apply = await Succeeds(Host, "apply");
            Assert.Contains("dpkg had been interrupted and was repaired first: half-done.", PatchingTests.Texts(apply["warnings"]));
            Assert.Equal("installed", await cluster.Lab.InHost(Host, "dpkg-query -W -f '${db:Status-Status}' half-done"));

            // pve-manager brought another vzdump.conf: dpkg's question is answered by keeping the person's.
            Assert.Contains("pve-manager", PatchingTests.Texts(apply["packages_upgraded"]));
            Assert.Equal(asked, await cluster.Lab.InHost(Host, "cat /etc/vzdump.conf"));
            Assert.DoesNotContain("bwlimit", await cluster.Lab.InHost(Host, "cat /etc/vzdump.conf.dpkg-dist"));
        }
        finally
        {
            await cluster.Lab.InHost(Host, "dpkg --purge half-done");
        }
    }

    [Fact]
    public async Task A_host_that_does_not_restart_in_time_is_a_timeout_and_another_attempt_may_follow()
    {
        Cluster.NeedContainers();
        const string Host = "pve2";
        await Online(Host);
        var boot = await cluster.Lab.BootId(Host);
        var systemctl = $"{cluster.Lab.RootOf(Host)}/usr/bin/systemctl";
        File.Move(systemctl, $"{systemctl}.real");
        try
        {
            await File.WriteAllTextAsync(systemctl, "#!/bin/sh\nexit 0\n"); // it takes the order, and hangs while it shuts down
            File.SetUnixFileMode(systemctl, File.GetUnixFileMode($"{systemctl}.real"));
            var late = await Restart(Host, 2);
            Assert.True((string?)late["status"] is "timeout", late.ToJsonString());
            Assert.Contains("has not been restarted", (string?)late["failure"]!["message"]);
            Assert.Equal(boot, await cluster.Lab.BootId(Host));
        }
        finally
        {
            File.Move($"{systemctl}.real", systemctl, overwrite: true);
        }

        Assert.Equal("completed", (string?)(await Restart(Host))["status"]);
        Assert.NotEqual(boot, await cluster.Lab.BootId(Host));
        await Row("lxc-102", row => (string?)row["status"] is "running", "to run again");
        await Row("lxc-103", row => (string?)row["status"] is "running", "to run again");
    }

    private static void AssertUnknown(JsonNode operation, string code, string words)
    {
        Assert.True((string?)operation["status"] is "failed", operation.ToJsonString());
        Assert.Equal(code, (string?)operation["failure"]!["code"]);
        Assert.Contains(words, (string?)operation["failure"]!["message"]);
        Assert.Null(operation["total_count"]); // unknown is not zero
        Assert.Null(operation["packages_to_upgrade"]);
        Assert.Null(operation["packages_upgraded"]);
    }

    private static IEnumerable<string> Names(JsonNode dryRun) => dryRun["packages"]!.AsArray().Select(package => (string)package!["name"]!).Order();

    private static DateTimeOffset At(JsonNode operation, string field) => (DateTimeOffset)operation[field]!;

    private async Task<JsonNode> Succeeds(string host, string mode)
    {
        var operation = await cluster.Server.PatchToEnd(host, mode);
        Assert.True((string?)operation["status"] is "succeeded", operation.ToJsonString());
        return operation;
    }

    private Task<JsonNode> Ends(string id) => cluster.Server.Operation(id, "succeeded", "failed", "interrupted");

    private async Task<JsonNode> Restart(string host, int? timeoutSeconds = null)
    {
        var body = new JsonObject { ["agent_id"] = host, ["reason"] = "A test.", ["timeout_seconds"] = timeoutSeconds };
        var answer = await cluster.Server.Client.PostAsync("/api/reboots", new StringContent(body.ToJsonString(), System.Text.Encoding.UTF8, "application/json"));
        Assert.True((int)answer.StatusCode is 202, await answer.Content.ReadAsStringAsync());
        return await cluster.Server.Until(
            () => cluster.Server.Get(answer.Headers.Location!.ToString()), reboot => (string?)reboot["status"] is not ("pending" or "running"), $"the restart of {host} to end");
    }

    // Another test may just have restarted all.
    private Task<JsonNode> Online(string host) => Row(host, row => (string?)row["status"] is "online", "to be online");

    /// <summary>The same once the agent was asked to look now.</summary>
    private async Task Discovered(string id, Func<JsonNode, bool> isThere, string waitedFor)
    {
        var asked = await cluster.Server.Client.PostAsync($"/api/agents/{id}/discover", content: null);
        Assert.True(asked.IsSuccessStatusCode, await asked.Content.ReadAsStringAsync());
        await Row(id, isThere, waitedFor);
    }

    private Task<JsonNode> Row(string id, Func<JsonNode, bool> isThere, string waitedFor) => cluster.Server.Until(() => cluster.Agent(id), isThere, $"{id} {waitedFor}");

    /// <summary>A package whose configuration fails until a file is there: what power lost in its middle leaves behind.</summary>
    private const string HalfConfigured =
        """
        set -e
        mkdir -p /tmp/half-done/DEBIAN
        printf 'Package: half-done\nVersion: 1\nArchitecture: all\nMaintainer: Tests <tests@example.invalid>\nDescription: stays half-configured\n' >/tmp/half-done/DEBIAN/control
        printf '#!/bin/sh\n[ -e /etc/half-done.ready ]\n' >/tmp/half-done/DEBIAN/postinst
        chmod 755 /tmp/half-done /tmp/half-done/DEBIAN /tmp/half-done/DEBIAN/postinst
        dpkg-deb --root-owner-group -Zgzip --build /tmp/half-done /tmp/half-done.deb >/dev/null
        rm -f /etc/half-done.ready
        dpkg -i /tmp/half-done.deb >/dev/null 2>&1 || true
        [ "$(dpkg-query -W -f '${db:Status-Status}' half-done)" = half-configured ]
        """;
}
