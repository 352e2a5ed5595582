using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Tests.Support;

namespace NannyOrleans.Agent.Tests.Linux;

public sealed class NetworkFilesTests : IDisposable
{
    private readonly LabHost host = new();

    public void Dispose() => host.Dispose();

    private IReadOnlyList<string>? Read(out string? problem) => new NetworkFiles().Addresses(host.Host.At("/proc/net"), out problem);

    [Fact]
    public void The_default_routes_addresses_come_first_and_IPv4_before_IPv6()
    {
        host.WriteFacts();
        host.Write("proc/net/if_inet6", "20010db8000000000000000000000001 03 40 00 80    vmbr1\n20010db8000000000000000000000011 02 40 00 80    vmbr0\nfe800000000000000000000000000001 02 40 20 80    vmbr0\n");
        host.Write("proc/net/ipv6_route", "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000099 00000400 00000001 00000000 00450003    vmbr0\n");
        Assert.Equal(["192.168.7.11", "10.0.0.11", "2001:db8::11", "2001:db8::1"], Read(out var problem));
        Assert.Null(problem);
    }

    [Fact]
    public void A_kernel_without_IPv6_has_IPv4()
    {
        host.WriteFacts();
        File.Delete(host.Host.At("/proc/net/if_inet6"));
        File.Delete(host.Host.At("/proc/net/route"));
        Assert.Equal(["10.0.0.11", "192.168.7.11"], Read(out _));
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_unknown_and_not_none()
    {
        Assert.Null(Read(out var problem));
        Assert.Contains("fib_trie cannot be read", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("|-- 10.0.0.1\n   /32 link BROADCAST\n")]
    [InlineData("   /32 host LOCAL\n")]
    [InlineData("|-- 999.0.0.1\n/32 host LOCAL\n")]
    [InlineData("|-- 1111111111111111111111111111111\n/32 host LOCAL\n")]
    [InlineData("|-- 127.0.0.53\n/32 host LOCAL\n")]
    [InlineData("\0\0|-- ")]
    public void Other_lines_are_no_addresses(string trie) => Assert.Empty(NetworkFiles.LocalAddresses(System.Text.Encoding.UTF8.GetBytes(trie)));

    [Fact]
    public void This_machines_own_files_can_be_read() => Assert.NotNull(new NetworkFiles().Addresses("/proc/net", out _));
}
