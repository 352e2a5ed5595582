using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Tests.Proxmox;

public sealed class GuestPinsTests
{
    private const string Storages = "dir: local\n\tpath /var/lib/vz\n\nnfs: nas\n\tserver 10.0.0.9\n\ndir: both\n\tpath /mnt/x\n\tshared 1\n";

    [Theory]
    [InlineData("rootfs: local-zfs:subvol-100-disk-0,size=8G\nmp0: local-lvm:vm-100-disk-1,mp=/srv,size=8G", null)] // moved with it
    [InlineData("mp0: /srv/data,mp=/data", "mp0 is a bind mount of /srv/data")]
    [InlineData("mp1: mp=/data,volume=/srv/data", "mp1 is a bind mount of /srv/data")]
    [InlineData("mp0: /mnt/nas,mp=/data,shared=1", null)] // a person says that all nodes have it
    [InlineData("mp0: /mnt/nas,mp=/data,shared=0", "mp0 is a bind mount of /mnt/nas")]
    [InlineData("mp0: /dev/sdb1,mp=/data", "mp0 is the device /dev/sdb1")]
    [InlineData("rootfs: /srv/root,size=0T", "rootfs is a bind mount of /srv/root")]
    [InlineData("dev0: /dev/dri/renderD128,gid=104", "dev0 is the device /dev/dri/renderD128")]
    [InlineData("dev0: path=/dev/ttyUSB0", "dev0 is the device /dev/ttyUSB0")]
    [InlineData("dev0: /dev/net/tun", null)] // every node has it
    [InlineData("lxc.mount.entry: /dev/dri dev/dri none bind,optional,create=dir", "lxc.mount.entry is a mount of /dev/dri")]
    [InlineData("lxc.mount.entry = /srv/x srv/x none rbind 0 0", "lxc.mount.entry is a mount of /srv/x")]
    [InlineData("lxc.mount.entry: /dev/net/tun dev/net/tun none bind,create=file", null)]
    [InlineData("lxc.mount.entry: tmpfs tmp tmpfs size=1G", null)]
    [InlineData("lxc.cgroup2.devices.allow: c 226:* rwm", null)] // a right, not a device
    [InlineData("mp0: /srv/a,mp=/a\ndev0: /dev/sda", "mp0 is a bind mount of /srv/a; dev0 is the device /dev/sda")]
    [InlineData("mp0: /srv/a,mp=/a\nmp0: local:1,mp=/a", null)] // the last one holds
    [InlineData("hostname: x\n[before]\nmp0: /srv/a,mp=/a", null)] // a snapshot's
    [InlineData("#mp0: /srv/a,mp=/a", null)]
    [InlineData("hostpci0: 01:00.0", null)] // no word of a container's
    public void A_container_is_tied_by_what_only_its_node_has(string conf, string? expected) => Assert.Equal(expected, Of(GuestType.Lxc, conf));

    [Theory]
    [InlineData("scsi0: local-lvm:vm-200-disk-0,size=32G\nefidisk0: local-lvm:vm-200-disk-1\ntpmstate0: local-lvm:vm-200-disk-2", null)]
    [InlineData("hostpci0: 0000:01:00,pcie=1", "hostpci0 is the PCI device 0000:01:00")]
    [InlineData("hostpci0: host=0000:01:00", "hostpci0 is the PCI device 0000:01:00")]
    [InlineData("hostpci0: mapping=gpu,pcie=1", null)] // some can move
    [InlineData("usb0: host=1234:5678", "usb0 is the USB device 1234:5678")]
    [InlineData("usb0: 1-2,usb3=1", "usb0 is the USB device 1-2")]
    [InlineData("usb0: mapping=stick", "usb0 is the USB device stick")]
    [InlineData("usb0: spice,usb3=1", null)]
    [InlineData("usb0: host=SPICE", null)]
    [InlineData("serial0: socket", null)]
    [InlineData("serial0: /dev/ttyS0", "serial0 is the device /dev/ttyS0")]
    [InlineData("parallel0: /dev/parport0", "parallel0 is the device /dev/parport0")]
    [InlineData("ivshmem: size=32", "ivshmem is memory shared with this node")]
    [InlineData("args: -device vfio-pci,host=01:00.0", "args is a device, by the looks of it")]
    [InlineData("args: -cpu host,+x2apic", null)]
    [InlineData("scsi1: /dev/disk/by-id/ata-x,size=1T", "scsi1 is the file or device /dev/disk/by-id/ata-x")]
    [InlineData("scsi1: /mnt/nas/x.raw,shared=1", null)]
    [InlineData("ide2: none,media=cdrom", null)]
    [InlineData("ide2: cdrom,media=cdrom", "ide2 is this node's own CD drive")]
    [InlineData("ide2: local:iso/debian.iso,media=cdrom,size=600M", "ide2 is the CD image local:iso/debian.iso, which only this node has")]
    [InlineData("ide2: nas:iso/debian.iso,media=cdrom", null)]
    [InlineData("ide2: both:iso/debian.iso,media=cdrom", null)]
    [InlineData("ide2: another:iso/debian.iso,media=cdrom", null)] // a storage that this node does not have
    [InlineData("ide2: local:vm-200-cloudinit,media=cdrom", null)] // made anew
    [InlineData("mp0: /srv/a,mp=/a", null)] // no word of a VM's
    public void A_VM_is_tied_by_what_only_its_node_has(string conf, string? expected) => Assert.Equal(expected, Of(GuestType.Qemu, conf));

    [Fact]
    public void Without_the_list_of_storages_Proxmox_decides_about_a_CD_image() =>
        Assert.Null(GuestConf.Parse(GuestType.Qemu, "ide2: local:iso/debian.iso,media=cdrom").Pins.Reason(null));

    [Fact]
    public void Thousands_of_them_and_control_characters_stay_one_short_line()
    {
        var text = Of(GuestType.Lxc, string.Concat(Enumerable.Range(0, 200).Select(number => $"mp{number}: /srv/\u001b[2J{number},mp=/x\n")))!;
        Assert.True(text.Length <= 401 && !text.Any(char.IsControl));
    }

    private static string? Of(GuestType type, string conf) => GuestConf.Parse(type, conf).Pins.Reason(StorageCfg.Parse(Storages, NodeName.Parse("pve1")));
}
