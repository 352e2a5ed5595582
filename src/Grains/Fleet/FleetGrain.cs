using NannyOrleans.Grains.Changes;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Fleet;

[GrainType("fleet")]
internal sealed class FleetGrain([PersistentState("fleet")] IPersistentState<FleetState> stored, Announcer changes) : Grain, IFleetGrain
{
    public Task Add(ClusterId cluster) => stored.State.Clusters.Contains(cluster)
        ? Task.CompletedTask
        : stored.Replace(new FleetState { Clusters = [.. stored.State.Clusters, cluster] }, this, changes, new(ChangeKind.Fleet));

    public Task<IReadOnlyList<ClusterId>> Clusters() => Task.FromResult(stored.State.Clusters);
}
