using System.Diagnostics;
using System.Globalization;
using CsCheck;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Agent.Tests.Metrics;

public sealed class MetricsSamplerTests : IDisposable
{
    private readonly MeasuredHost host = new();

    public void Dispose() => host.Dispose();

    [Fact]
    public async Task The_first_sample_has_all_that_is_no_rate()
    {
        var sample = await host.Sample();
        Assert.Null(sample.Problems);
        Assert.Equal((2, 86400L, 30), (sample.Cores, sample.UptimeSeconds, sample.IntervalSeconds));
        Assert.Equal(new LoadAverages(0.5, 0.25, 0.12), sample.Load);
        Assert.Equal(new Usage(8192 * 1024, 16384 * 1024), sample.Memory);
        Assert.Equal(new Usage(0, 1024 * 1024), sample.Swap);
        var mount = Assert.Single(sample.Mounts!);
        Assert.Equal(("/", "ext4", true), (mount.Path, mount.Type, mount.Usage.TotalBytes > 0));
        Assert.Equal(new StorageUsage("local", new(500, 2000)), Assert.Single(sample.Storages!));
        Assert.True(sample.Quorate);
        Assert.Empty(sample.Guests!);
        Assert.Null(sample.HaState);
        Assert.Null(sample.CpuPercent);
        Assert.Null(sample.NetworkInPerSecond);
        Assert.Null(sample.NetworkOutPerSecond);
    }

    [Fact]
    public async Task Rates_are_means_since_the_sample_before()
    {
        await host.Sample();
        host.Write("proc/stat", "cpu  130 10 110 850 0 0 0 0 0 0\ncpu0 1 0 1 1 0 0 0\ncpu1 1 0 1 1 0 0 0\n");
        host.Network(("lo", 9000, 9000), ("eth0", 1000, 500), ("vmbr0", 1000, 500));
        var sample = await host.Sample();
        Assert.Equal((50.0, 100.0, 50.0), (sample.CpuPercent, sample.NetworkInPerSecond, sample.NetworkOutPerSecond));
    }

    [Fact]
    public async Task Counters_that_went_backwards_have_no_rate_for_one_sample()
    {
        host.RunningContainer(100, cpuMicroseconds: 5_000_000);
        await host.Sample();
        host.Write("proc/stat", "cpu  1 0 1 8 0 0 0 0 0 0\ncpu0 1 0 1 8 0 0 0 0 0 0\n");
        host.Write("sys/fs/cgroup/lxc/100/cpu.stat", "usage_usec 100\n");
        host.Network(("eth0", 5000, 5000));
        await host.Sample();
        host.Network(("eth0", 10, 6000));
        var sample = await host.Sample();
        Assert.Equal((null, null, 100.0), (sample.CpuPercent, sample.NetworkInPerSecond, sample.NetworkOutPerSecond));
        host.Network(("eth0", 20, 6000));
        Assert.Equal(1, (await host.Sample()).NetworkInPerSecond);
    }

    [Fact]
    public async Task A_container_that_runs_is_measured()
    {
        host.RunningContainer(100);
        host.Lab.Container(101);
        host.Network(("eth0", 0, 0), ("veth100i0", 0, 0), ("fwpr100p0", 0, 0), ("veth100i1", 0, 0));
        var first = (await host.Sample()).Guests!;
        Assert.Equal([(100, GuestStatus.Running), (101, GuestStatus.Stopped)], first.Select(guest => (guest.Vmid.Value, guest.Status)));
        Assert.Null(first[0].CpuCores);
        Assert.Equal(new Usage(1048576, 4194304), first[0].Memory);
        Assert.Equal(new Usage(4096, 2 * 1024 * 1024), first[0].Swap); // its group says max, its conf 2 MiB
        Assert.Equal(new GuestMetrics(new Vmid(101), GuestType.Lxc, GuestStatus.Stopped), first[1]);

        host.Write("sys/fs/cgroup/lxc/100/cpu.stat", "usage_usec 16000000\n");
        host.Write("sys/fs/cgroup/lxc/100/io.stat", "8:0 rbytes=1000 wbytes=2000\n");
        host.Network(("eth0", 5, 5), ("veth100i0", 100, 200), ("fwpr100p0", 100, 200), ("veth100i1", 0, 100));
        var guest = (await host.Sample()).Guests![0];
        Assert.Equal((1.5, 100.0, 200.0), (guest.CpuCores, guest.DiskReadPerSecond, guest.DiskWritePerSecond));
        Assert.Equal((30.0, 10.0), (guest.NetworkInPerSecond, guest.NetworkOutPerSecond)); // the other way round than the host counts
    }

