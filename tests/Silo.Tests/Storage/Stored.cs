using System.Text.Json;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Silo.Tests.Storage;

/// <summary>One value of everything that is stored, with nothing left at its default that can be set.</summary>
internal static class Stored
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly AgentId Agent = AgentId.Parse("01M83HYC366EDV4QB830883JAT");
    private static readonly NodeName Node = NodeName.Parse("pve1");
    private static readonly ClusterId Cluster = ClusterId.Parse("c0123456789abcdef");

    private static readonly GuestSeen Web = new(
        new(100), GuestType.Lxc, "web-server-01", GuestStatus.Running, "debian", new("ubuntu", ["debian"], "24.04", "Ubuntu 24.04 LTS"), "backup", true, "odd");

    private static readonly Inventory Host = new(
        Noon, "0.1.0", "pve1.lan", "pve-manager/9.2.11/0000000000000000", "0d8a7d2e-8f0e-4f3c-9a94-3b7c5f2b6a10", new("lab", true, [new(Node, true, 1)]), [Web], ["slow"]);

    private static readonly OperationRecord Running = new()
    {
        Id = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8G9"),
        Cluster = Cluster,
        Vmid = new(100),
        Name = "web-server-01",
        Node = Node,
        Family = PlatformFamily.Debian,
        Mode = PatchMode.Apply,
        Exclusions = ["nginx", "linux-*"],
        Script = new("apt-update.sh", new string('a', 64)),
        RequestedBy = "admin",
        CreatedAt = Noon,
        Status = OperationStatus.Running,
        StartedAt = Noon.AddSeconds(1),
    };

    /// <summary>An operation at its end, with everything an end can have.</summary>
    public static readonly OperationRecord Ended = Running with
    {
        Status = OperationStatus.Failed,
        CompletedAt = Noon.AddSeconds(3),
        ExitCode = 100,
        Failure = new("packages-failed", "Still pending: openssl."),
        Findings = new(
            PatchMode.Apply,
            [new("nginx", "1.18.0", "1.24.0", true, "Debian-Security"), new("libnew", null, "1.0", false, null)],
            ["kept"],
            [new("nginx", "excluded")],
            ["gone"],
            ["openssl"],
            true,
            ["disk nearly full"],
            new("apt-failed", "apt-get failed.")),
    };

    /// <summary>By the golden file's name, less its ending.</summary>
    public static readonly IReadOnlyDictionary<string, object> Samples = new Dictionary<string, object>
    {
        ["node-state"] = new NodeState
        {
            Agent = Agent,
            Hostname = "pve1.lan",
            Epoch = 7,
            Outbox = [new(new PatchGuest(Running.Id, 3600, new(100), PatchMode.Apply, ["nginx"], Running.Script), Running, JobOutcome.Running, Agent)],
        },
        ["guest-state"] = new GuestState { Seen = Web, Node = Node, SeenAt = Noon, Patches = new(Running.Id, Noon, 3, true, new("interrupted", "Power loss.")) },
        ["cluster-state"] = new ClusterState { Name = "lab", Nodes = [new(Node, Agent, "pve1.lan", Host, Noon, Noon.AddMinutes(-5))] },
        ["fleet-state"] = new FleetState { Clusters = [Cluster] },
        ["operation-state"] = new OperationState { Operation = Running },
        ["operation-record"] = Ended,
    };

    /// <summary>For comparing records that hold lists, which compare by reference.</summary>
    public static string Json(object? value) => JsonSerializer.Serialize(value);
}
