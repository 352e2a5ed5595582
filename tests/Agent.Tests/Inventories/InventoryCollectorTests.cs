using NannyOrleans.Agent.Configuration;
using NannyOrleans.Agent.Inventories;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Tests.Inventories;

public sealed class InventoryCollectorTests : IDisposable
{
    private readonly LabHost host = new();
    private readonly SettableClock clock = new();
    private readonly InventoryCollector collector;

    public InventoryCollectorTests()
    {
        host.WriteFacts();
        host.Container(100);
        host.Runs(100);
        collector = Collector();
    }

    private InventoryCollector Collector(ContainerProbe probe = ContainerProbe.LxcAttach) => new(
        host.Host,
        NodeName.Parse("pve1"),
        new BoundedReads(Eventually.Limit),
        new([new("https://nanny.example.com")], null, TimeSpan.FromSeconds(77), TimeSpan.FromSeconds(30)) { ContainerProbe = probe },
        "0.1.0",
        clock);

    public void Dispose() => host.Dispose();

    private async Task<Inventory> Collect() => (await collector.Collect(default)).Whole;

    private async Task<GuestSeen> Only() => Assert.Single((await Collect()).Guests!);

    [Fact]
    public async Task A_container_that_runs_is_seen_whole()
    {
        host.Container(100, "hostname: web-01\nostype: debian\nunprivileged: 1\nonboot: 1\nrootfs: local:1,size=8G\nnet0: name=eth0,ip=10.0.0.5/24\ntags: web\n");
        host.Write("etc/pve/ha/resources.cfg", "ct: 100\n\tstate started\n");
        host.Write("etc/pve/ha/manager_status", """{"master_node":"pve1","service_status":{"ct:100":{"state":"started"}},"timestamp":1767700000}""");
        var inventory = await Collect();
        var guest = Assert.Single(inventory.Guests!);
        Assert.Equal(("web-01", GuestStatus.Running, "debian", "debian", null), (guest.Name, guest.Status, guest.OsType, guest.Os?.Id, guest.Problem));
        Assert.Equal((2, 512L << 20, 512L << 20, true, true, true, "started"), (guest.Cores, guest.MemoryBytes, guest.SwapBytes, guest.Unprivileged, guest.OnBoot, guest.HaManaged, guest.HaState));
        Assert.Equal(new NetworkFiles().Addresses($"/proc/{Environment.ProcessId}/net", out _), guest.Addresses);
        Assert.Equal(guest.Addresses is [var first, ..] ? first : null, guest.PrimaryAddress);
        Assert.NotNull(guest.StartedAt);
        Assert.Empty(inventory.Problems);
    }

    [Theory]
    [InlineData("mp0: /srv/data,mp=/data\n", "mp0 is a bind mount of /srv/data")]
    [InlineData("", null)]
    public async Task Why_a_guest_cannot_leave_is_seen(string conf, string? expected)
    {
        host.Container(100, $"hostname: web-01\n{conf}");
        Assert.Equal(expected, (await Only()).Pinned);
    }

    [Fact]
    public async Task The_local_managers_of_members_are_seen_and_not_of_those_that_left()
    {
        host.Write("etc/pve/.members", """{"nodename":"pve1","cluster":{"name":"c","quorate":1},"nodelist":{"pve1":{"online":1},"pve2":{"online":1}}}""");
        host.Write("etc/pve/corosync.conf", "nodelist {\n node {\n name: pve1\n }\n}\n");
        host.Write("etc/pve/ha/resources.cfg", "ct: 100\n");
        host.Write("etc/pve/ha/manager_status", """{"master_node":"pve1","node_request":{"pve2":{"maintenance":1}}}""");
        host.Write("etc/pve/ha/crm_commands", "enable-node-maintenance pve1\n");
        host.Write("etc/pve/nodes/pve1/lrm_status", $$"""{"timestamp":{{DateTimeOffset.UtcNow.ToUnixTimeSeconds()}},"mode":"active","state":"active"}""");
        host.Write("etc/pve/nodes/gone/lrm_status", """{"timestamp":1,"mode":"active","state":"active"}""");
        var inventory = await Collect();
        var ha = inventory.Cluster!.Ha!;
        Assert.Equal([new("pve1", new("active", "active", Alive: true)), new("pve2", new("unknown", "unknown", Alive: false))], ha.Lrms!);
        Assert.Equal(["pve1", "pve2"], ha.MaintenanceRequested!);
        Assert.Empty(inventory.Problems);

        Directory.CreateDirectory(Path.Combine(host.Directory, "etc/pve/nodes/pve2/lrm_status"));
        Assert.Null((await Collect()).Cluster!.Ha!.Lrms); // it is there, and nobody can read it
    }

