using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using static NannyOrleans.Domain.Tests.Clusters.Reported;

namespace NannyOrleans.Domain.Tests.Clusters;

public sealed class TopologyTextTests
{
    private const string Uuid = "0d8a7d2e-8f0e-4f3c-9a94-3b7c5f2b6a10";
    private static readonly AgentId First = AgentId.Parse("01M83HYC366EDV4QB830883JA1");
    private static readonly AgentId Second = AgentId.Parse("01M83HYC366EDV4QB830883JA2");
    private static readonly AgentId Third = AgentId.Parse("01M83HYC366EDV4QB830883JA3");
    private static readonly AgentId Inside = AgentId.Parse("01M83HYC366EDV4QB830883JA9");
    private static readonly ClusterId MachineId = ClusterId.Parse("m0123456789abcdef");

    [Fact]
    public void The_guides_tree()
    {
        const string Name = "production-cluster";
        var cluster = Nothing
            .With(First, Of(Name, "proxmox-node-01", Ct(100, "web-server-01", "Ubuntu 22.04"), Ct(101, "db-server-01", "Debian 12"), Vm(200, "windows-server", "Windows")))
            .With(Second, Of(Name, "proxmox-node-02", Ct(102, "cache-server", "Arch Linux"), Ct(103, "monitoring", "Ubuntu 22.04"), Vm(201, "k8s-node-01", "Rocky Linux", Uuid)))
            .With(Third, Of(Name, "proxmox-node-03", Ct(104, "dns-server", "Debian 12"), Ct(105, "proxy-server", "Ubuntu 22.04")));
        Assert.Equal(
            $"""
            Proxmox Cluster: "production-cluster"
            ├── Node: proxmox-node-01 (Host Agent: {First})
            │   ├── LXC 100: web-server-01 (Ubuntu 22.04) [Agentless]
            │   ├── LXC 101: db-server-01 (Debian 12) [Agentless]
            │   └── VM 200: windows-server (Windows) [Requires Agent]
            ├── Node: proxmox-node-02 (Host Agent: {Second})
            │   ├── LXC 102: cache-server (Arch Linux) [Agentless]
            │   ├── LXC 103: monitoring (Ubuntu 22.04) [Agentless]
            │   └── VM 201: k8s-node-01 (Rocky Linux) [Agent: {Inside}]
            └── Node: proxmox-node-03 (Host Agent: {Third})
                ├── LXC 104: dns-server (Debian 12) [Agentless]
                └── LXC 105: proxy-server (Ubuntu 22.04) [Agentless]

            """,
            TopologyText.Of(new([cluster.View(machines: new MachineLink(Inside, Uuid))], [])));
    }

    [Fact]
    public void What_is_not_as_usual_is_said()
    {
        var report = Of(
            "lab",
            "pve1",
            Ct(100, "stopped", "Debian 12", GuestStatus.Stopped),
            Vm(101, "paused") with { Status = GuestStatus.Paused, OsType = "l26" },
            Ct(102, "odd", null, GuestStatus.Unknown));
        var members = report.Cluster! with
        {
            Members = [new(Some.Pve1, true, 1), new(Some.Pve2, false, 1), new(NodeName.Parse("pve3"), true, 1)],
            Ha = new(true, Some.Pve1, true, new Dictionary<string, string> { ["pve1"] = "maintenance" }, []),
        };
        var cluster = Nothing
            .With(First, report with { Cluster = members }, new DepartedGuest(Ct(103, "gone", "Debian 12"), null, Deleted: true, Some.Noon.AddDays(-1)))
            .With(Third, Of("lab", "pve3") with { Cluster = members });
        Assert.Equal(
            $"""
            Proxmox Cluster: "lab"
            ├── Node: pve1 (Host Agent: {First}, maintenance)
            │   ├── LXC 100: stopped (Debian 12) [Agentless] [stopped]
            │   ├── VM 101: paused (l26) [Requires Agent] [paused]
            │   ├── LXC 102: odd (unknown) [Agentless] [unknown]
            │   └── LXC 103: gone (Debian 12) [Agentless] [deleted 2026-11-22]
            ├── Node: pve2 (no agent)
            │   └── guests unknown
            └── Node: pve3 (Host Agent: {Third})
                └── no guests

            """,
            TopologyText.Of(new([cluster.View()], [])));
    }

