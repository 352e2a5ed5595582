using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NannyOrleans.Agent.Inventories;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>
/// A guest's file under <c>/etc/pve/nodes/N/lxc</c> or <c>qemu-server</c>: its present state only. What the file does not say is as Proxmox VE
/// takes it; what it says and cannot be read is null and among the problems.
/// </summary>
internal sealed record GuestConf
{
    private GuestConf(GuestPins pins) => Pins = pins;

    /// <summary><c>hostname</c> of a CT, <c>name</c> of a VM; null when absent.</summary>
    public string? Name { get; private set; }

    /// <summary><c>ostype</c>; null when absent.</summary>
    public string? OsType { get; private set; }

    /// <summary><c>lock</c>; null when absent.</summary>
    public string? Lock { get; private set; }

    /// <summary>Whether <c>template</c> is set.</summary>
    public bool Template { get; private set; }

    /// <summary><c>cores</c> (times <c>sockets</c>); null when absent in a CT's, which then has the host's all.</summary>
    public int? Cores { get; private set; }

    /// <summary>Whether there are <c>cores</c> that cannot be read.</summary>
    public bool HasWrongCores { get; private set; }

    /// <summary><c>memory</c>, bytes.</summary>
    public long? MemoryBytes { get; private set; }

    /// <summary><c>swap</c> of a CT, bytes; null for a VM.</summary>
    public long? SwapBytes { get; private set; }

    /// <summary>Disks and mount points, at most <see cref="MostDisks"/>; no CD drives, and no volumes that are not in use.</summary>
    public IReadOnlyList<GuestDisk> Disks { get; private set; } = [];

    /// <summary>Network interfaces, at most <see cref="MostNetworks"/>.</summary>
    public IReadOnlyList<GuestNetwork> Networks { get; private set; } = [];

    /// <summary>Static addresses that cloud-init gives to a VM (<c>ipconfigN</c>).</summary>
    public IReadOnlyList<string> CloudInitAddresses { get; private set; } = [];

    /// <summary>Tags, sorted, at most <see cref="MostTags"/>.</summary>
    public IReadOnlyList<string> Tags { get; private set; } = [];

    /// <summary>Whether a CT is unprivileged; null for a VM.</summary>
    public bool? Unprivileged { get; private set; }

    /// <summary>Whether it starts with its host.</summary>
    public bool OnBoot { get; private set; }

    /// <summary>The uuid of <c>smbios1</c>, lower case; null for a CT, and when absent.</summary>
    public string? SmbiosUuid { get; private set; }

    /// <summary>Whether <c>agent</c> is on; null for a CT.</summary>
    public bool? QemuAgent { get; private set; }

    /// <summary>What ties it to its node.</summary>
    public GuestPins Pins { get; }

    /// <summary>Values that cannot be read.</summary>
    public IReadOnlyList<string> Problems { get; private set; } = [];

    /// <summary>The most disks kept: Proxmox VE allows a CT 256 mount points.</summary>
    public const int MostDisks = 300;

    /// <summary>The most network interfaces kept, which is the most Proxmox VE allows.</summary>
    public const int MostNetworks = 32;

    /// <summary>The most tags kept.</summary>
    public const int MostTags = 64;

    /// <summary>
    /// Reads the lines before the first <c>[</c>. What follows is not the present state: pending changes, snapshots. Lines that
    /// start with <c>#</c> are the description, whatever they look like. A line that is none of these is skipped, as Proxmox does.
    /// </summary>
    public static GuestConf Parse(GuestType type, string text) => new Reading(type).Read(text);

    /// <summary>The name Proxmox shows: a CT without one is <c>CT100</c>, a VM <c>VM 100</c>.</summary>
    public static string ShownName(string? name, GuestType type, Vmid vmid) =>
        name ?? (type is GuestType.Lxc ? $"CT{vmid}" : $"VM {vmid}");

    /// <summary>One file as it is read. Where a key is there twice the last one holds, as in Proxmox VE.</summary>
    private sealed class Reading(GuestType type)
    {
        private readonly bool isContainer = type is GuestType.Lxc;
        private readonly List<string> problems = [];
        private readonly List<GuestDisk> disks = [];
        private readonly List<GuestNetwork> networks = [];
        private readonly List<string>?[] cloudInit = new List<string>?[MostNetworks];
        private int? cores = type is GuestType.Lxc ? null : 1;
        private int? sockets = 1;
        private bool wrongCores;

