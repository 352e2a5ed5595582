using NannyOrleans.Agent.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>How the restart of a machine has ended, by the kernel it came back with.</summary>
internal static class HostRebootVerdict
{
    /// <summary>Of a machine that was restarted.</summary>
    /// <param name="seen">Its kernels now.</param>
    /// <param name="expected">The kernel that this boot was to bring, as it was told before; null when it could not be.</param>
    public static SeenEnd Of(KernelSeen seen, string? expected) => seen switch
    {
        // A pin for one boot is gone after it, and then it is no more to be seen that this kernel was the wanted one.
        { Running: { } running } when running == expected => new(JobOutcome.Succeeded, $"came back with kernel {running}"),
        { Running: { } running, Next: { } next, IsBehind: true } => new(JobOutcome.Failed, $"came back with kernel {running}, {(seen.Pinned ? "pinned" : "newest")} is {next}"),
        { Running: { } running, IsBehind: false } => new(JobOutcome.Succeeded, $"came back with kernel {running}"),
        _ => new(JobOutcome.Succeeded, $"came back with kernel {seen.Running ?? "(unknown)"}; cannot tell whether it is the newest: {PlainText.Of(seen.Problem ?? "no other is known")}"),
    };
}
