using Microsoft.Extensions.Logging;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Grains.Clusters;

[GrainType("cluster")]
internal sealed partial class ClusterGrain(
    [PersistentState("cluster")] IPersistentState<ClusterState> stored,
    TimeProvider clock,
    ILogger<ClusterGrain> logger) : Grain, IClusterGrain
{
    private ClusterId Id => ClusterId.Parse(this.GetPrimaryKeyString());

    public Task Enrol(NodeName node, Enrolment enrolment) => stored.Replace(ClusterMachine.Enrol(stored.State, node, enrolment), this);

    public Task RecordInventory(NodeName node, Inventory inventory) =>
        stored.Replace(ClusterMachine.RecordInventory(stored.State, node, inventory, clock.GetUtcNow()), this);

    public async Task<ClusterView> View()
    {
        var cluster = stored.State;
        var asked = await Task.WhenAll(cluster.Nodes.Where(node => node.Agent is not null).Select(async node => (node.Node, Online: await IsOnline(node.Node))));
        return TopologyView.Of(Id, cluster, asked.Where(node => node.Online).Select(node => node.Node).ToHashSet(), clock.GetUtcNow());
    }

    // One node that can't be asked is shown as not connected; it must not hide all the others.
    private async Task<bool> IsOnline(NodeName node)
    {
        try
        {
            return await GrainFactory.GetGrain<INodeGrain>(new NodeKey(Id, node).ToString()).IsOnline().WaitAsync(AskLimit, clock);
        }
        catch (Exception failure)
        {
            Log.NotAsked(logger, this.GetPrimaryKeyString(), node, failure.Message);
            return false;
        }
    }

    private static readonly TimeSpan AskLimit = TimeSpan.FromSeconds(3);

    private static partial class Log
    {
        [LoggerMessage(1201, LogLevel.Warning, "Cluster {Cluster}: node {Node} does not say whether it is connected: {Reason}")]
        public static partial void NotAsked(ILogger logger, string cluster, NodeName node, string reason);
    }
}
