using NannyOrleans.Domain.Guests;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Domain.Clusters;

/// <summary>Turns what is known into what is shown.</summary>
public static class TopologyView
{
    /// <summary>A cluster as shown.</summary>
    /// <param name="id">The cluster.</param>
    /// <param name="index">What it knows.</param>
    /// <param name="links">Agents outside Proxmox VE, which may be inside one of its VMs.</param>
    /// <param name="now">The server's clock.</param>
    public static ClusterView Of(ClusterId id, ClusterIndex index, IReadOnlyList<MachineLink> links, DateTimeOffset now)
    {
        var agents = VmAgents.Of(index, links);
        NodeView[] nodes = [.. index.Stored.Nodes.Select(member => Node(id, index, member, agents, Freshness.Of(index, member, now)))];
        return new(Overview(id, index, nodes, now), nodes);
    }

    /// <summary>A cluster as shown, without its nodes.</summary>
    /// <param name="id">The cluster.</param>
    /// <param name="index">What it knows.</param>
    /// <param name="nodes">Its nodes as shown.</param>
    /// <param name="now">The server's clock.</param>
    public static ClusterOverview Overview(ClusterId id, ClusterIndex index, IReadOnlyList<NodeView> nodes, DateTimeOffset now)
    {
        // A fresh sample is younger than the inventory, and says so too.
        var fresh = (from member in index.Stored.Nodes
                     let known = index.Known.GetValueOrDefault(member.Node) ?? NodeKnown.Nothing
                     let cluster = known.Inventory?.Report?.Cluster
                     where cluster is not null && known.IsOnline(now) && !known.IsOld(known.Inventory?.ReceivedAt, now)
                     select (member.Node, Cluster: cluster, known.Inventory?.ReceivedAt, Quorate: (known.IsMeasured(now) ? known.Metrics?.Quorate : null) ?? cluster.Quorate))
            .ToArray();
        var (quorate, reason) = Quorate([.. fresh.Select(node => (node.Node, node.Quorate))]);
        var best = fresh.OrderByDescending(node => node.Quorate).ThenByDescending(node => node.ReceivedAt).FirstOrDefault();
        var seen = fresh.Length is 0 ? null : best.Cluster;
        var overview = new ClusterOverview(id, index.Stored.Name ?? id.Value, quorate, reason)
        {
            Clustered = seen?.Clustered,
            Votes = seen is null ? null : Votes(seen),
            Qdevice = seen?.QDevice,
            Ha = seen?.Ha,
            Ceph = seen?.Ceph,
            ReportedBy = seen is null ? null : best.Node,
            NodeCount = new(
                nodes.Count,
                nodes.Count(node => node.Status is NodeStatus.Online or NodeStatus.Maintenance),
                nodes.Count(node => node.Status is NodeStatus.Offline),
                nodes.Count(node => node.Status is NodeStatus.Maintenance),
                nodes.Count(node => node.Status is NodeStatus.NoAgent)),
            GuestCount = Totals.Count(nodes.Select(node => node.GuestCount)),
            Resources = Totals.OfHosts(nodes),
            GuestResources = Totals.Sum(nodes.Select(node => node.GuestResources)),
            Storages = Storages(index, now),
            Patches = PatchCounts.Of(nodes, now),
        };
        return overview with { Alerts = ClusterAlert.Of(overview, nodes) };
    }

