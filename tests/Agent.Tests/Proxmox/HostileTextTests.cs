using System.Text;
using System.Text.Json;
using CsCheck;
using NannyOrleans.Agent.Diagnoses;
using NannyOrleans.Agent.Inventories;
using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Tests.Fuzzing;

namespace NannyOrleans.Agent.Tests.Proxmox;

/// <summary>Valid files and outputs, damaged at random: nothing throws but what callers take, and no guest appears that is not there.</summary>
public sealed class HostileTextTests
{
    private static readonly NodeName Node = NodeName.Parse("pve1");

    private static readonly Dictionary<string, string> Texts = new()
    {
        ["conf"] = Fixture.Read("lxc.everything.conf"),
        ["vm"] = Fixture.Read("qemu.everything.conf"),
        ["members"] = Fixture.Read("members.three.json"),
        ["vmlist"] = Fixture.Read("vmlist.mixed.json"),
        ["corosync"] = Fixture.Read("corosync.conf"),
        ["storage"] = "dir: local\n\tpath /var/lib/vz\n\tcontent iso,backup\n\nzfspool: z\n\tpool a/b\n\tnodes pve1,pve2\n\tdisable\n",
        ["ha"] = """{"master_node":"pve1","service_status":{"ct:100":{"state":"started"}},"node_status":{"pve1":"online"},"timestamp":1795389240}""",
        ["resources"] = "ct: 100\n\tstate started\n\nvm: 200\n",
        ["ceph"] = """{"health":{"status":"HEALTH_WARN","checks":{"A":{"muted":false,"summary":{"message":"x"}}}}}""",
        ["agent"] = """[{"name":"eth0","ip-addresses":[{"ip-address":"10.0.0.5","prefix":24},{"ip-address":"2001:db8::5"}]}]""",
        ["apt"] = """[{"Package":"a","Arch":"all","Version":"1"},{"Package":"b"}]""",
        ["quorum"] = "Quorate:          Yes\n    Nodeid      Votes    Qdevice Name\n0x00000001          1    A,V,NMW 10.0.0.1 (local)\n",
        ["trie"] = Fixture.Read("fib_trie.two-networks"),
        ["inet6"] = "20010db8000000000000000000000011 02 40 00 80    vmbr0\n00000000000000000000000000000001 01 80 10 80       lo\n",
        ["dpkg"] = HostFiles.Package("proxmox-kernel-6.8.12-13-pve-signed") + HostFiles.Package("x"),
        ["list"] = "deb [arch=amd64] https://x/debian/pve trixie pve-no-subscription # x\n",
        ["sources"] = "Types: deb\nURIs: https://x/debian/pve\nSuites: trixie\nComponents: pve-no-subscription\n\nTypes: deb\nEnabled: no\n",
        ["os"] = Fixture.Read("os-release.debian"),
        ["exec"] = """{"exitcode":0,"exited":1,"out-data":"ID=debian\nVERSION_ID=\"12\"\n","out-truncated":0,"err-data":"x","pid":4711}""",
        ["look"] = "runs 42\n11 0\nSGVsbG8gd29ybGQ=",
        ["inside"] = "os ID=debian\ntool apt-get\ndone tool\nfile /etc/apt/sources.list\nsource deb http://x y z\ndone source\nroute eth0 00000000 0100000A 0003 0 0 0 00000000 0 0 0\ndone route\nfree / 100 50 50 50% /\nfree /var 100 50 50 50% /var\ndone free\nmemory MemAvailable: 1024 kB\ndatabase x\ndone database\n",
        ["tasks"] = "UPID:pve1:0000C1D2:00A1B2C3:6710AB12:vzdump:100:root@pam: 0\nUPID:pve1:0000C1D3:00A1B2C4:6710AB13:qmigrate:200:root@pam: 1 6710AB20 OK\n",
        ["replication"] = """{"100":{"local/pve2":{"pid":4711,"ptime":"12345","last_sync":1,"fail_count":0}}}""",
        ["stat"] = "4711 (a (b) c) S 1 4711 4711 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 200 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0",
        ["osd"] = """{"epoch":5,"fsid":"x","flags":"noout,sortbitwise","flags_set":["noout"]}""",
        ["version"] = "6.8.12-13~bpo12+1-pve",
        ["rrd"] = "pve2-storage/pve1/local:1:1000:400\npve2.3-vm/100:1:web:running:0:1:1:0:1:1:1:1:1:1:1:1\n",
    };

    [Fact]
    public void Damaged_configurations_are_read_as_far_as_they_go() => Gen.Select(Fuzz.Damaged(Texts["conf"]), Fuzz.Damaged(Texts["vm"])).Hold("conf", both =>
    {
        var (lxc, qemu) = both;
        foreach (var (type, text) in new[] { (GuestType.Lxc, lxc), (GuestType.Qemu, qemu), (GuestType.Qemu, lxc) })
        {
            var conf = GuestConf.Parse(type, text);
            if (!(conf.Disks.Count <= 300 && conf.Networks.Count <= 32 && conf.Tags.Count <= 64 && conf.Problems.Count <= 10
                && conf.Disks.All(disk => disk.SizeBytes is not <= 0) && conf.Cores is not <= 0 && conf.MemoryBytes is not < 0 && conf.SwapBytes is not < 0
                && conf.Networks.Select(one => one.Key).Distinct().Count() == conf.Networks.Count
                && !$"{conf.Name}{string.Concat(conf.Tags)}{string.Concat(conf.Disks)}{string.Concat(conf.Networks)}".Any(char.IsControl)))
            {
                return false;
            }
        }

        return true;
    });

