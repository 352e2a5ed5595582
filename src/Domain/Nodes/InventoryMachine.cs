using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Nodes;

/// <summary>The decisions about a node's reports.</summary>
public static class InventoryMachine
{
    /// <summary>The most members of one cluster: corosync itself stops far below, and each one named is remembered.</summary>
    public const int MaxMembers = 256;

    /// <summary>Refusal: the report builds on one that is not here; a whole one is wanted.</summary>
    public const string NeedsWhole = "needs-whole";

    /// <summary>Refusal: the host is, by its own word, another than its token is for.</summary>
    public const string NotItsOwn = "not-its-own-node";

    /// <summary>The most guests that are gone and kept in mind, of one node.</summary>
    public const int MaxDeparted = Inventory.MaxItems;

    /// <summary>The most votes of one member, or of the quorum device: far above what anybody configures, and sums of them stay whole numbers.</summary>
    public const int MaxVotes = 100_000;

    /// <summary>How long a report that says nothing new may go unstored: all that is lost with it is when the node was last heard.</summary>
    public static readonly TimeSpan StoreAtLeastEvery = TimeSpan.FromHours(1);

    /// <summary>
    /// Notes that the host's packages were worked on since it was looked at: what was said of its updates, and whether it needs a reboot, is not
    /// known until the next report.
    /// </summary>
    public static NodeInventory Doubt(NodeInventory known, JobId operation) => known.Report is not { Host: { } host } report ? known : known with
    {
        Report = report with
        {
            Host = host with
            {
                PendingUpdates = null,
                PendingUpdatesProblem = $"operation {operation} has ended, and the host has not been looked at since",
                RebootRequired = null,
                RebootReason = $"operation {operation} has ended, and the host has not been looked at since",
            },
        },
    };

    /// <summary>
    /// Takes a report. Guests that could not be listed keep their last known list. One that says nothing new within
    /// <see cref="StoreAtLeastEvery"/> gives a value that need not be stored (<see cref="IsNews"/>).
    /// </summary>
    public static Outcome<NodeInventory> Take(NodeInventory known, NodeKey key, Inventory report, DateTimeOffset now)
    {
        if (Problem(report) is { } problem)
        {
            return new Refusal("bad-inventory", problem);
        }

        if ((report.Node is { } node && node != key.Node && !key.Cluster.IsMachine) || (report.ClusterId is { } cluster && cluster != key.Cluster))
        {
            return new Refusal(
                NotItsOwn,
                $"The host says that it is {report.Node?.Value ?? "a node"} of {report.ClusterId?.Value ?? "its cluster"}, and is registered as {key.Node} of {key.Cluster}. Register it again.");
        }

        var before = known.Report?.Guests;
        if (report.Since is { } since && (before is null || known.Report?.Fingerprint != since))
        {
            return new Refusal(NeedsWhole, "The report builds on one that is not here.");
        }

        var guests = report switch
        {
            { Guests: null } => before,
            { Since: null } => Sorted(Remembered(before, report.Guests)),
            _ => Merged(before!, Remembered(before, report.Guests), report.Gone ?? []),
        };
        if (guests?.Count > Inventory.MaxItems)
        {
            return new Refusal("bad-inventory", "With these changes the node has more guests than one inventory may have.");
        }

        return known with
        {
            // A list that could not be made anew is not built on: its fingerprint is not that of what the agent has by now.
            Report = report with
            {
                Guests = guests,
                Since = null,
                Gone = null,
                Fingerprint = report.Guests is null ? null : report.Fingerprint,
                Cluster = report.Cluster is { } seen ? seen with { GuestsByNode = null } : null,
            },
            ReceivedAt = now,
            GuestsAt = report.Guests is null ? known.GuestsAt : now,
            GuestsQuorate = report.Guests is null ? known.GuestsQuorate : report.Cluster?.Quorate is true,
            Departed = report.Guests is null ? known.Departed : Departed(known, key.Node, report, guests!, now),
        };
    }