        public GuestConf Read(string text)
        {
            var conf = new GuestConf(new GuestPins(type))
            {
                MemoryBytes = DefaultMemory,
                SwapBytes = isContainer ? DefaultMemory : null,
                Unprivileged = isContainer ? false : null,
                QemuAgent = isContainer ? null : false,
            };
            foreach (var range in text.AsSpan().Split('\n'))
            {
                var line = text.AsSpan(range).TrimEnd();
                if (line is ['[', ..])
                {
                    break;
                }

                // LXC's own lines are also written as lxc.x = y.
                var colon = line.StartsWith("lxc.") ? line.IndexOfAny(':', '=') : line.IndexOf(':');
                if (line is not ['#', ..] && colon > 0 && line[(colon + 1)..].Trim() is { Length: > 0 } value)
                {
                    Take(conf, line[..colon].TrimEnd(), value);
                    conf.Pins.Take(line[..colon].TrimEnd(), value);
                }
            }

            conf.HasWrongCores = wrongCores;
            conf.Cores = isContainer ? cores : Product(cores, sockets);
            conf.Disks = disks;
            conf.Networks = networks.ConvertAll(one => one with { Address = one.Address ?? Configured(one.Key) });
            var addresses = new List<string>();
            Array.ForEach(cloudInit, one => addresses.AddRange(one ?? []));
            conf.CloudInitAddresses = addresses;
            conf.Problems = problems;
            return conf;
        }

        private void Take(GuestConf conf, ReadOnlySpan<char> key, ReadOnlySpan<char> value)
        {
            switch (key)
            {
                case "hostname" when isContainer:
                case "name" when !isContainer: conf.Name = Plain(value, 200); break;
                case "ostype": conf.OsType = Plain(value, 40); break;
                case "lock": conf.Lock = Plain(value, 40); break;
                case "template": conf.Template = IsOn(value); break;
                case "onboot": conf.OnBoot = IsOn(value); break;
                case "tags": conf.Tags = TagsOf(value); break;
                case "cores": cores = Number(key, value); wrongCores = cores is null; break;
                case "sockets" when !isContainer: sockets = Number(key, value); break;
                case "memory": conf.MemoryBytes = Mebibytes(key, SubKeys.Get(value, "current", bare: true)); break;
                case "swap" when isContainer: conf.SwapBytes = Mebibytes(key, value); break;
                case "unprivileged" when isContainer: conf.Unprivileged = IsOn(value); break;
                case "agent" when !isContainer: conf.QemuAgent = IsOn(SubKeys.Get(value, "enabled", bare: true)); break;
                case "smbios1" when !isContainer: conf.SmbiosUuid = HostFacts.Uuid(SubKeys.Get(value, "uuid").ToString()); break; // never base64, unlike the rest
                default: TakeNumbered(key, value); break;
            }
        }

        private void TakeNumbered(ReadOnlySpan<char> key, ReadOnlySpan<char> value)
        {
            var kind = key.TrimEnd("0123456789");
            if (kind.Length == key.Length ? key is not "rootfs" : key.Length - kind.Length > 3)
            {
                return;
            }

            switch (kind)
            {
                case "net": Put(networks, Network(key, value), one => one.Key, MostNetworks); break;
                case "rootfs" or "mp" when isContainer: Put(disks, Disk(key, value, "volume"), one => one.Key, MostDisks); break;
                case "ide" or "sata" or "scsi" or "virtio" or "efidisk" or "tpmstate" when !isContainer: TakeDrive(key, value); break;
                case "ipconfig" when !isContainer && Index(key[kind.Length..]) is < MostNetworks and var at: cloudInit[at] = Static(value); break;
            }
        }

        private void TakeDrive(ReadOnlySpan<char> key, ReadOnlySpan<char> value)
        {
            // "none" and "cdrom" (the host's own drive) are CD drives whether they say so or not.
            if (SubKeys.Get(value, "media") is not "cdrom" && SubKeys.Get(value, "file", bare: true) is not ("none" or "cdrom"))
            {
                Put(disks, Disk(key, value, "file"), one => one.Key, MostDisks);
            }
        }

