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
    [InlineData("c0123456789abcdef-lxc-100", "c0123456789abcdef")]
    [InlineData("lxc-100", null)]
    [InlineData("web-server", null)]
    [InlineData("c0123456789abcdef", null)]
    [InlineData("-", null)]
    [InlineData("", null)]
    public void Only_a_full_id_names_its_cluster(string text, string? cluster) => Assert.Equal(cluster, Domain.Targets.Targets.ClusterOf(text)?.Value);

    [Theory]
    [InlineData("lxc-999")]
    [InlineData("qemu-100")]
    [InlineData("WEB-SERVER")]
    [InlineData("")]
    public void Means_nothing(string text) => Assert.Empty(Meant(text));

    [Fact]
    public void A_guest_that_was_deleted_does_not_compete_with_what_is_there()
    {
        // The old web-01 was destroyed and a new one of that name made.
        var before = Enrolled().Hear(Pve1, Inventory(Container()), Noon);
        var whole = Inventory(Container(105)) with { Cluster = Inventory().Cluster! with { GuestsByNode = new Dictionary<NodeName, IReadOnlyList<Vmid>> { [Pve1] = [new(105)] } } };
        var view = TopologyView.Of(Cluster, before.Hear(Pve1, whole, Noon.AddMinutes(5)), [], Noon.AddMinutes(5));

        Assert.Equal("c0123456789abcdef-lxc-105", Assert.Single(Of("web-01")).Id);
        Assert.NotNull(Assert.Single(Of("lxc-100")).Guest?.DeletedAt); // nothing else is meant: it is named, to be refused

        IReadOnlyList<Target> Of(string text) => Domain.Targets.Targets.Meant(Domain.Targets.Targets.Matching(view, text), text);
    }

    [Theory]
    [InlineData("01M83HW1FS84TGPXTCYJ45S8G9", true)]
    [InlineData("pve1", true)]
    [InlineData("pve", false)]
    [InlineData("", false)]
    public void A_machine_is_meant_by_its_agent_or_its_name(string text, bool meant)
    {
        var id = ClusterId.Parse("m0123456789abcdef");
        var machine = TopologyView.Machine(id, TopologyView.Of(id, Enrolled().Hear(Pve1, Inventory(), Noon), [], Noon).Nodes[0], []);
        Assert.Equal(meant, Domain.Targets.Targets.Matching(machine, text).Any());
    }

    private static IReadOnlyList<Target> Meant(string text) =>
        Domain.Targets.Targets.Meant(Fleet.SelectMany(cluster => Domain.Targets.Targets.Matching(cluster, text)), text);

    private static ClusterView Of(ClusterId cluster, AgentId agent, params Protocol.Inventories.GuestSeen[] guests) =>
        TopologyView.Of(cluster, Enrolled(agent).Hear(Pve1, Inventory(guests), Noon), [], Noon);
}
