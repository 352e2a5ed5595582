using NannyOrleans.Lab.Cluster;

namespace NannyOrleans.Lab.Ha;

/// <summary>
/// Proxmox VE's HA manager: what the CRM and the LRMs make of the world in one round of ten seconds. All times are counted in
/// rounds, so that a lab can be faster than a cluster.
/// </summary>
public sealed class HaModel
{
    /// <summary>60 s until the CRM takes a silent node for one that needs fencing, and until a watchdog is no longer fed.</summary>
    public const int FenceDelay = 6;

    /// <summary>Some 10 s more until the watchdog resets the machine.</summary>
    public const int ResetDelay = 7;

    /// <summary>120 s until a lock of pmxcfs expires: an agent's, or the manager's own.</summary>
    public const int LockExpiry = 12;

    /// <summary>Ten minutes until an LRM without services gives its lock back.</summary>
    public const int IdleDelay = 60;

    private const int TriesToStart = 2; // max_restart 1
    private readonly Dictionary<string, int> silent = [];
    private readonly Dictionary<string, int> unlocked = [];
    private readonly Dictionary<string, int> idle = [];
    private readonly Dictionary<string, (string BootId, int Rounds)> unfed = [];
    private readonly Dictionary<string, string> armed = [];
    private readonly Dictionary<string, int> failures = [];
    private readonly HashSet<string> moved = []; // a move was begun: one that is not under way has come to its end

    /// <summary>
    /// What is plain to see and takes no decision: times, services that came and went, who is there. Written whenever the lab changes
    /// something, also between rounds.
    /// </summary>
    public static HaStatus Settle(HaWorld world, HaStatus status)
    {
        if (!world.Members.Any()) { return status; }
        var manager = status.Manager ?? (Managed(world).Any() ? Begin(world) : null);
        if (manager is not null && world.IsMember(manager.Master))
        {
            manager = WithServices(world, WithNodes(world, status, manager) with { Timestamp = world.Now });
        }

        return new(manager, world.Nodes.ToDictionary(n => n.Name, n => n.IsMember ? Seen(world, status.Lrm(n.Name), manager, n) : status.Lrm(n.Name)));
    }

    /// <summary>One round: the master's CRM first, then each LRM.</summary>
    /// <param name="world">As it is.</param>
    /// <param name="status">As it was written last.</param>
    /// <param name="isUnderWay">Whether something is being done with a service already.</param>
    public (HaStatus Status, IReadOnlyList<HaEffect> Effects) Round(HaWorld world, HaStatus status, Func<string, bool> isUnderWay)
    {
        var effects = new List<HaEffect>();
        foreach (var node in world.Nodes)
        {
            silent[node.Name] = node.IsMember ? 0 : silent.GetValueOrDefault(node.Name) + 1;
            unlocked[node.Name] = node.IsMember && status.Lrm(node.Name).IsArmed ? 0 : unlocked.GetValueOrDefault(node.Name) + 1;
        }

        if (world.Members.Any())
        {
            status = status with { Manager = Elect(world, status) };
            if (status.Manager is { } manager && world.IsMember(manager.Master)) { status = status with { Manager = Manage(world, status, manager, isUnderWay, effects) }; }
            status = Settle(world, status);
            foreach (var node in world.Members) { status = Work(world, status, node, isUnderWay, effects); }
        }

        foreach (var node in world.Nodes) { Watch(node, status, effects); }
        return (status, effects);
    }

    /// <summary>What came of a start: an LRM tries once more, and then the service is in error.</summary>
    public void Ended(string sid, bool isGood) => failures[sid] = isGood ? 0 : failures.GetValueOrDefault(sid) + 1;

    /// <summary>A single host does at once what a cluster does in rounds.</summary>
    public static ManagerStatus? Alone(HaWorld world, ManagerStatus? before)
    {
        if (before is null && !Managed(world).Any()) { return null; }
        var services = Managed(world).ToDictionary(r => r.Sid, r => new ServiceStatus(world.Guests[r.Vmid].Node, r.State is "started" ? "started" : "stopped", world.Guests[r.Vmid].IsRunning));
        return new(world.Nodes[0].Name, world.Nodes.ToDictionary(n => n.Name, n => n.IsOn ? "online" : "unknown"), services, new Dictionary<string, bool>(), world.Now);
    }

