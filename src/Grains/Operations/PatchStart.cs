using NannyOrleans.Domain;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Exceptions;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Scripts;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Operations;

/// <summary>How a patch is started: alone or as one of a batch.</summary>
public static class PatchStart
{
    /// <summary>The operation and its job, ready to be queued, or why it can't be. Nothing is changed by it.</summary>
    /// <param name="grains">The control plane.</param>
    /// <param name="keys">Sign the catalogue.</param>
    /// <param name="id">The id it gets.</param>
    /// <param name="cluster">The target's cluster.</param>
    /// <param name="vmid">The guest; null for a host or machine.</param>
    /// <param name="order">What is asked for.</param>
    /// <param name="batch">The batch it is part of; null when it was asked for alone.</param>
    /// <param name="now">When.</param>
    public static async Task<Outcome<OutboxEntry>> PreparePatch(
        this IGrainFactory grains, ScriptKeys keys, JobId id, ClusterId cluster, Vmid? vmid, PatchOrder order, JobId? batch, DateTimeOffset now)
    {
        if (vmid is not { } guest)
        {
            return new Refusal("host-patching-unsupported", "Hosts can't be patched yet, only their containers.");
        }

        var routed = await grains.GetGrain<IClusterGrain>(cluster.Value).RoutePatch(guest);
        if (routed.IsRefused)
        {
            return routed.Refusal;
        }

        var route = routed.Value;
        var script = await grains.SelectScript(keys, route.Family, route.OsVersion, route.Script);
        var entry = order.At(id, cluster, route, script, now);
        return await grains.WithExceptions(batch is null ? entry : entry with { Operation = entry.Operation with { Batch = batch } });
    }

    /// <summary>Queues it at its node. An exception says nothing about whether it is queued; asking again with the same id is harmless.</summary>
    public static Task<Outcome<OperationRecord>> QueuePatch(this IGrainFactory grains, OutboxEntry entry) =>
        grains.GetGrain<INodeGrain>(new NodeKey(entry.Operation.Cluster, entry.Operation.Node).ToString()).Enqueue(entry);
}
