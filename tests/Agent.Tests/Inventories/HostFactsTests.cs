using System.Text;
using CsCheck;
using NannyOrleans.Agent.Inventories;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Tests.Inventories;

public sealed class HostFactsTests : IDisposable
{
    private static readonly NodeName Node = NodeName.Parse("pve1");
    private readonly LabHost host = new();
    private readonly SettableClock clock = new();
    private readonly PveCalls calls;
    private readonly PveHostFacts facts;
    private readonly List<string> problems = [];

    public HostFactsTests()
    {
        host.WriteFacts();
        calls = new(host.Host);
        facts = new(host.Host, calls, clock);
    }

    public void Dispose() => host.Dispose();

    private async Task<HostSeen> Read()
    {
        calls.BeginRound();
        problems.Clear();
        return await facts.Read(Node, problems, default);
    }

    private string At(string path) => host.Host.At(path);

    [Fact]
    public void A_machine_says_what_it_is()
    {
        host.Write("boot/vmlinuz-6.17.4-1-pve", string.Empty);
        var seen = new HostFacts(host.Host).ReadMachine(problems);
        Assert.Equal(("debian", "6.17.4-1-pve", 2, 16384000L * 1024, 0L), (seen.Os?.Id, seen.KernelRunning, seen.Cores, seen.MemoryBytes, seen.SwapBytes));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1767600000), seen.BootedAt);
        Assert.Equal(["192.168.7.11", "10.0.0.11", "2001:db8::11"], seen.Addresses!);
        Assert.Equal(("192.168.7.11", "4c4c4544-0000-0000-0000-000000000001"), (seen.PrimaryAddress, seen.SmbiosUuid));
        Assert.Equal(["bc:24:11:00:00:01"], seen.Macs!);
        Assert.Equal((false, null, null), (seen.RebootRequired, seen.RebootReason, seen.PendingUpdates));
        Assert.NotNull(seen.PendingUpdatesProblem);
        Assert.Empty(problems);
    }

    [Fact]
    public void A_machine_without_files_knows_nothing_and_says_so()
    {
        using var empty = new LabHost();
        var seen = new HostFacts(empty.Host).ReadMachine(problems);
        Assert.Equal((null, null, null, null, null, null, null), (seen.Os, seen.KernelRunning, seen.BootedAt, seen.Cores, seen.MemoryBytes, seen.SwapBytes, seen.Addresses));
        Assert.Equal((null, "only Debian and its kin say whether a reboot is needed"), (seen.RebootRequired, seen.RebootReason));
        Assert.NotEmpty(problems);
    }

    [Theory]
    [InlineData("ID=debian", "6.1.0-18-amd64", "6.1.0-18-amd64 6.1.0-9-amd64 6.1.0-99-rt-amd64x", false, null)]
    [InlineData("ID=debian", "6.1.0-9-amd64", "6.1.0-18-amd64 6.1.0-9-amd64", true, "6.1.0-18-amd64 is installed")]
    [InlineData("ID=linuxmint\nID_LIKE=\"ubuntu debian\"", "6.8.0-45-generic", "6.8.0-45-generic 6.9.0-1-lowlatency", false, null)] // another flavour
    [InlineData("ID=debian", "6.1.0-9-amd64", "", null, "there is no kernel of the running one's kind in /boot to compare with")] // a container
    [InlineData("ID=rocky\nID_LIKE=rhel", "5.14.0-1.el9", "5.14.0-2.el9", null, "only Debian and its kin say whether a reboot is needed")]
    public void Outside_Proxmox_Debians_kernels_are_compared(string os, string running, string installed, bool? required, string? reason)
    {
        Directory.Delete(At("/boot"), recursive: true);
        host.Write("etc/os-release", os);
        host.Write("proc/sys/kernel/osrelease", $"{running}\n");
        foreach (var release in installed.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            host.Write($"boot/vmlinuz-{release}", string.Empty);
        }

        var seen = new HostFacts(host.Host).ReadMachine(problems);
        Assert.Equal((required, reason), (seen.RebootRequired, seen.RebootReason));
        host.Write("run/reboot-required", string.Empty);
        Assert.Equal(os.StartsWith("ID=rocky", StringComparison.Ordinal) ? null : true, new HostFacts(host.Host).ReadMachine(problems).RebootRequired);
    }

    [Fact]
    public void The_boots_time_does_not_waver()
    {
        var one = new HostFacts(host.Host);
        var first = one.Read(problems).BootedAt;
        host.Write("proc/stat", "cpu0 1\nbtime 1767600001\n");
        Assert.Equal(first, one.Read(problems).BootedAt);
        host.Write("proc/stat", "cpu0 1\nbtime 1767603600\n"); // the clock was set
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1767603600), one.Read(problems).BootedAt);
        host.Write("proc/stat", "btime 99999999999999999999\n");
        Assert.Null(one.Read(problems).BootedAt);
    }

    [Theory]
    [InlineData("6.8.12-13-pve", "6.8.12-2-pve", 1)]
    [InlineData("6.17.4-1-pve", "6.8.12-13-pve", 1)]
    [InlineData("6.8.4-2-pve", "6.8.12-1-pve", -1)]
    [InlineData("6.08.4", "6.8.4", 0)]
    [InlineData("1.0~rc1", "1.0", -1)]
    [InlineData("1.0a", "1.0", 1)]
    [InlineData("1.0a", "1.0+", -1)] // letters before all else
    [InlineData("", "", 0)]
    public void Versions_are_ordered_as_dpkg_does(string one, string other, int order)
    {
        Assert.Equal(order, Math.Sign(DebianVersion.Order.Compare(one, other)));
        Assert.Equal(-order, Math.Sign(DebianVersion.Order.Compare(other, one)));
    }

    [Fact]
    public void The_order_of_versions_is_one() => Gen.Select(Version, Version, Version).Sample((a, b, c) =>
    {
        var order = DebianVersion.Order;
        return order.Compare(a, a) is 0
            && Math.Sign(order.Compare(a, b)) == -Math.Sign(order.Compare(b, a))
            && (order.Compare(a, b) > 0 || order.Compare(b, c) > 0 || order.Compare(a, c) <= 0);
    });

    private static Gen<string> Version => Gen.String[Gen.Char["0019ab~.-+"], 0, 8];

    [Theory]
    [InlineData("proxmox-kernel-6.8.12-13-pve-signed", "install ok installed", "6.8.12-13-pve")]
    [InlineData("proxmox-kernel-6.8.12-13-pve", "hold ok installed", "6.8.12-13-pve")]
    [InlineData("pve-kernel-5.15.108-1-pve", "install ok installed", "5.15.108-1-pve")]
    [InlineData("proxmox-kernel-6.8.12-13-pve-signed", "deinstall ok config-files", null)]
    [InlineData("proxmox-kernel-6.8.12-13-pve-signed", "install ok half-installed", null)]
    [InlineData("proxmox-kernel-6.8", "install ok installed", null)]
    [InlineData("proxmox-headers-6.8.12-13-pve", "install ok installed", null)]
    [InlineData("linux-image-6.1.0-18-amd64", "install ok installed", null)]
    public void Kernels_are_packages_of_either_name_that_are_installed(string package, string status, string? release)
    {
        using var file = new MemoryStream(Encoding.UTF8.GetBytes(
            HostFiles.Package("adduser") + HostFiles.Package(package, status) + $"Package: x\nDescription: {new string('y', 200_000)}\nStatus: install ok installed\n"));
        Assert.Equal(release is null ? [] : [release], PveKernels.ReleasesIn(file));
    }

    [Theory]
    [InlineData("6.17.4-1-pve", "6.17.9-1-pve 6.17.4-1-pve", "", "6.17.9-1-pve", true, "6.17.9-1-pve is installed")]
    [InlineData("6.17.9-1-pve", "6.17.9-1-pve 6.17.4-1-pve", "", "6.17.9-1-pve", false, null)]
    [InlineData("6.17.9-1-pve", "6.17.9-1-pve 6.17.4-1-pve", "proxmox-boot-pin=6.17.4-1-pve", "6.17.4-1-pve", true, "6.17.4-1-pve is pinned, 6.17.9-1-pve runs")]
    [InlineData("6.17.4-1-pve", "6.17.9-1-pve 6.17.4-1-pve", "proxmox-boot-pin=6.17.4-1-pve", "6.17.4-1-pve", false, null)]
    [InlineData("6.17.4-1-pve", "6.17.9-1-pve 6.17.4-1-pve", "proxmox-boot-pin=6.17.4-1-pve next-boot-pin=6.17.9-1-pve", "6.17.9-1-pve", true, "6.17.9-1-pve is pinned, 6.17.4-1-pve runs")]
    [InlineData("6.17.4-1-pve", "6.17.4-1-pve", "proxmox-boot-pin=6.5.13-6-pve", null, null, "the kernel 6.5.13-6-pve is pinned, but there is no /boot/vmlinuz-6.5.13-6-pve")]
    [InlineData("6.17.9-1-pve", "6.17.4-1-pve", "", "6.17.4-1-pve", false, null)] // the running one's package is gone
    [InlineData("6.1.0-18-amd64", "6.17.4-1-pve", "", "6.17.4-1-pve", true, "6.1.0-18-amd64 runs, which is not Proxmox VE's kernel; 6.17.4-1-pve is installed")]
    [InlineData("6.17.4-1-pve", "", "", null, null, "dpkg knows no Proxmox VE kernel that is in /boot")]
    public async Task A_reboot_is_needed_for_another_kernel(string running, string installed, string pins, string? newest, bool? required, string? reason)
    {
        Directory.Delete(At("/boot"), recursive: true);
        host.Write("proc/sys/kernel/osrelease", $"{running}\n");
        var releases = installed.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        host.Write("var/lib/dpkg/status", string.Concat(releases.Select(release => HostFiles.Package($"proxmox-kernel-{release}-signed"))) + HostFiles.Package("proxmox-kernel-9.9.9-9-pve")); // no image
        Array.ForEach(releases, release => host.Write($"boot/vmlinuz-{release}", string.Empty));
        foreach (var pin in pins.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            host.Write($"etc/kernel/{pin.Split('=')[0]}", $"{pin.Split('=')[1]}\n");
        }

        var seen = await Read();
        Assert.Equal((newest, required, reason), (seen.KernelNewest, seen.RebootRequired, seen.RebootReason));
        host.Write("var/run/reboot-required", string.Empty);
        Assert.True((await Read()).RebootRequired);
    }

    [Fact]
    public async Task Without_dpkgs_status_a_reboot_is_neither_needed_nor_not()
    {
        File.Delete(At("/var/lib/dpkg/status"));
        Assert.Equal((null, null), await Read() is var seen ? (seen.RebootRequired, seen.KernelNewest) : default);
        Assert.NotNull((await Read()).RebootReason);
    }

    [Theory]
    [InlineData("pve.list", "deb https://enterprise.proxmox.com/debian/pve bookworm pve-enterprise\n", "notfound", "enables an enterprise repository")]
    [InlineData("pve.list", "# deb https://enterprise.proxmox.com/debian/pve bookworm pve-enterprise\n", "notfound", null)]
    [InlineData("pve.list", "deb-src https://enterprise.proxmox.com/debian/pve bookworm pve-enterprise\n", "notfound", null)]
    [InlineData("ceph.list", "deb [arch=amd64 signed-by=/k.gpg] https://enterprise.proxmox.com/debian/ceph-quincy bookworm enterprise # x\n", "notfound", "/ceph.list enables an enterprise repository")]
    [InlineData("pve.sources", "Types: deb\nURIs: https://enterprise.proxmox.com/debian/pve\nSuites: trixie\nComponents: pve-enterprise\n", "notfound", "enables an enterprise repository")]
    [InlineData("pve.sources", "Types: deb\nURIs:\n https://enterprise.proxmox.com/debian/pve\nSuites: trixie\nComponents: pve-enterprise\nEnabled: no\n", "notfound", null)]
    [InlineData("pve.sources", "Types: deb\nURIs: https://enterprise.proxmox.com/debian/pve\nSuites: trixie\nComponents: pve-enterprise\n", "active", null)]
    [InlineData("pve.sources", "Types: deb\nURIs: https://enterprise.proxmox.com/debian/pve\nSuites: trixie\nComponents: pve-enterprise\n", "expired", "the subscription is 'expired'")]
    [InlineData("pve.list.dpkg-dist", "deb https://enterprise.proxmox.com/debian/pve bookworm pve-enterprise\n", "notfound", null)]
    public async Task An_enterprise_repository_needs_a_subscription(string file, string text, string subscription, string? problem)
    {
        host.Write($"etc/apt/sources.list.d/{file}", text);
        if (subscription is not "notfound")
        {
            host.Write("etc/subscription", $"pve1c-0123456789\nchecksum\n{Convert.ToBase64String(Encoding.UTF8.GetBytes($$"""{"status":"{{subscription}}","key":"x"}"""), Base64FormattingOptions.InsertLineBreaks)}\n");
        }

        var seen = await Read();
        Assert.Equal(subscription, seen.Subscription);
        Assert.Equal(problem is null ? 0 : 1, seen.RepositoryProblems!.Count);
        Assert.All(seen.RepositoryProblems, one => Assert.Contains(problem!, one, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("key\nsum\nnot base64!\n")]
    [InlineData("key\nsum\nW10=\n")]
    public async Task A_subscription_that_cannot_be_understood_is_unknown(string text)
    {
        host.Write("etc/subscription", text);
        Assert.Null((await Read()).Subscription);
        Assert.Contains(problems, problem => problem.EndsWith("/etc/subscription cannot be understood", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_host_without_Proxmoxs_repository_or_with_old_lists_is_told_so()
    {
        File.Delete(At("/etc/apt/sources.list.d/proxmox.sources"));
        Directory.SetLastWriteTimeUtc(At("/var/lib/apt/lists"), clock.GetUtcNow().UtcDateTime.AddDays(-8));
        var seen = await Read();
        Assert.Equal(["no Proxmox VE repository is enabled: Proxmox VE itself gets no updates", $"apt's package lists are from {clock.GetUtcNow().AddDays(-8):yyyy-MM-dd}, older than 7 days"], seen.RepositoryProblems!);
        Assert.Equal(clock.GetUtcNow().AddDays(-8).ToUnixTimeSeconds(), seen.PackageListsAt!.Value.ToUnixTimeSeconds());
        Directory.Delete(At("/var/lib/apt/lists"), recursive: true);
        Assert.Contains("apt's package lists have never been fetched", (await Read()).RepositoryProblems!);
        Directory.Delete(At("/etc/apt"), recursive: true);
        Assert.Null((await Read()).RepositoryProblems);
    }

    [Fact]
    public async Task Updates_are_counted_from_Proxmoxs_own_file_while_it_holds()
    {
        host.Write("var/lib/pve-manager/pkgupdates", """[{"Package":"a"},{"Package":"b"}]""");
        Assert.Equal(2, (await Read()).PendingUpdates);
        Assert.Equal(0, host.Calls("pvesh"));

        File.SetLastWriteTimeUtc(At("/var/cache/apt/pkgcache.bin"), DateTime.UtcNow.AddMinutes(1)); // apt has been at work since
        host.Command("pvesh", """echo "$*" >> $root/pvesh.calls; echo '[{"Package":"c"}]'""");
        Assert.Equal(1, (await Read()).PendingUpdates);
        Assert.Equal(1, (await Read()).PendingUpdates);
        Assert.Equal("get /nodes/pve1/apt/update --output-format json\n", host.Read("pvesh.calls"));
    }

    [Theory]
    [InlineData("echo 'ipcc_send_rec[1] failed: Connection refused' >&2; exit 111", "exit code 111: ipcc_send_rec")]
    [InlineData("echo '[{\"Package\":'", "cannot be understood")]
    [InlineData("", "cannot be understood")]
    [InlineData("head -c 10000000 /dev/zero", "cannot be understood")]
    public async Task Updates_that_cannot_be_asked_for_are_unknown_and_asked_for_again_in_an_hour(string pvesh, string problem)
    {
        host.Write("var/lib/pve-manager/pkgupdates", "[{\"Pack"); // it broke off
        host.Command("pvesh", $"echo >> $root/pvesh.calls; {pvesh}");
        var seen = await Read();
        Assert.Null(seen.PendingUpdates);
        Assert.Contains(problem, seen.PendingUpdatesProblem, StringComparison.Ordinal);
        Assert.Equal(seen.PendingUpdatesProblem, (await Read()).PendingUpdatesProblem);
        Assert.Equal(1, host.Calls("pvesh"));
        clock.Advance(TimeSpan.FromHours(2));
        await Read();
        Assert.Equal(2, host.Calls("pvesh"));
    }
}
