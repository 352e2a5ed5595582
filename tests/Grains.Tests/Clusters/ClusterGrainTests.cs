using System.Text.Json;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Agents;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Grains.Tests.Clusters;

public sealed class ClusterGrainTests(SiloCluster silo)
{
    private static readonly Vmid Web = new(100);
    private static readonly Vmid Db = new(200);

    private readonly ClusterId id = Some.Cluster();

    private IClusterGrain Cluster => silo.Grains.GetGrain<IClusterGrain>(id.Value);

    private string Row => $"cluster/{id}";

    [Fact]
    public async Task After_a_restart_all_that_was_reported_is_there_and_nobody_is_online_until_it_speaks()
    {
        await TwoNodes();
        Assert.All((await Cluster.View([])).Nodes, node => Assert.Equal(NodeStatus.Online, node.Status));
        Assert.True((await Cluster.Overview()).Quorate);

        await silo.ForgetActivations();
        var view = await Cluster.View([]);
        Assert.Equal([NodeStatus.Offline, NodeStatus.Offline], view.Nodes.Select(node => node.Status));
        Assert.Equal([Web, Db], view.Nodes.SelectMany(node => node.Guests!).Select(guest => guest.Vmid));
        Assert.All(view.Nodes.SelectMany(node => node.Guests!), guest => Assert.Equal(GuestStatus.Unknown, guest.Status));
        Assert.Null(view.Quorate);

        await Report(Some.Pve1, Some.Agent, Some.Inventory(Some.Pve1, Some.Container(100)));
        view = await Cluster.View([]);
        Assert.Equal([NodeStatus.Online, NodeStatus.Offline], view.Nodes.Select(node => node.Status));
        Assert.Equal([GuestStatus.Running, GuestStatus.Unknown], view.Nodes.SelectMany(node => node.Guests!).Select(guest => guest.Status));
        Assert.True(view.Quorate);
    }

    [Fact]
    public async Task A_node_that_cannot_be_read_hides_no_other_and_is_asked_again_later()
    {
        await TwoNodes();
        var row = $"node/{id}/pve2";
        silo.Storage.Unreadable[row] = true;
        await silo.ForgetActivations();

        var view = await Cluster.View([]);
        Assert.Equal(Web, Assert.Single(view.Nodes[0].Guests!).Vmid);
        Assert.Null(view.Nodes[1].Guests); // not known, which is not the same as none
        Assert.Equal(1, view.Overview.GuestCount.NodesUnlisted);

        silo.Storage.Unreadable.TryRemove(row, out _);
        Assert.Null((await Cluster.View([])).Nodes[1].Guests); // not at each look: it takes seconds
        silo.Clock.Shift += TimeSpan.FromSeconds(31);
        Assert.Equal(Db, Assert.Single((await Cluster.View([])).Nodes[1].Guests!).Vmid);
    }

    [Fact]
    public async Task A_guest_of_a_node_that_cannot_be_read_is_not_said_to_be_nowhere()
    {
        await TwoNodes();
        var row = $"node/{id}/pve2";
        silo.Storage.Unreadable[row] = true;
        await silo.ForgetActivations();
        Assert.True(await Cluster.HasUnreadNode());
        await silo.Grains.GetGrain<IFleetGrain>(0).Add(id);
        Assert.True(await silo.Grains.HasUnreadNode(Sight.All));
        Assert.Equal("node-unread", (await Cluster.AnnotateGuest(Db, Notes("mine")))?.Code);
        Assert.Null(await Cluster.AnnotateGuest(Web, Notes("mine")));

        silo.Storage.Unreadable.TryRemove(row, out _);
        silo.Clock.Shift += TimeSpan.FromSeconds(31);
        Assert.False(await Cluster.HasUnreadNode());
        Assert.Null(await Cluster.AnnotateGuest(Db, Notes("mine")));
        Assert.Equal("unknown-guest", (await Cluster.AnnotateGuest(new(300), Notes("mine")))?.Code);
    }