    [Theory]
    [InlineData("members")]
    [InlineData("vmlist")]
    [InlineData("corosync")]
    [InlineData("storage")]
    [InlineData("ha")]
    [InlineData("resources")]
    [InlineData("ceph")]
    [InlineData("agent")]
    [InlineData("apt")]
    [InlineData("quorum")]
    [InlineData("trie")]
    [InlineData("inet6")]
    [InlineData("dpkg")]
    [InlineData("list")]
    [InlineData("sources")]
    [InlineData("os")]
    [InlineData("rrd")]
    [InlineData("exec")]
    [InlineData("look")]
    [InlineData("inside")]
    [InlineData("tasks")]
    [InlineData("replication")]
    [InlineData("stat")]
    [InlineData("osd")]
    [InlineData("version")]
    public void Damaged_text_is_refused_or_read_and_nothing_else_happens(string kind) => Fuzz.Damaged(Texts[kind]).Hold(kind, text =>
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        try
        {
            return kind switch
            {
                "members" => ClusterFiles.ParseMembers(text, text).Members is not null,
                "vmlist" => ClusterFiles.ParseVmList(text).Keys.All(vmid => vmid.Value is >= Vmid.Smallest and <= Vmid.Largest),
                "corosync" => CorosyncConf.Parse(text).Votes.Values.All(votes => votes >= 0),
                "storage" => StorageCfg.Parse(text, Node).All(one => one.Name.Length > 0 && !one.Name.Any(char.IsControl)),
                "ha" or "resources" => new HaFiles(kind is "ha" ? null : text, kind is "ha" ? text : null, false, DateTimeOffset.UnixEpoch, []).Manages(GuestType.Lxc, new(100)) is not null,
                "ceph" => CephStatus.Parse(text).Health is not null,
                "agent" => QemuAgent.Addresses(text, 32) is null or { Count: <= 32 },
                "apt" => AptUpdates.Count(bytes) is null or >= 0,
                "quorum" => QuorumTool.DeviceVotes(text) is not true || text.Contains("(local)", StringComparison.Ordinal),
                "trie" => NetworkFiles.LocalAddresses(bytes).Count <= text.Length,
                "inet6" => NetworkFiles.Inet6Addresses(bytes).Count <= text.Length,
                "dpkg" => PveKernels.ReleasesIn(new MemoryStream(bytes)).All(release => release.EndsWith("-pve", StringComparison.Ordinal)),
                "list" or "sources" => PackageRepositories.EnabledIn($"x.{kind}", text).All(one => one.Uri.Length > 0),
                "exec" => GuestExec.Read(text) is (null, not null) or (not null, null),
                "look" => VmRun.Parse(text, ofErrors: false, offset: 0, length: 1000) is null or { Block.Length: <= 1000, Age: null or { Ticks: >= 0 } },
                "inside" => InsideScript.Parse(text) is { FreeKibibytes: null or { Count: 2 } },
                "tasks" => RunningTasks.Read(text, _ => true).Tasks.Count <= text.Length,
                "replication" => RunningTasks.Replicated(text, _ => true).Count <= text.Length,
                "stat" => !ProcessStat.TryParse(text, out var stat) || stat.Pid >= 0,
                "osd" => (CephStatus.Flags(text)?.Count ?? 0) <= text.Length,
                "version" => DebianVersion.Order.Compare(text, Texts[kind]) == -DebianVersion.Order.Compare(Texts[kind], text),
                "os" => OsReleaseFile.Parse(text) is null or { Id.Length: > 0 },
                _ => RrdFile.Guests(bytes).Count + RrdFile.Storages(bytes, Node).Count <= text.Length,
            };
        }
        catch (JsonException) when (kind is "members" or "vmlist" or "ceph" or "replication")
        {
            return true; // which their callers take
        }
    });

    [Fact]
    public async Task No_guest_appears_that_has_no_file()
    {
        using var host = new LabHost();
        host.WriteFacts();
        host.Container(100);
        host.Container(101);
        host.Write("etc/pve/ha/x", string.Empty);
        var guests = new InventoryCollector(
            host.Host, Node, new BoundedReads(Eventually.Limit), new([new("https://x")], null, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(30)), "0", TimeProvider.System);
        var whole = host.Read("etc/pve/.vmlist");
        await Gen.Select(Fuzz.Damaged(whole), Fuzz.Damaged(Texts["conf"]), Fuzz.Damaged(Texts["ha"]), Fuzz.Damaged(host.Read("proc/net/unix"))).SampleAsync(async (list, conf, ha, sockets) =>
        {
            foreach (var (path, text) in new[] { ("/etc/pve/.vmlist", list), ("/etc/pve/nodes/pve1/lxc/101.conf", conf), ("/etc/pve/ha/manager_status", ha), ("/proc/net/unix", sockets) })
            {
                File.WriteAllBytes(host.Host.At(path), Encoding.UTF8.GetBytes(text)); // which puts something else for half a surrogate pair
            }

            var (inventory, _) = await guests.Collect(default);
            Assert.True(inventory.Guests is null || inventory.Guests.Select(guest => guest.Vmid.Value).SequenceEqual([100, 101]));
            Assert.False(inventory.HasGaps() || inventory.IsTooLong());
        }, iter: 100, threads: 1);
    }
}
