using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Tests;

/// <summary>Ordinary values, so that a test names only what it is about.</summary>
internal static class Some
{
    public static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    public static readonly ClusterId Cluster = ClusterId.Parse("c0123456789abcdef");
    public static readonly NodeName Pve1 = NodeName.Parse("pve1");
    public static readonly NodeName Pve2 = NodeName.Parse("pve2");
    public static readonly AgentId Agent = AgentId.Parse("01M83HW1FS84TGPXTCYJ45S8G9");
    public static readonly AgentId OtherAgent = AgentId.Parse("01M83HYC366EDV4QB830883JAT");
    public static readonly ScriptReference Script = new("apt-update.sh", new string('a', 64));

    public static JobId Id(int number) => JobId.Parse($"01M83HW1FS84TGPXTCYJ{number:D6}");

    public static OutboxEntry Entry(int number, PatchMode mode = PatchMode.DryRun) =>
        new PatchOrder(mode, [], "admin").At(Id(number), Cluster, new(Pve1, new(100), "web-01", PlatformFamily.Debian, "apt-update.sh"), Script, Noon);

    public static OperationRecord Operation(PatchMode mode = PatchMode.DryRun) => Entry(1, mode).Operation;

    public static GuestSeen Container(int vmid = 100, string name = "web-01", string? osType = "debian") =>
        new(new(vmid), GuestType.Lxc, name, GuestStatus.Running, osType, new("debian", [], "12", "Debian GNU/Linux 12 (bookworm)"), null, false, null);

    public static Inventory Inventory(params GuestSeen[] guests) => new(
        Noon, "0.1.0", "pve1", "pve-manager/9.2.11/0", "boot", new("lab", true, [new(Pve1, true, 1), new(Pve2, true, 1)]), guests, []);

    public static GuestSeen Machine(int vmid = 200, string name = "win") => new(new(vmid), GuestType.Qemu, name, GuestStatus.Stopped, "win11", null, null, false, null);

    /// <summary>A cluster of pve1, which has an agent and has said nothing.</summary>
    public static ClusterIndex Enrolled(AgentId? agent = null) => new ClusterIndex { Stored = new() }.Enrol(Pve1, new(agent ?? Agent, "pve1", "lab"));

    /// <summary>The cluster after a node has sent a report, by way of what the node had said before.</summary>
    public static ClusterIndex Hear(this ClusterIndex index, NodeName node, Inventory report, DateTimeOffset at) =>
        index.RecordInventory(node, Take(index.Known.GetValueOrDefault(node)?.Inventory ?? new(), node, report, at), remembered: false, at);

    /// <summary>What is known of a node after a report that is good.</summary>
    public static NodeInventory Take(NodeInventory known, NodeName node, Inventory report, DateTimeOffset at)
    {
        var taken = InventoryMachine.Take(known, new(Cluster, node), report, at);
        Assert.Null(taken.Refusal);
        return taken.Value!;
    }

    /// <summary>A report of a node with or without quorum.</summary>
    public static Inventory Quorate(this Inventory report, bool quorate) => report with { Cluster = report.Cluster! with { Quorate = quorate } };

    public static string Findings(string mode = "dry-run", string packages = "[]", string failed = "[]") =>
        $$"""{"family":"apt","mode":"{{mode}}","packages":{{packages}},"kept_back":[],"held":[],"removed":[],"failed":{{failed}},"reboot_required":false,"warnings":[]}""";
}
