using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Targets;
using NannyOrleans.Protocol.Ids;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Targets;

public sealed class TargetsTests
{
    private static readonly ClusterId Other = ClusterId.Parse("cfedcba9876543210");

    private static readonly ClusterView[] Fleet =
    [
        Of(Cluster, Agent, Container(100, "web-server"), Container(101, "db"), Container(102, "101")),
        Of(Other, OtherAgent, Container(100, "web-server"), Container(300, "only-here")),
    ];

    [Theory]
    [InlineData("c0123456789abcdef-lxc-100")]
    [InlineData("cfedcba9876543210-lxc-100")]
    [InlineData("lxc-300")]
    [InlineData("guest-lxc-300")] // as the guide's list shows it
    [InlineData("lxc-300-only-here")]
    [InlineData("only-here")]
    [InlineData("db")]
    [InlineData("01M83HW1FS84TGPXTCYJ45S8G9")] // a host's agent
    public void Means_one_thing(string text) => Assert.Single(Meant(text));

    [Theory]
    [InlineData("lxc-100", 2)]
    [InlineData("web-server", 2)]
    [InlineData("pve1", 2)] // a node of that name in both clusters
    [InlineData("101", 2)] // one guest's vmid is another's name
    public void Means_several_things_and_all_are_named(string text, int candidates) =>
        Assert.Equal(candidates, Meant(text).Select(target => target.Id).Distinct().Count());

    [Theory]
    [InlineData("lxc-999")]
    [InlineData("qemu-100")]
    [InlineData("WEB-SERVER")]
    [InlineData("")]
    public void Means_nothing(string text) => Assert.Empty(Meant(text));

    [Theory]
    [InlineData("c0123456789abcdef-lxc-100", "c0123456789abcdef")]
    [InlineData("lxc-100", null)]
    [InlineData("web-server", null)]
    [InlineData("c0123456789abcdef", null)]
    [InlineData("-", null)]
    [InlineData("", null)]
    public void Only_a_full_id_names_its_cluster(string text, string? cluster) => Assert.Equal(cluster, Domain.Targets.Targets.ClusterOf(text)?.Value);

    [Theory]
    [InlineData("c0123456789abcdef-lxc-100", 100)]
    [InlineData("c0123456789abcdef-qemu-100", null)] // an agent may be inside a VM: machines have a say
    [InlineData("c0123456789abcdef-lxc-99", null)] // no vmid
    [InlineData("c0123456789abcdef-lxc-100-web", null)]
    [InlineData("c0123456789abcdef-lxc-", null)]
    [InlineData("c0123-lxc-100", null)]
    [InlineData("lxc-100", null)]
    [InlineData("-lxc-100", null)]
    [InlineData("", null)]
    public void Only_its_full_id_names_a_container(string text, int? vmid) => Assert.Equal(vmid, Domain.Targets.Targets.ContainerOf(text)?.Vmid.Value);

    [Theory]
    [InlineData("vm-inside")]
    [InlineData("01M83HYC366EDV4QB830883JAT")]
    public void A_machine_outside_is_meant_by_its_name_or_its_agent(string text)
    {
        var id = ClusterId.Parse("m0123456789abcdef");
        var index = new ClusterIndex { Stored = new() }.Enrol(NodeName.Parse("vm-inside"), new(OtherAgent, "vm-inside", "vm-inside"));
        var machine = TopologyView.Machine(id, TopologyView.Of(id, index, [], Noon).Nodes[0], []);
        Assert.Equal(OtherAgent.Value, Assert.Single(Domain.Targets.Targets.Matching(machine, text)).Id);
        Assert.Empty(Domain.Targets.Targets.Matching(machine, "vm-insid"));
    }

    [Fact]
    public void A_guest_that_was_deleted_gives_way_to_one_that_is_there_and_is_found_when_there_is_none()
    {
        var cluster = View(Lab((Pve1, Taken(Pve1, Inventory(Container(100, "web")).Placing((Pve1, 100)), Inventory(Container(101, "web")).Placing((Pve1, 101))))));
        var both = Matching(cluster, "web").ToArray();
        Assert.Equal(2, both.Length);
        Assert.Equal(101, Assert.Single(Domain.Targets.Targets.Meant(both, "web")).Guest!.Vmid.Value);
        var gone = Assert.Single(Domain.Targets.Targets.Meant(Matching(cluster, "lxc-100"), "lxc-100"));
        Assert.NotNull(gone.Guest!.DeletedAt);
    }

    private static IEnumerable<Target> Matching(ClusterView cluster, string text) => Domain.Targets.Targets.Matching(cluster.Id, cluster.Name, cluster.Nodes, text);

    private static IReadOnlyList<Target> Meant(string text) =>
        Domain.Targets.Targets.Meant(Fleet.SelectMany(cluster => Matching(cluster, text)), text);

    private static ClusterView Of(ClusterId cluster, AgentId agent, params Protocol.Inventories.GuestSeen[] guests)
    {
        var index = new ClusterIndex { Stored = new() }.Enrol(Pve1, new(agent, "pve1", "lab")).RecordInventory(Pve1, Taken(Pve1, Inventory(guests)), remembered: false, Noon);
        return TopologyView.Of(cluster, index, [], Noon);
    }
}