    private static IEnumerable<HaResource> Managed(HaWorld world) => world.Resources.Where(r => world.Guests.ContainsKey(r.Vmid) && r.State is not "ignored");

    private static ManagerStatus Begin(HaWorld world) => new(
        world.Members.First().Name, world.Nodes.ToDictionary(n => n.Name, n => n.IsMember ? "online" : "unknown"),
        new Dictionary<string, ServiceStatus>(), new Dictionary<string, bool>(), world.Now);

    /// <summary>The master keeps its lock until it shuts down cleanly, or has been silent for as long as a lock lives.</summary>
    private ManagerStatus? Elect(HaWorld world, HaStatus status)
    {
        if (status.Manager is not { } manager) { return Managed(world).Any() || (world.Commands.Count > 0 && world.IsMasterWithoutServices) ? Begin(world) : null; }
        var master = world.Nodes.SingleOrDefault(n => n.Name == manager.Master);
        var isFree = master is null || master.IsRestarting || (!master.IsMember && silent[master.Name] >= LockExpiry);
        var candidates = world.Members.Where(n => !n.IsRestarting).OrderBy(n => manager.WantsMaintenance(n.Name)).ToList();
        return isFree && candidates.Count > 0 ? manager with { Master = candidates[0].Name, Timestamp = world.Now } : manager;
    }

    private ManagerStatus Manage(HaWorld world, HaStatus status, ManagerStatus manager, Func<string, bool> isUnderWay, List<HaEffect> effects)
    {
        manager = WithServices(world, WithNodes(world, status, manager));
        foreach (var command in world.Commands) { manager = Obey(world, manager, command.Split(' ', StringSplitOptions.RemoveEmptyEntries)); }
        foreach (var node in manager.Nodes.Where(n => n.Value is "fence" && unlocked.GetValueOrDefault(n.Key) >= LockExpiry).Select(n => n.Key).ToList())
        {
            // Its agent's lock is free: whatever it was, it is down.
            manager = With(manager, node, "unknown");
            foreach (var (sid, service) in manager.Services.Where(s => s.Value.Node == node && s.Value.State is "fence").ToList()) { manager = With(manager, sid, service with { State = "recovery" }); }
        }

        foreach (var resource in Managed(world)) { manager = Next(world, status, manager, resource, isUnderWay, effects); }
        return manager;
    }

    private static ManagerStatus Obey(HaWorld world, ManagerStatus manager, string[] command)
    {
        switch (command)
        {
            case ["enable-node-maintenance", var node] when world.IsMember(node):
                return manager with { Requests = new Dictionary<string, bool>(manager.Requests) { [node] = true } };
            case ["disable-node-maintenance", var node] when manager.Requests.ContainsKey(node):
                return manager with { Requests = new Dictionary<string, bool>(manager.Requests) { [node] = false } };
            case ["migrate" or "relocate", var sid, var target] when manager.Services.GetValueOrDefault(sid) is { State: "started" } s && s.Node != target && manager.NodeState(target) is "online":
                return With(manager, sid, s with { State = command[0], Target = target, MaintenanceNode = null });
            default:
                return manager; // of a node that is not there, or not online: as a real CRM, it says so in its log and drops it
        }
    }

