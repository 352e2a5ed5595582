using System.Globalization;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Tests.Proxmox;

public sealed class GuestConfTests
{
    private const long MiB = 1024 * 1024;

    [Fact]
    public void Reads_the_present_state_of_a_container_and_neither_description_nor_pending_nor_snapshots()
    {
        var conf = GuestConf.Parse(GuestType.Lxc, Fixture.Read("lxc.everything.conf"));
        Assert.Equal(("web-01", "debian", "snapshot-delete", false), (conf.Name, conf.OsType, conf.Lock, conf.Template));
        Assert.Equal((null, 1024 * MiB, 512 * MiB, false, false), (conf.Cores, conf.MemoryBytes, conf.SwapBytes, conf.Unprivileged, conf.OnBoot));
        Assert.Equal((null, null), (conf.SmbiosUuid, conf.QemuAgent));
        Assert.Equal(
            [new("mp0", "local-zfs:subvol-100-disk-1", 8L << 30, "/data"), new GuestDisk("rootfs", "local-zfs:subvol-100-disk-0", 8L << 30, "/")],
            conf.Disks);
        Assert.Equal([new GuestNetwork("net0", "bc:24:11:00:00:01", "vmbr0", "10.0.0.5")], conf.Networks);
        Assert.Empty(conf.Tags);
        Assert.Empty(conf.Problems);
    }

    [Fact]
    public void Reads_the_present_state_of_a_vm()
    {
        var conf = GuestConf.Parse(GuestType.Qemu, Fixture.Read("qemu.everything.conf"));
        Assert.Equal(("app-01", "l26", null, false), (conf.Name, conf.OsType, conf.Lock, conf.Template));
        Assert.Equal((6, 4096 * MiB, null, null, true), (conf.Cores, conf.MemoryBytes, conf.SwapBytes, conf.Unprivileged, conf.OnBoot));
        Assert.Equal(("5f0f2b1e-7f53-4c3e-9a55-0c7a5b1f2d10", true), (conf.SmbiosUuid, conf.QemuAgent));
        Assert.Equal(
            [
                new("efidisk0", "local-lvm:vm-200-disk-0", 4 * MiB, null),
                new("scsi0", "local-lvm:vm-200-disk-1", 32L << 30, null),
                new("scsi1", "big:vm-200-disk-0", 3L << 39, null),
                new("tpmstate0", "local-lvm:vm-200-disk-2", 4 * MiB, null),
                new GuestDisk("virtio1", "local-lvm:vm-200-disk-3", 8L << 30, null), // the last one holds
            ],
            conf.Disks);
        Assert.Equal([new("net0", "bc:24:11:aa:02:00", "vmbr0", "10.0.0.20"), new GuestNetwork("net1", "bc:24:11:aa:02:01", "vmbr1", null)], conf.Networks);
        Assert.Equal(["10.0.0.20", "2001:db8::20"], conf.CloudInitAddresses);
        Assert.Equal(["a", "b", "c", "prod", "web"], conf.Tags);
        Assert.Empty(conf.Problems);
    }

    [Fact]
    public void Reads_a_template() => Assert.True(GuestConf.Parse(GuestType.Qemu, Fixture.Read("qemu.template.conf")) is { Template: true, Name: "alpine-template" });

    [Theory]
    [InlineData("")]
    [InlineData("[base]\nhostname: x\ncores: 4\n")]
    [InlineData("hostname:\n")]
    [InlineData("\r\n:\n")]
    [InlineData("\0\0\0")]
    public void Takes_what_is_not_said_as_Proxmox_does(string text)
    {
        var (lxc, qemu) = (GuestConf.Parse(GuestType.Lxc, text), GuestConf.Parse(GuestType.Qemu, text));
        Assert.Equal((null, null, 512 * MiB, 512 * MiB, false), (lxc.Name, lxc.Cores, lxc.MemoryBytes, lxc.SwapBytes, lxc.Unprivileged));
        Assert.Equal((null, 1, 512 * MiB, null, false), (qemu.Name, qemu.Cores, qemu.MemoryBytes, qemu.SwapBytes, qemu.QemuAgent));
        Assert.Empty(lxc.Disks);
        Assert.Empty(qemu.Networks);
    }

    [Theory]
    [InlineData("cores: -1", "cores is '-1'")]
    [InlineData("cores: 99999999999", "cores is '99999999999'")]
    [InlineData("memory: -512", "memory is '-512'")]
    [InlineData("memory: 99999999999999999999", "memory is '99999999999999999999'")]
    [InlineData("swap: lots\u001b[31m", "swap is 'lots\uFFFD[31m'")]
    public void A_number_that_cannot_be_read_is_unknown_and_no_default(string line, string problem)
    {
        var conf = GuestConf.Parse(GuestType.Lxc, line);
        Assert.Equal([problem], conf.Problems);
        Assert.Contains(null, new object?[] { conf.HasWrongCores ? null : 1, conf.MemoryBytes, conf.SwapBytes });
    }

