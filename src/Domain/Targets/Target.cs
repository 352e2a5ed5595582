using NannyOrleans.Domain.Clusters;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Targets;

/// <summary>What an id that a person typed means.</summary>
/// <param name="Cluster">The cluster it is in, or the machine it is.</param>
/// <param name="ClusterName">The cluster's name.</param>
/// <param name="Node">The node, or the guest's parent; its own list of guests is left out.</param>
/// <param name="Guest">The guest; null when the node itself is meant.</param>
/// <param name="Machine">The machine outside Proxmox VE that is meant; null when it is none.</param>
public sealed record Target(ClusterId Cluster, string ClusterName, NodeView Node, GuestView? Guest, MachineView? Machine = null)
{
    /// <summary>The one id that always means this: a guest's id, or the agent of a host or machine.</summary>
    public string Id => Guest?.Id ?? Node.Agent?.Value ?? $"{Cluster}/{Node.Name}";
}

/// <summary>Finds what an id means, in all the forms people type.</summary>
public static class Targets
{
    /// <summary>
    /// All things in a cluster that <paramref name="text"/> may mean: a full id, or a short form of the guide (<c>lxc-100</c>,
    /// <c>guest-lxc-100</c>, <c>lxc-100-web-server</c>), a vmid, a guest's or host's name. Case matters, as in Proxmox.
    /// </summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="name">Its name.</param>
    /// <param name="nodes">Its nodes.</param>
    /// <param name="text">What was typed.</param>
    public static IEnumerable<Target> Matching(ClusterId cluster, string name, IReadOnlyList<NodeView> nodes, string text)
    {
        var form = GuestForm.Of(text);
        foreach (var node in nodes)
        {
            var alone = new Target(cluster, name, node with { Guests = null }, null);
            if (alone.Id == text || IsShort(node, text))
            {
                yield return alone;
            }

            foreach (var guest in node.Guests ?? [])
            {
                if (guest.Id == text || guest.Name == text || form.IsMet(guest))
                {
                    yield return alone with { Guest = guest };
                }
            }
        }
    }

    /// <summary>The cluster that a guest's full id names; null when it is no full id.</summary>
    public static ClusterId? ClusterOf(string text) =>
        text.IndexOf('-', StringComparison.Ordinal) is > 0 and var end && ClusterId.TryParse(text[..end], null, out var cluster) ? cluster : null;

    /// <summary>The container that a full id names; null when it is no container's full id.</summary>
    public static (ClusterId Cluster, Vmid Vmid)? ContainerOf(string text) =>
        text.IndexOf(ContainerMark, StringComparison.Ordinal) is > 0 and var end && ClusterId.TryParse(text[..end], null, out var cluster)
            && Vmid.TryParse(text[(end + ContainerMark.Length)..], null, out var vmid) ? (cluster, vmid) : null;

    /// <summary>The machine, if <paramref name="text"/> means it: its agent's id, its host name, or that name's first label.</summary>
    public static IEnumerable<Target> Matching(MachineView machine, string text)
    {
        var target = new Target(machine.Id, machine.Node.Hostname ?? machine.Node.Name.Value, machine.Node, null, machine);
        return target.Id == text || IsShort(machine.Node, text) ? [target] : [];
    }

    /// <summary>Of all that may be meant, what is: a full id never competes with short forms, and what is there not with what was deleted.</summary>
    public static IReadOnlyList<Target> Meant(IEnumerable<Target> matching, string text)
    {
        var all = matching.ToArray();
        var exact = all.Where(target => target.Id == text).ToArray();
        var candidates = exact.Length > 0 ? exact : all;
        var present = candidates.Where(target => target.Guest?.DeletedAt is null).ToArray();
        return present.Length > 0 ? present : candidates;
    }

    private const string ContainerMark = "-lxc-";

    private static bool IsShort(NodeView node, string text) => node.Name.Value == text || node.Hostname == text;

    /// <summary>What a text says of a guest beside its name. Taken apart once: it is compared with every guest there is.</summary>
    private readonly record struct GuestForm(Vmid? Vmid, GuestType? Type, string? Name)
    {
        public static GuestForm Of(string text)
        {
            if (Protocol.Ids.Vmid.TryParse(text, null, out var number))
            {
                return new(number, null, null);
            }

            var parts = (text.StartsWith("guest-", StringComparison.Ordinal) ? text["guest-".Length..] : text).Split('-', 3);
            GuestType? type = parts[0] switch { "lxc" => GuestType.Lxc, "qemu" => GuestType.Qemu, _ => null };
            return type is not null && parts.Length > 1 && Protocol.Ids.Vmid.TryParse(parts[1], null, out var vmid) ? new(vmid, type, parts.Length > 2 ? parts[2] : null) : default;
        }

        public bool IsMet(GuestView guest) => Vmid == guest.Vmid && (Type is null || Type == guest.Type) && (Name is null || Name == guest.Name);
    }
}
