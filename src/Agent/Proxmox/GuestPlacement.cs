using System.Text.Json;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>Where a guest is, by pmxcfs, and what its file says when it is on this node.</summary>
/// <param name="Cluster">The cluster as this node sees it.</param>
/// <param name="On">The node that has the guest; null when none has.</param>
/// <param name="Type">CT or VM.</param>
/// <param name="Conf">Its configuration; null when it is not on this node.</param>
/// <param name="HaManaged">Whether HA manages it.</param>
internal sealed record GuestPlacement(ClusterSeen Cluster, NodeName? On, GuestType Type, GuestConf? Conf, bool HaManaged)
{
    /// <summary>Reads it. Blocks for as long as pmxcfs does.</summary>
    /// <exception cref="UnreadableException">It cannot be told.</exception>
    public static GuestPlacement Read(Host host, NodeName node, Vmid vmid)
    {
        var pve = host.At("/etc/pve");
        try
        {
            var cluster = ClusterFiles.ParseMembers(File.ReadAllText(Path.Combine(pve, ".members")), corosync: null);
            var resources = HaFiles.Text(host, "/etc/pve/ha/resources.cfg");

            // The list last: a guest that has just gone to another node is there.
            var file = GuestConfFile.Read(host, node, vmid);
            var place = ClusterFiles.ParseVmList(File.ReadAllText(Path.Combine(pve, ".vmlist"))).GetValueOrDefault(vmid);
            var type = place?.Type ?? GuestType.Lxc;
            return new(
                cluster, place?.Node, type,
                place is not null && place.Node == node && file?.Type == place.Type ? GuestConf.Parse(file.Type, file.Text) : null,
                new HaFiles(resources, null, unread: false, default, []).Manages(type, vmid) is not false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw e as UnreadableException ?? new UnreadableException($"{pve} cannot be read, is pmxcfs (service pve-cluster) running? {e.Message}");
        }
    }
}
