using NannyOrleans.Lab.Cluster;
using NannyOrleans.Lab.Ha;

namespace NannyOrleans.Lab.Tests;

/// <summary>HA round by round, against the transitions of Proxmox VE's own simulator (<c>rolling-maintenance-two-nodes</c>) and of its facts.</summary>
public sealed class HaModelTests
{
    [Fact]
    public void Maintenance_moves_services_away_and_back_as_the_simulator_of_Proxmox_VE_does()
    {
        var cluster = Started();
        cluster.Commands.Add("enable-node-maintenance pve1");
        Assert.Equal([
            "lrm pve1 active/active => maintenance/maintenance",
            "node pve1 online => maintenance",
            "ct:101 started pve1 => relocate pve1 pve2",
            "lrm pve1 maintenance/maintenance => maintenance/wait_for_agent_lock",
            "ct:101 relocate pve1 pve2 => started pve2",
        ], cluster.Play(8));
        Assert.True(cluster.Guests[101] is ("pve2", true)); // its new LRM started it
        Assert.Equal("pve1", cluster.Manager.Services["ct:101"].MaintenanceNode);

        cluster.Restart("pve1"); // with maintenance nothing is frozen, and the node stays in maintenance
        Assert.Equal(["master pve1 => pve2"], cluster.Play(3));
        cluster.Come("pve1");
        Assert.Empty(cluster.Play(3));

        cluster.Commands.Add("disable-node-maintenance pve1");
        Assert.Equal([
            "lrm pve1 maintenance/wait_for_agent_lock => active/wait_for_agent_lock",
            "node pve1 maintenance => online",
            "ct:101 started pve2 => relocate pve2 pve1",
            "lrm pve1 active/wait_for_agent_lock => active/active",
            "ct:101 relocate pve2 pve1 => started pve1",
        ], cluster.Play(8));
        Assert.True(cluster.Guests[101] is ("pve1", true));
        Assert.Null(cluster.Manager.Services["ct:101"].MaintenanceNode);
    }

    [Fact]
    public void A_virtual_machine_migrates_where_a_container_relocates()
    {
        var cluster = Started();
        cluster.Commands.Add("enable-node-maintenance pve3");
        Assert.Contains("vm:103 started pve3 => migrate pve3 pve1", cluster.Play(4));
    }

    [Fact]
    public void Without_another_node_a_service_stays_where_it_is()
    {
        var cluster = Started();
        foreach (var node in new[] { "pve2", "pve3" }) { cluster.Commands.Add($"enable-node-maintenance {node}"); }
        cluster.Play(8);
        cluster.Commands.Add("enable-node-maintenance pve1");
        cluster.Play(8);
        Assert.Equal(["pve1", "pve1", "pve1"], cluster.Guests.Values.Select(g => g.Node));
        Assert.Equal("maintenance", cluster.Lrm("pve1").State); // never drained
    }

    [Fact]
    public void A_clean_reboot_freezes_what_is_there_and_starts_it_again_on_the_same_node()
    {
        var cluster = Started();
        cluster.Restart("pve2");
        Assert.Equal(("freeze", "restart"), (cluster.Manager.Services["ct:102"].State, cluster.Lrm("pve2").Mode));
        Assert.Equal(["node pve2 online => unknown"], cluster.Play(30)); // however long it takes
        cluster.Come("pve2");
        cluster.Play(4);
        Assert.Equal(("started", "pve2", true), (cluster.Manager.Services["ct:102"].State, cluster.Guests[102].Node, cluster.Guests[102].IsRunning));
    }

    [Fact]
    public void Services_of_a_node_that_lost_power_are_recovered_after_its_lock_has_expired()
    {
        var cluster = Started();
        cluster.Cut("pve2", power: true);
        Assert.Equal(["node pve2 online => unknown"], cluster.Play(HaModel.FenceDelay - 1));
        Assert.Equal(["node pve2 unknown => fence", "ct:102 started pve2 => fence pve2"], cluster.Play(1));
        Assert.Empty(cluster.Play(HaModel.LockExpiry - HaModel.FenceDelay - 1));
        Assert.True(cluster.Guests[102] is ("pve2", false));
        cluster.Play(4);
        Assert.Equal(("started", true), (cluster.Manager.Services["ct:102"].State, cluster.Guests[102].IsRunning));
        Assert.NotEqual("pve2", cluster.Guests[102].Node);
        Assert.Equal("unknown", cluster.Manager.NodeState("pve2"));
    }

    [Fact]
    public void A_master_that_lost_power_is_followed_when_its_lock_has_expired()
    {
        var cluster = Started();
        cluster.Cut("pve1", power: true);
        cluster.Play(HaModel.LockExpiry - 1);
        Assert.Equal("pve1", cluster.Manager.Master);
        Assert.Contains("master pve1 => pve2", cluster.Play(1));
        cluster.Play(4);
        Assert.True(cluster.Guests[101].IsRunning);
    }

