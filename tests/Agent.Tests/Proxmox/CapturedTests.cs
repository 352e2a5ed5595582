using System.Text;
using NannyOrleans.Agent.Inventories;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Tests.Proxmox;

/// <summary>Captures of real hosts, where they are beside the repository; each row says what is in one.</summary>
public sealed class CapturedTests
{
    private const long GiB = 1L << 30;

    [Theory]
    [InlineData("lxc-100.alpine.conf", GuestType.Lxc, "webserv-docker-alpine", "alpine", 4, 8 * GiB, "mp2=50 rootfs=50", "6e:43:5a:6a:a4:1b 192.168.0.100", "")]
    [InlineData("lxc-160.archlinux-privileged.conf", GuestType.Lxc, "onedrive-pvebackup", "archlinux", 6, 2 * GiB, "rootfs=8", "6e:c6:6e:bc:21:44 192.168.0.160", "")]
    [InlineData("qemu-101.conf", GuestType.Qemu, "UbuntuLTS", "l26", 4, 24 * GiB, "scsi0=32", "f2:63:98:0e:a2:ed ", "")]
    [InlineData("qemu-200.conf", GuestType.Qemu, "OPNSense", "other", 6, 9 * GiB, "efidisk0=0 scsi0=50", "32:c5:44:52:50:33 ", "")]
    [InlineData("real/pmxcfs-lxc-conf.txt", GuestType.Lxc, "web-01", "debian", 1, GiB / 2, "rootfs=", "bc:24:11:00:91:01 10.99.0.101", "prod web")]
    [InlineData("real/pmxcfs-cat-conf.as-www-data.txt", GuestType.Lxc, "web-01", "debian", 1, GiB / 2, "rootfs=", "bc:24:11:00:91:01 10.99.0.101", "prod web")]
    [InlineData("real/qm-config.stopped.txt", GuestType.Qemu, "vm-app", "l26", 2, 2 * GiB, "scsi0=8", "bc:24:11:aa:02:00 ", "prod")]
    public void Configurations(string name, GuestType type, string guest, string osType, int cores, long memory, string disks, string network, string tags)
    {
        if (Captures.Read(name) is not { } text)
        {
            return;
        }

        var conf = GuestConf.Parse(type, text);
        Assert.Equal((guest, osType, cores, memory), (conf.Name, conf.OsType, conf.Cores, conf.MemoryBytes));
        Assert.Equal(disks, string.Join(' ', conf.Disks.Select(disk => $"{disk.Key}={disk.SizeBytes / GiB}")));
        Assert.Equal(network, string.Join(' ', conf.Networks.Select(one => $"{one.Mac} {one.Address}")));
        Assert.Equal(tags, string.Join(' ', conf.Tags));
        Assert.Empty(conf.Problems);
    }

    [Fact]
    public void Uuids_of_vms() => Assert.All(Captures.Like("qemu-*.conf"), capture =>
        Assert.Contains(GuestConf.Parse(GuestType.Qemu, capture.Text).SmbiosUuid, (string?[])["82b870b3-8fc1-43ec-b23f-91fee99e988e", "ceb31c81-9f88-46a7-a0f3-bcb6df92754e"]));

    [Theory]
    [InlineData("pmxcfs-members.standalone.json", "nodex", true, "nodex")]
    [InlineData("real/pmxcfs-members.single-node.txt", "pve1", true, "pve1")]
    [InlineData("real/cluster3.quorate.pmxcfs-members.txt", "lab", true, "pve1 pve2 pve3")]
    [InlineData("real/cluster3.one-of-three-down.pmxcfs-members.txt", "lab", true, "pve1 pve2")]
    [InlineData("real/cluster3.no-quorum.pmxcfs-members.txt", "lab", false, "pve1")]
    [InlineData("real/cluster3.during-membership-change.pmxcfs-members.txt", "lab", true, "pve1 pve3")]
    public void Members(string name, string cluster, bool quorate, string online)
    {
        if (Captures.Read(name) is { } text)
        {
            var seen = ClusterFiles.ParseMembers(text, corosync: null);
            Assert.Equal((cluster, quorate, online), (seen.Name, seen.Quorate, string.Join(' ', seen.Members.Where(member => member.Online).Select(member => member.Node))));
        }
    }

