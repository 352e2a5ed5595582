using System.Text;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Clusters;

/// <summary>Turns what is stored into what is shown.</summary>
public static class TopologyView
{
    /// <summary>A cluster as shown.</summary>
    /// <param name="id">The cluster.</param>
    /// <param name="cluster">What is stored of it.</param>
    /// <param name="online">The nodes whose agents are connected now.</param>
    /// <param name="now">The server's clock.</param>
    public static ClusterView Of(ClusterId id, ClusterState cluster, IReadOnlySet<NodeName> online, DateTimeOffset now)
    {
        var (quorate, reason) = Quorate(cluster, online, now);
        return new(id, cluster.Name ?? id.Value, quorate, reason, [.. cluster.Nodes.Select(node => Of(id, node, online.Contains(node.Node), now))]);
    }

    /// <summary>A guest's id in the API.</summary>
    public static string GuestId(ClusterId cluster, GuestType type, Vmid vmid) => $"{cluster}-{Spell(type)}-{vmid}";

    /// <summary>A guest type as Proxmox's ids spell it.</summary>
    public static string Spell(GuestType type) => type is GuestType.Lxc ? "lxc" : "qemu";

    /// <summary>The tree of the guide, for a terminal. Names come from guests: control characters are shown as <c>?</c>.</summary>
    public static string ToText(Topology topology)
    {
        if (topology.Clusters.Count is 0)
        {
            return "No clusters yet: register an agent on a Proxmox VE host.\n";
        }

        var text = new StringBuilder();
        foreach (var cluster in topology.Clusters)
        {
            text.Append($"Proxmox Cluster: \"{Printable(cluster.Name)}\"").Append(cluster.Quorate is true ? "\n" : $" [{Printable(cluster.QuorateReason ?? "quorum unknown")}]\n");
            foreach (var (node, last) in Marked(cluster.Nodes))
            {
                text.Append(last ? "└── " : "├── ").Append($"Node: {node.Name} ({Agent(node)})\n");
                foreach (var (line, lastGuest) in Marked(Guests(node)))
                {
                    text.Append(last ? "    " : "│   ").Append(lastGuest ? "└── " : "├── ").Append(Printable(line)).Append('\n');
                }
            }
        }

        return text.ToString();
    }

    /// <summary>Whether what a node said is too old to stand for the present: two of its own intervals, and a minute for the way.</summary>
    private static bool IsOld(DateTimeOffset? at, Inventory? inventory, DateTimeOffset now) =>
        at is null || inventory is null || now - at > (2 * TimeSpan.FromSeconds(inventory.IntervalSeconds)) + TimeSpan.FromMinutes(1);

    private static (bool? Quorate, string? Reason) Quorate(ClusterState cluster, IReadOnlySet<NodeName> online, DateTimeOffset now)
    {
        var said = cluster.Nodes.Where(node => online.Contains(node.Node) && node.Inventory?.Cluster is not null && !IsOld(node.ReceivedAt, node.Inventory, now))
            .Select(node => (node.Node, node.Inventory!.Cluster!.Quorate)).ToArray();
        var without = said.Where(one => !one.Quorate).Select(one => one.Node.Value).ToArray();
        return (said.Length, without.Length) switch
        {
            (0, _) => (null, "quorum unknown: no connected node has reported it lately"),
            (_, 0) => (true, null),
            var (all, no) when all == no => (false, "no quorum"),
            _ => (null, $"quorum unknown: {string.Join(", ", without)} report none, others do"),
        };
    }

    private static NodeView Of(ClusterId cluster, NodeSummary node, bool online, DateTimeOffset now) => new(
        node.Node,
        node.Agent,
        node.Hostname,
        node.Agent is null ? NodeStatus.NoAgent : online ? NodeStatus.Online : NodeStatus.Offline,
        node.ReceivedAt,
        node.Inventory?.PveVersion,
        node.Inventory?.Problems ?? [],
        node.GuestsAt,
        node.GuestsAt is null ? null : [.. (node.Inventory?.Guests ?? []).OrderBy(guest => guest.Vmid).Select(guest => Of(cluster, guest, node, online, now))]);

    private static GuestView Of(ClusterId cluster, GuestSeen guest, NodeSummary node, bool online, DateTimeOffset now)
    {
        // What a silent host said last is history: shown as such, never as the present.
        var stale = !online ? "its node is not connected"
            : node.GuestsAt < node.ReceivedAt ? "its node could not list its guests"
            : IsOld(node.GuestsAt, node.Inventory, now) ? "its node has not listed its guests lately"
            : null;
        return new(
            GuestId(cluster, guest.Type, guest.Vmid),
            guest.Vmid,
            guest.Type,
            guest.Name,
            stale is null ? guest.Status : GuestStatus.Unknown,
            guest.Os?.PrettyName ?? guest.OsType,
            PlatformFamilies.Of(guest.Os, guest.OsType),
            guest.Type is GuestType.Lxc ? GuestManagement.Agentless : GuestManagement.RequiresAgent,
            guest.Lock,
            guest.Template,
            stale ?? guest.Problem);
    }

    private static string Agent(NodeView node) => node.Status switch
    {
        NodeStatus.NoAgent => "no agent",
        NodeStatus.Online => $"Host Agent: {node.Agent}",
        _ => $"Host Agent: {node.Agent}, offline, last seen {(node.LastSeen is { } at ? $"{at:u}" : "never")}",
    };

    private static IReadOnlyList<string> Guests(NodeView node) => node.Guests switch
    {
        null => ["guests unknown"],
        [] => ["no guests"],
        var guests => [.. guests.Select(Line)],
    };

    private static string Line(GuestView guest)
    {
        var state = guest.Status is GuestStatus.Running ? string.Empty : $" [{guest.Status.ToString().ToLowerInvariant()}]";
        var kind = guest.Type is GuestType.Lxc ? "LXC" : "VM";
        var management = guest.Management is GuestManagement.Agentless ? "[Agentless]" : "[Requires Agent]";
        return $"{kind} {guest.Vmid}: {guest.Name} ({guest.Os ?? "unknown"}) {management}{state}";
    }

    private static IEnumerable<(T Item, bool Last)> Marked<T>(IReadOnlyList<T> items) => items.Select((item, index) => (item, index == items.Count - 1));

    private static string Printable(string text) =>
        string.Concat(text.EnumerateRunes().Select(rune => Rune.IsControl(rune) || Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.Format ? "?" : rune.ToString()));
}
