using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>
/// What in a guest's configuration ties it to its node, as Proxmox VE's own migration refuses it (PVE::QemuMigrate, PVE::LXC::Migrate). In doubt
/// nothing is: Proxmox VE decides then, when it is asked to move the guest.
/// </summary>
internal sealed class GuestPins(GuestType type)
{
    private readonly List<(string Key, string Reason)> pins = [];
    private readonly List<(string Key, string Storage, string Volume)> images = [];

    /// <summary>Takes one line. Where a key is there twice the last one holds, but for LXC's own, which add up.</summary>
    public void Take(ReadOnlySpan<char> key, ReadOnlySpan<char> value)
    {
        if (key is "lxc.mount.entry")
        {
            TakeMount(value);
            return;
        }

        if (pins.Count + images.Count > 0)
        {
            var name = key.ToString();
            pins.RemoveAll(pin => pin.Key == name);
            images.RemoveAll(image => image.Key == name);
        }

        var kind = key.TrimEnd("0123456789");
        if ((type is GuestType.Lxc ? OfContainer(kind, value) : OfVm(key, kind, value)) is { } reason && pins.Count < MostPins)
        {
            pins.Add((key.ToString(), reason));
        }
    }

    /// <summary>Why the guest can't leave its node, in a person's words; null when nothing is known to be against it.</summary>
    /// <param name="storages">The node's storages; null when they are not known.</param>
    public string? Reason(IReadOnlyList<StorageCfg>? storages)
    {
        var all = new List<string>(pins.Count);
        foreach (var (key, reason) in pins)
        {
            all.Add($"{key} is {reason}");
        }

        foreach (var (key, storage, volume) in images)
        {
            if (storages?.FirstOrDefault(one => one.Name == storage) is { Shared: false })
            {
                all.Add($"{key} has the CD image {volume}, which only this node has");
            }
        }

        return all.Count is 0 ? null : PlainText.Of(string.Join("; ", all));
    }

    private static string? OfContainer(ReadOnlySpan<char> kind, ReadOnlySpan<char> value)
    {
        switch (kind)
        {
            case "rootfs" or "mp":
                var volume = SubKeys.Get(value, "volume", bare: true);
                return volume is ['/', ..] && SubKeys.Get(value, "shared") is not "1" ? $"{(volume.StartsWith("/dev/") ? "the device" : "a bind mount of")} {volume}" : null;
            case "dev":
                var path = SubKeys.Get(value, "path", bare: true);
                return IsEverywhere(path) ? null : $"the device {path}";
            default:
                return null;
        }
    }

    // A mapped PCI device may be one that can move while its VM runs. Serial sockets are made anew on the other node.
    private string? OfVm(ReadOnlySpan<char> key, ReadOnlySpan<char> kind, ReadOnlySpan<char> value)
    {
        switch (kind)
        {
            case "hostpci":
                return SubKeys.Get(value, "mapping").IsEmpty ? $"the PCI device {SubKeys.Get(value, "host", bare: true)}" : null;
            case "usb":
                var host = SubKeys.Get(value, "host", bare: true);
                return SubKeys.Get(value, "mapping") is { IsEmpty: false } mapping ? $"the USB device {mapping}"
                    : host.IsEmpty || host.Equals("spice", StringComparison.OrdinalIgnoreCase) ? null : $"the USB device {host}";
            case "serial":
                return value is "socket" ? null : $"the device {value}";
            case "parallel":
                return $"the device {value}";
            case "ivshmem":
                return "memory shared with this node";
            case "args":
                return value.Contains("vfio-pci", StringComparison.Ordinal) || value.Contains("usb-host", StringComparison.Ordinal) || value.Contains("/dev/", StringComparison.Ordinal)
                    ? "a device, by the looks of it" : null;
            case "ide" or "sata" or "scsi" or "virtio" or "efidisk" or "tpmstate":
                return OfDrive(key, value);
            default:
                return null;
        }
    }

    private string? OfDrive(ReadOnlySpan<char> key, ReadOnlySpan<char> value)
    {
        var file = SubKeys.Get(value, "file", bare: true);
        if (file is "cdrom")
        {
            return "this node's own CD drive";
        }

        if (file is ['/', ..])
        {
            return SubKeys.Get(value, "shared") is "1" ? null : $"the file or device {file}";
        }

        // cloud-init's is made anew on the other node.
        if (SubKeys.Get(value, "media") is "cdrom" && file.IndexOf(':') is > 0 and var colon && !file.Contains("-cloudinit", StringComparison.Ordinal) && images.Count < MostPins)
        {
            images.Add((key.ToString(), file[..colon].ToString(), file.ToString()));
        }

        return null;
    }

    // fstab(5): what, where, type, options.
    private void TakeMount(ReadOnlySpan<char> value)
    {
        var words = value.ToString().Split((char[]?)null, 5, StringSplitOptions.RemoveEmptyEntries);
        if (words is [['/', ..] source, _, _, var options, ..] && options.Split(',') is var list && (list.Contains("bind") || list.Contains("rbind")) && !IsEverywhere(source) && pins.Count < MostPins)
        {
            pins.Add(("lxc.mount.entry", $"a mount of {source}"));
        }
    }

    /// <summary>What every node has alike.</summary>
    private static bool IsEverywhere(ReadOnlySpan<char> path) => path is "/dev/net" or "/dev/net/tun" or "/dev/fuse";

    private const int MostPins = 16;
}
