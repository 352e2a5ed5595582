using NannyOrleans.Lab.Cluster;

namespace NannyOrleans.Lab.Tests;

public sealed class ClusterTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)] // a pair loses quorum with either host
    [InlineData(3, 2)]
    [InlineData(4, 3)]
    [InlineData(5, 3)]
    public void More_than_half_of_the_expected_votes_are_needed(int expected, int needed)
    {
        Assert.Equal(needed, Quorum.Needed(expected));
        Assert.True(Quorum.Holds(needed, expected));
        Assert.False(Quorum.Holds(needed - 1, expected));
    }

    [Fact]
    public void A_stopped_pmxcfs_hides_its_host_and_still_votes()
    {
        HostState[] hosts = [Host("pve1"), Host("pve2") with { Pmxcfs = Pmxcfs.Stopped }, Host("pve3") with { IsOn = false }];
        Assert.True(Membership.IsQuorate(hosts[0], hosts));
        Assert.False(Membership.SeesOnline(hosts[0], hosts[1]));
        Assert.False(Membership.IsQuorate(hosts[2], hosts));
    }

    [Fact]
    public void The_host_with_the_most_writes_leads()
    {
        HostState[] hosts = [Host("pve1") with { Replica = 3 }, Host("pve2") with { Replica = 4 }, Host("pve3") with { Replica = 9, IsOn = false }];
        Assert.Equal("pve2", Membership.Leader(hosts)?.Name);
        Assert.Null(Membership.Leader(hosts.Select(h => h with { Pmxcfs = Pmxcfs.Killed })));
    }

    [Fact]
    public void Only_hosts_that_see_a_change_count_it()
    {
        HostState[] before = [Host("pve1"), Host("pve2"), Host("pve3") with { IsOn = false }];
        HostState[] after = [Host("pve1"), Host("pve2") with { IsOn = false }, Host("pve3") with { IsOn = false }];
        Assert.True(Membership.SeesChange(after[0], before, after));
        Assert.False(Membership.SeesChange(after[2], before, after));
        Assert.False(Membership.SeesChange(after[0], after, after));
    }

    [Fact]
    public void Members_shows_what_one_host_sees()
    {
        HostState[] hosts = [Host("pve1") with { MembersVersion = 12 }, Host("pve2"), Host("pve3") with { IsOn = false }];
        Assert.Equal("""
            {
            "nodename": "pve1",
            "version": 12,
            "cluster": { "name": "lab", "version": 3, "nodes": 3, "quorate": 1 },
            "nodelist": {
              "pve1": { "id": 1, "online": 1, "ip": "10.99.0.11"},
              "pve2": { "id": 2, "online": 1, "ip": "10.99.0.12"},
              "pve3": { "id": 3, "online": 0, "ip": "10.99.0.13"}
              }
            }

            """, PmxcfsFiles.Members(Plan(3), hosts[0], hosts));
    }

    [Fact]
    public void A_standalone_host_has_no_cluster()
    {
        HostState[] hosts = [Host("pve1")];
        Assert.Equal("{\n\"nodename\": \"pve1\",\n\"version\": 0\n}\n", PmxcfsFiles.Members(Plan(1), hosts[0], hosts));
    }

    [Fact]
    public void Vmlist_counts_new_moved_changed_and_lost_guests()
    {
        var list = VmList.Empty.Seen([(200, "pve1", "qemu"), (100, "pve1", "lxc")], new HashSet<int>());
        Assert.Equal([new(100, "pve1", "lxc", 1), new(200, "pve1", "qemu", 2)], list.Entries);
        Assert.Equal(2, list.Version);
        var moved = list.Seen([(100, "pve2", "lxc"), (200, "pve1", "qemu")], new HashSet<int>());
        Assert.Equal(3, moved.Entries[0].Version);
        Assert.Equal(2, moved.Entries[1].Version);
        Assert.Equal(4, moved.Seen([(100, "pve2", "lxc"), (200, "pve1", "qemu")], new HashSet<int> { 200 }).Entries[1].Version);
        Assert.Equal(4, moved.Seen([(100, "pve2", "lxc")], new HashSet<int>()).Version);
        Assert.Equal(moved.Format(), VmList.Parse(moved.Format()).Format());
    }

    [Fact]
    public void Vmlist_prints_as_pmxcfs_does()
    {
        var list = new VmList(6, [new(9101, "pve1", "lxc", 2), new(200, "pve1", "qemu", 6)]);
        Assert.Equal("""
            {
            "version": 6,
            "ids": {
            "9101": { "node": "pve1", "type": "lxc", "version": 2 },
            "200": { "node": "pve1", "type": "qemu", "version": 6 }}

            }

            """, PmxcfsFiles.VmList(list));
        Assert.DoesNotContain("ids", PmxcfsFiles.VmList(VmList.Empty), StringComparison.Ordinal);
    }

    [Fact]
    public void Corosync_gives_each_host_one_vote_unless_told_otherwise()
    {
        var conf = PmxcfsFiles.CorosyncConf(Plan(2));
        Assert.Contains("""
            nodelist {
              node {
                name: pve1
                nodeid: 1
                quorum_votes: 1
                ring0_addr: 10.99.0.11
              }
              node {
            """, conf, StringComparison.Ordinal);
        Assert.Contains("quorum_votes: 0\n", PmxcfsFiles.CorosyncConf(Plan(2) with { Hosts = [new("pve1", 1, "10.99.0.11", Votes: 0)] }), StringComparison.Ordinal);
        Assert.DoesNotContain("two_node", conf, StringComparison.Ordinal); // pvecm never writes it
    }

    [Fact]
    public void A_host_state_survives_being_stored()
    {
        var host = new HostState("pve2", IsOn: true, Pmxcfs.Killed, "b", Replica: 7, MembersVersion: 9, OnbootDone: true);
        Assert.Equal(host, HostState.Parse("pve2", host.Format()));
        Assert.False(HostState.Parse("pve2", "").IsOn);
    }

    [Fact]
    public void A_plan_survives_being_stored()
    {
        var plan = LabPlan.For(3, 7, 2, "a reason of several words", TimeSpan.FromMilliseconds(850), "/base");
        Assert.Equal(plan.Format(), LabPlan.Parse(plan.Format()).Format());
    }

    [Fact]
    public void A_plan_spreads_its_containers_and_keeps_two_ids_for_machines()
    {
        var plan = LabPlan.For(3, 103, 1, null, TimeSpan.Zero, "");
        Assert.Equal(plan.Guests.Count, plan.Guests.Select(g => g.Vmid).Distinct().Count());
        Assert.Equal(["windows-server", "k8s-node-01"], plan.Guests.Where(g => g.Kind is "qemu").Select(g => g.Name));
        var each = LabPlan.For(3, 6, 0, null, TimeSpan.Zero, "").Guests.Where(g => g.Kind is "lxc").GroupBy(g => g.Node).Select(g => g.Count());
        Assert.Equal([2, 2, 2], each);
    }

    [Fact]
    public void A_plan_with_all_there_is_survives_being_stored()
    {
        const string text = "command-cost-ms 0\nbase \nhost 1 pve1 10.99.0.11 8.4\nhost 2 pve2 10.99.0.12 9.2\nguest 100 lxc pve1 on one\nqdevice 10.99.0.9\nceph HEALTH_OK\nha 100\n";
        Assert.Equal(text, LabPlan.Parse(text).Format());
        Assert.Equal("9.2", LabPlan.Parse("host 1 pve1 10.99.0.11\n").Hosts[0].Release); // as a plan of before there were releases
        Assert.Throws<LabFailure>(() => LabPlan.Parse("host 1 pve1 10.99.0.11 6.4\n"));
    }

    [Fact]
    public void Storages_are_those_of_a_node_and_one_without_an_answer_has_no_figures()
    {
        var first = Storages.Read(Storages.Config("pve1"), "pve1", (100, 40));
        Assert.Equal(["local", "local-lvm", "local-zfs", "backup-nas", "backup-pbs"], first.Select(s => s.Id));
        Assert.Equal((100L, 40L, false), (first[0].Total, first[0].Used, first[0].IsShared));
        Assert.Equal((null, true), (first[4].Total, first[4].IsShared));
        Assert.DoesNotContain(Storages.Read(Storages.Config("pve1"), "pve2", (100, 40)), s => s.Id is "local-zfs");
        Assert.Null(Assert.Single(Storages.Read("dir: off\n\tpath /x\n\tpath /y\n\tdisable\n\nnonsense\n", "pve1", (100, 40))).Total);
    }

    [Fact]
    public void Garbage_in_resources_cfg_is_no_resource()
    {
        var resources = HaFiles.Resources("ct: 100\n\tstate stopped\n\nvm: x\n\nct 1\n\nvm: 200\n\tcomment a\n");
        Assert.Equal([new("ct:100", "stopped"), new("vm:200", "started")], resources);
        Assert.Equal(resources, HaFiles.Resources(HaFiles.Format(resources)));
    }

    [Theory]
    [InlineData(2, 1, false, false)] // a pair with half its votes and a silent QDevice
    [InlineData(2, 1, true, true)]
    [InlineData(3, 1, true, true)] // lms: all but the last host may go
    public void A_qdevice_counts_only_while_it_casts_its_votes(int all, int online, bool casts, bool quorate)
    {
        var hosts = Enumerable.Range(1, all).Select(i => Host($"pve{i}") with { IsOn = i <= online }).ToList();
        Assert.Equal(quorate, Membership.IsQuorate(hosts[0], hosts, new Qdevice(all % 2 is 0 ? 1 : all - 1, casts)));
    }

    private static LabPlan Plan(int hosts) => LabPlan.For(hosts, 0, 0, null, TimeSpan.Zero, "");

    private static HostState Host(string name) => new(name, IsOn: true, Pmxcfs.Running, "boot", Replica: 1, MembersVersion: 0, OnbootDone: true);
}
