using NannyOrleans.Domain.Clusters;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Fleet;

/// <summary>The list of clusters and nothing else. There is one, key 0.</summary>
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

/// <summary>Reading the whole fleet.</summary>
public static class FleetReading
{
    /// <summary>The topology of all clusters, each asked at the same time.</summary>
    public static async Task<Topology> ReadTopology(this IGrainFactory grains)
    {
        var clusters = await grains.GetGrain<IFleetGrain>(0).Clusters();
        var views = await Task.WhenAll(clusters.Select(id => grains.GetGrain<IClusterGrain>(id.Value).View()));
        return new([.. views.OrderBy(view => view.Name, StringComparer.Ordinal).ThenBy(view => view.Id.Value, StringComparer.Ordinal)]);
    }
}
