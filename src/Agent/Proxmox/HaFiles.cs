using System.Text;
using System.Text.Json;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>High availability by <c>/etc/pve/ha</c>, where a file that is not there says that HA was never used.</summary>
internal sealed class HaFiles
{
    private readonly HashSet<string>? managed;
    private readonly Dictionary<string, string> states = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> pending; // the last command for each node
    private readonly SortedSet<string> requested = new(StringComparer.Ordinal);

    /// <summary>Reads the files.</summary>
    /// <param name="resources"><c>resources.cfg</c>; null when it is not there.</param>
    /// <param name="status"><c>manager_status</c>; null when it is not there.</param>
    /// <param name="unread">Whether one of them is there and could not be read.</param>
    /// <param name="now">The host's clock.</param>
    /// <param name="problems">What cannot be understood.</param>
    /// <param name="commands"><c>crm_commands</c>; null when it is not there.</param>
    /// <param name="lrms">Each node's <c>lrm_status</c>; a null for one that could not be read.</param>
    public HaFiles(
        string? resources, string? status, bool unread, DateTimeOffset now, List<string> problems,
        string? commands = null, IReadOnlyDictionary<string, string?>? lrms = null)
    {
        pending = Pending(commands ?? string.Empty);
        if (unread)
        {
            return;
        }

        managed = Resources(resources ?? string.Empty);
        try
        {
            var seen = string.IsNullOrWhiteSpace(status)
                ? new(Used: managed.Count > 0, null, ManagerActive: false, new Dictionary<string, string>(), []) { ActiveServices = new Dictionary<string, int>() }
                : LenientJson.Read(status, "ha/manager_status", root => Manager(root, now));
            foreach (var (node, command) in pending)
            {
                if (command is Enable)
                {
                    requested.Add(PlainText.Of(node, 200));
                }
            }

            Seen = seen with { MaintenanceRequested = [.. requested], Lrms = Lrms(lrms, now, problems) };
        }
        catch (JsonException e)
        {
            problems.Add(e.Message);
        }
    }

    /// <summary>Reads what says which maintenance modes are asked for. Blocks for as long as pmxcfs does.</summary>
    /// <exception cref="UnreadableException">It cannot be told.</exception>
    public static HaFiles Read(Host host, DateTimeOffset now, List<string> problems)
    {
        if (Text(host, "/etc/pve/.members") is null)
        {
            // The mount point of a stopped pmxcfs is an empty directory: that is no cluster without HA.
            throw new UnreadableException($"{host.At("/etc/pve")} cannot be used, is pmxcfs (service pve-cluster) running?");
        }

        // The commands first: the manager empties the file before it writes what it took up.
        var commands = Text(host, "/etc/pve/ha/crm_commands");
        return new(null, Text(host, "/etc/pve/ha/manager_status"), unread: false, now, problems, commands);
    }

    /// <summary>A file's text; null when it is not there. Blocks for as long as pmxcfs does.</summary>
    /// <exception cref="UnreadableException">It is there and cannot be read.</exception>
    public static string? Text(Host host, string path)
    {
        var file = new FileBytes(1024 * 1024);
        return file.Read(host.At(path)) switch
        {
            0 => Encoding.UTF8.GetString(file.Content),
            FileBytes.NotThere => null,
            var error => throw new UnreadableException(FileBytes.Problem(host.At(path), error)),
        };
    }

    /// <summary>The cluster's high availability; null when it cannot be told.</summary>
    public HaSeen? Seen { get; }

    /// <summary>Whether it manages a guest; null when it cannot be told.</summary>
    public bool? Manages(GuestType type, Vmid vmid) => managed?.Contains(Sid(type, vmid));

    /// <summary>What the manager says of a guest; null when it says nothing.</summary>
    public string? StateOf(GuestType type, Vmid vmid) => states.GetValueOrDefault(Sid(type, vmid));

