using System.Globalization;

namespace NannyOrleans.Domain.Agents;

/// <summary>What kind of value a field has, and so what it can be compared with.</summary>
internal enum FieldKind
{
    /// <summary>Text; one that is a number is ordered as one, before all that are none, so that vmid 99 comes before 100.</summary>
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
        ["agentless_vm"] = new(FieldKind.Flag, row => (row as GuestRow)?.AgentlessVm),
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

    /// <summary>Orders two known values of one field. Of texts those that are numbers come first, by size.</summary>
    public static int Compare(object? one, object? other) => (one, other) switch
    {
        (string a, string b) => Compare(a, b),
        (double a, double b) => a.CompareTo(b),
        (bool a, bool b) => a.CompareTo(b),
        (DateTimeOffset a, DateTimeOffset b) => a.CompareTo(b),
        (IReadOnlyList<string> a, IReadOnlyList<string> b) => string.CompareOrdinal(string.Join(',', a), string.Join(',', b)),
        _ => 0,
    };

    // Numbers apart from texts: 2, 10, 1a would otherwise go round in a circle, and a sort by it is none.
    private static int Compare(string one, string other) => (AsNumber(one), AsNumber(other)) switch
    {
        ({ } a, { } b) => a.CompareTo(b),
        (null, null) => string.CompareOrdinal(one, other),
        (var a, _) => a is null ? 1 : -1,
    };

    private static double? AsNumber(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static AgentField Text(Func<AgentRow, string?> read) => new(FieldKind.Text, read);

    private static AgentField Number(Func<AgentRow, double?> read) => new(FieldKind.Number, row => read(row));
}
