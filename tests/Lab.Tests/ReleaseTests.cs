using System.Text.Json.Nodes;

namespace NannyOrleans.Lab.Tests;

/// <summary>One cluster in the middle of an upgrade, a host of each release, with a QDevice and Ceph. It stays as it is made.</summary>
public sealed class MixedLab : IAsyncLifetime
{
    internal LabUnderTest Lab { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var plan = Path.GetTempFileName();
        await File.WriteAllTextAsync(plan, """
            host 1 old 10.99.0.11 7.4
            host 2 mid 10.99.0.12 8.2
            host 3 late 10.99.0.13 8.4
            host 4 new 10.99.0.14
            guest 100 lxc old on one
            guest 101 lxc mid on two
            guest 102 lxc late on three
            guest 103 lxc new on four
            guest 200 qemu old off five
            ha 103
            qdevice 10.99.0.9
            ceph HEALTH_WARN

            """);
        Lab = await LabUnderTest.Up("--simulated", "--plan", plan);
        File.Delete(plan);
    }

    public async ValueTask DisposeAsync() => await Lab.DisposeAsync();
}

public sealed class ReleaseTests(MixedLab shared) : IClassFixture<MixedLab>
{
    private LabUnderTest Lab => shared.Lab;

    [Theory]
    [InlineData("old", "pve-manager/7.4-16/00000000 (running kernel: 5.15.108-1-pve)")]
    [InlineData("mid", "pve-manager/8.2.7/0000000000000000 (running kernel: 6.8.12-2-pve)")]
    [InlineData("late", "pve-manager/8.4.14/0000000000000000 (running kernel: 6.8.12-17-pve)")]
    [InlineData("new", "pve-manager/9.2.11/0000000000000000 (running kernel: 6.17.4-1-pve)")]
    public async Task Each_host_says_its_own_release(string host, string version)
    {
        Assert.Equal(version + "\n", await Lab.Must(host, "pveversion"));
        Assert.Equal(version.Split('/')[1], (string?)(await Ask(host, "/version"))!["version"]);
    }

    [Theory]
    [InlineData("old", "VERSION_ID=\"11\"", "pve-kernel-5.15.108-1-pve", "etc/apt/sources.list")]
    [InlineData("late", "VERSION_ID=\"12\"", "proxmox-kernel-6.8.12-17-pve-signed", "etc/apt/sources.list.d/pve-enterprise.list")]
    [InlineData("new", "VERSION_ID=\"13\"", "proxmox-kernel-6.17.4-1-pve-signed", "etc/apt/sources.list.d/pve-enterprise.sources")]
    public void Debian_and_the_kernel_are_the_releases_own(string host, string version, string kernel, string source)
    {
        var root = Lab.Root(host);
        Assert.Contains(version, File.ReadAllText($"{root}/etc/os-release"), StringComparison.Ordinal);
        Assert.Contains($"Package: {kernel}\nStatus: install ok installed\n", File.ReadAllText($"{root}/var/lib/dpkg/status"), StringComparison.Ordinal);
        Assert.True(File.Exists($"{root}/boot/vmlinuz-{File.ReadAllText($"{root}/proc/sys/kernel/osrelease").Trim()}"));
        Assert.True(File.Exists($"{root}/{source}"));
    }

    [Fact]
    public void Proxmox_VE_found_updates_later_than_apt_did()
    {
        var root = Lab.Root("new");
        Assert.NotEmpty(JsonNode.Parse(File.ReadAllText($"{root}/var/lib/pve-manager/pkgupdates"))!.AsArray());
        var found = File.GetLastWriteTimeUtc($"{root}/var/lib/pve-manager/pkgupdates");
        Assert.InRange(File.GetLastWriteTimeUtc($"{root}/var/cache/apt/pkgcache.bin"), DateTime.MinValue, found);
        Assert.InRange(File.GetLastWriteTimeUtc($"{root}/var/lib/dpkg/status"), DateTime.MinValue, found);
    }

    [Fact]
    public async Task Vmids_of_7_4_are_strings_and_7_4_has_no_interfaces()
    {
        Assert.Equal("\"100\"", (await Ask("old", "/nodes/old/lxc"))![0]!["vmid"]!.ToJsonString());
        Assert.Equal("103", (await Ask("new", "/nodes/new/lxc"))![0]!["vmid"]!.ToJsonString());
        var refused = await Lab.Run("old", "pvesh get /nodes/old/lxc/100/interfaces --output-format json");
        Assert.Equal((1, "No 'get' handler defined for '/nodes/old/lxc/100/interfaces'\n"), (refused.ExitCode, refused.StandardError));
    }

    [Theory]
    [InlineData("mid", "101", false)]
    [InlineData("late", "102", true)]
    [InlineData("new", "103", true)]
    public async Task Interfaces_have_long_names_since_8_4(string host, string vmid, bool isLong)
    {
        var first = (await Ask(host, $"/nodes/{host}/lxc/{vmid}/interfaces"))![0]!;
        Assert.Equal(isLong, first["ip-addresses"] is not null);
        Assert.NotNull(first["hwaddr"]);
    }

