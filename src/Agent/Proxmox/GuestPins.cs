using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>
/// What in a guest's configuration ties it to its node, as Proxmox VE's own migration refuses it (PVE::QemuMigrate, PVE::LXC::Migrate). In doubt
/// nothing is: Proxmox VE decides then, when it is asked to move the guest.
/// </summary>
internal sealed class GuestPins(GuestType type)
{
    private readonly List<Pin> pins = [];

    /// <summary>Takes one line. Where a key is there twice the last one holds, but for LXC's own, which add up.</summary>
    public void Take(ReadOnlySpan<char> key, ReadOnlySpan<char> value)
    {
        if (key is "lxc.mount.entry")
        {
            TakeMount(value);
            return;
        }

        for (var at = pins.Count - 1; at >= 0; at--)
        {
            if (key.SequenceEqual(pins[at].Key))
            {
                pins.RemoveAt(at);
            }
        }

        var kind = key.TrimEnd("0123456789");
        var (reason, storage) = type is GuestType.Lxc ? (OfContainer(kind, value), null) : OfVm(kind, value);
        if (reason is not null && pins.Count < MostPins)
        {
            pins.Add(new(key.ToString(), reason, storage));
        }
    }

    /// <summary>Why the guest can't leave its node, in a person's words; null when nothing is known to be against it.</summary>
    /// <param name="storages">The node's storages; null when they are not known.</param>
    public string? Reason(IReadOnlyList<StorageCfg>? storages)
    {
        var all = new List<string>(pins.Count);
        foreach (var pin in pins)
        {
            if (pin.Storage is null || IsLocal(pin.Storage, storages))
            {
                all.Add($"{pin.Key} is {pin.Reason}");
            }
        }

        return all.Count is 0 ? null : PlainText.Of(string.Join("; ", all));
    }

    // One that this node does not have, or of which nothing is known, is in doubt.
    private static bool IsLocal(string storage, IReadOnlyList<StorageCfg>? storages)
    {
        foreach (var one in storages ?? [])
        {
            if (one.Name == storage)
            {
                return !one.Shared;
            }
        }

        return false;
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

    // A mapped PCI device may be one that can move while its VM runs. Serial sockets are made anew on the other node. With a storage: if that is local.
    private static (string? Reason, string? Storage) OfVm(ReadOnlySpan<char> kind, ReadOnlySpan<char> value)
    {
        switch (kind)
        {
            case "hostpci":
                return (SubKeys.Get(value, "mapping").IsEmpty ? $"the PCI device {SubKeys.Get(value, "host", bare: true)}" : null, null);
            case "usb":
                var host = SubKeys.Get(value, "mapping") is { IsEmpty: false } mapping ? mapping : SubKeys.Get(value, "host", bare: true);
                return (host.IsEmpty || host.Equals("spice", StringComparison.OrdinalIgnoreCase) ? null : $"the USB device {host}", null);
            case "serial" or "parallel":
                return (value is "socket" ? null : $"the device {value}", null);
            case "ivshmem":
                return ("memory shared with this node", null);
            case "args":
                return (value.Contains("vfio-pci", StringComparison.Ordinal) || value.Contains("usb-host", StringComparison.Ordinal) || value.Contains("/dev/", StringComparison.Ordinal)
                    ? "a device, by the looks of it" : null, null);
            case "ide" or "sata" or "scsi" or "virtio" or "efidisk" or "tpmstate":
                return OfDrive(value);
            default:
                return default;
        }
    }

    private static (string? Reason, string? Storage) OfDrive(ReadOnlySpan<char> value)
    {
        var file = SubKeys.Get(value, "file", bare: true);
        if (file is "cdrom")
        {
            return ("this node's own CD drive", null);
        }

        if (file is ['/', ..])
        {
            return (SubKeys.Get(value, "shared") is "1" ? null : $"the file or device {file}", null);
        }

        // cloud-init's is made anew on the other node.
        return SubKeys.Get(value, "media") is "cdrom" && file.IndexOf(':') is > 0 and var colon && !file.Contains("-cloudinit", StringComparison.Ordinal)
            ? ($"the CD image {file}, which only this node has", file[..colon].ToString())
            : default;
    }

    // fstab(5): what, where, type, options.
    private void TakeMount(ReadOnlySpan<char> value)
    {
        var words = value.ToString().Split((char[]?)null, 5, StringSplitOptions.RemoveEmptyEntries);
        if (words is [['/', ..] source, _, _, var options, ..] && options.Split(',') is var list && (list.Contains("bind") || list.Contains("rbind")) && !IsEverywhere(source) && pins.Count < MostPins)
        {
            pins.Add(new("lxc.mount.entry", $"a mount of {source}", null));
        }
    }

    /// <summary>What every node has alike.</summary>
    private static bool IsEverywhere(ReadOnlySpan<char> path) => path is "/dev/net" or "/dev/net/tun" or "/dev/fuse";

    private const int MostPins = 16;

    private sealed class Pin(string key, string reason, string? storage)
    {
        public string Key => key;

        public string Reason => reason;

        public string? Storage => storage;
    }
}