    /// <summary>One node as shown. The same parameters give the same view, so it can be kept.</summary>
    /// <param name="cluster">Its cluster.</param>
    /// <param name="index">What the cluster knows.</param>
    /// <param name="member">The node.</param>
    /// <param name="agents">The agents inside the cluster's VMs.</param>
    /// <param name="freshness">What of it stands for the present.</param>
    public static NodeView Node(ClusterId cluster, ClusterIndex index, Member member, IReadOnlyDictionary<Vmid, AgentId> agents, Freshness freshness)
    {
        var known = index.Known.GetValueOrDefault(member.Node) ?? NodeKnown.Nothing;
        var metrics = freshness.Measured ? known.Metrics : null;
        var measured = (metrics?.Guests ?? []).ToLookup(guest => guest.Vmid); // a sample may have one twice
        var placed = index.Guests.GetValueOrDefault(member.Node) ?? [];
        var noted = placed.Select(guest => guest.Seen.Vmid).ToHashSet();
        var notes = index.Stored.Guests.Where(note => noted.Contains(note.Vmid)).ToDictionary(note => note.Vmid);
        var listed = known.Inventory?.GuestsAt is not null;
        IReadOnlyList<GuestView>? guests = !listed && placed.Count is 0
            ? null
            : [.. placed.Where(guest => !freshness.IsForgotten(guest)).Select(guest => Guest(cluster, guest, notes.GetValueOrDefault(guest.Seen.Vmid), known, measured[guest.Seen.Vmid].FirstOrDefault(), agents, freshness))];
        var present = (guests ?? []).Where(guest => guest.DeletedAt is null).ToArray();
        return new(
            member.Node,
            member.Agent,
            member.Hostname,
            member.Agent is null ? NodeStatus.NoAgent
                : !freshness.Online ? NodeStatus.Offline
                : (metrics?.HaState ?? known.Inventory?.Report?.Cluster?.Ha?.Nodes.GetValueOrDefault(member.Node.Value)) is "maintenance" ? NodeStatus.Maintenance
                : NodeStatus.Online,
            known.HeardAt,
            known.Inventory?.Report?.PveVersion,
            [.. known.Inventory?.Report?.Problems ?? [], .. metrics?.Problems ?? []],
            known.Inventory?.GuestsAt,
            guests)
        {
            AgentVersion = known.Inventory?.Report?.AgentVersion,
            Host = known.Inventory?.Report?.Host,
            Metrics = metrics is null ? null : metrics with { Guests = null },
            MetricsAt = metrics is null ? null : known.MetricsAt,
            GuestResources = Totals.OfGuests(present),
            GuestCount = Totals.Count(present, listed),
            Tags = member.Annotation?.Tags ?? [],
            Notes = member.Annotation?.Notes,
            PlatformFamily = member.Annotation?.PlatformFamily,
        };
    }

    /// <summary>A machine outside Proxmox VE as shown.</summary>
    /// <param name="id">The machine.</param>
    /// <param name="node">Its one node as shown.</param>
    /// <param name="vms">The VMs that say they are this machine's.</param>
    public static MachineView Machine(ClusterId id, NodeView node, IReadOnlyList<LinkedVm> vms) => new(
        id,
        node,
        node.PlatformFamily ?? PlatformFamilies.Of(node.Host?.Os, osType: null),
        vms is [var one] ? one : null,
        vms.Count > 1 ? $"more than one VM says it is this machine: {string.Join(", ", vms.Select(vm => vm.Guest))}" : null);

    /// <summary>A guest's id in the API.</summary>
    public static string GuestId(ClusterId cluster, GuestType type, Vmid vmid) => $"{cluster}-{Spell(type)}-{vmid}";

    /// <summary>A guest type as Proxmox's ids spell it.</summary>
    public static string Spell(GuestType type) => type is GuestType.Lxc ? "lxc" : "qemu";