    [Theory]
    [InlineData("pve2", true)] // its LRM is active
    [InlineData("pve1", true)] // and it is the master
    [InlineData("pve4", false)] // no service is there: no watchdog
    public void A_node_without_quorum_is_reset_after_a_minute_if_HA_used_it(string node, bool isReset)
    {
        var cluster = Started("pve4");
        cluster.Cut(node, power: false);
        cluster.Play(HaModel.ResetDelay - 1);
        Assert.DoesNotContain(cluster.Effects, e => e.Kind is "fence");
        cluster.Play(1);
        Assert.Equal(isReset, cluster.Effects.Any(e => e == new HaEffect("fence", node)));
    }

    [Fact]
    public void A_watchdog_counts_from_the_moment_it_is_there_and_not_from_the_next_round()
    {
        var cluster = Started("pve4");
        cluster.Guests[104] = ("pve4", true);
        cluster.Resources.Add(new("ct:104", "started"));
        cluster.Settle(); // as after each command of the lab
        cluster.Cut("pve4", power: false);
        cluster.Play(HaModel.ResetDelay);
        Assert.Contains(new HaEffect("fence", "pve4"), cluster.Effects);
    }

    [Fact]
    public void A_service_that_cannot_start_is_in_error_until_somebody_disables_it()
    {
        var cluster = Started();
        cluster.Broken.Add("ct:101");
        cluster.Guests[101] = ("pve1", false);
        cluster.Play(6);
        Assert.Equal("error", cluster.Manager.Services["ct:101"].State);
        cluster.Resources[0] = cluster.Resources[0] with { State = "disabled" };
        cluster.Play(1);
        cluster.Broken.Clear();
        cluster.Resources[0] = cluster.Resources[0] with { State = "started" };
        cluster.Play(3);
        Assert.True(cluster.Guests[101].IsRunning);
    }

    [Fact]
    public void What_is_asked_for_goes_through_the_states_of_a_request()
    {
        var cluster = Started();
        cluster.Resources[0] = cluster.Resources[0] with { State = "stopped" };
        Assert.Equal(["ct:101 started pve1 => request_stop pve1", "ct:101 request_stop pve1 => stopped pve1"], cluster.Play(3));
        cluster.Resources[0] = cluster.Resources[0] with { State = "started" };
        Assert.Equal(["ct:101 stopped pve1 => request_start pve1", "ct:101 request_start pve1 => started pve1"], cluster.Play(3));
        Assert.True(cluster.Guests[101].IsRunning);
        cluster.Commands.Add("migrate ct:101 pve3");
        cluster.Play(4);
        Assert.True(cluster.Guests[101] is ("pve3", true));
        Assert.Null(cluster.Manager.Services["ct:101"].MaintenanceNode); // a person's wish is no maintenance
    }

    [Theory]
    [InlineData(true, "maintenance")]
    [InlineData(false, null)] // before ha-manager 4.0.6 nobody is there to read it
    public void A_cluster_without_services_takes_commands_since_a_certain_release(bool since, string? state)
    {
        var cluster = new Sim("pve1", "pve2") { IsMasterWithoutServices = since };
        cluster.Commands.Add("enable-node-maintenance pve2");
        cluster.Play(3);
        Assert.Equal(state, cluster.Status.Manager?.NodeState("pve2"));
        Assert.Equal(since, cluster.Commands.Count is 0);
    }

    [Fact]
    public void A_command_about_a_node_that_is_not_there_is_dropped()
    {
        var cluster = Started();
        cluster.Cut("pve3", power: true);
        cluster.Commands.Add("enable-node-maintenance pve3");
        cluster.Play(2);
        Assert.False(cluster.Manager.WantsMaintenance("pve3"));
    }

    [Fact]
    public void Both_files_survive_being_stored()
    {
        var cluster = Started();
        cluster.Commands.Add("enable-node-maintenance pve1");
        cluster.Play(4);
        var file = Path.GetTempFileName();
        File.WriteAllText(file, cluster.Manager.Format());
        Assert.Equal(cluster.Manager.Format(), ManagerStatus.Read(file)!.Format());
        File.WriteAllText(file, cluster.Lrm("pve1").Format());
        Assert.Equal(cluster.Lrm("pve1"), LrmStatus.Read(file));
        File.Delete(file);
        Assert.Null(ManagerStatus.Read(file));
    }

    private static Sim Started(params string[] more)
    {
        var cluster = new Sim(["pve1", "pve2", "pve3", .. more]) { Resources = { new("ct:101", "started"), new("ct:102", "started"), new("vm:103", "started") } };
        for (var i = 1; i <= 3; i++) { cluster.Guests[100 + i] = ($"pve{i}", true); }
        cluster.Play(2);
        return cluster;
    }

