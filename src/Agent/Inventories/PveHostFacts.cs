using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Inventories;

/// <summary>A Proxmox VE host's facts: <see cref="HostFacts"/>, and its kernels, repositories and updates. Not for use from two places at once.</summary>
internal sealed class PveHostFacts(Host host, PveCalls calls, TimeProvider clock)
{
    private readonly HostFacts facts = new(host);
    private readonly PveKernels kernels = new(host);
    private readonly PackageRepositories repositories = new(host);
    private readonly PendingUpdates pending = new(host, calls, clock);

    /// <summary>All of them. What cannot be read is null and among the problems.</summary>
    public async Task<HostSeen> Read(NodeName node, List<string> problems, CancellationToken cancellationToken)
    {
        var seen = facts.Read(problems);
        var (next, pinned, unknown) = kernels.Next(problems);
        var (required, reason) = Reboot(seen.KernelRunning, next, pinned, unknown, facts.RebootMarker());
        var subscription = repositories.Subscription(problems);
        var listsAt = repositories.ListsAt();
        var wrong = repositories.Problems(subscription, listsAt, clock.GetUtcNow(), problems);
        var (updates, unasked) = await pending.Read(node, cancellationToken);
        return seen with
        {
            KernelNewest = next,
            RebootRequired = required,
            RebootReason = reason is null ? null : PlainText.Of(reason),
            PendingUpdates = updates,
            PendingUpdatesProblem = unasked,
            PackageListsAt = listsAt,
            RepositoryProblems = wrong,
            Subscription = subscription,
        };
    }

    /// <summary>Whether a reboot is needed and why, or why that cannot be told.</summary>
    internal static (bool? Required, string? Reason) Reboot(string? running, string? next, bool pinned, string? unknown, string? marker) => (running, next) switch
    {
        (not null, not null) when running == next => (marker is not null, marker),
        (not null, not null) when pinned => (true, $"{next} is pinned, {running} runs"),
        (not null, not null) when !running.EndsWith("-pve", StringComparison.Ordinal) => (true, $"{running} runs, which is not Proxmox VE's kernel; {next} is installed"),
        (not null, not null) when DebianVersion.Order.Compare(next, running) > 0 => (true, $"{next} is installed"),
        (not null, not null) => (marker is not null, marker), // what runs is newer than what is still installed
        _ when marker is not null => (true, marker),
        _ => (null, unknown ?? "the running kernel is not known"),
    };
}
