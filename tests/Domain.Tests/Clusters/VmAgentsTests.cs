using NannyOrleans.Domain.Clusters;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Clusters;

public sealed class VmAgentsTests
{
    private const string Uuid = "0d8a7d2e-8f0e-4f3c-9a94-3b7c5f2b6a10";

    [Fact]
    public void The_uuid_links_an_agent_to_its_vm_in_whatever_case()
    {
        Assert.Equal([(200, Agent)], Links(Vms(Machine(200, uuid: Uuid), Machine(201)), new MachineLink(Agent, Uuid.ToUpperInvariant())));
        var guest = View(Vms(Machine(200, uuid: Uuid)), null, new MachineLink(Agent, Uuid)).Nodes[0].Guests![0];
        Assert.Equal((GuestManagement.Agent, Agent), (guest.Management, guest.Agent!.Value));
    }

    [Fact]
    public void A_container_is_never_linked() =>
        Assert.Empty(Links(Vms(Container() with { SmbiosUuid = Uuid }), new MachineLink(Agent, Uuid)));

    [Fact]
    public void What_is_ambiguous_is_not_linked()
    {
        Assert.Empty(Links(Vms(Machine(200, uuid: Uuid), Machine(201, uuid: Uuid)), new MachineLink(Agent, Uuid))); // one restored beside the other
        Assert.Empty(Links(Vms(Machine(200, uuid: Uuid)), new(Agent, Uuid), new(OtherAgent, Uuid))); // a cloned machine
        Assert.Empty(Links(Vms(Machine(200)), new MachineLink(Agent, null)));
    }

    [Fact]
    public void A_persons_word_comes_first()
    {
        var named = Named(Vms(Machine(200, uuid: Uuid), Machine(201)), (201, Agent));
        Assert.Equal([(201, Agent)], Links(named, new MachineLink(Agent, Uuid)));

        // It also decides between two that the uuid cannot tell apart.
        Assert.Equal([(201, Agent)], Links(Named(Vms(Machine(200, uuid: Uuid), Machine(201, uuid: Uuid)), (201, Agent)), new MachineLink(Agent, Uuid)));
    }

    [Fact]
    public void An_agent_that_is_not_known_any_more_is_linked_to_nothing() =>
        Assert.Empty(Links(Named(Vms(Machine(200, uuid: Uuid)), (200, OtherAgent)), new MachineLink(Agent, Uuid)));

    [Fact]
    public void A_person_who_names_one_agent_for_two_vms_names_none() =>
        Assert.Empty(Links(Named(Vms(Machine(200), Machine(201)), (200, Agent), (201, Agent)), new MachineLink(Agent, null)));

    [Fact]
    public void A_deleted_vm_does_not_stand_in_the_way()
    {
        var before = Named(Vms(Machine(200, uuid: Uuid), Machine(201, uuid: Uuid)), (200, Agent));
        var gone = before.RecordInventory(Pve1, Taken(Pve1, Inventory(Machine(200, uuid: Uuid), Machine(201, uuid: Uuid)), Inventory(Machine(201, uuid: Uuid)).Placing((Pve1, 201))), Noon);
        Assert.Equal([(201, Agent)], Links(gone, new MachineLink(Agent, Uuid)));
    }

    [Fact]
    public void A_machine_says_why_it_is_not_known_which_vm_it_is()
    {
        var index = Vms(Container());
        var one = new LinkedVm(Agent, "c-qemu-200", new(200), Cluster, "lab", Pve1, null);
        Assert.Equal(one, TopologyView.Machine(Cluster, View(index).Nodes[0], [one]).Vm);
        var two = TopologyView.Machine(Cluster, View(index).Nodes[0], [one, one with { Guest = "c-qemu-201" }]);
        Assert.Null(two.Vm);
        Assert.Contains("c-qemu-200, c-qemu-201", two.VmProblem);
    }

    private static ClusterIndex Vms(params GuestSeen[] guests) => Lab((Pve1, Taken(Pve1, Inventory(guests))));

    private static ClusterIndex Named(ClusterIndex index, params (int Vmid, AgentId Agent)[] names) =>
        names.Aggregate(index, (lab, name) => lab.Annotate(new(name.Vmid), new(null, null, null, new(name.Agent))).Value!);

    private static (int Vmid, AgentId Agent)[] Links(ClusterIndex index, params MachineLink[] machines) =>
        [.. VmAgents.Of(index, machines).OrderBy(link => link.Key).Select(link => (link.Key.Value, link.Value))];
}
