using System.Text.Json.Nodes;
using CliWrap.Buffered;

namespace NannyOrleans.Lab.Tests;

/// <summary>HA in a lab: real containers move in rounds that are faster than a cluster's.</summary>
public sealed class HaTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task Maintenance_moves_real_containers_away_and_back()
    {
        LabUnderTest.NeedsContainers();
        await using var lab = await Up("3", "3");
        await lab.Must("pve1", "ha-manager add ct:100 && ha-manager add 101 --state started");
        await lab.Must("pve1", "pct exec 100 -- sh -c 'echo mine >/root/mark'");
        await lab.Must("pve2", "ha-manager crm-command node-maintenance enable pve1");
        await Until(lab, "pve2", "ha-manager status | grep -Eq 'service ct:100 .pve[23], started'");
        await Until(lab, "pve2", "ha-manager status | grep -q 'lrm pve1 (maintenance mode, watchdog standby'"); // drained
        var status = JsonNode.Parse(await lab.Must("pve2", "pvesh get /cluster/ha/status/manager_status --output-format json"))!;
        Assert.Equal(
            ("maintenance", 1, "pve1", "maintenance"),
            ((string?)status["manager_status"]!["node_status"]!["pve1"], (int?)status["manager_status"]!["node_request"]!["pve1"]!["maintenance"],
                (string?)status["manager_status"]!["service_status"]!["ct:100"]!["maintenance_node"], (string?)status["lrm_status"]!["pve1"]!["mode"]));
        Assert.Equal("status: stopped\n", await lab.Must("pve1", "pct status 100 2>/dev/null || echo 'status: stopped'"));
        await lab.Must("pve1", "ha-manager crm-command node-maintenance disable pve1");
        await Until(lab, "pve1", "pct status 100 2>/dev/null | grep -q running");
        Assert.Equal("mine\n", await lab.Must("pve1", "pct exec 100 -- cat /root/mark"));
        await Until(lab, "pve1", "ha-manager status | grep -q 'service ct:100 (pve1, started)'");
        Assert.Contains("vzmigrate:100:root@pam: 1 ", await File.ReadAllTextAsync($"{lab.Root("pve1")}/var/log/pve/tasks/active"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_lost_quorum_resets_itself_and_its_services_run_elsewhere()
    {
        LabUnderTest.NeedsContainers();
        await using var lab = await Up("3", "3");
        await lab.Must("pve1", "ha-manager add 100");
        await Until(lab, "pve1", "ha-manager status | grep -q 'lrm pve1 (active, watchdog active'");
        var boot = await lab.Must("pve1", $"cat {lab.Root("pve1")}/proc/sys/kernel/random/boot_id");
        await Done(lab, "reboot-as", "pve1", "never");
        await Done(lab, "network", "cut", "pve1");
        await Until(lab, "pve2", "grep -q 'pve1 change=off why=fence' " + lab.Directory + "/referee.log");
        await Until(lab, "pve2", "ha-manager status | grep -Eq 'service ct:100 .pve[23], started'");
        await Until(lab, "pve2", $"grep -q ' @{lab.Directory}/lxc/100/command' /proc/net/unix");
        Assert.NotEqual("pve1", (await lab.Must("pve2", "ha-manager status")).Split("master ")[1].Split(' ')[0]);
        // It comes back, cut off: what it had runs elsewhere, and stays there.
        await Done(lab, "network", "join", "pve1");
        await Done(lab, "power-on", "pve1");
        Assert.NotEqual(boot, await lab.Must("pve1", $"cat {lab.Root("pve1")}/proc/sys/kernel/random/boot_id"));
        Assert.Equal(2, (await lab.Run("pve1", "pct status 100")).ExitCode);
        Assert.Equal(0, (await lab.Verb("referee")).ExitCode); // two of three stayed
    }

    [Fact]
    public async Task Requests_are_queued_and_refused_in_Proxmox_VEs_words()
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "3", "--containers", "3", "--ha-round-seconds", "0.2");
        foreach (var (line, code, error) in new[]
        {
            ("ha-manager add ct:9999", 17, "resource 'ct:9999' does not exist in cluster\n"),
            ("ha-manager remove ct:9999", 255, "cannot delete service 'ct:9999', not HA managed!\n"),
            ("ha-manager crm-command node-maintenance enable nosuch", 255, "no such cluster node 'nosuch'\n"),
            ("ha-manager add 100", 0, ""),
            ("ha-manager add ct:100", 255, "create resource failed: resource ID 'ct:100' already defined\n"),
            ("ha-manager migrate ct:101 pve2", 255, "service 'ct:101' not HA managed!\n"),
        })
        {
            var result = await lab.Run("pve1", line);
            Assert.Equal((code, error), (result.ExitCode, result.StandardError));
        }

        Assert.Equal("Requesting HA stop for CT 100\n", await lab.Must("pve1", "pct stop 100"));
        await Until(lab, "pve1", "pct status 100 | grep -q stopped");
        await Until(lab, "pve1", "ha-manager status | grep -q 'service ct:100 (pve1, stopped)'");
        Assert.Equal("Requesting HA start for CT 100\n", await lab.Must("pve1", "pct start 100"));
        await Until(lab, "pve1", "pct status 100 | grep -q running");
        await Until(lab, "pve1", "ha-manager status | grep -q 'service ct:100 (pve1, started)'");
        Assert.Equal("Requesting HA migration for CT 100 to node pve3\n", await lab.Must("pve1", "pct migrate 100 pve3 --restart"));
        await Until(lab, "pve3", "pct status 100 2>/dev/null | grep -q running");

        await Done(lab, "network", "cut", "pve1");
        var refused = await lab.Run("pve1", "ha-manager crm-command node-maintenance enable pve1");
        Assert.Equal(13, refused.ExitCode);
        Assert.EndsWith("cfs-lock 'domain-ha' error: no quorum!\n", refused.StandardError, StringComparison.Ordinal);
        Assert.Equal((255, "cluster not ready - no quorum?\n"), await Said(lab, "ha-manager add 101"));
    }

    [Fact]
    public async Task Sixteen_hosts_take_a_command_without_a_single_service_and_all_local_managers_write()
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "16", "--containers", "0", "--ha-round-seconds", "0.5");
        Assert.Contains("Expected votes:   16\n", await lab.Must("pve16", "pvecm status"), StringComparison.Ordinal);
        await lab.Must("pve16", "ha-manager crm-command node-maintenance enable pve7");
        await Until(lab, "pve2", "ha-manager status | grep -q 'lrm pve7 (maintenance mode, watchdog standby'");
        var status = JsonNode.Parse(await lab.Must("pve2", "pvesh get /cluster/ha/status/manager_status --output-format json"))!;
        Assert.Equal(16, status["lrm_status"]!.AsObject().Count(l => l.Value!["timestamp"] is not null));
        await lab.Must("pve1", "ha-manager crm-command node-maintenance disable pve7");
        await Until(lab, "pve2", "ha-manager status | grep -q 'lrm pve7 (idle, watchdog standby'");
        Assert.Equal("", await File.ReadAllTextAsync($"{lab.Root("pve2")}/etc/pve/ha/crm_commands")); // taken up
    }

    [Fact]
    public async Task A_clean_reboot_freezes_services_and_hands_the_masters_lock_over()
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "3", "--containers", "3", "--ha-round-seconds", "0.2");
        await lab.Must("pve1", "ha-manager add 100");
        await Until(lab, "pve1", "ha-manager status | grep -q 'master pve1 (active'");
        await Done(lab, "reboot-as", "pve1", "never");
        await lab.Must("pve1", "systemctl reboot");
        await Until(lab, "pve2", "ha-manager status | grep -q 'master pve2 (active'");
        Assert.Contains("service ct:100 (pve1, freeze)\n", await lab.Must("pve2", "ha-manager status"), StringComparison.Ordinal);
        await Done(lab, "power-on", "pve1");
        await Until(lab, "pve1", "pct status 100 2>/dev/null | grep -q running");
        await Until(lab, "pve1", "ha-manager status | grep -q 'service ct:100 (pve1, started)'");
    }

    private static Task<LabUnderTest> Up(string hosts, string containers) => LabUnderTest.Up("--hosts", hosts, "--containers", containers, "--ha-round-seconds", "0.2");

    private static async Task<(int Code, string Error)> Said(LabUnderTest lab, string line)
    {
        var result = await lab.Run("pve1", line);
        return (result.ExitCode, result.StandardError);
    }

    private static async Task Done(LabUnderTest lab, params string[] words)
    {
        var result = await lab.Verb(words);
        Assert.True(result.ExitCode is 0, result.StandardError);
    }

    private static async Task Until(LabUnderTest lab, string host, string condition)
    {
        using var end = new CancellationTokenSource(Patience);
        try { await lab.On(host, $"until {condition}; do sleep 0.1; done").ExecuteBufferedAsync(end.Token); }
        catch (OperationCanceledException)
        {
            var log = $"{lab.Directory}/state/background.log";
            Assert.Fail($"`{condition}` did not come true on {host}:\n{(await lab.Run(host, "ha-manager status --verbose")).StandardOutput}\n{(File.Exists(log) ? await File.ReadAllTextAsync(log) : "")}");
        }
    }
}
