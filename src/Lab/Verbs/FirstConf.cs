using System.Globalization;

namespace NannyOrleans.Lab.Verbs;

/// <summary>The conf file a guest of the plan starts with.</summary>
internal static class FirstConf
{
    private static readonly Dictionary<string, string> Tags = new()
    {
        ["web-server-01"] = "prod;web",
        ["db-server-01"] = "db;prod",
    };

    public static string For(PlannedGuest guest) => guest.Kind is "lxc" ? Container(guest) : Machine(guest);

    private static string Container(PlannedGuest guest) => string.Create(CultureInfo.InvariantCulture, $"""
        arch: amd64
        cores: 1
        features: nesting=1
        hostname: {guest.Name}
        memory: 512
        net0: name=eth0,bridge=vmbr0,hwaddr={Address(guest.Vmid)},ip=10.99.{guest.Vmid / 256 % 256}.{guest.Vmid % 256}/16,type=veth
        onboot: {(guest.IsWanted ? 1 : 0)}
        ostype: {guest.OsType}
        rootfs: local:{guest.Vmid}/vm-{guest.Vmid}-disk-0.raw,size=4G
        swap: 512
        tags: {Tags.GetValueOrDefault(guest.Name, "prod")}

        """);

    private static string Machine(PlannedGuest guest) => string.Create(CultureInfo.InvariantCulture, $"""
        {(guest.Vmid is 201 ? "agent: 1\n" : "")}boot: order=scsi0
        cores: 2
        memory: {(guest.Vmid is 200 ? 8192 : 4096)}
        name: {guest.Name}
        net0: virtio={Address(guest.Vmid)},bridge=vmbr0
        ostype: {(guest.Vmid is 200 ? "win11" : "l26")}
        scsi0: local:{guest.Vmid}/vm-{guest.Vmid}-disk-0.raw,size={(guest.Vmid is 200 ? 64 : 32)}G
        scsihw: virtio-scsi-single
        smbios1: uuid=5f0f2b1e-7f53-4c3e-9a55-0000000{guest.Vmid:x5}

        """);

    private static string Address(int vmid) => string.Create(
        CultureInfo.InvariantCulture, $"BC:24:11:{vmid >> 16 & 0xff:X2}:{vmid >> 8 & 0xff:X2}:{vmid & 0xff:X2}");
}
