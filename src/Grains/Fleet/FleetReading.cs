using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Agents;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Targets;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Fleet;

/// <summary>
/// Reading the fleet, or what somebody may see of it: every cluster is asked at the same time, machines first, since they may be inside the
/// clusters' VMs.
/// </summary>
public static class FleetReading
{
    /// <summary>The topology of all clusters and machines.</summary>
    public static async Task<Topology> ReadTopology(this IGrainFactory grains, Sight sight)
    {
        var fleet = await ReadFleet(grains, sight);
        var clusters = await Task.WhenAll(fleet.Clusters.Select(id => grains.Cluster(id).View(fleet.Links)));
        return new(
            [.. clusters.OrderBy(view => view.Name, StringComparer.Ordinal).ThenBy(view => view.Id.Value, StringComparer.Ordinal)],
            [.. (await ReadMachines(grains, fleet)).OrderBy(machine => machine.Node.Hostname, StringComparer.Ordinal).ThenBy(machine => machine.Id.Value, StringComparer.Ordinal)]);
    }

    /// <summary>All clusters, without their nodes, by name and then id.</summary>
    public static async Task<IReadOnlyList<ClusterOverview>> ReadClusters(this IGrainFactory grains, Sight sight)
    {
        var ids = await grains.GetGrain<IFleetGrain>(0).Clusters();
        var clusters = await Task.WhenAll(ids.Where(id => !id.IsMachine && sight.Sees(id)).Select(id => grains.Cluster(id).Overview()));
        return [.. clusters.OrderBy(view => view.Name, StringComparer.Ordinal).ThenBy(view => view.Id.Value, StringComparer.Ordinal)];
    }

    /// <summary>One cluster; null when there is none of this id.</summary>
    public static async Task<ClusterView?> ReadCluster(this IGrainFactory grains, ClusterId id, Sight sight)
    {
        var fleet = await ReadFleet(grains, sight);
        return fleet.Clusters.Contains(id) ? await grains.Cluster(id).View(fleet.Links) : null;
    }

    /// <summary>All things that a person's text may mean.</summary>
    public static async Task<IReadOnlyList<Target>> Find(this IGrainFactory grains, string text, Sight sight)
    {
        // A container's full id stands above all else it may be, names its cluster, and no machine's agent is inside: nobody else need be asked.
        if (Targets.ContainerOf(text) is { } container && sight.Sees(container.Cluster) && await grains.Cluster(container.Cluster).Find(text, machines: null) is [{ Guest.DeletedAt: null } named] && named.Id == text)
        {
            return [named];
        }

        var fleet = await ReadFleet(grains, sight);
        // A guest's full id is that of its cluster alone.
        var asked = Targets.ClusterOf(text) is { } only ? fleet.Clusters.Where(id => id == only) : fleet.Clusters;
        var found = await Task.WhenAll(asked.Select(id => grains.Cluster(id).Find(text, fleet.Links)));
        var machines = fleet.Machines.Count is 0 ? [] : await ReadMachines(grains, fleet);
        return Targets.Meant(found.SelectMany(targets => targets).Concat(machines.SelectMany(machine => Targets.Matching(machine, text))), text);
    }

    /// <summary>Whether there is a host whose reports can't be read now: what is not found may be among them.</summary>
    public static async Task<bool> HasUnreadNode(this IGrainFactory grains, Sight sight)
    {
        var clusters = await grains.GetGrain<IFleetGrain>(0).Clusters();
        return (await Task.WhenAll(clusters.Where(sight.Sees).Select(id => grains.Cluster(id).HasUnreadNode()))).Contains(true);
    }

    /// <summary>The hosts, guests and machines that a query selects. Clusters evaluate it over what is theirs.</summary>
    public static async Task<AgentPage> List(this IGrainFactory grains, AgentQuery query, Sight sight)
    {
        var fleet = await ReadFleet(grains, sight);
        var pages = (await Task.WhenAll(fleet.Clusters.Select(id => grains.Cluster(id).List(query, fleet.Links)))).ToList();
        if (fleet.Machines.Count > 0)
        {
            pages.Add(query.Of((await ReadMachines(grains, fleet)).Select(MachineRow.Of)));
        }

        return query.Merge(pages);
    }

    // The links are those of all machines: what is inside a VM is the VM's, and is said to whom sees that.
    private static async Task<Fleet> ReadFleet(IGrainFactory grains, Sight sight)
    {
        var ids = await grains.GetGrain<IFleetGrain>(0).Clusters();
        var machines = await Task.WhenAll(ids.Where(id => id.IsMachine).Select(id => grains.Cluster(id).View([])));
        return new(
            [.. ids.Where(id => !id.IsMachine && sight.Sees(id))],
            [.. machines.Where(machine => sight.Sees(machine.Id))],
            [.. machines.SelectMany(machine => machine.Nodes).Where(node => node.Agent is not null).Select(node => new MachineLink(node.Agent!.Value, node.Host?.SmbiosUuid))]);
    }

    private static async Task<IReadOnlyList<MachineView>> ReadMachines(IGrainFactory grains, Fleet fleet)
    {
        if (fleet.Machines.Count is 0)
        {
            return [];
        }

        var vms = (await Task.WhenAll(fleet.Clusters.Select(id => grains.Cluster(id).Linked(fleet.Links)))).SelectMany(linked => linked).ToLookup(vm => vm.Agent);
        return
        [
            .. from machine in fleet.Machines
               from node in machine.Nodes
               select TopologyView.Machine(machine.Id, node, node.Agent is { } agent ? [.. vms[agent]] : []),
        ];
    }

    private static IClusterGrain Cluster(this IGrainFactory grains, ClusterId id) => grains.GetGrain<IClusterGrain>(id.Value);

    private sealed record Fleet(IReadOnlyList<ClusterId> Clusters, IReadOnlyList<ClusterView> Machines, IReadOnlyList<MachineLink> Links);
}
