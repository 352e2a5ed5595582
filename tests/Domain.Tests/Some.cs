using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Domain.Tests;

/// <summary>Ordinary values, so that a test names only what it is about.</summary>
internal static class Some
{
    public static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    public static readonly ClusterId Cluster = ClusterId.Parse("c0123456789abcdef");
    public static readonly NodeName Pve1 = NodeName.Parse("pve1");
    public static readonly NodeName Pve2 = NodeName.Parse("pve2");
    public static readonly NodeName Pve3 = NodeName.Parse("pve3");
    public static readonly NodeKey Key = new(Cluster, Pve1);
    public static readonly AgentId Agent = AgentId.Parse("01M83HW1FS84TGPXTCYJ45S8G9");
    public static readonly AgentId OtherAgent = AgentId.Parse("01M83HYC366EDV4QB830883JAT");
    public static readonly ScriptReference Script = new("apt-update.sh", new string('a', 64));

    public static JobId Id(int number) => JobId.Parse($"01M83HW1FS84TGPXTCYJ{number:D6}");

    public static OutboxEntry Entry(int number, PatchMode mode = PatchMode.DryRun, int vmid = 100) =>
        new PatchOrder(mode, [], "admin").At(Id(number), Cluster, new(Pve1, new(vmid), "web-01", PlatformFamily.Debian, "apt-update.sh"), Script, Noon);

    public static OperationRecord Operation(PatchMode mode = PatchMode.DryRun) => Entry(1, mode).Operation;

    public static GuestSeen Container(int vmid = 100, string name = "web-01", string? osType = "debian") =>
        new(new(vmid), GuestType.Lxc, name, GuestStatus.Running, osType, new("debian", [], "12", "Debian GNU/Linux 12 (bookworm)"), null, false, null);

    public static Inventory Inventory(params GuestSeen[] guests) => new(
        Noon, "0.1.0", "pve1", "pve-manager/9.2.11/0", "boot", new("lab", true, [new(Pve1, true, 1), new(Pve2, true, 1)]), guests, []);

    public static GuestSeen Machine(int vmid = 200, string name = "win", string? uuid = null) =>
        new(new(vmid), GuestType.Qemu, name, GuestStatus.Stopped, "win11", null, null, false, null) { SmbiosUuid = uuid };

    /// <summary>The same list, with or without quorum.</summary>
    public static Inventory WithQuorum(this Inventory inventory, bool quorate) => inventory with { Cluster = inventory.Cluster! with { Quorate = quorate } };

    /// <summary>A whole report that says where every guest of the cluster is.</summary>
    public static Inventory Placing(this Inventory inventory, params (NodeName Node, int Vmid)[] guests) => inventory with
    {
        Cluster = inventory.Cluster! with
        {
            GuestsByNode = guests.GroupBy(guest => guest.Node).ToDictionary(group => group.Key, group => (IReadOnlyList<Vmid>)[.. group.Select(guest => new Vmid(guest.Vmid))]),
        },
    };

    /// <summary>A node's reports put together, each a second after the one before.</summary>
    public static NodeInventory Taken(NodeName node, params Inventory[] reports) => Taken(node, Noon, reports);

    public static NodeInventory Taken(NodeName node, DateTimeOffset at, params Inventory[] reports)
    {
        var known = new NodeInventory();
        foreach (var report in reports)
        {
            known = InventoryMachine.Take(known, new(Cluster, node), report, at).Value ?? throw new InvalidOperationException("A report of the test's own was refused.");
            at = at.AddSeconds(1);
        }

        return known;
    }

    /// <summary>A cluster "lab" with an agent on pve1, and what its nodes have said.</summary>
    public static ClusterIndex Lab(params (NodeName Node, NodeInventory Said)[] nodes)
    {
        var index = new ClusterIndex { Stored = new() }.Enrol(Pve1, new(Agent, "pve1", "lab"));
        return nodes.Aggregate(index, (lab, node) => lab.RecordInventory(node.Node, node.Said, remembered: false, Noon));
    }

    public static ClusterView View(ClusterIndex index, DateTimeOffset? now = null, params MachineLink[] machines) => TopologyView.Of(Cluster, index, machines, now ?? Noon);

    public static NodeMetrics Sample(params GuestMetrics[] guests) => new(Noon, 30) { Guests = guests };

    public static string Findings(string mode = "dry-run", string packages = "[]", string failed = "[]") =>
        $$"""{"family":"apt","mode":"{{mode}}","packages":{{packages}},"kept_back":[],"held":[],"removed":[],"failed":{{failed}},"reboot_required":false,"warnings":[]}""";
}