    private ManagerStatus Next(HaWorld world, HaStatus status, ManagerStatus manager, HaResource resource, Func<string, bool> isUnderWay, List<HaEffect> effects)
    {
        var (sid, s) = (resource.Sid, manager.Services[resource.Sid]);
        var (at, isRunning) = world.Guests[resource.Vmid];
        if (Works(s.State) && manager.NodeState(s.Node) is not "online" && silent.GetValueOrDefault(s.Node) >= FenceDelay)
        {
            return With(With(manager, s.Node, "fence"), sid, s with { State = "fence", Target = null });
        }

        switch (s.State)
        {
            case "request_start":
                return With(manager, sid, s with { State = "started" });
            case "stopped" when resource.State is "started":
                return With(manager, sid, s with { State = "request_start", Node = at });
            case "stopped":
                return With(manager, sid, s with { Node = at });
            case "request_stop" when resource.State is "started":
                return With(manager, sid, s with { State = "started" });
            case "request_stop" when !isRunning && !isUnderWay(sid):
                return With(manager, sid, s with { State = "stopped" });
            case "freeze" when world.Nodes.Any(n => n.Name == s.Node && n.IsMember && !n.IsRestarting) && status.Lrm(s.Node).Mode is not "restart":
                return With(manager, sid, s with { State = "started" });
            case "error" when resource.State is "disabled":
                failures.Remove(sid);
                return With(manager, sid, s with { State = "stopped" });
            case "migrate" or "relocate" when at == s.Target && !isUnderWay(sid):
                return With(manager, sid, s with { State = "started", Node = at, Target = null });
            case "migrate" or "relocate" when !isUnderWay(sid) && moved.Remove(sid): // it came to its end, and the guest is not there
                return With(manager, sid, s with { State = "started", Target = null, MaintenanceNode = s.MaintenanceNode == s.Node ? null : s.MaintenanceNode });
            case "recovery" when !isRunning && (s.Target is { } chosen && manager.NodeState(chosen) is "online" ? chosen : Free(manager, s.Node)) is { } target:
                if (at == target) { return With(manager, sid, s with { State = "started", Node = target, Target = null }); }
                effects.Add(new("recover", at, sid, target));
                return With(manager, sid, s with { Target = target });
            case "started":
                return Started(world, manager, resource, s, at);
            default:
                return manager;
        }
    }

    private ManagerStatus Started(HaWorld world, ManagerStatus manager, HaResource resource, ServiceStatus s, string at)
    {
        var sid = resource.Sid;
        if (failures.GetValueOrDefault(sid) >= TriesToStart) { return With(manager, sid, s with { State = "error" }); }
        if (resource.State is not "started") { return With(manager, sid, s with { State = "request_stop" }); }
        // Somebody moved its conf by hand.
        if (at != s.Node) { return With(manager, sid, s with { Node = at }); }
        if (!world.IsMember(s.Node) || world.Nodes.Any(n => n.Name == s.Node && n.IsRestarting)) { return manager; }
        var verb = sid.StartsWith("vm:", StringComparison.Ordinal) ? "migrate" : "relocate";
        if (manager.NodeState(s.Node) is "maintenance")
        {
            return Free(manager, s.Node) is { } target
                ? With(manager, sid, s with { State = verb, Target = target, MaintenanceNode = s.MaintenanceNode ?? s.Node })
                : manager; // nowhere to go: it stays
        }

        if (s.MaintenanceNode is not { } home || manager.NodeState(home) is not "online") { return manager; }
        return home == s.Node ? With(manager, sid, s with { MaintenanceNode = null }) : With(manager, sid, s with { State = verb, Target = home });
    }

    /// <summary>The online node with the fewest services.</summary>
    private static string? Free(ManagerStatus manager, string except) => manager.Nodes.Where(n => n.Value is "online" && n.Key != except && !manager.WantsMaintenance(n.Key))
        .OrderBy(n => manager.Services.Values.Count(s => (s.Target ?? s.Node) == n.Key)).ThenBy(n => n.Key, StringComparer.Ordinal).Select(n => n.Key).FirstOrDefault();

    /// <summary>As PVE::HA::NodeStatus: a node in maintenance that goes away stays in maintenance.</summary>
    private static ManagerStatus WithNodes(HaWorld world, HaStatus status, ManagerStatus manager)
    {
        foreach (var node in world.Nodes)
        {
            var now = manager.NodeState(node.Name);
            var isInMaintenance = status.Lrm(node.Name).Mode is "maintenance";
            manager = With(manager, node.Name, (now, node.IsMember) switch
            {
                ("fence", _) => "fence",
                (_, true) => isInMaintenance ? now is "unknown" ? "online" : "maintenance" : "online",
                ("maintenance", false) when isInMaintenance => "maintenance",
                _ => "unknown",
            });
        }

        return manager;
    }

    private static ManagerStatus WithServices(HaWorld world, ManagerStatus manager)
    {
        var services = new Dictionary<string, ServiceStatus>();
        foreach (var resource in Managed(world))
        {
            var (node, isRunning) = world.Guests[resource.Vmid];
            var s = manager.Services.GetValueOrDefault(resource.Sid)
                ?? new(node, resource.State is "started" ? isRunning ? "started" : "request_start" : isRunning ? "request_stop" : "stopped");
            var isRestarting = s.State is "started" && world.Nodes.Any(n => n.Name == s.Node && n.IsRestarting) && !manager.WantsMaintenance(s.Node);
            services[resource.Sid] = s with { IsRunning = isRunning, State = isRestarting ? "freeze" : s.State };
        }

        return manager with { Services = services };
    }

