using System.Globalization;

namespace NannyOrleans.Domain.Agents;

/// <summary>What kind of value a field has, and so what it can be compared with.</summary>
internal enum FieldKind
{
    /// <summary>Text; those that are numbers come first and in the order of numbers, so that vmid 99 comes before 100.</summary>
    Text,

    /// <summary>A number.</summary>
    Number,

    /// <summary>True or false.</summary>
    Flag,

    /// <summary>A point in time.</summary>
    Time,

    /// <summary>Several texts; it equals each of them.</summary>
    List,
}

/// <summary>A field that filters and sorting know.</summary>
/// <param name="Kind">What kind of value it has.</param>
/// <param name="Read">Its value in a row: string, double, bool, DateTimeOffset or a list of texts; null when the row has none.</param>
internal sealed record AgentField(FieldKind Kind, Func<AgentRow, object?> Read)
{
    /// <summary>All of them, by name.</summary>
    public static readonly IReadOnlyDictionary<string, AgentField> All = new Dictionary<string, AgentField>(StringComparer.Ordinal)
    {
        ["id"] = Text(row => row.Id),
        ["name"] = Text(row => row switch { GuestRow guest => guest.Name, HostRow host => host.Hostname, MachineRow machine => machine.Hostname, _ => null }),
        ["hostname"] = Text(row => row switch { HostRow host => host.Hostname, MachineRow machine => machine.Hostname, _ => null }),
        ["os_type"] = Text(row => row.OsType),
        ["os"] = Text(row => row.Os),
        ["os_version"] = Text(row => row.OsVersion),
        ["platform_family"] = Text(row => row.PlatformFamily),
        ["status"] = Text(row => row.Status),
        ["last_seen"] = new(FieldKind.Time, row => row.LastSeen),
        ["proxmox_role"] = Text(row => row.ProxmoxRole),
        ["proxmox_cluster"] = Text(row => row.ProxmoxCluster),
        ["proxmox_node_name"] = Text(row => row.ProxmoxNodeName),
        ["proxmox_parent_host"] = Text(row => row switch { GuestRow guest => guest.ProxmoxParentHost, MachineRow machine => machine.ProxmoxParentHost, _ => null }),
        ["proxmox_type"] = Text(row => (row as GuestRow)?.ProxmoxType),
        ["proxmox_vmid"] = Text(row => row switch { GuestRow guest => guest.ProxmoxVmid, MachineRow machine => machine.ProxmoxVmid, _ => null }),
        ["vm_agent"] = Text(row => (row as GuestRow)?.VmAgent),
        ["ip_address"] = Text(row => row.IpAddress),
        ["ip_addresses"] = new(FieldKind.List, row => row.IpAddresses),
        ["mac_addresses"] = new(FieldKind.List, row => row.MacAddresses),
        ["smbios_uuid"] = Text(row => row.SmbiosUuid),
        ["tags"] = new(FieldKind.List, row => row.Tags),
        ["notes"] = Text(row => row.Notes),
        ["cores"] = Number(row => row.Cores),
        ["cpu_percent"] = Number(row => row.CpuPercent),
        ["memory_bytes"] = Number(row => row.MemoryBytes),
        ["memory_used_bytes"] = Number(row => row.MemoryUsedBytes),
        ["swap_bytes"] = Number(row => row.SwapBytes),
        ["swap_used_bytes"] = Number(row => row.SwapUsedBytes),
        ["disk_bytes"] = Number(row => row.DiskBytes),
        ["disk_used_bytes"] = Number(row => row.DiskUsedBytes),
        ["network_in_per_second"] = Number(row => row.NetworkInPerSecond),
        ["network_out_per_second"] = Number(row => row.NetworkOutPerSecond),
        ["uptime_seconds"] = Number(row => row.UptimeSeconds),
        ["load1"] = Number(row => row switch { HostRow host => host.Load1, MachineRow machine => machine.Load1, _ => null }),
        ["guest_count"] = Number(row => (row as HostRow)?.GuestCount),
        ["pending_updates"] = Number(row => row.PendingUpdates),
        ["reboot_required"] = new(FieldKind.Flag, row => row.RebootRequired),
        ["lock"] = Text(row => (row as GuestRow)?.Lock),
        ["template"] = new(FieldKind.Flag, row => (row as GuestRow)?.Template),
        ["unprivileged"] = new(FieldKind.Flag, row => (row as GuestRow)?.Unprivileged),
        ["onboot"] = new(FieldKind.Flag, row => (row as GuestRow)?.Onboot),
        ["ha_managed"] = new(FieldKind.Flag, row => (row as GuestRow)?.HaManaged),
        ["ha_state"] = Text(row => (row as GuestRow)?.HaState),
        ["deleted_at"] = new(FieldKind.Time, row => (row as GuestRow)?.DeletedAt),
        ["updates_at"] = new(FieldKind.Time, row => (row as GuestRow)?.UpdatesAt),
        ["pve_version"] = Text(row => (row as HostRow)?.PveVersion),
        ["agent_version"] = Text(row => row switch { HostRow host => host.AgentVersion, MachineRow machine => machine.AgentVersion, _ => null }),
        ["kernel"] = Text(row => row switch { HostRow host => host.Kernel, MachineRow machine => machine.Kernel, _ => null }),
        ["problem"] = Text(row => (row as GuestRow)?.Problem),
    };

    /// <summary>Orders two values of one field, neither of them null.</summary>
    public static int Compare(object one, object other) => (one, other) switch
    {
        // Numbers before all else: were each pair ordered by its own rule, 9 < 10 < 1a < 9 would be no order.
        (string a, string b) => (AsNumber(a), AsNumber(b)) switch
        {
            ({ } x, { } y) => x.CompareTo(y),
            (null, null) => string.CompareOrdinal(a, b),
            (var x, _) => x is null ? 1 : -1,
        },
        (double a, double b) => a.CompareTo(b),
        (bool a, bool b) => a.CompareTo(b),
        (DateTimeOffset a, DateTimeOffset b) => a.CompareTo(b),
        (IReadOnlyList<string> a, IReadOnlyList<string> b) => Compare(a, b),
        _ => throw new ArgumentException($"{one.GetType()} and {other.GetType()} have no order."),
    };

    private static int Compare(IReadOnlyList<string> one, IReadOnlyList<string> other)
    {
        for (var at = 0; at < one.Count && at < other.Count; at++)
        {
            if (string.CompareOrdinal(one[at], other[at]) is not 0 and var order)
            {
                return order;
            }
        }

        return one.Count.CompareTo(other.Count);
    }

    private static double? AsNumber(string text) =>
        double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    private static AgentField Text(Func<AgentRow, string?> read) => new(FieldKind.Text, read);

    private static AgentField Number(Func<AgentRow, double?> read) => new(FieldKind.Number, row => read(row));
}
