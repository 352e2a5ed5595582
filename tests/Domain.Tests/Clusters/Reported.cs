using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Tests.Clusters;

/// <summary>Clusters as their hosts have reported them at noon.</summary>
internal static class Reported
{
    public static readonly ClusterIndex Nothing = new() { Stored = new() };

    public static GuestSeen Ct(int vmid, string name, string? os, GuestStatus status = GuestStatus.Running) =>
        new(new(vmid), GuestType.Lxc, name, status, null, os is null ? null : new("linux", [], null, os), null, false, null);

    public static GuestSeen Vm(int vmid, string name, string? os = null, string? uuid = null) => Ct(vmid, name, os) with { Type = GuestType.Qemu, SmbiosUuid = uuid };

    public static Inventory Of(string name, string node, params GuestSeen[] guests) => new(
        Some.Noon, "0.1.0", node, "pve-manager/9.2.11/0", "boot", new(name, true, [new(NodeName.Parse(node), true, 1)]), guests, []);

    /// <summary>A host says what it is, what it has, and what it had.</summary>
    public static ClusterIndex With(this ClusterIndex cluster, AgentId agent, Inventory report, params DepartedGuest[] departed)
    {
        var node = NodeName.Parse(report.Hostname);
        return cluster.Enrol(node, new(agent, report.Hostname, report.Cluster?.Name ?? report.Hostname)).RecordInventory(
            node,
            new() { Report = report, ReceivedAt = Some.Noon, GuestsAt = Some.Noon, GuestsQuorate = true, Departed = departed },
            remembered: false,
            Some.Noon);
    }

    public static ClusterView View(this ClusterIndex cluster, DateTimeOffset? now = null, params MachineLink[] machines) => TopologyView.Of(Some.Cluster, cluster, machines, now ?? Some.Noon);
}