    /// <summary>Whether <paramref name="next"/> has to be stored, <paramref name="stored"/> being what is.</summary>
    public static bool IsNews(NodeInventory stored, NodeInventory next) =>
        stored.Report is null || next.Report is null
        || !SameGuests(stored.Report, next.Report) || stored.GuestsQuorate != next.GuestsQuorate
        || next.ReceivedAt - stored.ReceivedAt > StoreAtLeastEvery
        || !stored.Departed.SequenceEqual(next.Departed)
        || !SameHeader(stored.Report, next.Report);

    private static bool SameGuests(Inventory one, Inventory other) => ReferenceEquals(one.Guests, other.Guests)
        || (one is { Guests.Count: 0 } && other is { Guests.Count: 0 })
        || (one.Fingerprint is not null && one.Fingerprint == other.Fingerprint);

    private static bool SameHeader(Inventory one, Inventory other) =>
        one.AgentVersion == other.AgentVersion && one.Hostname == other.Hostname && one.PveVersion == other.PveVersion && one.BootId == other.BootId
        && one.IntervalSeconds == other.IntervalSeconds && one.Cluster?.Name == other.Cluster?.Name && one.Cluster?.Quorate == other.Cluster?.Quorate
        && one.Cluster?.Members.Count == other.Cluster?.Members.Count && one.Host?.RebootRequired == other.Host?.RebootRequired
        && one.Host?.PendingUpdates == other.Host?.PendingUpdates && one.Host?.KernelNewest == other.Host?.KernelNewest
        && one.Problems.SequenceEqual(other.Problems, StringComparer.Ordinal);

    /// <summary>
    /// A guest whose configuration could not be read just now comes with its number, its state and the problem. What was known of it still
    /// is the best there is; its made-up name is not.
    /// </summary>
    private static IReadOnlyList<GuestSeen> Remembered(IReadOnlyList<GuestSeen>? before, IReadOnlyList<GuestSeen> guests)
    {
        if (before is null || !guests.Any(IsUnread))
        {
            return guests;
        }

        var known = before.ToDictionary(guest => guest.Vmid);
        return [.. guests.Select(guest => IsUnread(guest) && known.TryGetValue(guest.Vmid, out var last) && last.Type == guest.Type
            ? last with { Status = guest.Status, Problem = guest.Problem, StartedAt = guest.StartedAt, HaManaged = guest.HaManaged, HaState = guest.HaState, Addresses = guest.Addresses }
            : guest)];
    }

    private static bool IsUnread(GuestSeen guest) => guest is { Problem: not null, MemoryBytes: null, Disks: null, Tags: null, OnBoot: null, Os: null, OsType: null };

    private static IReadOnlyList<GuestSeen> Sorted(IEnumerable<GuestSeen> guests) => [.. guests.OrderBy(guest => guest.Vmid)];

    private static IReadOnlyList<GuestSeen> Merged(IReadOnlyList<GuestSeen> before, IReadOnlyList<GuestSeen> changed, IReadOnlyList<GuestGone> gone)
    {
        if (changed.Count is 0 && gone.Count is 0)
        {
            return before;
        }

        var replaced = changed.Select(guest => guest.Vmid).Concat(gone.Select(guest => guest.Vmid)).ToHashSet();
        return Sorted(before.Where(guest => !replaced.Contains(guest.Vmid)).Concat(changed));
    }