    [Theory]
    [InlineData("max", 8L)]
    [InlineData("9223372036854771712", 8L)] // how version 1 writes it
    [InlineData("4194304", 4L)]
    public async Task A_limit_above_the_hosts_memory_is_none_and_the_conf_counts(string limit, long mebibytes)
    {
        host.RunningContainer(100, memoryMax: limit);
        Assert.Equal(mebibytes * 1024 * 1024, (await host.Sample()).Guests![0].Memory!.TotalBytes);
        Assert.Equal(mebibytes * 1024 * 1024, (await host.Sample()).Guests![0].Memory!.TotalBytes);
    }

    [Fact]
    public async Task A_conf_that_changed_is_read_again()
    {
        host.RunningContainer(100, memoryMax: "max");
        await host.Sample();
        host.Lab.Container(100, "memory: 12\n[snap]\nmemory: 1\n");
        File.SetLastWriteTimeUtc(host.At("etc/pve/nodes/pve1/lxc/100.conf"), DateTime.UnixEpoch);
        Assert.Equal(12 * 1024 * 1024, (await host.Sample()).Guests![0].Memory!.TotalBytes);
    }

    [Fact]
    public async Task A_VM_that_runs_is_measured_against_its_confs_memory()
    {
        using var qemu = Process.Start(new ProcessStartInfo("sh", ["-c", "read line", "kvm", "-id", "200"]) { RedirectStandardInput = true })!;
        host.Write("etc/pve/nodes/pve1/qemu-server/200.conf", "name: win\nmemory: current=10\n");
        host.Write("var/run/qemu-server/200.pid", qemu.Id.ToString(CultureInfo.InvariantCulture));
        host.Write("sys/fs/cgroup/qemu.slice/200.scope/cpu.stat", "usage_usec 0\n");
        host.Write("sys/fs/cgroup/qemu.slice/200.scope/memory.current", "3145728\n");
        host.Write("sys/fs/cgroup/qemu.slice/200.scope/memory.stat", "inactive_file 0\n");
        host.Write("sys/fs/cgroup/qemu.slice/200.scope/memory.max", "max\n");
        try
        {
            var guest = Assert.Single((await host.Sample()).Guests!);
            Assert.Equal((GuestType.Qemu, GuestStatus.Running), (guest.Type, guest.Status));
            Assert.Equal(new Usage(3145728, 10 * 1024 * 1024), guest.Memory);
            Assert.Null(guest.Swap);
            Assert.Null(guest.Disk);
        }
        finally
        {
            qemu.Kill();
            qemu.WaitForExit();
        }
    }

