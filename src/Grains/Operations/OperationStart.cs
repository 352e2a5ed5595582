using NannyOrleans.Domain;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Exceptions;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Domain.Targets;
using NannyOrleans.Grains.Exceptions;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Scripts;
using NannyOrleans.Grains.Telemetry;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Grains.Operations;

/// <summary>How an operation is started: alone or as one of a batch.</summary>
public static class OperationStart
{
    /// <summary>A patch and its job, ready to be queued, or why it can't be. Nothing is changed by it.</summary>
    /// <param name="grains">The control plane.</param>
    /// <param name="keys">Sign the catalogue.</param>
    /// <param name="id">The id it gets.</param>
    /// <param name="target">What is patched.</param>
    /// <param name="order">What is asked for.</param>
    /// <param name="now">When.</param>
    public static async Task<Outcome<OutboxEntry>> PreparePatch(this IGrainFactory grains, ScriptKeys keys, JobId id, Target target, PatchOrder order, DateTimeOffset now)
    {
        target = await grains.Inside(target);
        var route = PatchRoutes.Of(target);
        if (route.IsRefused)
        {
            return route.Refusal;
        }

        if (order.StartStopped && route.Value is { Vmid: null } or { Type: not GuestType.Lxc })
        {
            return new Refusal("start-stopped-unsupported", $"Only a container can be started for its patch; {route.Value.Name} is none.");
        }

        // Both are asked at once: whoever starts it waits for them.
        var excepting = grains.ExceptionsFor(ExceptionTarget.Of(target.Cluster, route.Value.Vmid, route.Value.Node));
        var selecting = grains.SelectScript(keys, route.Value);
        await Task.WhenAll(excepting, selecting);
        var script = await selecting;
        return script.IsRefused ? script.Refusal : PackageExceptions.Merge(order.At(id, target.Cluster, route.Value, script.Value, now), await excepting);
    }

    /// <summary>The machine that a VM is when its own agent is inside, which does there what is asked; anything else is what it is.</summary>
    public static async Task<Target> Inside(this IGrainFactory grains, Target target)
    {
        if (target.Guest is not { Type: GuestType.Qemu, Agent: { } agent, DeletedAt: null, Template: false })
        {
            return target;
        }

        var found = await grains.Find(agent.Value, Sight.All);
        return found.SingleOrDefault(machine => machine.Machine is not null && machine.Node.Agent == agent) ?? target;
    }

    /// <summary>Queues it at its node. An exception says nothing about whether it is queued; asking again with the same id is harmless.</summary>
    public static Task<Outcome<OperationRecord>> Queue(this IGrainFactory grains, OutboxEntry entry)
    {
        Traces.Mark(entry.Operation);
        return grains.GetGrain<INodeGrain>(new NodeKey(entry.Operation.Cluster, entry.Operation.Node).ToString()).Enqueue(entry);
    }
}
