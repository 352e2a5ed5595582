using System.Text;
using System.Text.Json;
using NannyOrleans.Agent.Proxmox;

namespace NannyOrleans.Agent.Tests.Proxmox;

/// <summary>What programs print, where there is no file to read instead.</summary>
public sealed class CommandOutputTests
{
    [Theory]
    [InlineData("0x00000002          1    A,V,NMW 192.168.31.132 (local)", true)]
    [InlineData("0x00000002          1    A,V,NMW 192.168.31.132 [info] (local)", true)]
    [InlineData("         1          1  NA,NV,NMW pve1 (local)", false)]
    [InlineData("         1          1   A,NV,NMW pve1 (local)", false)]
    [InlineData("         1          1         NR pve1 (local)", false)]
    [InlineData("         1          1 pve1 (local)", null)] // no device at all
    [InlineData("         2          1    A,V,NMW pve2", null)] // another member's
    [InlineData("Cannot initialize CMAP service", null)]
    [InlineData("(local)", null)]
    public void The_local_members_flags_say_whether_the_device_votes(string line, bool? votes) =>
        Assert.Equal(votes, QuorumTool.DeviceVotes($"Quorate:          Yes\n\n    Nodeid      Votes    Qdevice Name\n{line}\n0x00000000          1            Qdevice\n"));

    [Fact]
    public void Ceph_says_what_is_wrong()
    {
        var ceph = CephStatus.Parse("""{"health":{"status":"HEALTH_WARN","checks":{"OSD_NEARFULL":{"muted":false,"summary":{"message":"1 nearfull osd(s)"}},"A":{},"B":{"muted":true,"summary":{"message":"x"}}}}}""");
        Assert.Equal(("HEALTH_WARN", null), (ceph.Health, ceph.Problem));
        Assert.Equal(["A: no message", "OSD_NEARFULL: 1 nearfull osd(s)"], ceph.Checks);
        Assert.Empty(CephStatus.Parse("""{"health":{"status":"HEALTH_OK","checks":{}}}""").Checks);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"health":"HEALTH_OK"}""")]
    [InlineData("""{"health":{"status":1}}""")]
    public void Another_answer_is_not_health(string json) => Assert.Throws<JsonException>(() => CephStatus.Parse(json));

    [Theory]
    [InlineData("""[]""", "")]
    [InlineData("""[{"name":"lo","ip-addresses":[{"ip-address":"127.0.0.1"},{"ip-address":"::1"}]},{"name":"eth0","ip-addresses":[{"ip-address":"fe80::1"},{"ip-address":"2001:db8::5"},{"ip-address":"10.0.0.5","prefix":24}]},{"name":"x"}]""", "10.0.0.5 2001:db8::5")]
    [InlineData("""{"result":[{"ip-addresses":[{"ip-address":"10.0.0.5"},{"ip-address":"10.0.0.5"},{"ip-address":"169.254.1.1"},{"ip-address":"no"},{"ip-address":5},7]}]}""", "10.0.0.5")]
    [InlineData("""[1,"x",null,{"ip-addresses":{}}]""", "")]
    [InlineData("""{"error":"x"}""", null)]
    [InlineData("""[{"ip-addresses":[{"ip-address":"\ud800"}]}]""", null)]
    [InlineData("QEMU guest agent is not running", null)]
    [InlineData("", null)]
    public void An_agent_names_addresses(string json, string? addresses) =>
        Assert.Equal(addresses, QemuAgent.Addresses(json, 32) is { } found ? string.Join(' ', found) : null);

    [Fact]
    public void An_agent_that_names_thousands_is_cut_short()
    {
        var rows = string.Join(',', Enumerable.Range(1, 5000).Select(i => $$"""{"ip-address":"10.0.{{i / 250}}.{{i % 250}}"}"""));
        Assert.Equal(32, QemuAgent.Addresses($$"""[{"ip-addresses":[{{rows}}]}]""", 32)!.Count);
    }

    [Theory]
    [InlineData("[]", 0)]
    [InlineData("""[{"Package":"a","Description":"[{"},{"Arch":"all","Package":"b","x":{"y":[1]}}]""", 2)]
    [InlineData("""[{"Package":"a"},{"Arch":"all"}]""", null)] // a row of something else
    [InlineData("""[{"Package":"a"},5]""", null)]
    [InlineData("""[{"Package":"a"}""", null)]
    [InlineData("""{"Package":"a"}""", null)]
    [InlineData("", null)]
    [InlineData("null", null)]
    [InlineData("""[{"\ud800Package":"a"}]""", null)]
    public void Updates_are_counted(string json, int? count) => Assert.Equal(count, AptUpdates.Count(Encoding.UTF8.GetBytes(json)));
}