    [Fact]
    public async Task A_report_that_comes_before_the_first_look_is_newer_than_what_is_stored()
    {
        await TwoNodes();
        await silo.ForgetActivations();
        await Report(Some.Pve2, Some.OtherAgent, Some.Inventory(Some.Pve2, Some.Container(201)));
        var view = await Cluster.View([]);
        Assert.Equal(Web, Assert.Single(view.Nodes[0].Guests!).Vmid);
        Assert.Contains(view.Nodes[1].Guests!, guest => guest.Vmid == new Vmid(201) && guest.Status is GuestStatus.Running);
    }

    [Fact]
    public async Task A_report_that_comes_during_the_first_look_hides_nothing_from_it()
    {
        await TwoNodes();
        await silo.ForgetActivations();
        var gate = silo.Storage.HoldNextRead($"node/{id}/pve2");
        var looking = Cluster.View([]);
        await gate.Reached;
        var taking = Report(Some.Pve1, Some.Agent, Some.Inventory(Some.Pve1, Some.Container(100)));
        gate.Open();

        Assert.Equal([Web, Db], (await looking).Nodes.SelectMany(node => node.Guests ?? []).Select(guest => guest.Vmid));
        await taking;
        Assert.Equal([NodeStatus.Online, NodeStatus.Offline], (await Cluster.View([])).Nodes.Select(node => node.Status));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // the write landed, its answer did not
    public async Task A_failed_annotation_is_reported_and_shown_only_when_it_landed(bool landed)
    {
        await TwoNodes();
        silo.Storage.FailNextWrite(Row, landed);
        await Assert.ThrowsAnyAsync<Exception>(() => Cluster.AnnotateGuest(Web, Notes("mine")));
        Assert.False(silo.Storage.StillFailing(Row));
        Assert.Equal(landed ? "mine" : null, (await Guest(Web)).Notes);

        Assert.Null(await Cluster.AnnotateGuest(Web, Notes("mine")));
        Assert.Equal("mine", (await Guest(Web)).Notes);
        Assert.Equal([Web, Db], (await Cluster.View([])).Nodes.SelectMany(node => node.Guests!).Select(guest => guest.Vmid));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_failed_enrolment_is_reported_and_can_be_repeated(bool landed)
    {
        silo.Storage.FailNextWrite(Row, landed);
        await Assert.ThrowsAnyAsync<Exception>(() => Cluster.Enrol(Some.Pve1, Some.Enrolment(Some.Agent, Some.Pve1)));
        Assert.Equal(landed ? 1 : 0, (await Cluster.View([])).Nodes.Count);

        await Cluster.Enrol(Some.Pve1, Some.Enrolment(Some.Agent, Some.Pve1));
        var node = Assert.Single((await Cluster.View([])).Nodes);
        Assert.Equal((Some.Agent, NodeStatus.Offline), (node.Agent, node.Status));
        Assert.Null(node.Guests);
    }

    [Fact]
    public async Task An_agent_that_is_connected_is_not_shown_as_offline_after_a_failover_and_its_old_word_gets_no_younger()
    {
        await TwoNodes();
        await silo.ForgetActivations();
        var view = await Contact(Some.Pve1, node: 0); // before anybody has looked, and after
        Assert.Equal([NodeStatus.Online, NodeStatus.Offline], view.Nodes.Select(node => node.Status));
        Assert.Equal([GuestStatus.Running, GuestStatus.Unknown], view.Nodes.SelectMany(node => node.Guests!).Select(guest => guest.Status));
        view = await Contact(Some.Pve2, node: 1);
        Assert.Equal([NodeStatus.Online, NodeStatus.Online], view.Nodes.Select(node => node.Status));

        silo.Clock.Shift += TimeSpan.FromHours(1);
        Assert.Equal(NodeStatus.Offline, (await Cluster.View([])).Nodes[0].Status);
        view = await Contact(Some.Pve1, node: 0);
        Assert.Equal(GuestStatus.Unknown, view.Nodes[0].Guests![0].Status);

        // Nobody waits for that word, so it may come after the next question.
        async Task<ClusterView> Contact(NodeName name, int node)
        {
            await Cluster.RecordContact(name);
            return await Waiting.Until(() => Cluster.View([]), now => now.Nodes[node].Status is NodeStatus.Online, "the word that an agent is connected");
        }
    }

    [Fact]
    public async Task Metrics_reach_the_cluster_and_make_the_node_online_for_three_of_their_intervals()
    {
        await TwoNodes();
        await silo.ForgetActivations();
        Assert.Equal(NodeStatus.Offline, (await Cluster.View([])).Nodes[0].Status);

        Assert.Null(await Node(Some.Pve1).RecordMetrics(Some.Agent, Some.Metrics(intervalSeconds: 30, cpuPercent: 42)));
        var node = (await Cluster.View([])).Nodes[0];
        Assert.Equal((NodeStatus.Online, 42), (node.Status, node.Metrics?.CpuPercent));

        silo.Clock.Shift += TimeSpan.FromSeconds(91);
        node = (await Cluster.View([])).Nodes[0];
        Assert.Equal((NodeStatus.Offline, null), (node.Status, node.Metrics));
    }

    [Fact]
    public async Task What_an_operation_found_is_stored_once_and_an_older_one_changes_nothing()
    {
        await TwoNodes();
        var found = Patches(2, pending: 3);
        await Cluster.RecordPatch(Web, found);
        var writes = silo.Storage.WritesOf(Row);
        await Cluster.RecordPatch(Web, found);
        await Cluster.RecordPatch(Web, Patches(1, pending: 7));
        Assert.Equal(writes, silo.Storage.WritesOf(Row));
        Assert.Equal(found, (await Guest(Web)).Patches);

        await silo.ForgetActivations();
        Assert.Equal(found, (await Guest(Web)).Patches);
    }

    [Fact]
    public async Task What_a_person_has_said_survives_a_restart_and_the_next_report()
    {
        await TwoNodes();
        Assert.Null(await Cluster.AnnotateGuest(Web, Notes("mine")));
        Assert.Null(await Cluster.AnnotateNode(Some.Pve2, Notes("old disks")));
        Assert.Equal("unknown-node", (await Cluster.AnnotateNode(NodeName.Parse("pve9"), Notes("?")))?.Code);
        await silo.ForgetActivations();
        await Report(Some.Pve1, Some.Agent, Some.Inventory(Some.Pve1, Some.Container(100, "web-02")));
        var guest = await Guest(Web);
        Assert.Equal(("web-02", "mine"), (guest.Name, guest.Notes));
        Assert.Equal("old disks", (await Cluster.View([])).Nodes[1].Notes);
    }

    [Fact]
    public async Task Reads_answer_while_a_write_is_under_way_and_are_not_ahead_of_it()
    {
        await TwoNodes();
        var gate = silo.Storage.HoldNextWrite(Row);
        var write = Cluster.AnnotateGuest(Web, Notes("mine"));
        await gate.Reached;

        Assert.Single(await Cluster.Find("lxc-100", []));
        Assert.Equal(4, (await Cluster.List(new(null, null, null, false), [])).Total);
        Assert.False(await Cluster.HasUnreadNode());
        Assert.Null((await Guest(Web)).Notes);
        Assert.False(write.IsCompleted);

        gate.Open();
        Assert.Null(await write);
        Assert.Equal("mine", (await Guest(Web)).Notes);
    }

    [Fact]
    public async Task Looks_during_the_first_write_after_a_restart_gather_and_the_write_loses_nothing_of_it()
    {
        await TwoNodes();
        var row = $"node/{id}/pve2";
        silo.Storage.Unreadable[row] = true;
        await silo.ForgetActivations();
        var gate = silo.Storage.HoldNextWrite(Row);
        var write = Cluster.AnnotateGuest(Web, Notes("mine"));
        await gate.Reached;

        // While that write waits, the other node is read.
        silo.Storage.Unreadable.TryRemove(row, out _);
        silo.Clock.Shift += TimeSpan.FromSeconds(31);
        Assert.Equal(Db, (await Guest(Db)).Vmid);

        gate.Open();
        Assert.Null(await write);
        Assert.Equal("mine", (await Guest(Web)).Notes);
        Assert.Equal(Db, (await Guest(Db)).Vmid);
    }

    [Fact]
    public async Task Reports_of_two_nodes_between_reads_lose_nothing()
    {
        await TwoNodes();
        await silo.ForgetActivations();
        async Task Speak(NodeName node, AgentId agent, int first)
        {
            for (var count = 1; count <= 20; count++)
            {
                await Report(node, agent, Some.Inventory(node, [.. Enumerable.Range(first, count).Select(vmid => Some.Container(vmid))]));
            }
        }

        async Task Read()
        {
            for (var count = 0; count < 50; count++)
            {
                var page = await Cluster.List(new(null, null, null, false), []);
                Assert.Equal(2, page.Rows.Count(row => row is HostRow));
            }
        }

        await Task.WhenAll(Speak(Some.Pve1, Some.Agent, 1000), Speak(Some.Pve2, Some.OtherAgent, 2000), Read(), Read());
        var view = await Cluster.View([]);
        var present = view.Nodes.Select(node => node.Guests!.Where(guest => guest.Status is GuestStatus.Running).Select(guest => guest.Vmid.Value).ToArray()).ToArray();
        Assert.Equal(Enumerable.Range(1000, 20), present[0]);
        Assert.Equal(Enumerable.Range(2000, 20), present[1]);
    }

    [Fact]
    public async Task A_vm_restored_on_another_host_takes_the_agent_from_both()
    {
        static GuestSeen Vm(int vmid) => Some.Container(vmid) with { Type = GuestType.Qemu, SmbiosUuid = "5f2c1f0e-0000-4000-8000-000000000001" };
        MachineLink[] machines = [new(Some.Agent, "5f2c1f0e-0000-4000-8000-000000000001")];
        await TwoNodes();
        await Report(Some.Pve1, Some.Agent, Some.Inventory(Some.Pve1, Vm(101)));
        Assert.Equal(new Vmid(101), Assert.Single(await Cluster.Linked(machines)).Vmid);

        await Report(Some.Pve2, Some.OtherAgent, Some.Inventory(Some.Pve2, Vm(201)));
        Assert.Empty(await Cluster.Linked(machines));
    }

    private static AnnotationChange Notes(string text) => new(null, null, new(text), null);

    private static PatchState Patches(int number, int pending) =>
        new(JobId.Parse($"01M83HW1FS84TGPXTCYJ{number:D6}"), DateTimeOffset.UnixEpoch, pending, false, null);

    private INodeGrain Node(NodeName node) => silo.Grains.GetGrain<INodeGrain>($"{id}/{node}");

    [Fact]
    public async Task A_container_is_found_by_its_full_id_as_it_is_by_any_form_and_as_it_is_now()
    {
        await TwoNodes();
        var found = await ByFullId();
        Assert.Equal(JsonSerializer.Serialize(Assert.Single(await Cluster.Find("lxc-200", []))), JsonSerializer.Serialize(found));
        Assert.Equal((Some.Pve2, null), (found.Node.Name, found.Node.Guests));

        await Cluster.RecordPatch(Db, Patches(2, pending: 3));
        Assert.Equal(3, (await ByFullId()).Guest!.Patches?.Pending);
        await silo.ForgetActivations();
        Assert.Equal(GuestStatus.Unknown, (await ByFullId()).Guest!.Status);

        Assert.Empty(await Cluster.Find($"{id}-lxc-300", machines: null)); // nobody has reported it
        Assert.Empty(await Cluster.Find($"{id}-qemu-200", machines: null)); // it is no VM
        Assert.Empty(await Cluster.Find($"{Some.Cluster()}-lxc-200", machines: null)); // another cluster's

        async Task<Domain.Targets.Target> ByFullId() => Assert.Single(await Cluster.Find($"{id}-lxc-200", machines: null));
    }

    private async Task<GuestView> Guest(Vmid vmid) => (await Cluster.View([])).Nodes.SelectMany(node => node.Guests ?? []).Single(guest => guest.Vmid == vmid);

    private async Task TwoNodes()
    {
        foreach (var (node, agent, vmid) in new[] { (Some.Pve1, Some.Agent, 100), (Some.Pve2, Some.OtherAgent, 200) })
        {
            await Node(node).Enrol(Some.Enrolment(agent, node));
            await Cluster.Enrol(node, Some.Enrolment(agent, node));
            await Report(node, agent, Some.Inventory(node, Some.Container(vmid)));
        }
    }

    // As the hub does it.
    private async Task Report(NodeName node, AgentId agent, Inventory inventory)
    {
        var taken = await Node(node).RecordInventory(agent, inventory);
        Assert.Null(taken.Refusal);
        await Cluster.RecordInventory(node, taken.Value!);
    }
}
