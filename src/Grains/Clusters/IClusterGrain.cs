using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using Orleans.Concurrency;

namespace NannyOrleans.Grains.Clusters;

/// <summary>One Proxmox VE cluster; key: its <see cref="ClusterId"/>. Holds the topology as its nodes last told it.</summary>
[GrainInterfaceType("cluster")]
public interface IClusterGrain : IGrainWithStringKey
{
    /// <summary>Takes the agent a person approved for one of its nodes.</summary>
    [Alias("Enrol")]
    Task Enrol(NodeName node, Enrolment enrolment);

    /// <summary>Takes a node's inventory; the node has accepted it before.</summary>
    [Alias("RecordInventory")]
    Task RecordInventory(NodeName node, Inventory inventory);

    /// <summary>The cluster as shown, with what is connected at this moment.</summary>
    [AlwaysInterleave]
    [Alias("View")]
    Task<ClusterView> View();
}