        private GuestDisk Disk(ReadOnlySpan<char> key, ReadOnlySpan<char> value, string volume) => new(
            key.ToString(),
            Plain(SubKeys.Get(value, volume, bare: true), 400),
            SubKeys.Bytes(SubKeys.Get(value, "size")),
            !isContainer ? null : key is "rootfs" ? "/" : SubKeys.Get(value, "mp") is { IsEmpty: false } path ? Plain(path, 400) : null);

        private static GuestNetwork Network(ReadOnlySpan<char> key, ReadOnlySpan<char> value) => new(
            key.ToString(),
            SubKeys.Mac(value),
            SubKeys.Get(value, "bridge") is { IsEmpty: false } bridge ? Plain(bridge, 40) : null,
            Address(SubKeys.Get(value, "ip")) is { AddressFamily: AddressFamily.InterNetwork } address ? address.ToString() : null);

        private static List<string> Static(ReadOnlySpan<char> value)
        {
            var found = new List<string>();
            foreach (var name in (string[])["ip", "ip6"])
            {
                if (Address(SubKeys.Get(value, name)) is { } address)
                {
                    found.Add(address.ToString());
                }
            }

            return found;
        }

        private string? Configured(string key) =>
            Index(key.AsSpan(3)) is < MostNetworks and var at ? cloudInit[at]?.Find(address => !address.Contains(':', StringComparison.Ordinal)) : null;

        // At most three digits: the caller has looked.
        private static int Index(ReadOnlySpan<char> digits) => int.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);

        /// <summary>The address of <c>10.0.0.5/24</c>; null for <c>dhcp</c>, <c>manual</c>, <c>auto</c> and none.</summary>
        private static IPAddress? Address(ReadOnlySpan<char> text)
        {
            var slash = text.IndexOf('/');
            return slash > 0 && IPAddress.TryParse(text[..slash], out var address) ? address : null;
        }

        private static List<string> TagsOf(ReadOnlySpan<char> value)
        {
            var found = new SortedSet<string>(StringComparer.Ordinal);
            while (!value.IsEmpty && found.Count < MostTags)
            {
                var end = value.IndexOfAny(";, \t") is >= 0 and var separator ? separator : value.Length;
                if (end > 0)
                {
                    found.Add(Plain(value[..end], 200));
                }

                value = value[Math.Min(end + 1, value.Length)..];
            }

            return [.. found];
        }

        private int? Number(ReadOnlySpan<char> key, ReadOnlySpan<char> value) =>
            int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : Wrong<int>(key, value);

        private long? Mebibytes(ReadOnlySpan<char> key, ReadOnlySpan<char> value) =>
            long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= long.MaxValue >> 20 ? number << 20 : Wrong<long>(key, value);

        private T? Wrong<T>(ReadOnlySpan<char> key, ReadOnlySpan<char> value)
            where T : struct
        {
            if (problems.Count < 10)
            {
                problems.Add($"{key} is '{Plain(value, 80)}'");
            }

            return null;
        }

        private static int? Product(int? one, int? other) => (long?)one * other is { } product and <= int.MaxValue ? (int)product : null;

        private static bool IsOn(ReadOnlySpan<char> value) => value is "1"
            || value.Equals("on", StringComparison.OrdinalIgnoreCase) || value.Equals("yes", StringComparison.OrdinalIgnoreCase) || value.Equals("true", StringComparison.OrdinalIgnoreCase);

        private static string Plain(ReadOnlySpan<char> value, int longest) => PlainText.Of(value[..Math.Min(value.Length, longest + 1)].ToString(), longest);

        private static void Put<T>(List<T> list, T item, Func<T, string> key, int most)
            where T : class
        {
            var name = key(item);
            var at = list.FindIndex(other => key(other) == name);
            if (at >= 0)
            {
                list[at] = item;
            }
            else if (list.Count < most)
            {
                list.Add(item);
            }
        }
    }

    /// <summary>512 MiB: Proxmox VE's default of both memory and a CT's swap.</summary>
    private const long DefaultMemory = 512L << 20;
}
