using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Campaigns;

/// <summary>What is known of a cluster at one moment: the last word of each of its nodes' own agents.</summary>
/// <param name="Nodes">All nodes the cluster has or may have, by name; one that nobody has heard is among them.</param>
public sealed record ClusterPicture(IReadOnlyList<NodePicture> Nodes)
{
    /// <summary>A node; null when the cluster has none of that name.</summary>
    public NodePicture? Find(NodeName node)
    {
        foreach (var one in Nodes)
        {
            if (one.Node == node)
            {
                return one;
            }
        }

        return null;
    }
}

/// <summary>A node as its own agent last reported it. What is not known is null, which is never a "yes".</summary>
public sealed record NodePicture
{
    /// <summary>Its name.</summary>
    public required NodeName Node { get; init; }

    /// <summary>When its last report was received, by the server's clock; null when nothing was since this server started.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>How often it reports.</summary>
    public TimeSpan Interval { get; init; }

    /// <summary>The cluster as this node sees it; null when <c>/etc/pve</c> could not be read there.</summary>
    public ClusterSeen? Sees { get; init; }

    /// <summary>The kernel's boot id.</summary>
    public string? BootId { get; init; }

    /// <summary>The kernel that runs.</summary>
    public string? KernelRunning { get; init; }

    /// <summary>The kernel that would run after a reboot: the pinned one, else the newest bootable.</summary>
    public string? KernelNewest { get; init; }

    /// <summary>Whether it needs a reboot, and why or why that is not known.</summary>
    public bool? RebootRequired { get; init; }

    /// <inheritdoc cref="HostSeen.RebootReason"/>
    public string? RebootReason { get; init; }

    /// <summary>Packages an upgrade would change by its package lists.</summary>
    public int? PendingUpdates { get; init; }

    /// <summary>What is wrong with its package repositories; empty when nothing is.</summary>
    public IReadOnlyList<string>? RepositoryProblems { get; init; }

    /// <summary>Backups, migrations, replications and the like that run there now, in a person's words; empty when none does.</summary>
    public IReadOnlyList<string>? RunningTasks { get; init; }

    /// <summary>Bytes free for <c>/</c>.</summary>
    public long? RootFreeBytes { get; init; }

    /// <summary>Bytes free for <c>/boot</c>; where that is no file system of its own, those of <c>/</c>.</summary>
    public long? BootFreeBytes { get; init; }

    /// <summary>Memory no guest and no program of its own needs, bytes.</summary>
    public long? MemoryFreeBytes { get; init; }

    /// <summary>Memory in all, bytes.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>The agent's version.</summary>
    public string? AgentVersion { get; init; }

    /// <summary>Its guests; null when they could not be listed.</summary>
    public IReadOnlyList<GuestPicture>? Guests { get; init; }

    /// <summary>Whether its word stands for the present: not older than twice its interval (DESIGN section 6).</summary>
    public bool IsFresh(DateTimeOffset now) => At is { } at && (now - at).Duration() <= 2 * Interval;
}

/// <summary>A guest as far as it matters to a campaign.</summary>
/// <param name="Vmid">Its number.</param>
/// <param name="Type">CT or VM.</param>
/// <param name="Name">Its name.</param>
/// <param name="Status">Its state.</param>
public sealed record GuestPicture(Vmid Vmid, GuestType Type, string Name, GuestStatus Status)
{
    /// <summary>Whether it is a template, which never runs.</summary>
    public bool Template { get; init; }

    /// <summary>Whether HA manages it: then HA alone moves it.</summary>
    public bool? HaManaged { get; init; }

    /// <summary>What HA's manager says of it.</summary>
    public string? HaState { get; init; }

    /// <summary>Proxmox's lock on it.</summary>
    public string? Lock { get; init; }

    /// <summary>The memory it is given, bytes.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Why it cannot leave its node, such as a bind mount or a passed-through device; null when nothing is known against it.</summary>
    public string? Pinned { get; init; }

    /// <summary>Its tags.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];
}