    private static IReadOnlyList<DepartedGuest> Departed(NodeInventory known, NodeName self, Inventory report, IReadOnlyList<GuestSeen> guests, DateTimeOffset now)
    {
        var before = known.Report?.Guests ?? [];
        if (ReferenceEquals(before, guests) && known.Departed.All(guest => IsKept(guest, now)))
        {
            return known.Departed;
        }

        var here = guests.Select(guest => guest.Vmid).ToHashSet();
        var fateOf = Fates(report, self);
        var left = before.Where(guest => !here.Contains(guest.Vmid)).Select(guest => fateOf(guest.Vmid) is { } fate
            ? new DepartedGuest(guest, fate.Node, fate.Deleted, now)
            : new DepartedGuest(guest, null, false, now)).ToArray();
        var anew = left.Select(guest => guest.Seen.Vmid).ToHashSet();
        var earlier = known.Departed.Where(guest => IsKept(guest, now) && !here.Contains(guest.Seen.Vmid) && !anew.Contains(guest.Seen.Vmid));
        if (report.Since is null)
        {
            // A whole report says of all guests where they are: what was not known of one, or is not so any more, is mended by it. One that
            // was deleted stays so: what has its number now is another guest.
            earlier = earlier.Select(guest => !guest.Deleted && fateOf(guest.Seen.Vmid) is { } fate && (fate.Node, fate.Deleted) != (guest.MovedTo, guest.Deleted)
                ? guest with { MovedTo = fate.Node, Deleted = fate.Deleted, At = now }
                : guest);
        }

        // A host on which guests come and go by the minute must not make its state grow with them: the oldest are forgotten first.
        IEnumerable<DepartedGuest> all = earlier.OrderBy(guest => guest.At).ThenBy(guest => guest.Seen.Vmid).Concat(left);
        return [.. all.TakeLast(MaxDeparted)];
    }

    /// <summary>Where the cluster's own list has a guest that is not here; null for one of which it is not known.</summary>
    private static Func<Vmid, (NodeName? Node, bool Deleted)?> Fates(Inventory report, NodeName self)
    {
        if (report.Cluster?.Quorate is not true)
        {
            return _ => null; // a host without quorum has an /etc/pve of yesterday: what it misses may be anywhere
        }

        if (report.Since is not null)
        {
            var gone = (report.Gone ?? []).ToDictionary(guest => guest.Vmid);
            return vmid => gone.GetValueOrDefault(vmid) switch
            {
                { Node: { } node } when node != self => (node, false),
                { Node: null, Deleted: true } => (null, true),
                _ => null, // its host could not tell
            };
        }

        if (report.Cluster.GuestsByNode is not { } places)
        {
            return _ => null;
        }

        var nodes = new Dictionary<Vmid, NodeName>();
        foreach (var (node, vmids) in places)
        {
            foreach (var vmid in vmids)
            {
                nodes[vmid] = node;
            }
        }

        // A list that has it here, where it is not, is a moment older or younger than the guests: no word on where it is.
        return vmid => !nodes.TryGetValue(vmid, out var node) ? (null, true) : node != self ? (node, false) : null;
    }

    private static bool IsKept(DepartedGuest guest, DateTimeOffset now) => now - guest.At < DepartedGuest.Kept;

    /// <summary>What is wrong with a report that no honest agent sends; null when nothing is.</summary>
    private static string? Problem(Inventory report)
    {
        if (report.HasGaps() || report.IsTooLong() || report.IntervalSeconds is < 1 or > 86400 || report.Cluster?.Members.Count > MaxMembers)
        {
            return "The inventory has a part missing, or a list or number out of bounds.";
        }

        if (report.Guests is { } guests)
        {
            var seen = new HashSet<Vmid>();
            foreach (var guest in guests)
            {
                if (!seen.Add(guest.Vmid))
                {
                    return $"The inventory has guest {guest.Vmid} twice.";
                }

                if (Problem(guest) is { } what)
                {
                    return $"Guest {guest.Vmid}: {what}.";
                }
            }
        }

        return (report.Gone?.DistinctBy(guest => guest.Vmid).Count() ?? 0) < (report.Gone?.Count ?? 0) ? "A guest is gone twice."
            : AnyLong(report.AgentVersion, report.Hostname, report.PveVersion, report.BootId, report.Fingerprint, report.Since) ? "A text is too long."
            : report.Problems.Any(IsLongSentence) ? "A problem's text is too long."
            : report.Storages?.Any(storage => storage.UsedBytes is < 0 || storage.TotalBytes is < 0 || AnyLong(storage.Name, storage.Type, storage.Status, storage.Health) || AnyLong(storage.Content)) is true ? "A storage has a text too long or a size below zero."
            : (report.Host is { } host ? Problem(host) : null) ?? (report.Cluster is { } cluster ? Problem(cluster) : null);
    }

