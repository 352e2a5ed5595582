using System.Globalization;

namespace NannyOrleans.Lab.Tests;

/// <summary>The files and programs from which an agent finds out what runs, against real containers.</summary>
public sealed class DiscoveryTests : IClassFixture<ContainerLab>
{
    private readonly ContainerLab shared;

    public DiscoveryTests(ContainerLab shared)
    {
        LabUnderTest.NeedsContainers();
        this.shared = shared;
    }

    private LabUnderTest Lab => shared.Lab;

    [Theory]
    [InlineData("stat", "btime ")]
    [InlineData("meminfo", "MemTotal:")]
    [InlineData("loadavg", "/")]
    [InlineData("uptime", ".")]
    [InlineData("mounts", " / ")]
    [InlineData("cpuinfo", "processor")]
    [InlineData("net/dev", "lo:")]
    [InlineData("net/fib_trie", "127.0.0.1")]
    public void The_kernels_figures_are_this_machines(string file, string has) =>
        Assert.Contains(has, File.ReadAllText($"{Lab.Root("pve1")}/proc/{file}"), StringComparison.Ordinal);

    [Fact]
    public async Task A_running_container_has_a_command_socket_at_the_place_var_lib_lxc_leads_to()
    {
        var place = await Lab.Must("pve1", $"readlink -f {Lab.Root("pve1")}/var/lib/lxc");
        Assert.Contains($"@{place.Trim()}/100/command\n", await File.ReadAllTextAsync($"{Lab.Root("pve1")}/proc/net/unix"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lxc_attach_runs_what_a_container_of_this_host_has()
    {
        Assert.Equal("web-server-01\n", await Lab.Must("pve1", "lxc-attach -n 100 -- cat /etc/hostname"));
        Assert.Equal("web-server-01\n", await Lab.Must("pve1", "lxc-attach --clear-env -n 100 -- uname -n"));
        Assert.Equal(42, (await Lab.Run("pve1", "lxc-attach -n 100 -- sh -c 'exit 42'")).ExitCode);
        Assert.Equal("5\n", await Lab.Must("pve1", "lxc-attach -n 100 -- printf '%s\\n' 5"));
    }

    [Fact]
    public async Task Lxc_tools_know_no_container_of_another_host()
    {
        var attach = await Lab.Run("pve1", "lxc-attach -n 102 -- true");
        Assert.Equal(1, attach.ExitCode);
        Assert.Contains("Failed to get init pid", attach.StandardError, StringComparison.Ordinal);
        var info = await Lab.Run("pve1", "lxc-info -n 102 -pH");
        Assert.Equal((1, "102 doesn't exist\n"), (info.ExitCode, info.StandardError));
        await Lab.Must("pve2", "lxc-attach -n 102 -- true");
    }

    [Fact]
    public async Task Lxc_info_tells_the_init_whose_addresses_are_the_confs()
    {
        var pid = (await Lab.Must("pve1", "lxc-info -n 100 -pH")).Trim();
        Assert.Contains("10.99.0.100\n", await File.ReadAllTextAsync($"/proc/{pid}/net/fib_trie"), StringComparison.Ordinal);
        Assert.Contains("eth0", await File.ReadAllTextAsync($"/proc/{pid}/net/if_inet6"), StringComparison.Ordinal);
        var hostSide = int.Parse(await Lab.Must("pve1", "lxc-attach -n 100 -- cat /sys/class/net/eth0/iflink"), CultureInfo.InvariantCulture);
        Assert.DoesNotContain((await File.ReadAllLinesAsync("/proc/net/if_inet6")).Select(line => Convert.ToInt32(line.Split(' ')[1], 16)), index => index == hostSide);
        Assert.Equal("bc:24:11:00:00:64\n", await Lab.Must("pve1", "lxc-attach -n 100 -- cat /sys/class/net/eth0/address"));
    }

    [Fact]
    public async Task Control_groups_of_a_container_are_where_Proxmox_VE_has_them()
    {
        var init = (await Lab.Must("pve1", "lxc-info -n 100 -pH")).Trim();
        var groups = $"{Lab.Root("pve1")}/sys/fs/cgroup";
        var (hierarchy, usage, limit) = File.Exists($"{groups}/cgroup.controllers") ? (groups, "memory.current", "memory.max") : ($"{groups}/memory", "memory.usage_in_bytes", "memory.limit_in_bytes");
        Assert.Contains(init, await File.ReadAllLinesAsync($"{hierarchy}/lxc/100/ns/cgroup.procs"));
        Assert.InRange(long.Parse(await File.ReadAllTextAsync($"{hierarchy}/lxc/100/{usage}"), CultureInfo.InvariantCulture), 1, 512 << 20);
        Assert.Equal(512L << 20, long.Parse(await File.ReadAllTextAsync($"{hierarchy}/lxc/100/{limit}"), CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("lxc-attach")]
    [InlineData("lxc-info")]
    public void Lxc_tools_of_the_host_are_shell_all_through(string tool)
    {
        // An agent counts on their 7 ms; this program's own start would be ten times that.
        var wrapper = File.ReadAllText($"{Lab.Root("pve1")}/usr/bin/{tool}");
        Assert.StartsWith("#!/bin/sh\n", wrapper, StringComparison.Ordinal);
        Assert.EndsWith($"exec /usr/bin/{tool} \"$@\"\n", wrapper, StringComparison.Ordinal);
        Assert.DoesNotContain(Commands.PveCommand.Marker, wrapper, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_labs_have_the_same_vmids_each_with_its_own_network()
    {
        await using var other = await LabUnderTest.Up("--hosts", "1", "--containers", "1");
        Assert.NotEqual(await Lab.Must("pve1", "lxc-info -n 100 -pH"), await other.Must("pve1", "lxc-info -n 100 -pH"));
        Assert.Contains("10.99.0.100/16", await other.Must("pve1", "pvesh get /nodes/pve1/lxc/100/interfaces --output-format json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_is_off_attaches_to_nothing_and_one_without_pmxcfs_still_does()
    {
        await using var lab = await LabUnderTest.Up("--hosts", "2", "--containers", "2");
        await lab.Verb("pmxcfs", "pve1", "kill");
        await lab.Must("pve1", "lxc-attach -n 100 -- true");
        await lab.Verb("host", "pve1", "off");
        foreach (var tool in new[] { "lxc-attach -n 100 -- true", "lxc-info -n 100 -pH", "pvesh get /version --output-format json", "corosync-quorumtool -s" })
        {
            var refused = await lab.Run("pve1", tool);
            Assert.Equal((255, "nanny-lab: host pve1 is switched off, nothing runs on it\n"), (refused.ExitCode, refused.StandardError));
        }

        var proxied = await lab.Run("pve2", "pvesh get /nodes/pve1/lxc --output-format json");
        Assert.Equal(255, proxied.ExitCode);
        Assert.Contains("proxy handler failed: command '/usr/bin/ssh", proxied.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_of_the_cluster_follows_each_start_and_stop_and_forgets_a_host_that_is_gone()
    {
        await using var lab = await LabUnderTest.Up("--hosts", "3", "--containers", "3");
        var rrd = $"{lab.Root("pve1")}/etc/pve/.rrd";
        Assert.Contains("pve-vm-9.0/100:", await File.ReadAllTextAsync(rrd), StringComparison.Ordinal);
        Assert.Contains(":web-server-01:running:0:", await File.ReadAllTextAsync(rrd), StringComparison.Ordinal);
        await lab.Must("pve1", "pct stop 100");
        Assert.Contains("pve-vm-9.0/100:0:web-server-01:stopped:0:", await File.ReadAllTextAsync(rrd), StringComparison.Ordinal);
        await lab.Must("pve1", "pct start 100");
        Assert.Contains(":web-server-01:running:0:", await File.ReadAllTextAsync(rrd), StringComparison.Ordinal);
        Assert.Contains("pve-storage-9.0/pve3/local:", await File.ReadAllTextAsync(rrd), StringComparison.Ordinal);
        Assert.DoesNotContain("backup-pbs", await File.ReadAllTextAsync(rrd), StringComparison.Ordinal); // does not answer: unknown
        await lab.Verb("host", "pve3", "off");
        Assert.DoesNotContain("/102:", await File.ReadAllTextAsync(rrd), StringComparison.Ordinal);
        Assert.DoesNotContain("pve-node-9.0/pve3:", await File.ReadAllTextAsync(rrd), StringComparison.Ordinal);
        var row = (await lab.Must("pve1", "pvesh get /cluster/resources --type vm --output-format json-pretty")).Replace("\n", "", StringComparison.Ordinal);
        Assert.Matches("\"id\" : \"lxc/102\", +\"node\" : \"pve3\", +\"status\" : \"unknown\"", row);
    }
}
