using System.Text;
using System.Text.Json;
using CsCheck;
using NannyOrleans.Agent.Inventories;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

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
        ["rrd"] = "pve2-storage/pve1/local:1:1000:400\npve2.3-vm/100:1:web:running:0:1:1:0:1:1:1:1:1:1:1:1\n",
    };

    private static readonly string[] Insertions =
        ["\0", "\n", "\r\n", "[", "{", "}", "\"", "\\", "\\ud800", ":", "=", ",", "-1", "99999999999999999999", "\u001b[2J", "\u202e", "\ufffd", "\ud800", "\u0085", new string('9', 5000), new string('[', 5000), "null", "1e999", "/../../etc/shadow"];

    private const int Iterations = 2000;

    /// <summary>One to eight places damaged: cut, doubled, or with something put in.</summary>
    private static Gen<string> Damaged(string whole) =>
        Gen.Select(Gen.Int[0, 3], Gen.Double[0, 1], Gen.Int[0, 40], Gen.Int[0, Insertions.Length - 1].Select(i => Insertions[i])).Array[1, 8].Select(damages =>
        {
            var text = whole;
            foreach (var (kind, where, length, insertion) in damages)
            {
                var at = (int)(where * text.Length);
                var end = Math.Min(text.Length, at + length);
                text = kind switch
                {
                    0 => text[..at] + text[end..],
                    1 => text[..end] + text[at..],
                    2 => text[..at],
                    _ => text[..at] + insertion + text[at..],
                };
            }

            return text;
        });

    [Fact]
    public void Damaged_configurations_are_read_as_far_as_they_go() => Damaged(Texts["conf"]).Select(Damaged(Texts["vm"])).Sample((lxc, qemu) =>
    {
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
    }, iter: Iterations);

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
    public void Damaged_text_is_refused_or_read_and_nothing_else_happens(string kind) => Damaged(Texts[kind]).Sample(text =>
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
                "os" => OsReleaseFile.Parse(text) is null or { Id.Length: > 0 },
                _ => RrdFile.Guests(bytes).Count + RrdFile.Storages(bytes, Node).Count <= text.Length,
            };
        }
        catch (JsonException) when (kind is "members" or "vmlist" or "ceph")
        {
            return true; // which their callers take
        }
    }, iter: Iterations);

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
        await Gen.Select(Damaged(whole), Damaged(Texts["conf"]), Damaged(Texts["ha"]), Damaged(host.Read("proc/net/unix"))).SampleAsync(async (list, conf, ha, sockets) =>
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