    [Fact]
    public async Task The_host_and_its_cluster_are_seen()
    {
        var inventory = await Collect();
        Assert.Equal(("pve1", 77, "pve-manager/9.2.11/0000000000000000"), (inventory.Node?.Value, inventory.IntervalSeconds, inventory.PveVersion));
        Assert.StartsWith("c", inventory.ClusterId?.Value, StringComparison.Ordinal);
        Assert.Equal((false, null, null, false), (inventory.Cluster!.Clustered, inventory.Cluster.QDevice, inventory.Cluster.Ceph, inventory.Cluster.Ha!.Used));
        Assert.Equal([new(100)], Assert.Single(inventory.Cluster.GuestsByNode!).Value);
        var seen = inventory.Host!;
        Assert.Equal(("6.17.4-1-pve", "6.17.4-1-pve", false, null), (seen.KernelRunning, seen.KernelNewest, seen.RebootRequired, seen.RebootReason));
        Assert.Equal((0, null, "notfound"), (seen.PendingUpdates, seen.PendingUpdatesProblem, seen.Subscription));
        Assert.Empty(seen.RepositoryProblems!);
        Assert.Equal([new("local", "dir", ["backup", "iso"], false, "available", 400, 1000, null)], inventory.Storages!.Select(one => one with { Content = [.. one.Content] }), StorageComparer);
        Assert.Empty(inventory.Problems);
    }

    private static bool StorageComparer(StorageSeen one, StorageSeen other) =>
        one.Content.SequenceEqual(other.Content) && one with { Content = other.Content } == other;

