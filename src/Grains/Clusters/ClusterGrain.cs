using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Grains.Clusters;

[GrainType("cluster")]
internal sealed class ClusterGrain([PersistentState("cluster")] IPersistentState<ClusterState> stored, TimeProvider clock) : Grain, IClusterGrain
{
    private ClusterId Id => ClusterId.Parse(this.GetPrimaryKeyString());

    public Task Enrol(NodeName node, Enrolment enrolment) => stored.Replace(ClusterMachine.Enrol(stored.State, node, enrolment), this);

    public Task RecordInventory(NodeName node, Inventory inventory) =>
        stored.Replace(ClusterMachine.RecordInventory(stored.State, node, inventory, clock.GetUtcNow()), this);

    public async Task<ClusterView> View()
    {
        var asked = stored.State.Nodes.Where(node => node.Agent is not null).Select(async node =>
            (node.Node, Online: await GrainFactory.GetGrain<INodeGrain>(new NodeKey(Id, node.Node).ToString()).IsOnline()));
        var online = (await Task.WhenAll(asked)).Where(node => node.Online).Select(node => node.Node).ToHashSet();
        return TopologyView.Of(Id, stored.State, online);
    }
}
