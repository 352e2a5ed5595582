using NannyOrleans.Domain;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Domain.Targets;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.History;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Grains.Scripts;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Patches;

/// <summary>A patch of one target as it is asked for.</summary>
/// <param name="Id">The operation's id, made by the caller: who gets no answer can look for it.</param>
/// <param name="Mode">List or install.</param>
/// <param name="RequestedBy">Who asks.</param>
internal sealed record PatchAsk(JobId Id, PatchMode Mode, string RequestedBy)
{
    /// <summary>Valid <see cref="PackagePattern"/>s; null: those of the <see cref="Plan"/>, or none.</summary>
    public IReadOnlyList<string>? Exclusions { get; init; }

    /// <summary>Only security updates; null: as the <see cref="Plan"/>, or all.</summary>
    public bool? SecurityOnly { get; init; }

    /// <summary>Also remove what nothing needs any more; null: as the <see cref="Plan"/>, or not.</summary>
    public bool? Autoremove { get; init; }

    /// <summary>Whether a stopped container is started for it and stopped again.</summary>
    public bool StartStopped { get; init; }

    /// <summary>The dry run it is approved from.</summary>
    public JobId? Plan { get; init; }

    /// <summary>How long it may run, 1 to 86400 seconds.</summary>
    public int TimeoutSeconds { get; init; } = PatchOrder.UsualTimeoutSeconds;

    /// <summary>How long a locked guest is waited for, 0 to 86400 seconds.</summary>
    public int WaitSeconds { get; init; } = PatchOrder.UsualWaitSeconds;

    /// <summary>The persistent package exceptions that hold for the target.</summary>
    public IReadOnlyList<PackageExceptionApplied> Exceptions { get; init; } = [];

    /// <summary>The batch it is part of.</summary>
    public JobId? Batch { get; init; }
}

/// <summary>Starts one operation on one target: what a request for one and each part of a batch do.</summary>
internal static class PatchStart
{
    /// <summary>
    /// Queues a patch at the agent that carries it out. When this throws, it may be queued or not. The same <see cref="PatchAsk.Id"/> again
    /// starts no second one.
    /// </summary>
    /// <returns>The operation, or why there is none.</returns>
    internal static async Task<Outcome<OperationRecord>> Start(this IGrainFactory grains, PatchAsk ask, Target target, DateTimeOffset now)
    {
        target = await grains.Inside(target);
        var route = PatchRoutes.Of(target);
        if (route.IsRefused)
        {
            return route.Refusal;
        }

        if (ask.StartStopped && route.Value is { Vmid: null } or { Type: not GuestType.Lxc })
        {
            return new Refusal("start-stopped-unsupported", $"Only a container can be started for its patch; {route.Value.Name} is none.");
        }

        if (ScriptCatalogue.Find(route.Value.Script) is not { } script)
        {
            return PatchRoutes.Unsupported(route.Value.Family);
        }

        var run = ask.Plan is { } asked ? await grains.GetGrain<IOperationGrain>(asked.Value).Get() : null;
        var plan = ask.Plan is { } id ? PinnedPlan.Of(id, run, target.Id) : null;
        if (plan is { IsRefused: true })
        {
            return plan.Refusal;
        }

        var order = new PatchOrder(ask.Mode, ask.Exclusions ?? run?.Exclusions ?? [], ask.RequestedBy)
        {
            SecurityOnly = ask.SecurityOnly ?? run?.SecurityOnly ?? false,
            Autoremove = ask.Autoremove ?? run?.Autoremove ?? false,
            StartStopped = ask.StartStopped,
            TimeoutSeconds = ask.TimeoutSeconds,
            WaitSeconds = ask.WaitSeconds,
            Plan = plan?.Value,
            Exceptions = ask.Exceptions,
            Batch = ask.Batch,
        };
        if (ask.Mode is PatchMode.Apply)
        {
            // Before it is done: what can't be written down is not done.
            await grains.Note(ask.RequestedBy, "apply-patches", target.Id, $"operation {ask.Id}", now);
        }

        return await grains.Enqueue(order.At(ask.Id, target.Cluster, route.Value, script.Reference, now));
    }

    /// <summary>The machine that a VM is when its own agent is inside, which does there what is asked; anything else is what it is.</summary>
    internal static async Task<Target> Inside(this IGrainFactory grains, Target target)
    {
        if (target.Guest is not { Type: GuestType.Qemu, Agent: { } agent, DeletedAt: null, Template: false })
        {
            return target;
        }

        var found = await grains.Find(agent.Value);
        return found.SingleOrDefault(machine => machine.Machine is not null && machine.Node.Agent == agent) ?? target;
    }

    /// <summary>Queues an operation's job at the node that carries it out.</summary>
    internal static Task<Outcome<OperationRecord>> Enqueue(this IGrainFactory grains, OutboxEntry entry) =>
        grains.GetGrain<INodeGrain>(new NodeKey(entry.Operation.Cluster, entry.Operation.Node).ToString()).Enqueue(entry);

    /// <summary>Writes down who asks for what.</summary>
    internal static Task Note(this IGrainFactory grains, string person, string action, string target, string? detail, DateTimeOffset now) =>
        grains.GetGrain<IHistoryGrain>(0).AddAudit(new(now, $"person {person}", action, target, "asked", detail));

    /// <summary>An operation's id, made now.</summary>
    internal static JobId NewId(DateTimeOffset now) => JobId.Parse(Ulid.NewUlid(now).ToString());
}