    [Fact]
    public async Task A_stopped_pmxcfs_is_unknown_guests_and_not_none()
    {
        Directory.Delete(Path.Combine(host.Directory, "etc/pve"), recursive: true);
        Directory.CreateDirectory(Path.Combine(host.Directory, "etc/pve"));
        var inventory = await Collect();
        Assert.Null(inventory.Guests);
        Assert.Null(inventory.Cluster);
        Assert.Null(inventory.Storages);
        Assert.Null(inventory.Node);
        Assert.Contains("is pmxcfs (service pve-cluster) running?", Assert.Single(inventory.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_files_and_an_empty_list_are_no_guests()
    {
        File.Delete(Path.Combine(host.Directory, "etc/pve/nodes/pve1/lxc/100.conf"));
        host.Write("etc/pve/.vmlist", "{ \"version\": 1}");
        var inventory = await Collect();
        Assert.Empty(inventory.Guests!);
        Assert.Empty(inventory.Problems);
    }

    [Theory]
    [InlineData("{\"version\":1,\"ids\":{\"100\":{\"node\":\"pve1\",\"type\":\"lxc\",\"version\":1}}}")]
    [InlineData("not json")]
    [InlineData(null)]
    public async Task No_files_without_an_empty_list_are_unknown(string? vmlist)
    {
        File.Delete(Path.Combine(host.Directory, "etc/pve/nodes/pve1/lxc/100.conf"));
        File.Delete(Path.Combine(host.Directory, "etc/pve/.vmlist"));
        if (vmlist is not null)
        {
            host.Write("etc/pve/.vmlist", vmlist);
        }

        var inventory = await Collect();
        Assert.Null(inventory.Guests);
        Assert.NotEmpty(inventory.Problems);
    }

    [Fact]
    public async Task A_guest_that_the_list_has_here_without_a_file_makes_none_gone()
    {
        host.Write("etc/pve/.vmlist", """{"ids":{"100":{"node":"pve1","type":"lxc"},"101":{"node":"pve1","type":"qemu"}}}""");
        var inventory = await Collect();
        Assert.Null(inventory.Guests);
        Assert.Equal([".vmlist has guests on this node without a file: 101"], inventory.Problems);
    }

    [Fact]
    public async Task Guests_whose_status_cannot_be_told_have_none()
    {
        File.Delete(host.Host.At("/proc/net/unix"));
        var inventory = await Collect();
        var guest = Assert.Single(inventory.Guests!);
        Assert.Equal((GuestStatus.Unknown, "web-01", null), (guest.Status, guest.Name, guest.StartedAt));
        Assert.Contains("proc/net/unix cannot be read", guest.Problem, StringComparison.Ordinal);
        Assert.Equal([guest.Problem!], inventory.Problems);
        Assert.Equal(0, host.Calls("lxc-attach"));
    }

    [Theory]
    [InlineData("99.conf")]
    [InlineData("x.conf")]
    [InlineData("100 .conf")]
    [InlineData("\u001b[2J.conf")]
    [InlineData("9999999999.conf")]
    public async Task A_file_that_is_not_named_after_a_vmid_is_said(string name)
    {
        host.Write($"etc/pve/nodes/pve1/lxc/{name}", "x");
        var inventory = await Collect();
        Assert.Single(inventory.Guests!);
        Assert.Contains("is not named after a vmid", Assert.Single(inventory.Problems), StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', inventory.Problems[0]);
    }

    [Theory]
    [InlineData("lxc", GuestType.Lxc)]
    [InlineData("qemu", GuestType.Qemu)]
    public async Task Of_two_files_of_one_guest_the_one_holds_that_the_list_means(string listed, GuestType type)
    {
        host.Write("etc/pve/nodes/pve1/qemu-server/100.conf", "name: vm\n");
        host.Write("etc/pve/.vmlist", $$"""{"ids":{"100":{"node":"pve1","type":"{{listed}}" } } }""");
        var guest = await Only();
        Assert.Equal(type, guest.Type);
        Assert.Contains("there is both a CT's and a VM's file of guest 100", guest.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Garbage_in_the_place_of_a_file_is_a_guest_of_which_little_is_known()
    {
        var noise = new byte[1024 * 1024];
        new Random(1).NextBytes(noise);
        File.WriteAllBytes(host.Host.At("/etc/pve/nodes/pve1/lxc/100.conf"), noise);
        Assert.Equal(("CT100", GuestStatus.Running), await Only() is var guest ? (guest.Name, guest.Status) : default);
        File.WriteAllBytes(host.Host.At("/etc/pve/nodes/pve1/lxc/100.conf"), [.. noise, 0]); // more than pmxcfs has
        var inventory = await Collect();
        Assert.Equal("its configuration could not be read", Assert.Single(inventory.Guests!).Problem);
        Assert.Contains("100.conf cannot be read: File too large", Assert.Single(inventory.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_container_is_entered_once_and_again_after_a_change_or_a_restart()
    {
        Assert.Equal("debian", (await Only()).Os?.Id);
        Assert.Equal("debian", (await Only()).Os?.Id);
        Assert.Equal((1, 1), (host.Calls("lxc-attach"), host.Calls("lxc-info")));

        host.Container(100, "hostname: web-02\n");
        Assert.Equal("debian", (await Only()).Os?.Id);
        Assert.Equal((2, 1), (host.Calls("lxc-attach"), host.Calls("lxc-info")));

        host.Runs();
        Assert.Equal((GuestStatus.Stopped, "debian", null, null), await Only() is var stopped ? (stopped.Status, stopped.Os?.Id, stopped.Addresses, stopped.StartedAt) : default);
        Assert.Equal(2, host.Calls("lxc-attach"));

        host.Runs(100);
        host.Write("os-release", Fixture.Read("os-release.rocky"));
        Assert.Equal("rocky", (await Only()).Os?.Id);
        Assert.Equal(3, host.Calls("lxc-attach"));
        Assert.Equal("-n 100 -- cat /etc/os-release", host.Read("lxc-attach.calls").Split('\n')[0]);
        Assert.Equal("-n 100 -pH", host.Read("lxc-info.calls").Split('\n')[0]);
        Assert.Equal(1, host.PveCalls()); // the one pveversion
    }

    [Fact]
    public async Task A_restart_between_two_looks_shows_in_the_first_process()
    {
        using (var init = new RunningVm(1))
        {
            host.Command("lxc-info", $"echo {init.Pid}");
            await Only();
        }

        host.Write("os-release", Fixture.Read("os-release.rocky"));
        host.Command("lxc-info", $"echo {Environment.ProcessId}");
        Assert.Equal("rocky", (await Only()).Os?.Id);
    }

    [Fact]
    public async Task A_container_that_cannot_be_looked_into_is_said_and_tried_again_ever_more_rarely()
    {
        host.Command("lxc-attach", "echo >> $root/lxc-attach.calls; cat $root/os-release");
        host.Write("os-release", "Welcome\n");
        var guest = await Only();
        Assert.Null(guest.Os);
        Assert.Equal("/etc/os-release has no line that can be read", guest.Problem);
        await Only();
        await Only();
        Assert.Equal(2, host.Calls("lxc-attach"));
        clock.Advance(TimeSpan.FromMinutes(6));
        host.Write("os-release", Fixture.Read("os-release.arch"));
        Assert.Equal(("arch", null), await Only() is var read ? (read.Os?.Id, read.Problem) : default);
    }

    [Fact]
    public async Task Containers_never_tried_go_before_those_that_hang()
    {
        host.Container(101);
        host.Runs(100, 101);
        // Each try of 100 takes longer than a whole round has.
        host.Command("lxc-attach", "echo $2 >> $root/lxc-attach.calls; [ $2 = 101 ] || { echo 'frozen' >&2; exit 1; }; cat $root/os-release");
        var slow = new SettableClock { Each = TimeSpan.FromSeconds(31) };
        var late = new InventoryCollector(host.Host, NodeName.Parse("pve1"), new BoundedReads(Eventually.Limit), new([new("https://x")], null, TimeSpan.FromSeconds(77), TimeSpan.FromSeconds(30)), "0", slow);
        await late.Collect(default);
        await late.Collect(default);
        await late.Collect(default);
        Assert.Equal("100", host.Read("lxc-attach.calls").Split('\n')[0]);
        Assert.Equal("101", host.Read("lxc-attach.calls").Split('\n')[1]);
    }

    [Fact]
    public async Task Containers_are_looked_into_through_pct_where_the_configuration_says_so()
    {
        var guest = Assert.Single((await Collector(ContainerProbe.Pct).Collect(default)).Whole.Guests!);
        Assert.Equal("debian", guest.Os?.Id);
        Assert.Equal("exec 100 -- cat /etc/os-release\n", host.Read("pct.calls"));
        Assert.Equal(0, host.Calls("lxc-attach"));
    }

    [Fact]
    public async Task Templates_and_stopped_containers_are_not_entered()
    {
        host.Container(100, "hostname: base\ntemplate: 1\n");
        host.Container(101, "hostname: off\nnet0: name=eth0,ip=10.0.0.7/24\n");
        var inventory = await Collect();
        Assert.Equal([true, false], inventory.Guests!.Select(guest => guest.Template));
        Assert.Equal((null, "10.0.0.7"), (inventory.Guests![1].Addresses, inventory.Guests[1].PrimaryAddress));
        Assert.Equal(0, host.Calls("lxc-attach"));
    }

    [Fact]
    public async Task Vms_are_running_stopped_or_paused()
    {
        using var running = host.RunVm(200);
        using var paused = host.RunVm(201);
        foreach (var vmid in (int[])[200, 201, 202])
        {
            host.Vm(vmid, $"name: vm-{vmid}\nagent: 0\n");
        }

        host.Write("etc/pve/.rrd", "pve-vm-9.0/201:100:vm-201:paused:0:1767600000:1:0:512:100:0:0:0:0:0:0\npve-vm-9.0/202:100:vm-202:paused:0:1767600000:1:0:512:100:0:0:0:0:0:0\n");
        var guests = (await Collect()).Guests!;
        Assert.Equal([GuestStatus.Running, GuestStatus.Running, GuestStatus.Paused, GuestStatus.Stopped], guests.Select(guest => guest.Status));
        Assert.Equal([true, true, true, false], guests.Select(guest => guest.StartedAt is not null));
        Assert.Equal(0, host.Calls("qm"));
    }

    [Fact]
    public async Task A_vms_addresses_are_its_agents_else_what_is_configured_and_what_its_neighbours_saw()
    {
        using var vm = host.RunVm(200);
        host.Vm(200, "agent: 1\nnet0: virtio=BC:24:11:AA:02:00,bridge=vmbr0\nipconfig0: ip=10.0.0.20/24,ip6=2001:db8::20/64\n");
        host.Write("proc/net/arp", "IP address       HW type     Flags       HW address            Mask     Device\n10.0.0.9   0x1  0x2  bc:24:11:aa:02:00  *  vmbr0\n10.0.0.8   0x1  0x0  bc:24:11:aa:02:00  *  vmbr0\n10.0.0.7 0x1 0x2 bc:24:11:aa:02:99 * vmbr0\n");
        var guest = (await Collect()).Guests![1];
        Assert.Equal(["10.0.0.20", "10.0.0.9", "2001:db8::20"], guest.Addresses!);
        Assert.Equal(("10.0.0.20", null), (guest.PrimaryAddress, guest.Problem)); // an agent that does not run is nothing to report

        host.Write("proc/net/arp", string.Empty); // forgotten by the kernel, not by us
        Assert.Equal(3, (await Collect()).Guests![1].Addresses!.Count);
        Assert.Equal(1, host.Calls("qm"));

        host.Command("qm", """echo "$*" >> $root/qm.calls; echo '[{"ip-addresses":[{"ip-address":"10.0.0.33"}]}]'""");
        clock.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(["10.0.0.33"], (await Collect()).Guests![1].Addresses!);
        clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal(["10.0.0.33"], (await Collect()).Guests![1].Addresses!);
        Assert.Equal("guest cmd 200 network-get-interfaces\nguest cmd 200 network-get-interfaces\n", host.Read("qm.calls"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(100)]
    public async Task However_many_guests_there_are_a_round_has_at_most_three_of_Proxmoxs_commands_and_none_once_all_is_known(int count)
    {
        var vms = new List<RunningVm>();
        for (var vmid = 1000; vmid < 1000 + count; vmid++)
        {
            host.Write($"etc/pve/nodes/pve1/lxc/{vmid}.conf", $"hostname: c{vmid}\n");
            if (vms.Count < 10)
            {
                vms.Add(host.RunVm(vmid + 1000));
                host.Write($"etc/pve/nodes/pve1/qemu-server/{vmid + 1000}.conf", "agent: 1\n");
            }
        }

        host.ListGuests();
        host.Runs([.. Enumerable.Range(1000, count)]);
        host.Command("qm", """echo "$*" >> $root/qm.calls; echo '[]'""");
        File.Delete(host.Host.At("/var/lib/pve-manager/pkgupdates"));
        var before = 0;
        for (var round = 0; round <= vms.Count; round++)
        {
            var inventory = await Collect();
            Assert.Equal(1 + count + vms.Count, inventory.Guests!.Count);
            Assert.InRange(host.PveCalls() - before, round < vms.Count ? 1 : 0, round is 0 ? 3 : 1);
            before = host.PveCalls();
        }

        Assert.Equal((count, count), (host.Calls("lxc-attach"), host.Calls("lxc-info")));
        await Collect();
        Assert.Equal(0, host.PveCalls() - before);
        vms.ForEach(vm => vm.Dispose());
    }

    [Fact]
    public async Task A_cluster_with_a_quorum_device_and_Ceph_is_asked_for_what_no_file_says()
    {
        host.Write("etc/pve/.members", Fixture.Read("members.three.json"));
        host.Write("etc/pve/corosync.conf", Fixture.Read("corosync.conf"));
        host.Write("etc/pve/ceph.conf", "[global]\n");
        host.Command("corosync-quorumtool", "echo '         1          1    A,V,NMW pve1 (local)'; exit 2");
        host.Command("pvesh", "echo '{\"health\":{\"status\":\"HEALTH_OK\",\"checks\":{}}}'");
        var cluster = (await Collect()).Cluster!;
        Assert.Equal(("prod", false, true), (cluster.Name, cluster.Quorate, cluster.Clustered));
        Assert.Equal(new QDeviceSeen("net", "10.0.90.1", "ffsplit", 1, true), cluster.QDevice);
        Assert.Equal("HEALTH_OK", cluster.Ceph!.Health);
        Assert.Equal(["pve1", "pve2", "PVE-3"], cluster.GuestsByNode!.Keys.Select(node => node.Value));

        host.Command("pvesh", "head -c 10000000 /dev/zero; exit 0");
        host.Command("corosync-quorumtool", "head -c 10000000 /dev/zero; exit 1");
        var hostile = await Collect();
        Assert.Null(hostile.Cluster!.Ceph!.Health);
        Assert.NotNull(hostile.Cluster.Ceph.Problem);
        Assert.Null(hostile.Cluster.QDevice!.Voting);
        Assert.Contains(hostile.Problems, problem => problem.Contains("corosync-quorumtool", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Another_hosts_name_is_said_as_it_is_now()
    {
        host.Write("etc/hostname", "pve9\n");
        var inventory = await Collect();
        Assert.Null(inventory.Node);
        Assert.Contains(inventory.Problems, problem => problem.Contains("is not a node of this cluster", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_degraded_pool_and_a_storage_nobody_spoke_of_are_seen_as_such()
    {
        host.Write("etc/pve/storage.cfg", "zfspool: tank\n\tpool tank/data\n\tcontent images\n\nzfspool: up\n\tpool ../../..\n\nnfs: nas\n\tdisable\n\nnfs: other\n\tnodes pve2\n");
        host.Write("proc/spl/kstat/zfs/tank/state", "DEGRADED\n");
        host.Write("etc/pve/.rrd", "pve2-storage/pve1/tank:1767600000:U:400\npve2-storage/pve1/nas:1767600000:5:4\n");
        var storages = (await Collect()).Storages!;
        Assert.Equal(
            [("tank", "available", 400L, null, "DEGRADED", false), ("up", "unknown", null, null, null, false), ("nas", "disabled", null, null, null, true)],
            storages.Select(one => (one.Name, one.Status, one.UsedBytes, one.TotalBytes, one.Health, one.Shared)));
    }
}
