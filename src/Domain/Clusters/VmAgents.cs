using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Clusters;

/// <summary>Decides which agent is inside which VM.</summary>
public static class VmAgents
{
    /// <summary>
    /// By a person's word, else by the SMBIOS uuid that Proxmox VE gives the VM and the agent reads inside. A uuid that two VMs have (one
    /// was restored beside the other) or that two agents read says nothing, and neither does a person who named one agent for two VMs: the
    /// wrong machine must not be patched as this one.
    /// </summary>
    public static IReadOnlyDictionary<Vmid, AgentId> Of(ClusterIndex cluster, IReadOnlyList<MachineLink> machines)
    {
        var agents = new Dictionary<Vmid, AgentId>();
        if (machines.Count is 0)
        {
            return agents;
        }

        var byUuid = Unique(machines.Where(machine => machine.SmbiosUuid is not null), machine => machine.SmbiosUuid!);
        var vms = cluster.Guests.Values.SelectMany(guests => guests)
            .Where(guest => guest is { Seen.Type: GuestType.Qemu, Fate: not GuestFate.Deleted }).Select(guest => guest.Seen).ToArray();
        var vmsByUuid = Unique(vms.Where(vm => vm.SmbiosUuid is not null), vm => vm.SmbiosUuid!);
        var there = vms.Select(vm => vm.Vmid).ToHashSet();
        var byHand = cluster.Stored.Guests.Where(note => note.Annotation?.Agent is not null && there.Contains(note.Vmid)).ToDictionary(note => note.Vmid, note => note.Annotation!.Agent!.Value);
        var timesNamed = byHand.Values.ToLookup(agent => agent);
        var known = machines.Select(machine => machine.Agent).ToHashSet();
        foreach (var vm in vms)
        {
            if (byHand.TryGetValue(vm.Vmid, out var named))
            {
                if (known.Contains(named) && timesNamed[named].Count() is 1)
                {
                    agents[vm.Vmid] = named;
                }
            }
            else if (vm.SmbiosUuid is { } uuid && vmsByUuid.ContainsKey(uuid) && byUuid.TryGetValue(uuid, out var machine) && !timesNamed.Contains(machine.Agent))
            {
                agents[vm.Vmid] = machine.Agent;
            }
        }

        return agents;
    }

    /// <summary>
    /// Which VM each agent is inside of, when VMs of several clusters say they have it: one that a person named, else the only one. Agents of
    /// which that is not known are left out.
    /// </summary>
    public static IReadOnlyDictionary<AgentId, LinkedVm> Decided(IEnumerable<LinkedVm> linked) => linked
        .GroupBy(vm => vm.Agent)
        .Select(group => (All: group.ToArray(), Named: group.Where(vm => vm.ByHand).ToArray()))
        .Select(agent => agent switch { { Named: [var named] } => named, { Named: [], All: [var only] } => only, _ => null })
        .OfType<LinkedVm>()
        .ToDictionary(vm => vm.Agent);

    private static Dictionary<string, T> Unique<T>(IEnumerable<T> items, Func<T, string> key) => items
        .GroupBy(key, StringComparer.OrdinalIgnoreCase)
        .Where(group => group.Count() is 1)
        .ToDictionary(group => group.Key, group => group.Single(), StringComparer.OrdinalIgnoreCase);
}