    private static GuestView Guest(
        ClusterId cluster, PlacedGuest placed, GuestNote? note, NodeKnown node, GuestMetrics? measured, IReadOnlyDictionary<Vmid, AgentId> agents, Freshness freshness)
    {
        var seen = placed.Seen;
        // What a silent host said last is history: shown as such, never as the present.
        var stale = placed.Fate switch
        {
            GuestFate.Deleted => "it was deleted",
            GuestFate.Missing => placed.From == placed.Node ? $"{placed.Node} does not list it any more, and it is not known where it is" : $"it moved to {placed.Node}, which does not list it",
            GuestFate.Moving => $"it moved to {placed.Node}, which has not reported it yet",
            _ => freshness.GuestsStale,
        };
        var fresh = stale is null ? measured : null;
        AgentId? agent = agents.TryGetValue(seen.Vmid, out var inside) ? inside : null;
        return new(
            GuestId(cluster, seen.Type, seen.Vmid),
            seen,
            stale is not null ? GuestStatus.Unknown : Status(seen, fresh),
            note?.Annotation?.PlatformFamily ?? PlatformFamilies.Of(seen.Os, seen.OsType),
            seen.Type is GuestType.Lxc ? GuestManagement.Agentless : agent is null ? GuestManagement.RequiresAgent : GuestManagement.Agent,
            stale ?? seen.Problem)
        {
            UptimeSeconds = stale is null && seen.StartedAt is { } started && node.Inventory?.Report?.CollectedAt is { } collected ? Math.Max(0, (long)(collected - started).TotalSeconds) : null,
            Metrics = fresh,
            Agent = agent,
            AgentlessVm = seen.Type is GuestType.Qemu && note?.Annotation?.AgentlessVm is true,
            Tags = note?.Annotation?.Tags is { } tags ? [.. tags.Concat(seen.Tags ?? []).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)] : seen.Tags ?? [],
            Notes = note?.Annotation?.Notes,
            FamilyOverridden = note?.Annotation?.PlatformFamily is not null,
            Patches = note?.Patches,
            DeletedAt = placed.Fate is GuestFate.Deleted ? placed.At : null,
            LastSeen = placed.At,
        };
    }

    // Samples come ten times as often as inventories; only those can tell paused from running.
    private static GuestStatus Status(GuestSeen seen, GuestMetrics? measured) => (seen.Status, measured?.Status) switch
    {
        (_, null or GuestStatus.Unknown) => seen.Status,
        (GuestStatus.Paused, GuestStatus.Running) => GuestStatus.Paused,
        (_, { } now) => now,
    };

    private static (bool? Quorate, string? Reason) Quorate((NodeName Node, bool Quorate)[] said)
    {
        var without = said.Where(one => !one.Quorate).Select(one => one.Node.Value).ToArray();
        return (said.Length, without.Length) switch
        {
            (0, _) => (null, "quorum unknown: no connected node has reported it lately"),
            (_, 0) => (true, null),
            var (all, no) when all == no => (false, "no quorum"),
            _ => (null, $"quorum unknown: {string.Join(", ", without)} report none, others do"),
        };
    }

    private static VotesView? Votes(ClusterSeen seen)
    {
        if (seen.Members.Any(member => member.Votes is null) || seen is { QDevice: { Votes: null } })
        {
            return null; // a sum with a gap is no sum
        }

        var expected = seen.Members.Sum(member => member.Votes!.Value) + (seen.QDevice?.Votes ?? 0);
        var online = seen.Members.Where(member => member.Online).Sum(member => member.Votes!.Value);
        return new(expected, (expected / 2) + 1, seen.QDevice switch
        {
            null => online,
            { Voting: null } => null,
            { Voting: true, Votes: { } votes } => online + votes,
            _ => online,
        });
    }

    private static StorageView[] Storages(ClusterIndex index, DateTimeOffset now)
    {
        var all = index.Stored.Nodes.SelectMany(member =>
        {
            var known = index.Known.GetValueOrDefault(member.Node) ?? NodeKnown.Nothing;
            var measured = (known.IsMeasured(now) ? known.Metrics?.Storages ?? [] : []).ToLookup(one => one.Name, one => one.Usage, StringComparer.Ordinal);
            // What a silent host said of a pool says nothing of it now.
            var fresh = known.IsOnline(now) && !known.IsOld(known.Inventory?.ReceivedAt, now);
            return (known.Inventory?.Report?.Storages ?? []).Select(storage => (storage, usage: measured[storage.Name].FirstOrDefault())).Select(one => new StorageView(
                one.storage.Name,
                one.storage.Shared ? null : member.Node,
                one.storage.Type,
                one.storage.Content,
                one.storage.Shared,
                fresh ? one.storage.Status : "unknown",
                fresh ? one.storage.Health : null,
                fresh ? one.usage?.UsedBytes ?? one.storage.UsedBytes : null,
                fresh ? one.usage?.TotalBytes ?? one.storage.TotalBytes : null));
        });
        return
        [
            .. all.GroupBy(storage => (storage.Name, storage.Node))
                // Of a shared one the node that can reach it speaks.
                .Select(group => group.OrderByDescending(storage => storage.Status is "available").ThenByDescending(storage => storage.TotalBytes is not null).First())
                .OrderBy(storage => storage.Name, StringComparer.Ordinal).ThenBy(storage => storage.Node?.Value, StringComparer.Ordinal),
        ];
    }
}

/// <summary>What of a node's word stands for the present; equal as long as nothing of it has changed.</summary>
/// <param name="Online">Whether the node reports.</param>
/// <param name="Measured">Whether its newest sample stands for the present.</param>
/// <param name="GuestsStale">Why its guests' states are not known; null when they are.</param>
/// <param name="Hour">The hour, for what is only shown for some days.</param>
public readonly record struct Freshness(bool Online, bool Measured, string? GuestsStale, DateTimeOffset Hour)
{
    /// <summary>How fresh a node's word is.</summary>
    public static Freshness Of(ClusterIndex index, Member member, DateTimeOffset now)
    {
        var known = index.Known.GetValueOrDefault(member.Node) ?? NodeKnown.Nothing;
        var online = known.IsOnline(now);
        var stale = !online ? "its node does not report"
            : known.Inventory?.GuestsAt < known.Inventory?.ReceivedAt ? "its node could not list its guests"
            : known.IsOld(known.Inventory?.GuestsAt, now) ? "its node has not listed its guests lately"
            : null;
        return new(online, online && known.IsMeasured(now), stale, new DateTimeOffset(now.Year, now.Month, now.Day, now.Hour, 0, 0, now.Offset));
    }

    /// <summary>Whether a guest is gone for so long that it is not shown any more.</summary>
    public bool IsForgotten(PlacedGuest guest) => guest.IsForgotten(Hour);
}
