using System.Globalization;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Bench.Fleet;

/// <summary>An agent's side of the connection, with a made-up host behind it: a hundred guests, one of which changes now and then.</summary>
internal sealed class GeneratedAgent(int number, int nodesPerCluster, int guests) : IAsyncDisposable
{
    public const int MetricsSeconds = 30;
    public const int InventorySeconds = 300;

    private HubConnection? connection;
    private int generation;

    public string ClusterName => $"cluster-{number / nodesPerCluster}";

    public ClusterId Cluster => ClusterId.Parse(string.Create(CultureInfo.InvariantCulture, $"c{number / nodesPerCluster:x16}"));

    public NodeName Node => NodeName.Parse(string.Create(CultureInfo.InvariantCulture, $"pve-{number % nodesPerCluster}"));

    /// <param name="server">Where it connects to.</param>
    /// <param name="token">As whom.</param>
    /// <param name="run">Gets the jobs it is sent; null: nobody does.</param>
    public async Task Connect(Uri server, string token, Action<Job>? run = null)
    {
        var builder = new HubConnectionBuilder().WithUrl(new Uri(server, AgentHub.Path), options =>
        {
            options.Transports = HttpTransportType.WebSockets;
            options.SkipNegotiation = true;
            options.AccessTokenProvider = () => Task.FromResult<string?>(token);
        });
        builder.AddJsonProtocol(options => ProtocolJson.Configure(options.PayloadSerializerOptions));
        connection = builder.Build();
        if (run is not null)
        {
            connection.On(AgentHub.RunJob, run);
        }

        await connection.StartAsync();
    }

    public Task ReportJob(JobReport report) => connection!.InvokeAsync(AgentHub.ReportJob, report);

    public async Task ReportWhole()
    {
        await connection!.InvokeAsync<InventoryAnswer>(AgentHub.ReportInventory, Whole());
    }

    /// <summary>One of ten reports has a changed guest; the others say that nothing has.</summary>
    public async Task ReportChange(bool changed)
    {
        var answer = await connection!.InvokeAsync<InventoryAnswer>(AgentHub.ReportInventory, Change(changed));
        if (answer.NeedsWhole)
        {
            throw new InvalidOperationException("The server lost the inventory.");
        }
    }

    /// <summary>Its first guest has another name from now on.</summary>
    public Task ReportRenamed(string name)
    {
        var before = $"F{generation}";
        generation++;
        return connection!.InvokeAsync<InventoryAnswer>(AgentHub.ReportInventory, Header([Guest(0) with { Name = name }]) with { Fingerprint = $"F{generation}", Since = before, Gone = [] });
    }

    public Task ReportMetrics() => connection!.SendAsync(AgentHub.ReportMetrics, Sample());

    /// <summary>All that is on the host.</summary>
    public Inventory Whole() => Header([.. Enumerable.Range(0, guests).Select(Guest)]) with { Fingerprint = $"F{generation}" };

    /// <summary>What has changed since the last report: a guest, or nothing.</summary>
    public Inventory Change(bool changed)
    {
        var before = $"F{generation}";
        generation += changed ? 1 : 0;
        IReadOnlyList<GuestSeen> news = changed ? [Guest(generation % guests) with { Lock = "backup" }] : [];
        return Header(news) with { Fingerprint = $"F{generation}", Since = before, Gone = [] };
    }