    /// <summary>A cluster in which everything asked for is done until the next round.</summary>
    private sealed class Sim(params string[] names)
    {
        private readonly HaModel model = new();
        private readonly Dictionary<string, HaNode> nodes = names.ToDictionary(n => n, n => new HaNode(n, IsOn: true, IsMember: true, $"{n}-1", IsRestarting: false));
        private long now = 1_795_389_240;

        public bool IsMasterWithoutServices { get; init; } = true;
        public List<HaResource> Resources { get; } = [];
        public Dictionary<int, (string Node, bool IsRunning)> Guests { get; } = [];
        public List<string> Commands { get; } = [];
        public HashSet<string> Broken { get; } = [];
        public List<HaEffect> Effects { get; } = [];
        public HaStatus Status { get; private set; } = new(null, new Dictionary<string, LrmStatus>());
        public ManagerStatus Manager => Status.Manager!;

        public LrmStatus Lrm(string node) => Status.Lrm(node);

        /// <summary>A clean reboot: off, with what ran there.</summary>
        public void Restart(string node)
        {
            nodes[node] = nodes[node] with { IsRestarting = true };
            Settle();
            nodes[node] = nodes[node] with { IsOn = false, IsMember = false };
            Halt(node);
        }

        public void Settle() => Status = HaModel.Settle(World(), Status);

        public void Cut(string node, bool power)
        {
            nodes[node] = nodes[node] with { IsOn = !power, IsMember = false };
            if (power) { Halt(node); }
        }

        public void Come(string node)
        {
            nodes[node] = new(node, IsOn: true, IsMember: true, $"{nodes[node].BootId}+", IsRestarting: false);
            Status = Status with { Lrms = new Dictionary<string, LrmStatus>(Status.Lrms) { [node] = LrmStatus.Idle with { Mode = Lrm(node).Mode } } };
        }

        /// <summary>So many rounds; what the logs would say.</summary>
        public List<string> Play(int rounds)
        {
            var log = new List<string>();
            for (var i = 0; i < rounds; i++)
            {
                now += 10;
                var before = Status;
                var (after, effects) = model.Round(World(), Status, _ => false);
                Status = after;
                if (after.Manager is { } manager && nodes[manager.Master].IsMember) { Commands.Clear(); }
                Effects.AddRange(effects);
                foreach (var effect in effects) { Do(effect); }
                Tell(before, after, log);
            }

            return log;
        }

        private void Do(HaEffect effect)
        {
            if (effect.Sid.Length is 0) { return; }
            var vmid = int.Parse(effect.Sid[3..], null);
            switch (effect.Kind)
            {
                case "start":
                    var isGood = !Broken.Contains(effect.Sid);
                    Guests[vmid] = (Guests[vmid].Node, isGood);
                    model.Ended(effect.Sid, isGood);
                    break;
                case "stop":
                    Guests[vmid] = (Guests[vmid].Node, false);
                    break;
                default:
                    Guests[vmid] = (effect.Target, effect.Sid.StartsWith("vm:", StringComparison.Ordinal) && effect.Kind is "move");
                    break;
            }
        }

        private HaWorld World() => new(
            [.. nodes.Values], [.. Resources], new Dictionary<int, (string Node, bool IsRunning)>(Guests), [.. Commands], IsMasterWithoutServices, now);

        private void Halt(string node)
        {
            foreach (var vmid in Guests.Where(g => g.Value.Node == node).Select(g => g.Key).ToList()) { Guests[vmid] = (node, false); }
        }

        private void Tell(HaStatus before, HaStatus after, List<string> log)
        {
            foreach (var node in names)
            {
                var (was, lrm) = (before.Lrm(node), after.Lrm(node));
                if ((was.Mode, was.State) != (lrm.Mode, lrm.State)) { log.Add($"lrm {node} {was.Mode}/{was.State} => {lrm.Mode}/{lrm.State}"); }
            }

            if (before.Manager is not { } old || after.Manager is not { } manager) { return; }
            if (old.Master != manager.Master) { log.Add($"master {old.Master} => {manager.Master}"); }
            log.AddRange(names.Where(n => old.NodeState(n) != manager.NodeState(n)).Select(n => $"node {n} {old.NodeState(n)} => {manager.NodeState(n)}"));
            foreach (var (sid, s) in manager.Services)
            {
                if (Word(old.Services.GetValueOrDefault(sid)) is var was && was != Word(s)) { log.Add($"{sid} {was} => {Word(s)}"); }
            }
        }

        private static string Word(ServiceStatus? s) => s is null ? "" : $"{s.State} {s.Node} {s.Target}".TrimEnd();
    }
}
