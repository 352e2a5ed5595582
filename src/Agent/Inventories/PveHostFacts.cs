using System.Globalization;
using System.Text.Json;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Metrics;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Agent.Inventories;

/// <summary>A Proxmox VE host's facts: <see cref="HostFacts"/>, and its kernels, repositories and updates. Not for use from two places at once.</summary>
internal sealed class PveHostFacts(Host host, PveCalls calls, TimeProvider clock)
{
    private readonly HostFacts facts = new(host);
    private readonly PveKernels kernels = new(host);
    private readonly PackageRepositories repositories = new(host);
    private readonly PendingUpdates pending = new(host, calls, clock);
    private readonly HostTexts texts = new(host);
    private readonly DiskSpace disks = new(DiskLimit);

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
        var space = await disks.Measure([host.At("/"), host.At("/boot")], problems, cancellationToken);
        return seen with
        {
            RunningTasks = Tasks(problems),
            RootFreeBytes = Free(space[0]),
            BootFreeBytes = Free(space[1]),
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

    // Null is never "none": what is in its way is said.
    private List<string>? Tasks(List<string> problems)
    {
        var before = problems.Count;
        var active = texts.Read(ActiveTasks, problems) ?? (Directory.Exists(Path.GetDirectoryName(host.At(ActiveTasks))) ? string.Empty : null);
        var replications = texts.Read(ReplicationState, problems) ?? string.Empty;
        if (active is null || problems.Count > before)
        {
            return null;
        }

        try
        {
            var (tasks, unclear) = RunningTasks.Read(active, task => task.IsAlive());
            if (unclear is not null)
            {
                problems.Add($"{ActiveTasks} has a line that is no task: {PlainText.Of(unclear, 80)}");
                return null;
            }

            var found = tasks.Where(task => task.WorksOnGuests)
                .Select(task => $"{task.Type}{(task.Id is "" ? string.Empty : $" of {task.Id}")} by {task.User} (pid {task.Pid.ToString(CultureInfo.InvariantCulture)})")
                .Concat(RunningTasks.Replicated(replications, task => task.IsAlive()));
            return [.. found.Take(MostTasks).Select(text => PlainText.Of(text, 200))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            problems.Add($"it is not known what runs on this node: {e.Message}");
            return null;
        }
    }

    private static long? Free(Usage? usage) => usage is null ? null : usage.TotalBytes - usage.UsedBytes;

    private const string ActiveTasks = "/var/log/pve/tasks/active";
    private const string ReplicationState = "/var/lib/pve-manager/pve-replication-state.json";
    private const int MostTasks = 100;
    private static readonly TimeSpan DiskLimit = TimeSpan.FromSeconds(5);
}
