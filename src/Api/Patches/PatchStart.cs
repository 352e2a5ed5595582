using NannyOrleans.Api.Telemetry;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Domain.Targets;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Grains.Scripts;
using NannyOrleans.Protocol.Ids;
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

    /// <summary>The order this is. What was left out is as in the plan.</summary>
    /// <param name="run">The plan's dry run; null without one.</param>
    /// <param name="plan">What it listed; null without one.</param>
    public PatchOrder Order(OperationRecord? run, PinnedPlan? plan) => new(Mode, Exclusions ?? run?.Exclusions ?? [], RequestedBy)
    {
        SecurityOnly = SecurityOnly ?? run?.SecurityOnly ?? false,
        Autoremove = Autoremove ?? run?.Autoremove ?? false,
        StartStopped = StartStopped,
        TimeoutSeconds = TimeoutSeconds,
        WaitSeconds = WaitSeconds,
        Plan = plan,
    };
}

/// <summary>Starts one operation on one target, as a person asks for it.</summary>
internal static class PatchStart
{
    /// <summary>
    /// Queues a patch at the agent that carries it out, for a VM with an agent of its own that one. When this throws, it may be queued or not. The same <see cref="PatchAsk.Id"/> again
    /// starts no second one.
    /// </summary>
    /// <returns>The operation, or why there is none.</returns>
    internal static async Task<Outcome<OperationRecord>> Start(this IGrainFactory grains, ScriptKeys keys, OperationLog log, PatchAsk ask, Target target, DateTimeOffset now)
    {
        var run = ask.Plan is { } asked ? await grains.GetGrain<IOperationGrain>(asked.Value).Get() : null;
        var plan = ask.Plan is { } id ? PinnedPlan.Of(id, run, target.Id) : null;
        if (plan is { IsRefused: true })
        {
            return plan.Refusal;
        }

        var entry = await grains.PreparePatch(keys, ask.Id, target, ask.Order(run, plan?.Value), now);
        if (entry.IsRefused)
        {
            return entry.Refusal;
        }

        return await log.Queue(entry.Value);
    }

    /// <summary>An operation's id, made now.</summary>
    internal static JobId NewId(DateTimeOffset now) => JobId.Parse(Ulid.NewUlid(now).ToString());
}
