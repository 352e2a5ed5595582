using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Fleet;

[GrainType("fleet")]
internal sealed class FleetGrain([PersistentState("fleet")] IPersistentState<FleetState> stored) : Grain, IFleetGrain
{
    public Task Add(ClusterId cluster) => stored.State.Clusters.Contains(cluster)
        ? Task.CompletedTask
        : stored.Replace(new FleetState { Clusters = [.. stored.State.Clusters, cluster] }, this);

    public Task<IReadOnlyList<ClusterId>> Clusters() => Task.FromResult(stored.State.Clusters);
}