    /// <summary>
    /// Whether maintenance mode of a node will be as wanted once the manager has taken up all that it was asked for; null when it cannot be told.
    /// </summary>
    public bool? IsMaintenanceAsked(NodeName node, bool on) =>
        Seen is null ? null : (pending.TryGetValue(node.Value, out var last) ? last is Enable : requested.Contains(node.Value)) == on;

    // One command a line, in the order in which they were given.
    private static Dictionary<string, string> Pending(string text)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n'))
        {
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is [(Enable or "disable-node-maintenance") and var command, var node]
                && found.Count < Inventory.MaxItems)
            {
                found[node] = command;
            }
        }

        return found;
    }

    // Null when one of them cannot be told: that is no manager that is well, and none that is not.
    private static SortedDictionary<string, LrmSeen>? Lrms(IReadOnlyDictionary<string, string?>? texts, DateTimeOffset now, List<string> problems)
    {
        var found = new SortedDictionary<string, LrmSeen>(StringComparer.Ordinal);
        foreach (var (node, text) in texts ?? new Dictionary<string, string?>())
        {
            if (text is null)
            {
                return null; // why is said already
            }

            try
            {
                found[PlainText.Of(node, 200)] = LenientJson.Read(text, $"nodes/{node}/lrm_status", root =>
                    LenientJson.Text(root, "mode") is { } mode && LenientJson.Text(root, "state") is { } state
                        ? new LrmSeen(PlainText.Of(mode, 40), PlainText.Of(state, 40), IsRecent(root, now))
                        : throw new JsonException("mode or state is missing"));
            }
            catch (JsonException e)
            {
                problems.Add(e.Message);
                return null;
            }
        }

        return found;
    }

    private static bool IsRecent(JsonElement root, DateTimeOffset now) =>
        LenientJson.Number(root, "timestamp") is { } at && Math.Abs((double)at - now.ToUnixTimeSeconds()) <= 60;

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
        var active = new Dictionary<string, int>(StringComparer.Ordinal);
        var isKnown = true;
        foreach (var service in LenientJson.Members(LenientJson.Property(root, "service_status")))
        {
            if (LenientJson.Text(service.Value, "state") is { } state)
            {
                states[service.Name] = PlainText.Of(state, 40);
                if (state is "error" && errors.Count < Inventory.MaxItems)
                {
                    errors.Add(PlainText.Of(service.Name, 200));
                }

                if (state is "stopped" or "freeze" or "error" or "request_start")
                {
                    continue;
                }

                if (LenientJson.Text(service.Value, "node") is { } where)
                {
                    where = PlainText.Of(where, 200);
                    active[where] = active.GetValueOrDefault(where) + 1;
                    continue;
                }
            }

            isKnown = false; // a service of which nobody knows where it is may be anywhere
        }

        var nodes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var node in LenientJson.Members(LenientJson.Property(root, "node_status")))
        {
            if (node.Value.ValueKind is JsonValueKind.String && node.Value.GetString() is { Length: > 0 } state && nodes.Count < Inventory.MaxItems)
            {
                nodes[PlainText.Of(node.Name, 200)] = PlainText.Of(state, 40);
            }
        }

        foreach (var node in LenientJson.Members(LenientJson.Property(root, "node_request")))
        {
            if (LenientJson.Property(node.Value, "maintenance") is { } maintenance && (maintenance.ValueKind is JsonValueKind.True || LenientJson.Number(node.Value, "maintenance") is not (null or 0)))
            {
                requested.Add(PlainText.Of(node.Name, 200));
            }
        }

        NodeName? master = NodeName.TryParse(LenientJson.Text(root, "master_node"), null, out var name) ? name : null;
        errors.Sort(StringComparer.Ordinal);
        return new(
            Used: managed!.Count > 0 || master is not null,
            master,
            ManagerActive: master is not null && IsRecent(root, now),
            nodes,
            errors)
        {
            ActiveServices = isKnown ? active : null,
        };
    }

    private static string Sid(GuestType type, Vmid vmid) => type is GuestType.Lxc ? $"ct:{vmid}" : $"vm:{vmid}";

    private const string Enable = "enable-node-maintenance";
}