    /// <summary>A node's LRM as it is to be seen now.</summary>
    private static LrmStatus Seen(HaWorld world, LrmStatus lrm, ManagerStatus? manager, HaNode node)
    {
        var mode = manager?.WantsMaintenance(node.Name) is true ? "maintenance" : node.IsRestarting ? "restart" : "active";
        var state = HasWork(manager, node.Name) ? mode is "maintenance" ? "maintenance" : "active" : lrm.State;
        return new(mode, state, world.Now);
    }

    private static bool HasWork(ManagerStatus? manager, string node) =>
        manager?.Services.Values.Any(s => s.Node == node && Works(s.State)) is true;

    /// <summary>States in which an LRM has something to look after.</summary>
    private static bool Works(string state) => state is "started" or "request_stop" or "migrate" or "relocate";

    private HaStatus Work(HaWorld world, HaStatus status, HaNode node, Func<string, bool> isUnderWay, List<HaEffect> effects)
    {
        var lrm = status.Lrm(node.Name);
        var isBusy = HasWork(status.Manager, node.Name);
        idle[node.Name] = isBusy ? 0 : idle.GetValueOrDefault(node.Name) + 1;
        if (!isBusy && lrm.IsArmed && (lrm.Mode is not "active" || idle[node.Name] >= IdleDelay)) { lrm = lrm with { State = "wait_for_agent_lock" }; }
        if (!isBusy && lrm is { Mode: "active", State: "maintenance" }) { lrm = lrm with { State = "active" }; }
        if (status.Manager is { } manager && !node.IsRestarting)
        {
            foreach (var resource in Managed(world).Where(r => manager.Services[r.Sid].Node == node.Name && !isUnderWay(r.Sid)))
            {
                var s = manager.Services[resource.Sid];
                var (at, isRunning) = world.Guests[resource.Vmid];
                if (s.State is "started" && !isRunning && at == node.Name) { effects.Add(new("start", node.Name, resource.Sid)); }
                if (s.State is "request_stop" && isRunning) { effects.Add(new("stop", node.Name, resource.Sid)); }
                if (s is { State: "migrate" or "relocate", Target: { } target } && at == node.Name)
                {
                    moved.Add(resource.Sid);
                    effects.Add(new("move", node.Name, resource.Sid, target));
                }
            }
        }

        return status with { Lrms = new Dictionary<string, LrmStatus>(status.Lrms) { [node.Name] = lrm } };
    }

    /// <summary>A node that lost quorum while it held its watchdog is reset by it.</summary>
    private void Watch(HaNode node, HaStatus status, List<HaEffect> effects)
    {
        var isArmed = status.Lrm(node.Name).IsArmed || status.Manager?.Master == node.Name;
        if (node.IsMember && isArmed) { armed[node.Name] = node.BootId; }
        else if (node.IsMember) { armed.Remove(node.Name); }
        else if (isArmed) { armed.TryAdd(node.Name, node.BootId); } // what it was given between two rounds, and it was gone before the second
        if (node.IsMember || !node.IsOn || armed.GetValueOrDefault(node.Name) != node.BootId || node.IsRestarting)
        {
            unfed.Remove(node.Name);
            return;
        }

        var rounds = unfed.TryGetValue(node.Name, out var known) && known.BootId == node.BootId ? known.Rounds + 1 : 1;
        unfed[node.Name] = (node.BootId, rounds);
        if (rounds >= ResetDelay) { effects.Add(new("fence", node.Name)); }
    }

    private static ManagerStatus With(ManagerStatus manager, string sid, ServiceStatus service) =>
        manager with { Services = new Dictionary<string, ServiceStatus>(manager.Services) { [sid] = service } };

    private static ManagerStatus With(ManagerStatus manager, string node, string state) =>
        manager with { Nodes = new Dictionary<string, string>(manager.Nodes) { [node] = state } };
}
