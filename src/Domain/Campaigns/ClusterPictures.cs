using System.Collections.Frozen;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Campaigns;

/// <summary>Makes the picture a campaign decides from out of all that a cluster's nodes have said.</summary>
public static class ClusterPictures
{
    /// <summary>The cluster as it is known.</summary>
    /// <param name="index">What is known.</param>
    /// <param name="pace">How often a campaign has its nodes report, where that is more often than they would; null without one. A word counts for the present for two of these.</param>
    /// <param name="now">The server's clock.</param>
    public static ClusterPicture Of(ClusterIndex index, TimeSpan? pace, DateTimeOffset now) =>
        new([.. index.Stored.Nodes.Select(member => Node(index, member, pace, now)).OrderBy(node => node.Node.Value, StringComparer.Ordinal)]);

    /// <summary>The node that runs the guest which has one of these hardware addresses; null when none has.</summary>
    /// <param name="index">What is known.</param>
    /// <param name="macs">Addresses of the machine that this server runs on, lower case with colons.</param>
    public static NodeName? HostOf(ClusterIndex index, IReadOnlySet<string> macs)
    {
        foreach (var guest in index.Guests.Values.SelectMany(guests => guests))
        {
            if (guest.Fate is GuestFate.Present && guest.Seen.Networks?.Any(network => network.Mac is { } mac && macs.Contains(mac)) is true)
            {
                return guest.Node;
            }
        }

        return null;
    }

    private static NodePicture Node(ClusterIndex index, Member member, TimeSpan? pace, DateTimeOffset now)
    {
        var known = index.Known.GetValueOrDefault(member.Node) ?? NodeKnown.Nothing;
        if (known is not { Spoken: true, Inventory: { Report: { } report, ReceivedAt: { } received } inventory })
        {
            return new() { Node = member.Node, Agent = member.Agent };
        }

        var usual = TimeSpan.FromSeconds(report.IntervalSeconds);
        var memory = known.IsMeasured(now) ? known.Metrics!.Memory : null;
        return new()
        {
            Node = member.Node,
            Agent = member.Agent,
            At = LookedAt(report, received),
            Interval = pace < usual ? pace.Value : usual,
            ClockAhead = report.CollectedAt - received,
            Sees = report.Cluster,
            BootId = report.BootId,
            KernelRunning = report.Host?.KernelRunning,
            KernelNewest = report.Host?.KernelNewest,
            RebootRequired = report.Host?.RebootRequired,
            RebootReason = report.Host?.RebootReason,
            PendingUpdates = report.Host?.PendingUpdates,
            RepositoryProblems = report.Host?.RepositoryProblems,
            RunningTasks = report.Host?.RunningTasks,
            RootFreeBytes = report.Host?.RootFreeBytes,
            BootFreeBytes = report.Host?.BootFreeBytes,
            MemoryBytes = memory?.TotalBytes,
            MemoryFreeBytes = memory is null ? null : memory.TotalBytes - memory.UsedBytes,
            AgentVersion = report.AgentVersion,
            // The last list is kept when a newer one could not be made: it is not of now.
            Guests = inventory.GuestsAt == inventory.ReceivedAt ? [.. (report.Guests ?? []).Select(guest => Guest(index, guest))] : null,
        };
    }

    // Its age comes in whole seconds. One that was asked for began after it was: a step that waits for a word since its beginning would
    // else not take the answer to its own question.
    private static DateTimeOffset LookedAt(Inventory report, DateTimeOffset received)
    {
        var at = received - TimeSpan.FromSeconds(report.AgeSeconds);
        return report.AskedAt is { } asked && asked > at && asked <= received ? asked : at;
    }

    private static GuestPicture Guest(ClusterIndex index, GuestSeen guest) => new(guest.Vmid, guest.Type, guest.Name, guest.Status)
    {
        Template = guest.Template,
        HaManaged = guest.HaManaged,
        HaState = guest.HaState,
        Lock = guest.Lock,
        MemoryBytes = guest.MemoryBytes,
        Pinned = guest.Pinned,
        Tags = [.. (index.Note(guest.Vmid).Annotation?.Tags ?? []).Concat(guest.Tags ?? []).ToFrozenSet(StringComparer.Ordinal)],
    };
}
