using NannyOrleans.Domain.Clusters;
using NannyOrleans.Protocol.Ids;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Targets;

public sealed class TargetsTests
{
    private static readonly ClusterId Other = ClusterId.Parse("cfedcba9876543210");

    private static readonly Topology Fleet = new([
        Of(Cluster, Agent, Container(100, "web-server"), Container(101, "db"), Container(102, "101")),
        Of(Other, OtherAgent, Container(100, "web-server"), Container(300, "only-here")),
    ]);

    [Theory]
    [InlineData("c0123456789abcdef-lxc-100")]
    [InlineData("cfedcba9876543210-lxc-100")]
    [InlineData("lxc-300")]
    [InlineData("guest-lxc-300")] // as the guide's list shows it
    [InlineData("lxc-300-only-here")]
    [InlineData("only-here")]
    [InlineData("db")]
    [InlineData("01M83HW1FS84TGPXTCYJ45S8G9")] // a host's agent
    public void Means_one_thing(string text) => Assert.Single(Domain.Targets.Targets.Matching(Fleet, text));

    [Theory]
    [InlineData("lxc-100", 2)]
    [InlineData("web-server", 2)]
    [InlineData("pve1", 2)] // a node of that name in both clusters
    [InlineData("101", 2)] // one guest's vmid is another's name
    public void Means_several_things_and_all_are_named(string text, int candidates) =>
        Assert.Equal(candidates, Domain.Targets.Targets.Matching(Fleet, text).Select(target => target.Id).Distinct().Count());

    [Theory]
    [InlineData("lxc-999")]
    [InlineData("qemu-100")]
    [InlineData("WEB-SERVER")]
    [InlineData("")]
    public void Means_nothing(string text) => Assert.Empty(Domain.Targets.Targets.Matching(Fleet, text));

    private static ClusterView Of(ClusterId cluster, AgentId agent, params Protocol.Inventories.GuestSeen[] guests)
    {
        var state = ClusterMachine.RecordInventory(ClusterMachine.Enrol(new(), Pve1, new(agent, "pve1", "lab")), Pve1, Inventory(guests), Noon);
        return TopologyView.Of(cluster, state, new HashSet<NodeName> { Pve1 }, Noon);
    }
}
