using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using static NannyOrleans.Domain.Tests.Clusters.Reported;

namespace NannyOrleans.Domain.Tests.Clusters;

public sealed class VmAgentsTests
{
    private const string Uuid = "0d8a7d2e-8f0e-4f3c-9a94-3b7c5f2b6a10";
    private const string OtherUuid = "4c4c4544-0042-3510-8054-b4c04f4a4d32";
    private static readonly AgentId HostAgent = AgentId.Parse("01M83HYC366EDV4QB830883JA1");
    private static readonly AgentId Inside = AgentId.Parse("01M83HYC366EDV4QB830883JA8");
    private static readonly AgentId Other = AgentId.Parse("01M83HYC366EDV4QB830883JA9");

    [Theory]
    [InlineData(Uuid)]
    [InlineData("0D8A7D2E-8F0E-4F3C-9A94-3B7C5F2B6A10")]
    public void By_the_uuid_that_both_have(string uuid) =>
        Assert.Equal([(200, Inside)], Links(Lab(Vm(200, "db", uuid: uuid), Vm(201, "web", uuid: OtherUuid), Vm(202, "old")), new(Inside, Uuid), new(Other, null)));

    [Fact]
    public void Without_a_uuid_nothing_is_linked()
    {
        Assert.Empty(Links(Lab(Vm(200, "db"), Vm(201, "web", uuid: Uuid)), new MachineLink(Inside, null)));
        Assert.Empty(Links(Lab(Vm(200, "db", uuid: Uuid))));
    }

    [Fact] // A VM that was restored beside the one it was saved from has its uuid too.
    public void A_uuid_of_two_VMs_links_none()
    {
        Assert.Empty(Links(Lab(Vm(200, "db", uuid: Uuid), Vm(201, "db", uuid: Uuid.ToUpperInvariant())), new MachineLink(Inside, Uuid)));
        var onTwoNodes = Lab(Vm(200, "db", uuid: Uuid)).With(Other, Of("lab", "pve2", Vm(201, "db", uuid: Uuid)));
        Assert.Empty(Links(onTwoNodes, new MachineLink(Inside, Uuid)));
    }

    [Fact]
    public void A_uuid_that_two_agents_read_links_none() =>
        Assert.Empty(Links(Lab(Vm(200, "db", uuid: Uuid)), new(Inside, Uuid), new(Other, Uuid.ToUpperInvariant())));

    [Fact]
    public void A_container_is_never_linked() =>
        Assert.Empty(Links(Lab(Ct(200, "db", null) with { SmbiosUuid = Uuid }), new MachineLink(Inside, Uuid)));

    [Fact]
    public void A_persons_word_comes_before_the_uuid()
    {
        var cluster = Named(Lab(Vm(200, "db", uuid: Uuid), Vm(201, "web", uuid: OtherUuid)), 200, Other);
        Assert.Equal([(200, Other)], Links(cluster, new(Inside, Uuid), new(Other, null)));
        // The agent that was named for one VM is not found in another by its uuid.
        Assert.Equal([(200, Other)], Links(cluster, new(Inside, null), new(Other, OtherUuid)));
    }

    [Fact]
    public void A_persons_word_settles_what_two_uuids_leave_open()
    {
        var cluster = Named(Lab(Vm(200, "db", uuid: Uuid), Vm(201, "copy", uuid: Uuid)), 201, Inside);
        Assert.Equal([(201, Inside)], Links(cluster, new MachineLink(Inside, Uuid)));
    }

    [Fact] // Not by the uuid instead: a person has said that it is another.
    public void A_named_agent_that_is_not_there_links_none() =>
        Assert.Empty(Links(Named(Lab(Vm(200, "db", uuid: Uuid)), 200, Other), new MachineLink(Inside, Uuid)));

    [Fact]
    public void A_deleted_VM_is_not_linked_and_does_not_stand_in_the_way()
    {
        var deleted = new DepartedGuest(Vm(201, "old", uuid: Uuid), null, Deleted: true, Some.Noon);
        var cluster = Nothing.With(HostAgent, Of("lab", "pve1", Vm(200, "db", uuid: Uuid)), deleted);
        Assert.Equal([(200, Inside)], Links(cluster, new MachineLink(Inside, Uuid)));
        Assert.Empty(Links(Nothing.With(HostAgent, Of("lab", "pve1"), deleted), new MachineLink(Inside, Uuid)));
    }

    [Fact]
    public void What_a_person_said_of_a_deleted_VM_does_not_hold_its_agent()
    {
        var before = Named(Lab(Vm(200, "db"), Vm(201, "new", uuid: Uuid)), 200, Inside);
        var after = before.With(HostAgent, Of("lab", "pve1", Vm(201, "new", uuid: Uuid)), new DepartedGuest(Vm(200, "db"), null, Deleted: true, Some.Noon));
        Assert.Equal([(201, Inside)], Links(after, new MachineLink(Inside, Uuid)));
    }

    [Fact] // Which of them it is, the machine's row leaves open and says so.
    public void An_agent_named_for_two_VMs_is_a_problem_of_the_machine()
    {
        var vm = new LinkedVm(Inside, "c0123456789abcdef-qemu-200", new(200), Some.Cluster, "lab", Some.Pve1, HostAgent);
        var node = Nothing.With(Inside, Of("m", "db")).View().Nodes[0];
        var machine = TopologyView.Machine(ClusterId.Parse("m0123456789abcdef"), node, [vm, vm with { Guest = "c0123456789abcdef-qemu-201", Vmid = new(201) }]);
        Assert.Null(machine.Vm);
        Assert.Equal("more than one VM says it is this machine: c0123456789abcdef-qemu-200, c0123456789abcdef-qemu-201", machine.VmProblem);
    }

    [Fact]
    public void A_linked_VM_is_shown_with_its_agent()
    {
        var guests = Lab(Vm(200, "db", uuid: Uuid), Vm(201, "web")).View(machines: new MachineLink(Inside, Uuid)).Nodes[0].Guests!;
        Assert.Equal([(GuestManagement.Agent, Inside), (GuestManagement.RequiresAgent, (AgentId?)null)], guests.Select(guest => (guest.Management, guest.Agent)));
    }

    private static ClusterIndex Lab(params GuestSeen[] guests) => Nothing.With(HostAgent, Of("lab", "pve1", guests));

    private static ClusterIndex Named(ClusterIndex cluster, int vmid, AgentId agent)
    {
        var outcome = cluster.Annotate(new Vmid(vmid), new(null, null, null, new(agent)));
        Assert.False(outcome.IsRefused, outcome.Refusal?.Message);
        return outcome.Value;
    }

    private static IEnumerable<(int Vmid, AgentId Agent)> Links(ClusterIndex cluster, params MachineLink[] machines) =>
        VmAgents.Of(cluster, machines).OrderBy(link => link.Key).Select(link => (link.Key.Value, link.Value));
}
