using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Agents;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.History;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Silo.Tests.Shapes;

/// <summary>A process without a silo reads the same of the fleet as one that has it.</summary>
public sealed partial class FleetShapeTests : IDisposable
{
    private const string Uuid = "0d8a7d2e-8f0e-4f3c-9a94-3b7c5f2b6a10";
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly ClusterId Lab = ClusterId.Parse("c0123456789abcdef");
    private static readonly ClusterId Machine = ClusterId.Parse("m0123456789abcdef");
    private static readonly NodeName Pve1 = NodeName.Parse("pve1");
    private static readonly NodeName Db1 = NodeName.Parse("db1");
    private static readonly AgentId HostAgent = AgentId.Parse("01M83HW1FS84TGPXTCYJ45S8G9");
    private static readonly AgentId MachineAgent = AgentId.Parse("01M83HYC366EDV4QB830883JAT");
    private static readonly JsonSerializerOptions Json = Wire.Configure(new() { WriteIndented = true });

    private readonly DataDirectory split = new();
    private readonly DataDirectory embedded = new();

    public void Dispose()
    {
        split.Dispose();
        embedded.Dispose();
    }

    [Fact]
    public async Task The_fleet_reads_alike_in_one_process_and_in_two()
    {
        string[] whole;
        await using (var silo = await RunningSilo.Start(embedded))
        {
            await Feed(silo.Grains);
            whole = await ReadAll(silo.Grains);
        }

        var gateway = Port.Free();
        await using var program = SplitProcesses.StartSilo(split, gateway);
        await program.Line("Application started");
        using var client = await SplitProcesses.Client(split, gateway);
        var grains = client.Services.GetRequiredService<IGrainFactory>();
        await Feed(grains);
        var parts = await ReadAll(grains);
        foreach (var (expected, actual) in whole.Zip(parts))
        {
            Assert.Equal(expected, actual);
        }

        var rows = (await grains.List(new(null, "proxmox_role,id", null, Deleted: false), Sight.All)).Rows;
        var host = Assert.IsType<HostRow>(rows[2]);
        Assert.Equal(("pve1.lan", 2, 12.5), (host.Hostname, host.GuestCount, host.CpuPercent));
        Assert.Null(host.Load1);
        Assert.Equal(["c0123456789abcdef-lxc-100", "c0123456789abcdef-qemu-200"], [.. rows.OfType<GuestRow>().Select(row => row.Id)]);
        var machine = Assert.Single(rows.OfType<MachineRow>());
        Assert.Equal(("vm", "c0123456789abcdef-qemu-200", HostAgent.Value), (machine.ProxmoxRole, machine.ProxmoxVm, machine.ProxmoxParentHost));
        Assert.Equal(machine.Id, rows.OfType<GuestRow>().Last().VmAgent);
    }

    [Fact]
    public async Task Samples_with_unknown_figures_cross_processes()
    {
        var gateway = Port.Free();
        await using var program = SplitProcesses.StartSilo(split, gateway);
        await program.Line("Application started");
        using var client = await SplitProcesses.Client(split, gateway);
        var grains = client.Services.GetRequiredService<IGrainFactory>();
        await Feed(grains);
        var sample = Assert.Single(await grains.GetGrain<INodeGrain>($"{Lab}/{Pve1}").Samples(DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue));
        Assert.Equal(12.5f, sample.CpuPercent);
        Assert.True(float.IsNaN(sample.Load1));
        Assert.Equal((1, 0), (sample.RunningCts, sample.RunningVms));

        var history = grains.GetGrain<IHistoryGrain>(0);
        Assert.Empty(await history.Metrics(Lab, null, DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue)); // not before five minutes are over
        AuditEntry entry = new(Noon, "person admin", "look", "all", "done", null);
        await history.AddAudit(entry);
        Assert.Equal(entry, (await history.Audit(10))[0]);
        entry = entry with { Address = "192.0.2.1", Cluster = Lab };
        await history.AddAudit(entry);
        Assert.Equal(entry, Assert.Single(await history.FindAudit(new(10) { Clusters = [Lab], Action = "look" })).Entry);
    }

    [Fact] // A cluster of thousands of guests is not copied for each look at it.
    public async Task Within_one_process_a_record_is_handed_over_as_it_is()
    {
        await using var silo = await RunningSilo.Start(embedded);
        await Feed(silo.Grains);
        var node = silo.Grains.GetGrain<INodeGrain>($"{Lab}/{Pve1}");
        var inventory = await node.Inventory();
        Assert.NotNull(inventory.Report);
        Assert.Same(inventory, await node.Inventory());
        var copier = silo.Services.GetRequiredService<Orleans.Serialization.DeepCopier>();
        AgentRow row = (await silo.Grains.List(new(null, null, 1, Deleted: false), Sight.All)).Rows[0];
        Assert.Same(row, copier.Copy(row));
    }

