using CliWrap.Buffered;

namespace NannyOrleans.Lab.Tests;

/// <summary>`pct migrate` and `qm migrate` between lab hosts, with what a failure says and leaves.</summary>
public sealed class MigrationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_container_moves_in_restart_mode_with_a_lock_on_the_way_and_a_task_in_the_list()
    {
        LabUnderTest.NeedsContainers();
        await using var lab = await LabUnderTest.Up("--hosts", "3", "--containers", "3");
        await lab.Must("pve1", "pct exec 100 -- sh -c 'echo mine >/root/mark'");
        await Done(lab, "migration-takes", "3600");
        var migration = lab.On("pve1", "pct migrate 100 pve2 --restart").ExecuteBufferedAsync();
        var active = $"{lab.Root("pve1")}/var/log/pve/tasks/active";
        await Until(lab, "pct config 100 | grep -qx 'lock: migrate'");
        Assert.Matches("^UPID:pve1:[0-9A-F]{8}:[0-9A-F]{8,}:[0-9A-F]{8}:vzmigrate:100:root@pam: 0\n$", await File.ReadAllTextAsync(active));
        await Done(lab, "migration-takes", "0"); // good for the next one: this one began with an hour
        await Done(lab, "power-off", "pve1"); // in the middle
        var lost = await migration.Task.WaitAsync(Patience);
        Assert.NotEqual(0, lost.ExitCode);
        await Done(lab, "power-on", "pve1");
        Assert.Contains("lock: migrate\n", await lab.Must("pve1", "pct config 100"), StringComparison.Ordinal); // nobody takes it away
        Assert.Equal("status: stopped\n", await lab.Must("pve1", "pct status 100"));

        await lab.Must("pve1", "pct unlock 100 && pct start 100");
        var moved = await lab.Run("pve1", "pct migrate 100 pve2 --restart 1");
        Assert.True(moved.ExitCode is 0, moved.StandardError);
        Assert.Equal(
            ["shutdown CT 100", "starting migration of CT 100 to node 'pve2' (10.99.0.12)", "found local volume 'local:100/vm-100-disk-0.raw' (in current VM config)", "start final cleanup", "start container on target node"],
            moved.StandardOutput.Split('\n').Take(5).Select(line => line[20..]));
        Assert.Equal("mine\n", await lab.Must("pve2", "pct exec 100 -- cat /root/mark"));
        Assert.DoesNotContain("lock", await lab.Must("pve2", "pct config 100"), StringComparison.Ordinal);
        Assert.Equal((2, "Configuration file 'nodes/pve1/lxc/100.conf' does not exist\n"), await Said(lab, "pve1", "pct status 100"));
        Assert.Matches("\nUPID:pve1:[^ ]+:vzmigrate:100:root@pam: 1 [0-9A-F]{8} OK\n$", await File.ReadAllTextAsync(active)); // after the line of the one that was cut off
        Assert.EndsWith("TASK OK\n", await lab.Must("pve1", $"cat {lab.Root("pve1")}/var/log/pve/tasks/?/$(tail -n 1 {active} | cut -d' ' -f1)"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_migration_that_cannot_be_says_why_and_changes_nothing()
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "3", "--containers", "3");
        foreach (var (line, code, error) in new[]
        {
            ("pct migrate 100", 255, "400 not enough arguments\npct migrate <vmid> <target> [OPTIONS]\n"),
            ("pct migrate 100 pve1", 255, "400 Parameter verification failed.\ntarget: target is local node.\npct migrate <vmid> <target> [OPTIONS]\n"),
            ("pct migrate 100 nosuch", 255, "no such cluster node 'nosuch'\n"),
            ("pct migrate 999 pve2", 255, "Configuration file 'nodes/pve1/lxc/999.conf' does not exist\n"),
            ("pct migrate 100 pve2", 255, "can't migrate running container without --online or --restart\n"),
            ("qm migrate 200 pve1", 255, "400 Parameter verification failed.\ntarget: target is local node.\nqm migrate <vmid> <target> [OPTIONS]\n"),
        })
        {
            Assert.Equal((code, error), await Said(lab, "pve1", line));
        }

        await Aborts(lab, "pct migrate 100 pve2 --online", "lxc live migration is currently not implemented");
        await lab.Must("pve1", "pct set 100 --lock backup");
        await Aborts(lab, "pct migrate 100 pve2 --restart", "CT is locked (backup)");
        await lab.Must("pve1", "pct unlock 100");
        var conf = $"{lab.Root("pve1")}/etc/pve/nodes/pve1/lxc/100.conf";
        var before = await File.ReadAllTextAsync(conf);
        await File.WriteAllTextAsync(conf, before + "mp0: /srv/share,mp=/share\n");
        await Aborts(lab, "pct migrate 100 pve2 --restart", "cannot migrate local bind mount point 'mp0'");
        await File.WriteAllTextAsync(conf, before.Replace("rootfs: local:", "rootfs: local-zfs:", StringComparison.Ordinal));
        await Aborts(lab, "pct migrate 100 pve2 --restart", "storage 'local-zfs' is not available on node 'pve2'");
        await File.WriteAllTextAsync(conf, before);
        await Done(lab, "power-off", "pve3");
        await Aborts(lab, "pct migrate 100 pve3 --restart", "Can't connect to destination address using public key");
        Assert.Equal("status: running\n", await lab.Must("pve1", "pct status 100"));
        await Done(lab, "power-off", "pve2");
        Assert.Equal((255, "cluster not ready - no quorum?\n"), await Said(lab, "pve1", "pct migrate 100 pve2 --restart"));
        Assert.Equal(before, await File.ReadAllTextAsync(conf));
    }

    [Fact]
    public async Task A_managed_guest_is_left_to_HA()
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "2", "--containers", "2");
        await Done(lab, "ha", "add", "100");
        Assert.Equal("Requesting HA migration for CT 100 to node pve2\n", await lab.Must("pve1", "pct migrate 100 pve2 --restart"));
    }

    [Fact]
    public async Task A_vm_moves_while_it_is_on_and_what_runs_in_it_goes_on()
    {
        LabUnderTest.NeedsContainers();
        await using var lab = await LabUnderTest.Up("--hosts", "2", "--containers", "0");
        await lab.Must("pve2", "qm start 201");
        await lab.Must("pve2", "qm guest exec 201 -- sh -c 'echo mine >/run/mark'");
        Assert.Equal((255, "can't migrate running VM without --online\n"), await Said(lab, "pve2", "qm migrate 201 pve1"));
        var disks = await lab.Run("pve2", "qm migrate 201 pve1 --online");
        Assert.Equal((255, "migration aborted\n"), (disks.ExitCode, disks.StandardError));
        Assert.Contains("can't live migrate attached local disks without with-local-disks option\n", disks.StandardOutput, StringComparison.Ordinal);
        Assert.DoesNotContain("lock", await lab.Must("pve2", "qm config 201"), StringComparison.Ordinal);
        var moved = await lab.Run("pve2", "qm migrate 201 pve1 --online --with-local-disks");
        Assert.True(moved.ExitCode is 0, moved.StandardOutput);
        Assert.Equal("status: running\n", await lab.Must("pve1", "qm status 201"));
        Assert.Contains("\"out-data\" : \"mine\\n\"", await lab.Must("pve1", "qm guest exec 201 -- cat /run/mark"), StringComparison.Ordinal);
        Assert.True(File.Exists($"{lab.Root("pve1")}/var/run/qemu-server/201.pid"));
        Assert.False(File.Exists($"{lab.Root("pve2")}/var/run/qemu-server/201.pid"));
        await lab.Must("pve1", "qm shutdown 201 --timeout 10");
        Assert.Contains("VM isn't running. Doing offline migration instead.", (await lab.Run("pve1", "qm migrate 201 pve2 --online")).StandardOutput, StringComparison.Ordinal);
        Assert.Equal("status: stopped\n", await lab.Must("pve2", "qm status 201"));
    }

    [Fact]
    public async Task A_backup_locks_its_guest_and_is_a_task_until_it_ends_or_its_host_loses_power()
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "1", "--containers", "1");
        var active = $"{lab.Root("pve1")}/var/log/pve/tasks/active";
        await Done(lab, "backup", "100", "begin");
        Assert.Matches("^UPID:pve1:[^ ]+:vzdump:100:root@pam: 0\n$", await File.ReadAllTextAsync(active));
        Assert.Equal((255, "CT is locked (backup)\n"), await Said(lab, "pve1", "pct stop 100"));
        await Done(lab, "backup", "100", "end");
        Assert.Matches("^UPID:pve1:[^ ]+:vzdump:100:root@pam: 1 [0-9A-F]{8} OK\n$", await File.ReadAllTextAsync(active));
        Assert.Equal(1, (await lab.Verb("backup", "100", "end")).ExitCode);

        await Done(lab, "backup", "100", "begin");
        var pid = Convert.ToInt32((await File.ReadAllTextAsync(active)).Split(':')[2], 16);
        await Done(lab, "power-off", "pve1");
        await Done(lab, "power-on", "pve1");
        Assert.Null(Linux.Processes.StartTicks(pid));
        Assert.Equal("status: running\n", await lab.Must("pve1", "pct status 100")); // pve-guests took the lock away
    }

    private static async Task Aborts(LabUnderTest lab, string line, string reason)
    {
        var result = await lab.Run("pve1", line);
        Assert.Equal((255, "migration aborted\n"), (result.ExitCode, result.StandardError));
        Assert.Matches($"ERROR: migration aborted \\(duration 00:00:\\d\\d\\): {System.Text.RegularExpressions.Regex.Escape(reason)}\n$", result.StandardOutput);
    }

    private static async Task<(int Code, string Error)> Said(LabUnderTest lab, string host, string line)
    {
        var result = await lab.Run(host, line);
        return (result.ExitCode, result.StandardError);
    }

    private static async Task Done(LabUnderTest lab, params string[] words)
    {
        var result = await lab.Verb(words);
        Assert.True(result.ExitCode is 0, result.StandardError);
    }

    private static Task<string> Until(LabUnderTest lab, string condition) => lab.Must("pve1", $"until {condition}; do sleep 0.05; done").WaitAsync(Patience);
}
