using NannyOrleans.Agent.Diagnoses;

namespace NannyOrleans.Agent.Tests.Diagnoses;

public sealed class ReadingTests
{
    [Theory]
    [InlineData("/etc/apt/sources.list", "deb [arch=amd64] http://deb.example.org/debian trixie main", "http://deb.example.org/debian", "deb.example.org")]
    [InlineData("/etc/apt/sources.list", "# deb http://x.example y z", "", null)]
    [InlineData("/etc/apt/sources.list", "deb file:/srv/mirror ./", "file:/srv/mirror", null)]
    [InlineData("/etc/apt/sources.list.d/a.sources", "Types: deb\nURIs: mirror+https://user:pw@m.example:8443/x\nSuites: y\n", "mirror+https://user:pw@m.example:8443/x", "m.example")]
    [InlineData("/etc/apt/sources.list.d/a.sources", "Enabled: no\nTypes: deb\nURIs: http://m.example\nSuites: y\n", "", null)]
    [InlineData("/etc/yum.repos.d/a.repo", "[a]\nmirrorlist=https://mirrors.example.org/?a=b\n[b]\nenabled=0\nbaseurl=http://off.example\n", "https://mirrors.example.org/?a=b", "mirrors.example.org")]
    [InlineData("/etc/zypp/repos.d/a.repo", "[a]\nenabled = 1\nbaseurl = http://zypp.example/x\n", "http://zypp.example/x", "zypp.example")]
    [InlineData("/etc/pacman.d/mirrorlist", "#Server = https://off.example/\nServer = https://arch.example/$repo/os/$arch\n", "https://arch.example/$repo/os/$arch", "arch.example")]
    [InlineData("/etc/apk/repositories", "#http://off.example\n@edge https://dl.example/alpine/v3.22/main\n", "https://dl.example/alpine/v3.22/main", "dl.example")]
    [InlineData("/etc/apk/repositories", "http://$(reboot)/x\n", "http://$(reboot)/x", null)] // no name, and never a program's argument
    [InlineData("/etc/apk/repositories", "http://-rf/x\n", "http://-rf/x", null)]
    public void Sources_are_read_as_their_package_manager_does(string path, string text, string addresses, string? host)
    {
        var enabled = PackageSources.EnabledIn(path, text);
        Assert.Equal(addresses, string.Join(' ', enabled));
        Assert.Equal(host, PackageSources.HostOf(enabled));
    }

    [Fact]
    public void Who_holds_a_lock_is_found_and_who_waits_is_not()
    {
        const string Locks = "1: POSIX  ADVISORY  WRITE 1234 08:01:131 0 EOF\n1: -> POSIX  ADVISORY  WRITE 99 08:01:131 0 EOF\n2: FLOCK  ADVISORY  WRITE 77 08:01:1310 0 EOF\n3: OFDLCK ADVISORY READ -1 08:01:131 0 EOF\n";
        Assert.Equal([1234], KernelLocks.Holders(Locks, ["131", "132"]));
    }

    [Fact]
    public void Default_routes_of_both_kinds_are_known()
    {
        const string Route4 = "route eth0 00000000 0100A8C0 0003 0 0 0 00000000 0 0 0\ndone route\n";
        const string Other4 = "route eth0 0000A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\ndone route\n";
        const string Route6 = "route6 00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 1 0 00000003 eth0\ndone route\n";
        Assert.Equal([true, false, true, false, null], ((string[])[Route4, Other4, Route6, Route6.Replace("eth0", "lo", StringComparison.Ordinal), "route eth0"]).Select(text => InsideScript.Parse(text).HasDefaultRoute));
    }
}
