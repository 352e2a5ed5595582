using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Tests;

/// <summary>VMs that are on, guests that move and go, and HA. Simulated: none of it needs a container.</summary>
public sealed class GuestVerbTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_vm_that_is_on_shows_wherever_Proxmox_VE_shows_it()
    {
        await using var lab = await Simulated("--hosts", "1", "--containers", "0");
        await Done(lab, "vm", "201", "on");
        var pid = int.Parse(await File.ReadAllTextAsync($"{lab.Root("pve1")}/var/run/qemu-server/201.pid"), CultureInfo.InvariantCulture);
        var words = Encoding.UTF8.GetString(await File.ReadAllBytesAsync($"/proc/{pid}/cmdline")).Split('\0');
        Assert.Equal("/usr/bin/kvm", words[0]);
        Assert.Equal("201", words[Array.IndexOf(words, "-id") + 1]);
        Assert.Contains(pid.ToString(CultureInfo.InvariantCulture), await File.ReadAllLinesAsync($"{lab.Root("pve1")}/sys/fs/cgroup/qemu.slice/201.scope/cgroup.procs"));
        Assert.Contains($"       201 k8s-node-01          running    4096              32.00 {pid,-10}\n", await lab.Must("pve1", "qm list"), StringComparison.Ordinal);
        Assert.Equal("status: running\n", await lab.Must("pve1", "qm status 201"));
        Assert.Contains(":k8s-node-01:running:", await File.ReadAllTextAsync($"{lab.Root("pve1")}/etc/pve/.rrd"), StringComparison.Ordinal);

        await Done(lab, "vm", "201", "paused");
        Assert.Equal("status: paused\n", await lab.Must("pve1", "qm status 201"));
        Assert.Contains(":k8s-node-01:paused:", await File.ReadAllTextAsync($"{lab.Root("pve1")}/etc/pve/.rrd"), StringComparison.Ordinal);
        Assert.Equal("running paused", await Field(lab, "/nodes/pve1/qemu/201/status/current", "status") + " " + await Field(lab, "/nodes/pve1/qemu/201/status/current", "qmpstatus"));
        await Done(lab, "vm", "201", "on"); // goes on, in the same process
        Assert.Equal($"{pid}", await Field(lab, "/nodes/pve1/qemu/201/status/current", "pid"));

        await Done(lab, "vm", "201", "off");
        Assert.False(File.Exists($"{lab.Root("pve1")}/var/run/qemu-server/201.pid"));
        Assert.Null(Processes.StartTicks(pid));
        Assert.Contains("/201:0:k8s-node-01:stopped:", await File.ReadAllTextAsync($"{lab.Root("pve1")}/etc/pve/.rrd"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_agent_in_a_vm_answers_only_where_there_is_one()
    {
        await using var lab = await Simulated("--hosts", "1", "--containers", "0");
        Assert.Equal((255, "VM 201 is not running\n"), await Said(lab, "qm guest cmd 201 get-osinfo"));
        await Done(lab, "vm", "201", "on");
        await Done(lab, "vm", "200", "on");
        Assert.Equal((255, "No QEMU guest agent configured\n"), await Said(lab, "qm guest cmd 200 get-osinfo"));
        Assert.Equal("ubuntu", (string?)JsonNode.Parse(await lab.Must("pve1", "qm guest cmd 201 get-osinfo"))!["id"]);
        var second = JsonNode.Parse(await lab.Must("pve1", "qm agent 201 network-get-interfaces"))![1]!;
        Assert.Equal(("bc:24:11:00:00:c9", "ipv4"), ((string?)second["hardware-address"], (string?)second["ip-addresses"]![0]!["ip-address-type"]));
        await Done(lab, "vm", "201", "paused");
        Assert.Equal((255, "VM 201 qga command 'guest-ping' failed - got timeout\n"), await Said(lab, "qm guest cmd 201 ping"));
    }

    [Fact]
    public async Task A_guest_that_migrates_runs_on_at_the_other_host()
    {
        await using var lab = await Simulated("--hosts", "3", "--containers", "3");
        await Done(lab, "vm", "201", "paused");
        foreach (var vmid in new[] { "100", "201" }) { await Done(lab, "migrate", vmid, "pve3"); }
        Assert.True(File.Exists($"{lab.Root("pve1")}/etc/pve/nodes/pve3/lxc/100.conf"));
        Assert.False(File.Exists($"{lab.Root("pve2")}/etc/pve/nodes/pve1/lxc/100.conf"));
        Assert.Contains("\"100\": { \"node\": \"pve3\"", await File.ReadAllTextAsync($"{lab.Root("pve1")}/etc/pve/.vmlist"), StringComparison.Ordinal);
        Assert.Equal("web-server-01\n", await lab.Must("pve3", "pct exec 100 -- cat /etc/hostname && qm status 201 >/dev/null"));
        Assert.Equal("status: paused\n", await lab.Must("pve3", "qm status 201"));
        Assert.Equal((2, "Configuration file 'nodes/pve1/lxc/100.conf' does not exist\n"), await Said(lab, "pct status 100"));
        Assert.Equal(1, (await lab.Verb("migrate", "100", "pve3")).ExitCode);
        Assert.Equal(1, (await lab.Verb("migrate", "100", "pve9")).ExitCode);
        Assert.Equal(0, (await lab.Verb("up", "--simulated", "--containers", "3")).ExitCode);
        Assert.True(File.Exists($"{lab.Root("pve1")}/etc/pve/nodes/pve3/lxc/100.conf")); // `up` brings nothing back
    }

    [Fact]
    public async Task A_guest_that_is_destroyed_stays_away()
    {
        await using var lab = await Simulated("--hosts", "2", "--containers", "2");
        await Done(lab, "ha", "add", "100");
        await Done(lab, "destroy", "100");
        Assert.False(Directory.Exists($"{lab.Directory}/guests/100"));
        Assert.DoesNotContain("\"100\"", await File.ReadAllTextAsync($"{lab.Root("pve2")}/etc/pve/.vmlist"), StringComparison.Ordinal);
        Assert.Equal("[]\n", await lab.Must("pve1", "pvesh get /cluster/ha/resources --output-format json"));
        Assert.Equal(1, (await lab.Verb("destroy", "100")).ExitCode);
        Assert.Equal(0, (await lab.Verb("up", "--simulated", "--hosts", "2", "--containers", "2")).ExitCode);
        Assert.Equal(0, (await lab.Verb("reset")).ExitCode);
        Assert.DoesNotContain("100 ", (await lab.Verb("status")).StandardOutput, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_quorum_nothing_moves_goes_or_is_switched_on()
    {
        await using var lab = await Simulated("--hosts", "2", "--containers", "2");
        await lab.Verb("host", "pve2", "off");
        foreach (var words in new string[][] { ["migrate", "100", "pve2"], ["destroy", "100"], ["ha", "add", "100"], ["vm", "200", "on"] })
        {
            var refused = await lab.Verb(words);
            Assert.Equal((1, "nanny-lab: cluster not ready - no quorum?\n"), (refused.ExitCode, refused.StandardError));
        }

        Assert.Equal("status: running\n", await lab.Must("pve1", "pct status 100"));
    }

    [Fact]
    public async Task A_cluster_that_never_used_HA_has_an_idle_LRM_and_nothing_else()
    {
        await using var lab = await Simulated("--hosts", "1", "--containers", "1");
        var lrm = JsonNode.Parse(await File.ReadAllTextAsync($"{lab.Root("pve1")}/etc/pve/nodes/pve1/lrm_status"))!;
        Assert.Equal(("active", "wait_for_agent_lock"), ((string?)lrm["mode"], (string?)lrm["state"]));
        Assert.Empty(Directory.GetFiles($"{lab.Root("pve1")}/etc/pve/ha"));
        await Done(lab, "ha", "add", "100");
        var manager = JsonNode.Parse(await File.ReadAllTextAsync($"{lab.Root("pve1")}/etc/pve/ha/manager_status"))!;
        Assert.Equal(("online", "started"), ((string?)manager["node_status"]!["pve1"], (string?)manager["service_status"]!["ct:100"]!["state"]));
        Assert.Equal("ct: 100\n\tstate started\n\n", await File.ReadAllTextAsync($"{lab.Root("pve1")}/etc/pve/ha/resources.cfg"));
        await Done(lab, "ha", "remove", "100");
        manager = JsonNode.Parse(await File.ReadAllTextAsync($"{lab.Root("pve1")}/etc/pve/ha/manager_status"))!;
        Assert.Empty(manager["service_status"]!.AsObject());
    }

    [Fact]
    public async Task A_managed_guest_is_stopped_and_started_through_HA()
    {
        await using var lab = await Simulated("--hosts", "1", "--containers", "1");
        await Done(lab, "ha", "add", "100");
        Assert.Equal("Requesting HA stop for CT 100\n", await lab.Must("pve1", "pct stop 100"));
        Assert.Contains("state stopped\n", await File.ReadAllTextAsync($"{lab.Root("pve1")}/etc/pve/ha/resources.cfg"), StringComparison.Ordinal);
        Assert.Contains("service ct:100 (pve1, stopped)\n", await lab.Must("pve1", "ha-manager status"), StringComparison.Ordinal);
        Assert.Equal("Requesting HA start for CT 100\n", await lab.Must("pve1", "pct start 100"));
        Assert.Equal("status: running\n", await lab.Must("pve1", "pct status 100"));
    }

    [Fact]
    public async Task A_vm_that_does_not_listen_is_still_on_when_its_shutdown_has_timed_out()
    {
        await using var lab = await Simulated("--hosts", "1", "--containers", "0");
        await Done(lab, "vm", "201", "deaf");
        var late = await lab.Run("pve1", "qm shutdown 201 --timeout 0");
        Assert.Equal((255, "VM quit/powerdown failed - got timeout\n"), (late.ExitCode, late.StandardError));
        Assert.Equal("status: running\n", await lab.Must("pve1", "qm status 201"));
        await lab.Must("pve1", "qm shutdown 201 --timeout 0 --forceStop 1");
        await lab.Must("pve1", "qm start 201 && qm shutdown 201 --timeout 0"); // the next time it listens
        Assert.Equal("status: stopped\n", await lab.Must("pve1", "qm status 201"));
    }

    [Fact]
    public async Task A_host_that_is_switched_off_takes_its_vms_along()
    {
        await using var lab = await Simulated("--hosts", "1", "--containers", "0");
        await Done(lab, "vm", "201", "on");
        await lab.Verb("host", "pve1", "off");
        Assert.Empty(Placeholder.Find(lab.Directory));
        await lab.Verb("host", "pve1", "on");
        Assert.Equal("status: stopped\n", await lab.Must("pve1", "qm status 201"));
    }

    [Theory]
    [InlineData(20)]
    [InlineData(60)]
    [InlineData(120)]
    [InlineData(200)]
    public async Task A_verb_that_was_killed_can_be_repeated_and_down_leaves_nothing(int milliseconds)
    {
        await using var lab = await Simulated("--hosts", "2", "--containers", "2");
        await Killed(lab, milliseconds, "vm", "201", "on");
        await Done(lab, "vm", "201", "on");
        await Killed(lab, milliseconds, "migrate", "201", "pve1");
        Assert.Equal(0, (await lab.Verb("up", "--simulated", "--hosts", "2", "--containers", "2")).ExitCode);
        await Killed(lab, milliseconds, "destroy", "100");
        Assert.Equal(0, (await lab.Verb("up", "--simulated", "--hosts", "2", "--containers", "2")).ExitCode);
        Assert.Equal(0, (await lab.Verb("down")).ExitCode);
        Assert.False(Directory.Exists(lab.Directory));
        Assert.Empty(Placeholder.Find(lab.Directory));
    }

    [Fact]
    public async Task Down_ends_real_containers_and_vms_alike()
    {
        LabUnderTest.NeedsContainers();
        await using var lab = await LabUnderTest.Up("--hosts", "1", "--containers", "1");
        await Done(lab, "vm", "201", "on");
        var groups = $"{lab.Root("pve1")}/sys/fs/cgroup";
        var pid = (await File.ReadAllTextAsync($"{lab.Root("pve1")}/var/run/qemu-server/201.pid")).Trim();
        Assert.Contains(pid, await File.ReadAllLinesAsync($"{(Directory.Exists($"{groups}/memory") ? $"{groups}/memory" : groups)}/qemu.slice/201.scope/cgroup.procs"));
        Assert.Equal(0, (await lab.Verb("down")).ExitCode);
        Assert.Empty(Placeholder.Find(lab.Directory));
        Assert.Empty(ControlGroups.Under(new LabDirectory(lab.Directory).Tag));
    }

    private static Task<LabUnderTest> Simulated(params string[] options) => LabUnderTest.Up(["--simulated", .. options]);

    private static async Task Done(LabUnderTest lab, params string[] words)
    {
        var result = await lab.Verb(words);
        Assert.True(result.ExitCode is 0, result.StandardError);
    }

    private static async Task<(int Code, string Error)> Said(LabUnderTest lab, string line)
    {
        var result = await lab.Run("pve1", line);
        return (result.ExitCode, result.StandardError);
    }

    private static async Task<string?> Field(LabUnderTest lab, string path, string key) =>
        JsonNode.Parse(await lab.Must("pve1", $"pvesh get {path} --output-format json"))![key]?.ToString();

    /// <summary>Runs a verb and kills it after a while, wherever it is then.</summary>
    private static async Task Killed(LabUnderTest lab, int milliseconds, params string[] words)
    {
        using var kill = new CancellationTokenSource(); // CliWrap's cancellation is SIGKILL
        var verb = lab.VerbCommand(words).ExecuteAsync(kill.Token);
        await Task.Delay(milliseconds, TestContext.Current.CancellationToken);
        await kill.CancelAsync();
        await verb.Task.WaitAsync(Patience).ContinueWith(_ => { }, TaskScheduler.Default); // it may have been done
    }
}