    [Theory]
    [InlineData("old", false)]
    [InlineData("mid", true)]
    [InlineData("new", true)]
    public async Task Keep_env_is_an_unknown_option_before_8_2(string host, bool isKnown)
    {
        var vmid = host switch { "old" => 100, "mid" => 101, _ => 103 };
        var result = await Lab.Run(host, $"pct exec {vmid} --keep-env 0 -- true");
        Assert.Equal(isKnown ? 0 : 255, result.ExitCode);
        Assert.Equal(!isKnown, result.StandardError.StartsWith("Unknown option: keep-env\n400 unable to parse option\n", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("old", false, false, false)]
    [InlineData("mid", false, false, false)]
    [InlineData("late", true, false, false)]
    [InlineData("new", true, true, true)]
    public async Task Rows_of_the_cluster_have_what_the_release_that_answers_knows(string host, bool hasNodeState, bool hasNetwork, bool hasMemhost)
    {
        var rows = (await Ask(host, "/cluster/resources"))!.AsArray();
        Assert.Equal(hasNodeState ? "online" : null, (string?)rows.Single(r => (string?)r!["id"] == $"node/{host}")!["hastate"]);
        Assert.Equal(hasNetwork, rows.Any(r => (string?)r!["type"] is "network"));
        Assert.Equal(hasMemhost, rows.Single(r => (string?)r!["id"] is "lxc/103")!["memhost"] is not null);
        Assert.Equal("started", (string?)rows.Single(r => (string?)r!["id"] is "lxc/103")!["hastate"]);
    }

    [Fact]
    public void Each_host_broadcasts_under_its_own_releases_names()
    {
        var lines = File.ReadAllLines($"{Lab.Root("new")}/etc/pve/.rrd");
        Assert.Single(lines, l => l.StartsWith("pve2.3-vm/100:", StringComparison.Ordinal) && l.Split(':').Length is 16);
        Assert.Single(lines, l => l.StartsWith("pve-vm-9.0/103:", StringComparison.Ordinal) && l.Split(':').Length is 23);
        Assert.Single(lines, l => l.StartsWith("pve2-storage/old/local:", StringComparison.Ordinal));
        Assert.Single(lines, l => l.StartsWith("pve-node-9.0/new:", StringComparison.Ordinal));
        Assert.Contains("\"ha/rules.cfg\": 1,", File.ReadAllText($"{Lab.Root("new")}/etc/pve/.version"), StringComparison.Ordinal);
        Assert.DoesNotContain("ha/rules.cfg", File.ReadAllText($"{Lab.Root("late")}/etc/pve/.version"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("old", "lrm old (idle, ")]
    [InlineData("new", "lrm old (idle, watchdog standby, ")]
    public async Task Only_a_new_HA_manager_tells_of_watchdogs(string host, string line)
    {
        var status = await Lab.Must(host, "ha-manager status");
        Assert.Contains(line, status, StringComparison.Ordinal);
        Assert.Equal(host is "new", status.Contains("fencing ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_qdevice_has_a_vote_that_counts_while_it_casts_it()
    {
        var plan = Path.GetTempFileName();
        await File.WriteAllTextAsync(plan, "host 1 pve1 10.99.0.11\nhost 2 pve2 10.99.0.12\nqdevice 10.99.0.9\n");
        await using var lab = await LabUnderTest.Up("--simulated", "--plan", plan);
        Assert.Contains("device {\n    model: net\n    net {\n      algorithm: ffsplit\n      host: 10.99.0.9\n", await File.ReadAllTextAsync($"{lab.Root("pve1")}/etc/pve/corosync.conf"), StringComparison.Ordinal);
        Assert.EndsWith("""
            Expected votes:   3
            Highest expected: 3
            Total votes:      3
            Quorum:           2  
            Flags:            Quorate Qdevice 

            Membership information
            ----------------------
                Nodeid      Votes    Qdevice Name
            0x00000001          1    A,V,NMW 10.99.0.11 (local)
            0x00000002          1    A,V,NMW 10.99.0.12
            0x00000000          1            Qdevice

            """, await lab.Must("pve1", "pvecm status"), StringComparison.Ordinal);
        await lab.Verb("host", "pve2", "off");
        Assert.Contains("\"quorate\": 1", await File.ReadAllTextAsync($"{lab.Root("pve1")}/etc/pve/.members"), StringComparison.Ordinal);
        await lab.Verb("qdevice", "off");
        Assert.Contains("\"quorate\": 0", await File.ReadAllTextAsync($"{lab.Root("pve1")}/etc/pve/.members"), StringComparison.Ordinal);
        var alone = await lab.Run("pve1", "corosync-quorumtool -siH");
        Assert.Equal(2, alone.ExitCode);
        Assert.EndsWith("""
            Total votes:      1
            Quorum:           2 Activity blocked
            Flags:            Qdevice 

            Membership information
            ----------------------
                Nodeid      Votes    Qdevice Name
            0x00000001          1  NA,NV,NMW 10.99.0.11 (local)
            0x00000000          0            Qdevice (votes 1)

            """, alone.StandardOutput, StringComparison.Ordinal);
        File.Delete(plan);
    }

    [Fact]
    public async Task Ceph_answers_only_where_it_is_configured()
    {
        Assert.Equal("HEALTH_WARN", (string?)(await Ask("late", "/cluster/ceph/status"))!["health"]!["status"]);
        Assert.True(File.Exists($"{Lab.Root("late")}/etc/pve/ceph.conf"));
    }

    [Fact]
    public async Task A_whole_lab_can_be_of_one_release_and_a_wrong_one_is_refused()
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--pve", "8.4", "--hosts", "1", "--containers", "0");
        Assert.StartsWith("pve-manager/8.4.14/", await lab.Must("pve1", "pveversion"), StringComparison.Ordinal);
        Assert.Equal(1, (await LabUnderTest.At(LabUnderTest.NewDirectory()).Verb("up", "--pve", "6.4")).ExitCode);
        Assert.NotEqual(0, (await lab.Verb("up", "--simulated", "--hosts", "1", "--containers", "0")).ExitCode); // another shape
    }

    private async Task<JsonNode?> Ask(string host, string path) => JsonNode.Parse(await Lab.Must(host, $"pvesh get {path} --output-format json"));
}
