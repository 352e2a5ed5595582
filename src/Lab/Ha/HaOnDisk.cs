using NannyOrleans.Lab.Cluster;
using NannyOrleans.Lab.Guests;

namespace NannyOrleans.Lab.Ha;

/// <summary>HA's files in the hosts' copies of /etc/pve, and the world they are about. All under the lock of the hosts' states.</summary>
internal sealed class HaOnDisk(LabDirectory directory, LabPlan plan, IReadOnlyList<HostState> hosts)
{
    private static readonly Version ActsOnCommandsAlone = new(4, 0, 6);

    private readonly List<HostState> members = hosts.Where(h => h.HasPmxcfs && Membership.IsQuorate(h, hosts, directory.Qdevice(plan))).ToList();

    /// <summary>The copy that is the newest: of those who are quorate, or else of whom there is.</summary>
    private string? Copy => (Membership.Leader(members) ?? Membership.Leader(hosts)) is { } leader ? directory.EtcPve(leader.Name) : null;

    /// <summary>All that HA looks at.</summary>
    public HaWorld World()
    {
        var running = new PlacedGuests(directory, plan).Running();
        var names = members.Select(m => m.Name).ToHashSet();
        return new(
            hosts.Select(h => new HaNode(h.Name, h.IsOn, names.Contains(h.Name), h.BootId, h.IsRestarting)).ToList(),
            HaFiles.Resources(Text("ha/resources.cfg")),
            Copy is { } copy ? ClusterFiles.GuestFiles(copy).DistinctBy(g => g.Vmid).ToDictionary(g => g.Vmid, g => (g.Node, running.Contains(g.Vmid))) : [],
            Text(HaFiles.Commands).Split('\n', StringSplitOptions.RemoveEmptyEntries),
            names.Any(n => Version.Parse(plan.ReleaseOf(n).HaManager) >= ActsOnCommandsAlone),
            DateTimeOffset.UtcNow.ToUnixTimeSeconds());
    }

    /// <summary>What was written last. An LRM that has just begun with its host's boot holds no lock.</summary>
    public HaStatus Status() => new(
        Copy is { } copy ? ManagerStatus.Read($"{copy}/ha/manager_status") : null,
        hosts.ToDictionary(h => h.Name, h => Copy is { } at && (h.LrmBoot == h.BootId || !members.Contains(h)) ? LrmStatus.Read($"{at}/nodes/{h.Name}/lrm_status") : LrmStatus.Idle));

    /// <summary>Writes what is plain to see; a single host's HA does all of it at once.</summary>
    public void Settle()
    {
        if (members.Count is 0) { return; }
        var world = World();
        if (plan.IsClustered)
        {
            Write(HaModel.Settle(world, Status()));
            return;
        }

        var manager = HaModel.Alone(world, Status().Manager);
        Write(new(manager, new Dictionary<string, LrmStatus> { [hosts[0].Name] = LrmStatus.Idle with { State = manager?.Services.Count > 0 ? "active" : "wait_for_agent_lock", Timestamp = world.Now } }));
    }

    /// <summary>Writes to all who are quorate. Who is not there must not come back with an older word that counts as new.</summary>
    public void Write(HaStatus status)
    {
        foreach (var member in members)
        {
            foreach (var node in members) { Replace(member, $"nodes/{node.Name}/lrm_status", status.Lrm(node.Name).Format()); }
            if (status.Manager is { } manager) { Replace(member, "ha/manager_status", manager.Format()); }
        }

        var isWhole = members.Count == hosts.Count;
        foreach (var member in members.Where(m => !isWhole || m.LrmBoot != m.BootId))
        {
            Save(member with { LrmBoot = member.BootId, Replica = member.Replica + (isWhole ? 0 : 1) });
        }
    }

    /// <summary>Empties the list of what the CRM was asked.</summary>
    public void ForgetCommands()
    {
        foreach (var member in members) { Replace(member, HaFiles.Commands, ""); }
    }

    private void Save(HostState host) => LabDirectory.Replace(directory.StateFile(host.Name), host.Format(), LabDirectory.Readable);

    private void Replace(HostState member, string file, string content)
    {
        var path = $"{directory.EtcPve(member.Name)}/{file}";
        if (!File.Exists(path) || File.ReadAllText(path) != content) { LabDirectory.Replace(path, content); }
    }

    private string Text(string file) => Copy is { } copy && File.Exists($"{copy}/{file}") ? File.ReadAllText($"{copy}/{file}") : "";
}
