using NannyOrleans.Domain;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Grains.Tests;

/// <summary>Ordinary values, so that a test names only what it is about.</summary>
internal static class Some
{
    private static int clusters;

    public static readonly NodeName Pve1 = NodeName.Parse("pve1");
    public static readonly NodeName Pve2 = NodeName.Parse("pve2");
    public static readonly AgentId Agent = AgentId.Parse("01M83HW1FS84TGPXTCYJ45S8G9");
    public static readonly AgentId OtherAgent = AgentId.Parse("01M83HYC366EDV4QB830883JAT");

    /// <summary>A cluster no other test has.</summary>
    public static ClusterId Cluster() => ClusterId.Parse($"cf{Interlocked.Increment(ref clusters):x15}");

    public static Enrolment Enrolment(AgentId agent, NodeName node) => new(agent, node.Value, "lab");

    public static GuestSeen Container(int vmid, string name = "web-01") =>
        new(new(vmid), GuestType.Lxc, name, GuestStatus.Running, "debian", new("debian", [], "12", "Debian GNU/Linux 12 (bookworm)"), null, false, null);

    /// <summary>A whole report, whose fingerprint names its guests.</summary>
    public static Inventory Inventory(NodeName node, params GuestSeen[] guests) => new(
        DateTimeOffset.UnixEpoch, "0.2.0", node.Value, "pve-manager/9.2.11/0", "boot", new("lab", true, [new(Pve1, true, 1), new(Pve2, true, 1)]), guests, [])
    {
        Fingerprint = Fingerprint(guests),
    };

    /// <summary>What has changed since a report of other guests.</summary>
    public static Inventory Changes(NodeName node, GuestSeen[] since, GuestSeen[] changed, GuestSeen[] now) =>
        Inventory(node, changed) with { Since = Fingerprint(since), Fingerprint = Fingerprint(now) };

    /// <summary>Why a node did not take a report; null when it did.</summary>
    public static async Task<Refusal?> Report(this INodeGrain node, AgentId agent, JobReport report) => (await node.TakeReport(agent, report)).Refusal;

    public static NodeMetrics Metrics(int intervalSeconds = 30, double cpuPercent = 10) => new(DateTimeOffset.UnixEpoch, intervalSeconds) { CpuPercent = cpuPercent };

    private static string Fingerprint(IEnumerable<GuestSeen> guests) => string.Join(' ', guests.Select(guest => $"{guest.Vmid}={guest.Name}"));
}
