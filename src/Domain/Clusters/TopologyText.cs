using System.Text;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Clusters;

/// <summary>The tree of the guide, for a terminal.</summary>
public static class TopologyText
{
    /// <summary>Writes the tree. Names come from guests: control characters, and those that turn or break a line, are shown as <c>?</c>.</summary>
    public static string Of(Topology topology)
    {
        if (topology is { Clusters.Count: 0, Standalone.Count: 0 })
        {
            return "No clusters yet: register an agent on a Proxmox VE host.\n";
        }

        var text = new StringBuilder();
        foreach (var cluster in topology.Clusters)
        {
            text.Append($"Proxmox Cluster: \"{PrintableText.Of(cluster.Name)}\"").Append(cluster.Quorate is true ? "\n" : $" [{PrintableText.Of(cluster.QuorateReason ?? "quorum unknown")}]\n");
            foreach (var (node, last) in Marked(cluster.Nodes))
            {
                text.Append(last ? "└── " : "├── ").Append($"Node: {node.Name} ({Agent(node)})\n");
                foreach (var (line, lastGuest) in Marked(Guests(node)))
                {
                    text.Append(last ? "    " : "│   ").Append(lastGuest ? "└── " : "├── ").Append(PrintableText.Of(line)).Append('\n');
                }
            }
        }

        if (topology.Standalone.Count > 0)
        {
            text.Append("Standalone agents\n");
            foreach (var (machine, last) in Marked(topology.Standalone))
            {
                text.Append(last ? "└── " : "├── ").Append(PrintableText.Of(Line(machine))).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Agent(NodeView node) => node.Status switch
    {
        NodeStatus.NoAgent => "no agent",
        NodeStatus.Online => $"Host Agent: {node.Agent}",
        NodeStatus.Maintenance => $"Host Agent: {node.Agent}, maintenance",
        _ => $"Host Agent: {node.Agent}, offline, last seen {LastSeen(node)}",
    };

    private static string LastSeen(NodeView node) => node.LastSeen is { } at ? $"{at:u}" : "never";

    private static IReadOnlyList<string> Guests(NodeView node) => node.Guests switch
    {
        null => ["guests unknown"],
        [] => ["no guests"],
        var guests when node.GuestsAt is null => [.. guests.Select(Line), "other guests unknown"],
        var guests => [.. guests.Select(Line)],
    };

    private static string Line(GuestView guest)
    {
        var state = guest.DeletedAt is { } deleted ? $" [deleted {deleted:yyyy-MM-dd}]"
            : guest.Status is GuestStatus.Running ? string.Empty
            : $" [{guest.Status.ToString().ToLowerInvariant()}]";
        var kind = guest.Type is GuestType.Lxc ? "LXC" : "VM";
        var management = guest.Management switch
        {
            GuestManagement.Agentless => "[Agentless]",
            GuestManagement.Agent => $"[Agent: {guest.Agent}]",
            _ => "[Requires Agent]",
        };
        return $"{kind} {guest.Vmid}: {guest.Name} ({guest.Os ?? "unknown"}) {management}{state}";
    }

    private static string Line(MachineView machine)
    {
        var node = machine.Node;
        var vm = machine.Vm is { } linked ? $", VM {linked.Vmid} of \"{linked.ClusterName}\"" : string.Empty;
        var state = node.Status is NodeStatus.Online ? string.Empty : $", offline, last seen {LastSeen(node)}";
        return $"{node.Hostname ?? node.Name.Value} ({node.Host?.Os?.PrettyName ?? "unknown"}) (Agent: {node.Agent}{vm}{state})";
    }

    private static IEnumerable<(T Item, bool Last)> Marked<T>(IReadOnlyList<T> items) => items.Select((item, index) => (item, index == items.Count - 1));
}