    private static string? Problem(HostSeen host) =>
        host.Cores is < 0 || host.MemoryBytes is < 0 || host.SwapBytes is < 0 || host.PendingUpdates is < 0
            || AnyLong(host.KernelRunning, host.KernelNewest, host.RebootReason, host.PrimaryAddress, host.SmbiosUuid, host.PendingUpdatesProblem, host.Subscription)
            || IsLong(host.Os) || AnyLong(host.Addresses) || AnyLong(host.Macs) || AnyLong(host.RepositoryProblems) ? "The host's facts have a text too long or a number below zero."
        : null;

    private static string? Problem(ClusterSeen cluster) =>
        cluster.Members.Any(member => IsNoVote(member.Votes)) || IsNoVote(cluster.QDevice?.Votes) ? "A number of votes is out of bounds."
        : cluster.Members.DistinctBy(member => member.Node).Count() < cluster.Members.Count ? "A member is there twice."
        : AnyLong(cluster.Name, cluster.QDevice?.Model, cluster.QDevice?.Host, cluster.QDevice?.Algorithm, cluster.Ceph?.Health)
            || (cluster.Ceph is { } ceph && (ceph.Checks.Count > Inventory.MaxItems || ceph.Checks.Append(ceph.Problem).Any(IsLongSentence))) || AnyLong(cluster.Ha?.ServicesInError)
            || (cluster.Ha is { } ha && (ha.Nodes.Count > Inventory.MaxItems || ha.Nodes.Any(node => IsLong(node.Key) || IsLong(node.Value)))) ? "The cluster's facts have a text or a list too long."
        : null;

    private static string? Problem(GuestSeen guest) =>
        guest.Cores is < 0 || guest.MemoryBytes is < 0 || guest.SwapBytes is < 0 || guest.Disks?.Any(disk => disk.SizeBytes is < 0) is true ? "a size is below zero"
        : guest.Disks?.Count > Inventory.MaxItems || guest.Networks?.Count > Inventory.MaxItems
            || AnyLong(guest.Name, guest.OsType, guest.Lock, guest.Problem, guest.PrimaryAddress, guest.HaState, guest.SmbiosUuid)
            || IsLong(guest.Os) || AnyLong(guest.Addresses) || AnyLong(guest.Tags)
            || guest.Disks?.Any(disk => AnyLong(disk.Key, disk.Volume, disk.Path)) is true
            || guest.Networks?.Any(network => AnyLong(network.Key, network.Mac, network.Bridge, network.Address)) is true ? "a text or a list is too long"
        : null;

    private static bool IsNoVote(int? votes) => votes is < 0 or > MaxVotes;

    private static bool IsLong(OsRelease? os) => AnyLong(os?.Id, os?.VersionId, os?.PrettyName) || AnyLong(os?.IdLike);

    private static bool AnyLong(params ReadOnlySpan<string?> texts)
    {
        foreach (var text in texts)
        {
            if (IsLong(text))
            {
                return true;
            }
        }

        return false;
    }

    private static bool AnyLong(IReadOnlyList<string>? texts) => texts is not null && (texts.Count > Inventory.MaxItems || texts.Any(IsLong));

    private static bool IsLong(string? text) => text?.Length > Inventory.MaxText;

    private static bool IsLongSentence(string? text) => text?.Length > 2 * Inventory.MaxText;
}
