using NannyOrleans.Domain.Agents;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Targets;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Fleet;

/// <summary>Reading the whole fleet: every cluster is asked at the same time, machines first, since they may be inside the clusters' VMs.</summary>
public static class FleetReading
{
    /// <summary>The topology of all clusters and machines.</summary>
    public static async Task<Topology> ReadTopology(this IGrainFactory grains)
    {
        var fleet = await ReadFleet(grains);
        var clusters = await Task.WhenAll(fleet.Clusters.Select(id => grains.Cluster(id).View(fleet.LinksOf(id))));
        return new(
            [.. clusters.OrderBy(view => view.Name, StringComparer.Ordinal).ThenBy(view => view.Id.Value, StringComparer.Ordinal)],
            [.. fleet.Machines.OrderBy(machine => machine.Node.Hostname, StringComparer.Ordinal).ThenBy(machine => machine.Id.Value, StringComparer.Ordinal)]);
    }

    /// <summary>All clusters, without their nodes, by name and then id.</summary>
    public static async Task<IReadOnlyList<ClusterOverview>> ReadClusters(this IGrainFactory grains)
    {
        var ids = await grains.GetGrain<IFleetGrain>(0).Clusters();
        var clusters = await Task.WhenAll(ids.Where(id => !id.IsMachine).Select(id => grains.Cluster(id).Overview()));
        return [.. clusters.OrderBy(view => view.Name, StringComparer.Ordinal).ThenBy(view => view.Id.Value, StringComparer.Ordinal)];
    }

    /// <summary>One cluster; null when there is none of this id.</summary>
    public static async Task<ClusterView?> ReadCluster(this IGrainFactory grains, ClusterId id)
    {
        var fleet = await ReadFleet(grains);
        return fleet.Clusters.Contains(id) ? await grains.Cluster(id).View(fleet.LinksOf(id)) : null;
    }

    /// <summary>All things that a person's text may mean.</summary>
    public static async Task<IReadOnlyList<Target>> Find(this IGrainFactory grains, string text)
    {
        var fleet = await ReadFleet(grains);
        var found = await Task.WhenAll(fleet.Clusters.Select(id => grains.Cluster(id).Find(text, fleet.LinksOf(id))));
        return Targets.Meant(found.SelectMany(targets => targets).Concat(fleet.Machines.SelectMany(machine => Targets.Matching(machine, text))), text);
    }

    /// <summary>The hosts, guests and machines that a query selects. Clusters evaluate it over what is theirs.</summary>
    public static async Task<AgentPage> List(this IGrainFactory grains, AgentQuery query)
    {
        var fleet = await ReadFleet(grains);
        var pages = (await Task.WhenAll(fleet.Clusters.Select(id => grains.Cluster(id).List(query, fleet.LinksOf(id))))).ToList();
        if (fleet.Machines.Count > 0)
        {
            pages.Add(query.Of(fleet.Machines.Select(MachineRow.Of)));
        }

        return query.Merge(pages);
    }

    private static async Task<Fleet> ReadFleet(IGrainFactory grains)
    {
        var ids = await grains.GetGrain<IFleetGrain>(0).Clusters();
        ClusterId[] clusters = [.. ids.Where(id => !id.IsMachine)];
        var machines = await Task.WhenAll(ids.Where(id => id.IsMachine).Select(id => grains.Cluster(id).View([])));
        MachineLink[] links = [.. machines.SelectMany(machine => machine.Nodes).Where(node => node.Agent is not null).Select(node => new MachineLink(node.Agent!.Value, node.Host?.SmbiosUuid))];

        // Each cluster links what it knows of; of an agent that several have linked it is said only here which has it, if any.
        LinkedVm[] linked = links.Length is 0 ? [] : [.. (await Task.WhenAll(clusters.Select(id => grains.Cluster(id).Linked(links)))).SelectMany(vms => vms)];
        var (decided, byAgent) = (VmAgents.Decided(linked), linked.ToLookup(vm => vm.Agent));
        return new(
            clusters,
            [
                .. from machine in machines
                   from node in machine.Nodes
                   let agent = node.Agent
                   select TopologyView.Machine(machine.Id, node, agent is null ? [] : decided.TryGetValue(agent.Value, out var vm) ? [vm] : [.. byAgent[agent.Value]]),
            ],
            links,
            linked.Where(vm => !decided.TryGetValue(vm.Agent, out var its) || its.Cluster != vm.Cluster).ToLookup(vm => vm.Cluster, vm => vm.Agent));
    }

    private static IClusterGrain Cluster(this IGrainFactory grains, ClusterId id) => grains.GetGrain<IClusterGrain>(id.Value);

    private sealed record Fleet(IReadOnlyList<ClusterId> Clusters, IReadOnlyList<MachineView> Machines, IReadOnlyList<MachineLink> Links, ILookup<ClusterId, AgentId> NotIn)
    {
        public IReadOnlyList<MachineLink> LinksOf(ClusterId cluster) => NotIn.Contains(cluster) ? [.. Links.Where(link => !NotIn[cluster].Contains(link.Agent))] : Links;
    }
}
