using System.Globalization;
using System.Security.Cryptography;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Api.Tests.Support;

/// <summary>Things no other test has: all share one server.</summary>
internal static class Some
{
    public static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    private static int vmids = 1000;

    public static ClusterId Cluster() => ClusterId.Parse($"c{RandomNumberGenerator.GetHexString(16, lowercase: true)}");

    /// <summary>A machine outside Proxmox VE.</summary>
    public static ClusterId Outside() => ClusterId.Parse($"m{RandomNumberGenerator.GetHexString(16, lowercase: true)}");

    public static string Uuid() => Guid.NewGuid().ToString();

    public static Vmid Vmid() => new(Interlocked.Increment(ref vmids));

    /// <summary>A running Debian container.</summary>
    public static GuestSeen Container(string? name = null)
    {
        var vmid = Vmid();
        return new(vmid, GuestType.Lxc, name ?? $"web-{vmid}", GuestStatus.Running, "debian", new("debian", [], "12", "Debian GNU/Linux 12 (bookworm)"), null, false, null);
    }

    public static GuestSeen Machine(string? name = null)
    {
        var vmid = Vmid();
        return new(vmid, GuestType.Qemu, name ?? $"vm-{vmid}", GuestStatus.Running, "l26", null, null, false, null);
    }

    public static Inventory Inventory(HostPeer host, params GuestSeen[] guests) => new(
        Noon, "0.1.0", host.Node.Value, "pve-manager/9.2.11/0000000000000000", "5f0cbd1e-9d07-4f6c-8b6d-111111111111",
        new(host.ClusterName, true, [new(host.Node, true, 1)]), guests, []);

    /// <summary>An inventory that also has the cluster's own list of where guests are: what is in none is deleted.</summary>
    public static Inventory Placed(HostPeer host, params GuestSeen[] guests)
    {
        var inventory = Inventory(host, guests);
        return inventory with { Cluster = inventory.Cluster! with { GuestsByNode = new Dictionary<NodeName, IReadOnlyList<Vmid>> { [host.Node] = [.. guests.Select(guest => guest.Vmid)] } } };
    }

    /// <summary>What a machine outside Proxmox VE says.</summary>
    public static Inventory MachineInventory(HostPeer host, string? uuid = null) => new(Noon, "0.1.0", host.Node.Value, null, null, null, null, [])
    {
        Host = new() { Os = new("rocky", ["rhel"], "9.4", "Rocky Linux 9.4"), SmbiosUuid = uuid, Cores = 2, MemoryBytes = 4L << 30 },
    };

    /// <summary>A sample of a host of 8 cores, half used, and of its guests.</summary>
    public static NodeMetrics Metrics(params GuestMetrics[] guests) => new(Noon, 30)
    {
        CpuPercent = 50,
        Cores = 8,
        Load = new(4, 3, 2),
        UptimeSeconds = 3600,
        Memory = new(16L << 30, 64L << 30),
        Swap = new(0, 8L << 30),
        Mounts = [new("/", "ext4", new(10L << 30, 100L << 30)), new("/boot/efi", "vfat", new(1, 2))],
        NetworkInPerSecond = 1000,
        NetworkOutPerSecond = 2000,
        Guests = guests,
    };

    /// <summary>A guest that runs, as measured.</summary>
    public static GuestMetrics Measured(GuestSeen guest) => new(guest.Vmid, guest.Type, GuestStatus.Running)
    {
        CpuCores = 0.5,
        Memory = new(1L << 30, 2L << 30),
        Disk = guest.Type is GuestType.Lxc ? new(3L << 30, 8L << 30) : null,
        NetworkInPerSecond = 10,
        NetworkOutPerSecond = 20,
    };

    public static string GuestId(HostPeer host, GuestSeen guest) => $"{host.Cluster}-{(guest.Type is GuestType.Lxc ? "lxc" : "qemu")}-{guest.Vmid}";

    public static string Order(string guest, string mode = "dry-run") => string.Create(CultureInfo.InvariantCulture, $$"""{"agent_id":"{{guest}}","mode":"{{mode}}"}""");

    /// <summary>The end of a job that upgraded nginx, or would.</summary>
    public static JobReport Success(PatchJob job) => new(job.Id, JobOutcome.Succeeded, null)
    {
        ExitCode = 0,
        StandardOutput = $$"""
            {"mode":"{{(job.Mode is PatchMode.DryRun ? "dry-run" : "apply")}}","packages":[{"name":"nginx","from":"1.18.0","to":"1.24.0","security":true,"origin":"Debian-Security"},{"name":"libnew","from":null,"to":"2.0","security":false,"origin":null}],"kept_back":["mc"],"held":[{"name":"mysql-server","reason":"excluded"}],"removed":[],"failed":[],"reboot_required":false,"warnings":[]}
            """,
        StandardError = "Reading package lists...\n",
        StartedAt = Noon,
        CompletedAt = Noon.AddSeconds(42),
    };
}