    [Fact]
    public void A_host_that_is_silent_says_nothing_of_the_present()
    {
        var cluster = Nothing.With(First, Of("lab", "pve1", Ct(100, "web", "Debian 12"))).Enrol(Some.Pve2, new(Second, "pve2", "lab"));
        Assert.Equal(
            $"""
            Proxmox Cluster: "lab" [quorum unknown: no connected node has reported it lately]
            ├── Node: pve1 (Host Agent: {First}, offline, last seen 2026-11-23 12:00:00Z)
            │   └── LXC 100: web (Debian 12) [Agentless] [unknown]
            └── Node: pve2 (Host Agent: {Second}, offline, last seen never)
                └── guests unknown

            """,
            TopologyText.Of(new([cluster.View(Some.Noon.AddHours(1))], [])));
    }

    [Fact]
    public void A_cluster_without_quorum_says_so()
    {
        var report = Of("lab", "pve1");
        var cluster = Nothing.With(First, report with { Cluster = report.Cluster! with { Quorate = false } });
        Assert.StartsWith("Proxmox Cluster: \"lab\" [no quorum]\n", TopologyText.Of(new([cluster.View()], [])), StringComparison.Ordinal);
    }

    [Fact]
    public void Machines_outside_come_last_and_say_which_VM_they_are()
    {
        var cluster = Nothing.With(First, Of("lab", "pve1", Vm(201, "k8s", "Rocky Linux", Uuid)));
        var machine = Nothing.With(Inside, new Inventory(Some.Noon, "0.1.0", "k8s", null, "boot", null, null, []) { Host = new() { SmbiosUuid = Uuid, Os = new("rocky", [], "9", "Rocky Linux 9") } });
        var silent = Nothing.Enrol(NodeName.Parse("db"), new(Third, "db.lan", "db"));
        var linked = new LinkedVm(Inside, "c0123456789abcdef-qemu-201", new(201), Some.Cluster, "lab", Some.Pve1, First);
        Assert.Equal(
            $"""
            Proxmox Cluster: "lab"
            └── Node: pve1 (Host Agent: {First})
                └── VM 201: k8s (Rocky Linux) [Agent: {Inside}]
            Standalone agents
            ├── k8s (Rocky Linux 9) (Agent: {Inside}, VM 201 of "lab")
            └── db.lan (unknown) (Agent: {Third}, offline, last seen never)

            """,
            TopologyText.Of(new(
                [cluster.View(machines: new MachineLink(Inside, Uuid))],
                [Machine(machine, linked), Machine(silent)])));
    }

    [Fact]
    public void Without_anything_it_says_what_to_do() => Assert.Equal("No clusters yet: register an agent on a Proxmox VE host.\n", TopologyText.Of(new([], [])));

    [Theory]
    [InlineData("a\nb", "a?b")]
    [InlineData("a\u001b[31mb", "a?[31mb")]
    [InlineData("a\0\u009b", "a??")]
    [InlineData("a\u202eb\u200f\u2066", "a?b??")] // turns what follows the other way round
    [InlineData("a\u2028b\u2029c", "a?b?c")]
    [InlineData("日本 ä \U0001F600", "日本 ä \U0001F600")]
    public void Names_cannot_forge_the_tree(string name, string shown)
    {
        var cluster = Nothing.With(First, Of(name, "pve1", Ct(100, name, name)));
        var machine = Nothing.With(Inside, new Inventory(Some.Noon, "0.1.0", "db", null, "boot", null, null, []) { Host = new() { Os = new("x", [], null, name) } });
        Assert.Equal(
            $"""
            Proxmox Cluster: "{shown}"
            └── Node: pve1 (Host Agent: {First})
                └── LXC 100: {shown} ({shown}) [Agentless]
            Standalone agents
            └── db ({shown}) (Agent: {Inside})

            """,
            TopologyText.Of(new([cluster.View()], [Machine(machine)])));
    }

    private static MachineView Machine(ClusterIndex machine, params LinkedVm[] vms) => TopologyView.Machine(MachineId, machine.View().Nodes[0], vms);
}