    private static async Task Feed(IGrainFactory grains)
    {
        foreach (var (id, node, agent, hostname, name) in new[] { (Lab, Pve1, HostAgent, "pve1.lan", "lab"), (Machine, Db1, MachineAgent, "db1.lan", "db1") })
        {
            await grains.GetGrain<IFleetGrain>(0).Add(id);
            await grains.GetGrain<IClusterGrain>(id.Value).Enrol(node, new(agent, hostname, name));
            await grains.GetGrain<INodeGrain>($"{id}/{node}").Enrol(new(agent, hostname, name));
        }

        var cluster = new ClusterSeen("lab", true, [new(Pve1, true, 1), new(NodeName.Parse("pve2"), false, 1)])
        {
            Clustered = true,
            Ha = new(true, Pve1, true, new Dictionary<string, string> { ["pve1"] = "online" }, []),
        };
        var container = new GuestSeen(new(100), GuestType.Lxc, "web-01", GuestStatus.Running, "debian", new("debian", [], "12", "Debian 12"), null, false, null)
        {
            Tags = ["web"],
            Cores = 2,
            Disks = [new("rootfs", "local:vm-100", null, "/")],
        };
        var vm = new GuestSeen(new(200), GuestType.Qemu, "db-01\u202e", GuestStatus.Stopped, "l26", null, null, false, "odd") { SmbiosUuid = Uuid.ToUpperInvariant() };
        await Report(grains, Lab, Pve1, HostAgent, new(Noon, "0.1.0", "pve1.lan", "pve-manager/9.2.11/0", "boot", cluster, [container, vm], ["slow"])
        {
            Storages = [new("local", "dir", ["images"], false, "available", 1, 2, null)],
            Host = new() { Cores = 8, PendingUpdates = 4 },
        });
        await Report(grains, Machine, Db1, MachineAgent, new(Noon, "0.1.0", "db1.lan", null, "boot", null, null, [])
        {
            Host = new() { SmbiosUuid = Uuid, Os = new("rocky", ["rhel"], "9.4", "Rocky Linux 9.4") },
        });
        await grains.GetGrain<IClusterGrain>(Lab.Value).AnnotateGuest(new(100), new(null, new(["prod"]), new("Ask first."), null));
        var patches = new PatchState(JobId.Parse("01M83HW1FS84TGPXTCYJ45S8G9"), Noon, null, null, new("interrupted", "Power loss."));
        await grains.GetGrain<IClusterGrain>(Lab.Value).RecordPatch(new(100), patches);
        Assert.Null(await grains.GetGrain<INodeGrain>($"{Lab}/{Pve1}").RecordMetrics(HostAgent, new(Noon, 30)
        {
            CpuPercent = 12.5,
            Cores = 8,
            Memory = new(1, 2),
            Guests = [new(new(100), GuestType.Lxc, GuestStatus.Running) { Memory = new(3, 4) }],
        }));
        // A cluster hears of samples one way: nobody waits for it.
        await Waiting.Until(() => grains.List(new("cpu_percent == 12.5", null, null, Deleted: false), Sight.All), page => page.Total is 1, "the sample to be in the cluster");
    }

    private static async Task Report(IGrainFactory grains, ClusterId cluster, NodeName node, AgentId agent, Inventory inventory)
    {
        var taken = await grains.GetGrain<INodeGrain>($"{cluster}/{node}").RecordInventory(agent, inventory);
        Assert.False(taken.IsRefused, taken.Refusal?.Message);
        await grains.GetGrain<IClusterGrain>(cluster.Value).RecordInventory(node, taken.Value!);
    }

    private static async Task<string[]> ReadAll(IGrainFactory grains) =>
    [
        Plain(await grains.ReadTopology(Sight.All)),
        Plain(await grains.ReadClusters(Sight.All)),
        Plain(await grains.List(new(null, null, null, Deleted: true), Sight.All)),
        Plain(await grains.List(new("proxmox_role=='guest' && tags=='prod'", "-name", 5, Deleted: false), Sight.All)),
        Plain(await grains.Find("web-01", Sight.All)),
        Plain(await grains.Find("200", Sight.All)),
        Plain(await grains.Find("db1", Sight.All)),
        Plain(await grains.Find($"{Lab}-lxc-100", Sight.All)),
        Plain(await grains.Find("nothing", Sight.All)),
    ];

    // When a report came is another moment in each run.
    private static string Plain<T>(T value) => Moment().Replace(JsonSerializer.Serialize(value, Json), "$1\"a moment\"");

    [GeneratedRegex("(\"(?:last_seen|guests_at|metrics_at)\": )\"[^\"]*\"")]
    private static partial Regex Moment();
}