    [Theory]
    [InlineData("8G", 8L << 30)]
    [InlineData("512M", 512L << 20)]
    [InlineData("4K", 4096L)]
    [InlineData("1.5T", 3L << 39)]
    [InlineData("1000", 1000L)]
    [InlineData("0T", null)] // no limit of its own
    [InlineData("-8G", null)]
    [InlineData("99999999999T", null)]
    [InlineData("8P", null)]
    [InlineData("G", null)]
    [InlineData("", null)]
    public void Sizes_have_units(string text, long? bytes) => Assert.Equal(bytes, SubKeys.Bytes(text));

    [Theory]
    [InlineData("mp0: /srv/share,mp=/share,size=0", "/srv/share", null, "/share")]
    [InlineData("mp0: mp=/data,volume=local:1", "local:1", null, "/data")]
    [InlineData("mp0: /dev/sdb1,mp=/disk", "/dev/sdb1", null, "/disk")]
    [InlineData("mp0: ,,,", "", null, null)]
    public void Mount_points_may_be_binds(string line, string volume, long? size, string? path) =>
        Assert.Equal([new GuestDisk("mp0", volume, size, path)], GuestConf.Parse(GuestType.Lxc, line).Disks);

    [Theory]
    [InlineData("agent: 1", true)]
    [InlineData("agent: 0", false)]
    [InlineData("agent: type=virtio,enabled=yes", true)]
    [InlineData("agent: type=virtio", false)]
    public void The_agent_may_be_on(string line, bool on) => Assert.Equal(on, GuestConf.Parse(GuestType.Qemu, line).QemuAgent);

    [Theory]
    [InlineData("smbios1: uuid=00000000-0000-0000-0000-000000000000")]
    [InlineData("smbios1: uuid=1234")]
    [InlineData("smbios1: manufacturer=x")]
    public void A_uuid_that_tells_nothing_is_none(string line) => Assert.Null(GuestConf.Parse(GuestType.Qemu, line).SmbiosUuid);

    [Theory]
    [InlineData("net0: name=eth0,ip=dhcp", null)]
    [InlineData("net0: name=eth0,ip=manual", null)]
    [InlineData("net0: name=eth0,ip=10.0.0.5/24", "10.0.0.5")]
    [InlineData("net0: name=eth0,ip=999.0.0.5/24", null)]
    [InlineData("net0: name=eth0,ip=2001:db8::1/64", null)] // not an IPv4 one
    public void Only_static_addresses_are_configured_ones(string line, string? address) =>
        Assert.Equal(address, Assert.Single(GuestConf.Parse(GuestType.Lxc, line).Networks).Address);

    [Fact]
    public void Keys_of_the_other_kind_mean_nothing()
    {
        Assert.Empty(GuestConf.Parse(GuestType.Qemu, "rootfs: local:1,size=8G\nmp0: local:2,mp=/x\nswap: 5\nhostname: x").Disks);
        var lxc = GuestConf.Parse(GuestType.Lxc, "scsi0: local:1,size=8G\nname: x\nsockets: 2\nagent: 1\nipconfig0: ip=10.0.0.1/8");
        Assert.True(lxc is { Disks.Count: 0, Name: null, Cores: null, QemuAgent: null, CloudInitAddresses.Count: 0 });
    }

    [Fact]
    public void A_guest_has_no_more_than_can_be_sent()
    {
        var lines = Enumerable.Range(0, 999).Select(i => string.Create(CultureInfo.InvariantCulture, $"mp{i}: local:{i},mp=/{i}\nnet{i}: name=eth{i}\n"));
        var conf = GuestConf.Parse(GuestType.Lxc, string.Concat(lines) + $"tags: {string.Join(';', Enumerable.Range(0, 999))}\nhostname: {new string('x', 10_000_000)}\n");
        Assert.Equal((300, 32, 64, 201), (conf.Disks.Count, conf.Networks.Count, conf.Tags.Count, conf.Name!.Length));
    }

    [Theory]
    [InlineData(GuestType.Lxc, "CT100")]
    [InlineData(GuestType.Qemu, "VM 100")]
    public void Names_a_guest_without_a_name_as_Proxmox_does(GuestType type, string name) => Assert.Equal(name, GuestConf.ShownName(null, type, new Vmid(100)));
}
