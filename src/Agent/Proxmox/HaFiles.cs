using System.Text.Json;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>High availability by <c>/etc/pve/ha</c>, where a file that is not there says that HA was never used.</summary>
internal sealed class HaFiles
{
    private readonly HashSet<string>? managed;
    private readonly Dictionary<string, string> states = new(StringComparer.Ordinal);

    /// <summary>Reads the two files.</summary>
    /// <param name="resources"><c>resources.cfg</c>; null when it is not there.</param>
    /// <param name="status"><c>manager_status</c>; null when it is not there.</param>
    /// <param name="unread">Whether one of them is there and could not be read.</param>
    /// <param name="now">The host's clock.</param>
    /// <param name="problems">What cannot be understood.</param>
    public HaFiles(string? resources, string? status, bool unread, DateTimeOffset now, List<string> problems)
    {
        if (unread)
        {
            return;
        }

        managed = Resources(resources ?? string.Empty);
        try
        {
            Seen = string.IsNullOrWhiteSpace(status)
                ? new(Used: managed.Count > 0, null, ManagerActive: false, new Dictionary<string, string>(), [])
                : LenientJson.Read(status, "ha/manager_status", root => Manager(root, now));
        }
        catch (JsonException e)
        {
            problems.Add(e.Message);
        }
    }

    /// <summary>The cluster's high availability; null when it cannot be told.</summary>
    public HaSeen? Seen { get; }

    /// <summary>Whether it manages a guest; null when it cannot be told.</summary>
    public bool? Manages(GuestType type, Vmid vmid) => managed?.Contains(Sid(type, vmid));

    /// <summary>What the manager says of a guest; null when it says nothing.</summary>
    public string? StateOf(GuestType type, Vmid vmid) => states.GetValueOrDefault(Sid(type, vmid));

    // ct: 100, vm: 200 at the start of a line; their properties are indented.
    private static HashSet<string> Resources(string text)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            var colon = line.IndexOf(':');
            if (colon > 0 && line[..colon] is "ct" or "vm" && Vmid.TryParse(line[(colon + 1)..].Trim().ToString(), null, out var vmid))
            {
                found.Add($"{line[..colon]}:{vmid}");
            }
        }

        return found;
    }

    private HaSeen Manager(JsonElement root, DateTimeOffset now)
    {
        var errors = new List<string>();
        foreach (var service in LenientJson.Members(LenientJson.Property(root, "service_status")))
        {
            if (LenientJson.Text(service.Value, "state") is { } state)
            {
                states[service.Name] = PlainText.Of(state, 40);
                if (state is "error" && errors.Count < Inventory.MaxItems)
                {
                    errors.Add(PlainText.Of(service.Name, 200));
                }
            }
        }

        var nodes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var node in LenientJson.Members(LenientJson.Property(root, "node_status")))
        {
            if (node.Value.ValueKind is JsonValueKind.String && node.Value.GetString() is { Length: > 0 } state && nodes.Count < Inventory.MaxItems)
            {
                nodes[PlainText.Of(node.Name, 200)] = PlainText.Of(state, 40);
            }
        }

        NodeName? master = NodeName.TryParse(LenientJson.Text(root, "master_node"), null, out var name) ? name : null;
        var written = LenientJson.Number(root, "timestamp");
        errors.Sort(StringComparer.Ordinal);
        return new(
            Used: managed!.Count > 0 || master is not null,
            master,
            ManagerActive: master is not null && written is { } at && Math.Abs((double)at - now.ToUnixTimeSeconds()) <= 60,
            nodes,
            errors);
    }

    private static string Sid(GuestType type, Vmid vmid) => type is GuestType.Lxc ? $"ct:{vmid}" : $"vm:{vmid}";
}
