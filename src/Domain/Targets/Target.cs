using NannyOrleans.Domain.Clusters;

namespace NannyOrleans.Domain.Targets;

/// <summary>What an id that a person typed means.</summary>
/// <param name="Cluster">The cluster it is in.</param>
/// <param name="Node">The node, or the guest's parent.</param>
/// <param name="Guest">The guest; null when the node itself is meant.</param>
public sealed record Target(ClusterView Cluster, NodeView Node, GuestView? Guest)
{
    /// <summary>The one id that always means this: a guest's id, or the host's agent.</summary>
    public string Id => Guest?.Id ?? Node.Agent?.Value ?? $"{Cluster.Id}/{Node.Name}";
}

/// <summary>Finds what an id means, in all the forms people type.</summary>
public static class Targets
{
    /// <summary>
    /// All things that <paramref name="text"/> may mean: a full id; else a short form of the guide (<c>lxc-100</c>, <c>guest-lxc-100</c>,
    /// <c>lxc-100-web-server</c>), a vmid, a guest's or host's name. A full id never competes with short forms. Case matters, as in Proxmox.
    /// </summary>
    public static IReadOnlyList<Target> Matching(Topology topology, string text)
    {
        var all = All(topology).ToArray();
        var exact = all.Where(target => target.Id == text).ToArray();
        return exact.Length > 0 ? exact : [.. all.Where(target => ShortForms(target).Contains(text, StringComparer.Ordinal))];
    }

    private static IEnumerable<Target> All(Topology topology) =>
        from cluster in topology.Clusters
        from node in cluster.Nodes
        from target in (IEnumerable<Target>)[new(cluster, node, null), .. (node.Guests ?? []).Select(guest => new Target(cluster, node, guest))]
        select target;

    private static IEnumerable<string> ShortForms(Target target)
    {
        if (target.Guest is not { } guest)
        {
            return [target.Node.Name.Value, .. target.Node.Hostname is { } hostname ? (string[])[hostname] : []];
        }

        var spelled = $"{TopologyView.Spell(guest.Type)}-{guest.Vmid}";
        return [spelled, $"guest-{spelled}", $"{spelled}-{guest.Name}", guest.Name, guest.Vmid.ToString()];
    }
}