    [Fact]
    public async Task What_tells_which_guests_run_being_away_makes_them_unknown_not_stopped()
    {
        host.RunningContainer(100);
        File.Delete(host.At("proc/net/unix"));
        var sample = await host.Sample();
        Assert.Equal(GuestStatus.Unknown, Assert.Single(sample.Guests!).Status);
        Assert.Contains("/proc/net/unix", Assert.Single(sample.Problems!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_without_a_control_group_runs_and_has_no_figures()
    {
        host.RunningContainer(100);
        Directory.Delete(host.At("sys/fs/cgroup/lxc/100"), recursive: true);
        var sample = await host.Sample();
        Assert.Equal(new GuestMetrics(new Vmid(100), GuestType.Lxc, GuestStatus.Running), Assert.Single(sample.Guests!));
        Assert.Contains("no figures of guests that run, such as 100", Assert.Single(sample.Problems!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_pmxcfs_away_the_hosts_own_figures_are_there()
    {
        host.RunningContainer(100);
        await host.Sample();
        Directory.Move(host.At("etc/pve"), host.At("etc/pve.away"));
        Directory.CreateDirectory(host.At("etc/pve"));
        var sample = await host.Sample();
        Assert.Null(sample.Guests);
        Assert.Null(sample.Storages);
        Assert.Null(sample.Quorate);
        Assert.Contains("is pmxcfs (service pve-cluster) running?", Assert.Single(sample.Problems!), StringComparison.Ordinal);
        Assert.NotNull(sample.Memory);
        Assert.NotNull(sample.Mounts);
        Directory.Delete(host.At("etc/pve"));
        Directory.Move(host.At("etc/pve.away"), host.At("etc/pve"));
        Assert.Single((await host.Sample()).Guests!);
    }

    [Fact]
    public async Task One_of_pmxcfs_files_being_away_takes_only_its_own_figure()
    {
        File.Delete(host.At("etc/pve/.rrd"));
        host.Write("etc/pve/ha/manager_status", "{");
        var sample = await host.Sample();
        Assert.Null(sample.Storages);
        Assert.Null(sample.HaState);
        Assert.True(sample.Quorate);
        Assert.NotNull(sample.Guests);
        Assert.Equal(2, sample.Problems!.Count);
    }

    [Theory]
    [InlineData("""{"node_status":{"pve1":"maintenance","pve2":"online"},"timestamp":1}""", "maintenance", 0)]
    [InlineData("""{"node_status":{"pve2":"online"}}""", null, 0)]
    [InlineData("{}", null, 0)]
    [InlineData("", null, 0)]
    [InlineData("""{"node_status":{"pve1":1}}""", null, 1)]
    [InlineData("[]", null, 1)]
    public async Task HAs_manager_says_the_nodes_state(string status, string? state, int problems)
    {
        host.Write("etc/pve/ha/manager_status", status);
        var sample = await host.Sample();
        Assert.Equal((state, problems), (sample.HaState, sample.Problems?.Count ?? 0));
    }

    [Fact]
    public async Task Without_quorum_what_HAs_manager_wrote_is_old()
    {
        host.Write("etc/pve/.members", """{"nodename":"pve1","cluster":{"name":"c","version":2,"nodes":2,"quorate":0},"nodelist":{"pve1":{"id":1,"online":1},"pve2":{"id":2,"online":0}}}""");
        host.Write("etc/pve/ha/manager_status", """{"node_status":{"pve1":"online"}}""");
        var sample = await host.Sample();
        Assert.Equal((false, null), (sample.Quorate, sample.HaState));
        Assert.Contains("no quorum", Assert.Single(sample.Problems!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Outside_Proxmox_there_are_only_the_hosts_own_figures()
    {
        using var machine = new MeasuredHost(isProxmox: false);
        machine.RunningContainer(100);
        var sample = await machine.Sample();
        Assert.Null(sample.Problems);
        Assert.NotNull(sample.Memory);
        Assert.Null(sample.Guests);
        Assert.Null(sample.Storages);
        Assert.Null(sample.Quorate);
    }

    [Fact]
    public async Task Without_a_card_the_machines_own_ends_count_and_each_byte_once()
    {
        Directory.Delete(host.At("sys/class/net"), recursive: true);
        host.Network(("lo", 0, 0), ("eth0", 0, 0), ("vmbr0", 0, 0), ("veth100i0", 0, 0));
        await host.Sample();
        host.Network(("lo", 100, 100), ("eth0", 100, 100), ("vmbr0", 100, 100), ("veth100i0", 100, 100));
        Assert.Equal(10, (await host.Sample()).NetworkInPerSecond);
    }

    [Fact]
    public async Task This_machines_own_files_are_understood()
    {
        var sampler = new Agent.Metrics.MetricsSampler(new("/", "/bin"), node: null, TimeSpan.FromSeconds(30), TimeProvider.System);
        var sample = await sampler.Sample(default);
        Assert.True(sample.IsSound());
        Assert.True(sample.Cores == Environment.ProcessorCount || sample.Cores > 0);
        Assert.Contains(sample.Mounts!, mount => mount.Path is "/");
        Assert.NotNull(sample.Load);
        Assert.True(sample.Memory!.UsedBytes > 0);
    }

    [Fact]
    public void Whatever_the_files_hold_a_sample_is_sound() => Gen.Select(Gen.Int[0, Files.Length - 1], Some.Garbage).Array[1, 6].Sample(changes =>
    {
        using var broken = new MeasuredHost();
        broken.RunningContainer(100);
        broken.Write("etc/pve/ha/manager_status", "{}");
        broken.Sample().GetAwaiter().GetResult();
        foreach (var (which, bytes) in changes)
        {
            File.WriteAllBytes(broken.At(Files[which]), bytes);
        }

        var sample = broken.Sample().GetAwaiter().GetResult();
        Assert.All(sample.Problems ?? [], problem => Assert.DoesNotContain('\n', problem));
        if (changes.Any(change => Files[change.Item1] is "proc/meminfo") && sample.Memory is null)
        {
            Assert.Contains(sample.Problems!, problem => problem.Contains("/proc/meminfo", StringComparison.Ordinal));
        }
    }, iter: 50, threads: 1);

    [Fact]
    public async Task Gigantic_files_are_survived()
    {
        host.RunningContainer(100);
        var giant = new string('9', 20_000_000);
        foreach (var file in Files)
        {
            host.Write(file, giant);
        }

        var sample = await host.Sample();
        Assert.Null(sample.Memory);
        Assert.Contains(sample.Problems!, problem => problem.Contains("/proc/meminfo", StringComparison.Ordinal));
        Assert.All(sample.Problems!, problem => Assert.True(problem.Length <= 1001));
    }

    private static readonly string[] Files =
    [
        "proc/stat", "proc/meminfo", "proc/loadavg", "proc/uptime", "proc/mounts", "proc/net/dev", "proc/net/unix", "etc/pve/.members", "etc/pve/.rrd",
        "etc/pve/ha/manager_status", "etc/pve/nodes/pve1/lxc/100.conf", "sys/fs/cgroup/lxc/100/cpu.stat", "sys/fs/cgroup/lxc/100/memory.current",
        "sys/fs/cgroup/lxc/100/memory.max", "sys/fs/cgroup/lxc/100/memory.stat", "sys/fs/cgroup/lxc/100/io.stat", "sys/fs/cgroup/lxc/100/memory.swap.current",
    ];
}