    public NodeMetrics Sample() => new(DateTimeOffset.UtcNow, MetricsSeconds)
    {
        CpuPercent = 12.5 + (number % 50),
        Cores = 32,
        Load = new(1.5, 1.25, 1),
        UptimeSeconds = 864000,
        Memory = new(64L << 30, 128L << 30),
        Swap = new(0, 8L << 30),
        Mounts = [new("/", "ext4", new(20L << 30, 100L << 30)), new("/boot/efi", "vfat", new(1L << 20, 1L << 30))],
        NetworkInPerSecond = 1e6,
        NetworkOutPerSecond = 2e6,
        Guests = [.. Enumerable.Range(0, guests).Select(guest => new GuestMetrics(Vmid(guest), GuestType.Lxc, guest % 10 is 9 ? GuestStatus.Stopped : GuestStatus.Running)
        {
            CpuCores = 0.1,
            Memory = new(300L << 20, 512L << 20),
            Swap = new(0, 512L << 20),
            Disk = new(1L << 30, 8L << 30),
            NetworkInPerSecond = 1000,
            NetworkOutPerSecond = 2000,
        })],
        Storages = [new("local", new(20L << 30, 100L << 30)), new("local-zfs", new(200L << 30, 1000L << 30))],
        Quorate = true,
    };

    public ValueTask DisposeAsync() => connection?.DisposeAsync() ?? ValueTask.CompletedTask;

    public Vmid Vmid(int guest) => new(100 + (number % nodesPerCluster * guests) + guest);

    private Inventory Header(IReadOnlyList<GuestSeen> news) => new(
        DateTimeOffset.UtcNow, "0.1.0", Node.Value, "pve-manager/9.2.11/0000000000000000", "0d8a7d2e-8f0e-4f3c-9a94-3b7c5f2b6a10",
        new(ClusterName, true, [.. Enumerable.Range(0, nodesPerCluster).Select(node => new MemberSeen(NodeName.Parse(string.Create(CultureInfo.InvariantCulture, $"pve-{node}")), true, 1))])
        {
            Clustered = true,
            Ha = new(false, null, false, new Dictionary<string, string>(), []) { MaintenanceRequested = [], ActiveServices = new Dictionary<string, int>(), Lrms = new Dictionary<string, LrmSeen>() },
        },
        news,
        [])
    {
        IntervalSeconds = InventorySeconds,
        Node = Node,
        ClusterId = Cluster,
        Host = new()
        {
            Os = new("debian", [], "13", "Debian GNU/Linux 13 (trixie)"),
            KernelRunning = "6.17.4-1-pve",
            KernelNewest = "6.17.9-1-pve",
            RebootRequired = true,
            RebootReason = "6.17.9-1-pve is installed",
            PendingUpdates = 12,
            RepositoryProblems = [],
            RunningTasks = [],
            RootFreeBytes = 20L << 30,
            BootFreeBytes = 1L << 30,
            Cores = 32,
            MemoryBytes = 128L << 30,
            PrimaryAddress = "10.0.0.1",
            Addresses = ["10.0.0.1"],
        },
        Storages = [new("local", "dir", ["iso", "backup"], false, "available", 20L << 30, 100L << 30, null), new("local-zfs", "zfspool", ["images", "rootdir"], false, "available", 200L << 30, 1000L << 30, "ONLINE")],
    };

    private GuestSeen Guest(int guest)
    {
        var vmid = Vmid(guest);
        var running = guest % 10 is not 9;
        var address = string.Create(CultureInfo.InvariantCulture, $"10.{number / 256}.{number % 256}.{guest}");
        return new(vmid, GuestType.Lxc, $"guest-{number}-{guest}", running ? GuestStatus.Running : GuestStatus.Stopped, "debian", new("debian", [], "12", "Debian GNU/Linux 12 (bookworm)"), null, false, null)
        {
            Cores = 2,
            MemoryBytes = 512L << 20,
            SwapBytes = 512L << 20,
            Disks = [new("rootfs", $"local-zfs:subvol-{vmid}-disk-0", 8L << 30, "/")],
            Networks = [new("net0", string.Create(CultureInfo.InvariantCulture, $"bc:24:11:{number / 256:x2}:{number % 256:x2}:{guest:x2}"), "vmbr0", address)],
            Addresses = running ? [address] : null,
            PrimaryAddress = address,
            Tags = guest % 3 is 0 ? ["prod", "web"] : ["test"],
            Unprivileged = true,
            OnBoot = true,
            HaManaged = false,
            StartedAt = running ? new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero) : null,
        };
    }
}
