using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Fleet;

/// <summary>The list of clusters, and of machines outside Proxmox VE as clusters of one, and nothing else. There is one, key 0.</summary>
[GrainInterfaceType("fleet")]
public interface IFleetGrain : IGrainWithIntegerKey
{
    /// <summary>Adds a cluster; adding it again changes nothing.</summary>
    [Alias("Add")]
    Task Add(ClusterId cluster);

    /// <summary>All clusters, in the order they came.</summary>
    [Alias("Clusters")]
    Task<IReadOnlyList<ClusterId>> Clusters();
}

/// <summary>What is stored of the fleet.</summary>
public sealed record FleetState
{
    /// <summary>All clusters, in the order they came.</summary>
    public IReadOnlyList<ClusterId> Clusters { get; init; } = [];
}