    [Theory]
    [InlineData("pmxcfs-vmlist.json", "101@nodex 102@nodex")]
    [InlineData("real/cluster3.quorate.pmxcfs-vmlist.txt", "200@pve1 9101@pve1 9102@pve1 9201@pve2 9202@pve2 9301@pve3 9302@pve3")]
    [InlineData("real/pmxcfs-vmlist.invalid-conf-99-present.txt", "9101@pve1 9102@pve1 9103@pve1")]
    [InlineData("real/pmxcfs-vmlist.mixed.txt", "200@pve1 201@pve1 9101@pve1 9102@pve1 9103@pve1")]
    [InlineData("real/pmxcfs-vmlist.three-containers.txt", "9101@pve1 9102@pve1 9103@pve1")]
    public void Guest_lists(string name, string places)
    {
        if (Captures.Read(name) is { } text)
        {
            Assert.Equal(places, string.Join(' ', ClusterFiles.ParseVmList(text).OrderBy(place => place.Key).Select(place => $"{place.Key}@{place.Value.Node}")));
        }
    }

    [Fact]
    public void A_quorum_device()
    {
        if (Captures.Read("corosync.conf.2-nodes-qdevice") is { } text)
        {
            var conf = CorosyncConf.Parse(text);
            Assert.Equal([("pve1", 1), ("pve2", 1)], conf.Votes.Select(vote => (vote.Key, vote.Value)));
            Assert.Equal(new QDeviceSeen("net", "10.0.90.1", "ffsplit", 1, null), conf.QDevice);
            Assert.True(QuorumTool.DeviceVotes(Captures.Read("pvecm-status.2-nodes-qdevice.txt")!));
            Assert.Null(QuorumTool.DeviceVotes(Captures.Read("real/cluster3.no-quorum.corosync-quorumtool.txt")!));
        }
    }

    [Fact]
    public void Storages()
    {
        if (Captures.Read("storage.cfg") is { } text)
        {
            Assert.Equal(
                ["local dir False backup,iso,vztmpl", "local-lvm lvmthin False images,rootdir", "Backups-SMB cifs True backup", "TrueNAS nfs True images,iso,rootdir,snippets,vztmpl"],
                StorageCfg.Parse(text, NodeName.Parse("pve-server")).Select(one => $"{one.Name} {one.Type} {one.Shared} {string.Join(',', one.Content)}"));
            Assert.Equal(["local", "local-lvm"], StorageCfg.Parse(text, NodeName.Parse("another")).Select(one => one.Name));
        }
    }

    [Theory]
    [InlineData("real/cluster3.quorate.pmxcfs-ha-manager_status.txt", "pve1", "pve1=online pve2=online pve3=online", "started")]
    [InlineData("real/cluster3.quorate.pmxcfs-ha-manager_status.maintenance-pve3.txt", "pve1", "pve1=online pve2=online pve3=maintenance", "started")]
    public void High_availability(string name, string master, string nodes, string state)
    {
        if (Captures.Read(name) is { } text)
        {
            List<string> problems = [];
            var ha = new HaFiles(null, text, false, DateTimeOffset.FromUnixTimeSeconds(1795389245), problems);
            Assert.Equal((master, true, nodes, state), (ha.Seen!.Master?.Value, ha.Seen.ManagerActive, string.Join(' ', ha.Seen.Nodes.Select(node => $"{node.Key}={node.Value}")), ha.StateOf(GuestType.Lxc, new(9101))));
            Assert.Empty(problems);
        }
    }

    [Fact]
    public void Maintenance_mode_as_it_is_asked_for_and_local_managers()
    {
        if (Captures.Read("real/cluster3.quorate.pmxcfs-crm_commands.just-after-enable.txt") is { } commands)
        {
            List<string> problems = [];
            var lrms = new[] { "pve1", "pve3" }.ToDictionary(node => node, node => Captures.Read($"real/cluster3.quorate.pmxcfs-lrm_status.{node}.txt"));
            var (before, after) = (Ha("real/cluster3.quorate.pmxcfs-ha-manager_status.txt", commands), Ha("real/cluster3.quorate.pmxcfs-ha-manager_status.maintenance-pve3.txt", string.Empty));
            Assert.Equal(["pve3", "pve3"], [Assert.Single(before.MaintenanceRequested!), Assert.Single(after.MaintenanceRequested!)]);
            Assert.Equal([new("pve1", 1)], after.ActiveServices!);
            Assert.Equal([new("active", "wait_for_agent_lock", Alive: true), new("active", "wait_for_agent_lock", Alive: true)], before.Lrms!.Values);
            Assert.Empty(problems);

            HaSeen Ha(string status, string text) => new HaFiles(null, Captures.Read(status), false, DateTimeOffset.FromUnixTimeSeconds(1795389245), problems, text, lrms).Seen!;
        }
    }

