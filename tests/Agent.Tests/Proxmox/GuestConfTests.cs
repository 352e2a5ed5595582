using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Tests.Proxmox;

public sealed class GuestConfTests
{
    [Fact]
    public void Reads_the_present_state_and_neither_description_nor_pending_nor_snapshots() =>
        Assert.Equal(new GuestConf("web-01", "debian", "snapshot-delete", Template: false), GuestConf.Parse(Fixture.Read("lxc.everything.conf")));

    [Fact]
    public void Reads_a_vm() =>
        Assert.Equal(new GuestConf("alpine-template", "l26", null, Template: true), GuestConf.Parse(Fixture.Read("qemu.template.conf")));

    [Theory]
    [InlineData("")]
    [InlineData("[base]\nhostname: x\n")]
    [InlineData("hostname:\n")]
    [InlineData("\r\n:\n")]
    public void Knows_nothing_from_a_file_that_says_nothing(string text) => Assert.Equal(new GuestConf(null, null, null, Template: false), GuestConf.Parse(text));

    [Theory]
    [InlineData(GuestType.Lxc, "CT100")]
    [InlineData(GuestType.Qemu, "VM 100")]
    public void Names_a_guest_without_a_name_as_Proxmox_does(GuestType type, string name) => Assert.Equal(name, GuestConf.Parse(string.Empty).ShownName(type, new Vmid(100)));
}