    [Theory]
    [InlineData("ha-manager-status.6-nodes-2-in-maintenance.9.2.json", "pve-node-b1", 6, 2)]
    [InlineData("real/cluster3.quorate.pvesh-cluster-ha-status-manager_status.active.txt", "pve1", 3, 0)]
    [InlineData("real/pvesh-cluster-ha-status-manager_status.single.txt", null, 0, 0)]
    public void High_availability_as_the_API_wraps_it(string name, string? master, int nodes, int maintained)
    {
        if (Captures.Read(name) is { } text)
        {
            using var document = System.Text.Json.JsonDocument.Parse(text);
            var seen = new HaFiles(null, document.RootElement.GetProperty("manager_status").GetRawText(), false, DateTimeOffset.UnixEpoch, []).Seen!;
            Assert.Equal((master, nodes, maintained, master is not null), (seen.Master?.Value, seen.Nodes.Count, seen.Nodes.Count(node => node.Value is "maintenance"), seen.Used));
        }
    }

    [Theory]
    [InlineData("apt-update.9.1.json", 5)]
    [InlineData("real/pvesh-nodes-pve1-apt-update.single.txt", 3)]
    public void Pending_updates(string name, int count)
    {
        if (Captures.Read(name) is { } text)
        {
            Assert.Equal(count, AptUpdates.Count(Encoding.UTF8.GetBytes(text)));
        }
    }

    [Fact]
    public void Ceph_near_its_end()
    {
        if (Captures.Read("ceph-status.health-warn.json") is { } text)
        {
            var ceph = CephStatus.Parse(text);
            Assert.Equal("HEALTH_WARN", ceph.Health);
            Assert.Equal(["OSD_NEARFULL: 3 nearfull osd(s)", "POOL_NEARFULL: 4 pool(s) nearfull"], ceph.Checks);
        }
    }

    [Fact]
    public void A_pinned_kernel_is_not_the_newest()
    {
        if (Captures.Read("proxmox-boot-tool-kernel-list.pinned.txt") is { } text)
        {
            Assert.Equal("6.14.8-2-pve", text.Split('\n').Where(line => line.EndsWith("-pve", StringComparison.Ordinal)).Max(DebianVersion.Order));
            using var status = new MemoryStream(Encoding.UTF8.GetBytes(string.Concat(
                Captures.Read("pveversion-v.8.4.txt")!.Split('\n').Select(line => HostFiles.Package(line.Split(':')[0])))));
            Assert.Equal(["6.8.12-11-pve", "6.8.12-13-pve", "6.8.4-2-pve"], PveKernels.ReleasesIn(status).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void A_containers_system()
    {
        if (Captures.Read("real/pct-exec.os-release.txt") is { } text)
        {
            Assert.Equal(("debian", "12"), OsReleaseFile.Parse(text) is { } os ? (os.Id, os.VersionId) : default);
        }
    }

    [Fact]
    public void What_is_no_list_of_addresses() => Assert.All(
        Captures.Like("qm-guest-exec*").Concat(Captures.Like("qm-agent-ping*")), capture => Assert.Null(QemuAgent.Addresses(capture.Text, 32)));

    [Fact]
    public void Every_capture_is_taken_or_refused_by_every_reader() => Assert.All(Captures.Like("*"), capture =>
    {
        var text = capture.Text;
        Assert.Empty(GuestConf.Parse(GuestType.Lxc, text).CloudInitAddresses);
        Assert.NotNull(GuestConf.Parse(GuestType.Qemu, text).Disks);
        Assert.NotNull(CorosyncConf.Parse(text).Votes);
        Assert.NotNull(StorageCfg.Parse(text, NodeName.Parse("pve1")));
        Assert.NotNull(new HaFiles(text, text, false, DateTimeOffset.UnixEpoch, []));
        Assert.False(QuorumTool.DeviceVotes(text) is true && !text.Contains("Qdevice", StringComparison.Ordinal));
        Assert.True(AptUpdates.Count(Encoding.UTF8.GetBytes(text)) is null or 0 || capture.Name.Contains("apt", StringComparison.Ordinal));
    });

    [Fact]
    public async Task The_version_is_the_first_word()
    {
        using var host = new LabHost();
        host.WriteFacts();
        host.Write("version", Captures.Read("pveversion.8.4.txt") ?? "pve-manager/8.4.10/293f4abc4b22fa08 (running kernel: 6.8.12-13-pve)\n");
        host.Command("pveversion", "cat $root/version");
        var collector = new InventoryCollector(host.Host, NodeName.Parse("pve1"), new(Eventually.Limit), new([new("https://x")], null, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(30)), "0", TimeProvider.System);
        Assert.Equal("pve-manager/8.4.10/293f4abc4b22fa08", (await collector.Collect(default)).Whole.PveVersion);
    }
}
