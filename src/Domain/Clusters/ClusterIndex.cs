using System.Collections.Immutable;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Domain.Clusters;

/// <summary>
/// All that a cluster knows: what is stored of it, and what its hosts have said, which is stored with them and gathered anew after a
/// restart. Each change gives a new index; what has not changed stays the same object.
/// </summary>
public sealed record ClusterIndex
{
    /// <summary>What is stored of the cluster.</summary>
    public required ClusterState Stored { get; init; }

    /// <summary>What each host has said; a node without an entry has said nothing.</summary>
    public ImmutableDictionary<NodeName, NodeKnown> Known { get; init; } = ImmutableDictionary<NodeName, NodeKnown>.Empty;

    /// <summary>Where every guest is, by node and then vmid.</summary>
    public ImmutableDictionary<NodeName, IReadOnlyList<PlacedGuest>> Guests { get; private init; } = ImmutableDictionary<NodeName, IReadOnlyList<PlacedGuest>>.Empty;

    /// <summary>Takes an agent that a person approved for one of the nodes. What the one before it said counts as remembered, not as a word of now.</summary>
    public ClusterIndex Enrol(NodeName node, Enrolment enrolment) => WithAgent(
        Stored with { Name = Stored.Name ?? enrolment.ClusterName }, node, member => member with { Agent = enrolment.Agent, Hostname = enrolment.Hostname });

    /// <summary>Takes that nobody speaks for one of the nodes any more. What its agent said stays, as remembered.</summary>
    public ClusterIndex Revoke(NodeName node) => Stored.Nodes.Any(member => member.Node == node) ? WithAgent(Stored, node, member => member with { Agent = null }) : this;

    /// <summary>The key that hosts prove their membership with; null while none of them has an agent: whoever is approved then is the first, also again.</summary>
    public string? MembershipKey => Stored.Nodes.Any(member => member.Agent is not null) ? Stored.MembershipKey : null;

    /// <summary>Takes the first host's key.</summary>
    public ClusterIndex EnrolMembership(string key) => MembershipKey is null && Stored.MembershipKey != key ? this with { Stored = Stored with { MembershipKey = key } } : this;

    /// <summary>
    /// Takes what a node has said. An older word than the known one changes nothing, unless that one is of a time to come: then the server's
    /// clock was set back, and the newer word is the one that is said now.
    /// </summary>
    /// <param name="node">The node.</param>
    /// <param name="inventory">Its reports, put together.</param>
    /// <param name="remembered">Whether this was stored before, and is not a word of now.</param>
    /// <param name="now">The server's clock.</param>
    public ClusterIndex RecordInventory(NodeName node, NodeInventory inventory, bool remembered, DateTimeOffset now)
    {
        var known = Known.GetValueOrDefault(node) ?? NodeKnown.Nothing;
        if (known.Inventory?.ReceivedAt is { } before && before > inventory.ReceivedAt && before <= now + NodeKnown.ClockSkew)
        {
            return this;
        }

        var stored = Stored;
        if (inventory.Report is { } report)
        {
            stored = With(stored, node, member => member.Hostname == report.Hostname ? member : member with { Hostname = report.Hostname });
            stored = report.Cluster is { } cluster ? WithMembers(stored, node, cluster) : stored;
            if (report.Cluster?.Name is { } name && stored.Name != name)
            {
                stored = stored with { Name = name };
            }

            // What is remembered was weighed when it was said.
            stored = remembered ? stored : WithoutNotesOf(Renewed(known.Inventory?.Report?.Guests, inventory), stored);
        }

        return With(stored, Known.SetItem(node, known with { Inventory = inventory, HeardAt = Later(known.HeardAt, inventory.ReceivedAt, now), Spoken = known.Spoken || !remembered })).Forget(now);
    }

    /// <summary>Takes a node's newest sample.</summary>
    public ClusterIndex RecordMetrics(NodeName node, NodeMetrics metrics, DateTimeOffset now)
    {
        var known = Known.GetValueOrDefault(node) ?? NodeKnown.Nothing;
        return this with { Known = Known.SetItem(node, known with { Metrics = metrics, MetricsAt = now, HeardAt = Later(known.HeardAt, now, now), Spoken = true }) };
    }

    /// <summary>Takes that a node's agent is connected. It says nothing of the host but that it speaks.</summary>
    public ClusterIndex RecordContact(NodeName node, DateTimeOffset now)
    {
        var known = Known.GetValueOrDefault(node) ?? NodeKnown.Nothing;
        return this with { Known = Known.SetItem(node, known with { HeardAt = Later(known.HeardAt, now, now), Spoken = true }) };
    }

    /// <summary>Takes what an operation found of a guest's updates.</summary>
    public ClusterIndex RecordPatch(Vmid vmid, PatchState patches) => Note(vmid) is var note && patches.IsNewerThan(note.Patches)
        ? With(note with { Patches = patches })
        : this;

    /// <summary>Takes what a person says of a guest.</summary>
    public Outcome<ClusterIndex> Annotate(Vmid vmid, AnnotationChange change)
    {
        if (Find(vmid) is not { } guest)
        {
            return new Refusal("unknown-guest", "No host has reported this guest.");
        }

        if (change.Agent?.To is not null && guest.Seen.Type is not GuestType.Qemu)
        {
            return new Refusal("not-a-vm", $"CT {vmid} needs no agent inside; only a VM can have one.");
        }

        if (change.AgentlessVm is not null && guest.Seen.Type is not GuestType.Qemu)
        {
            return new Refusal("not-a-vm", $"CT {vmid} is patched without an agent anyway; agentless_vm is for VMs.");
        }

        var note = Note(vmid);
        return With(note with { Annotation = change.Apply(note.Annotation) });
    }

    /// <summary>Takes what a person says of a node, or of the machine that this is.</summary>
    public Outcome<ClusterIndex> Annotate(NodeName node, AnnotationChange change, bool isMachine)
    {
        if (Stored.Nodes.All(member => member.Node != node))
        {
            return new Refusal("unknown-node", $"There is no node {node} in this cluster.");
        }

        if (change.Agent is not null)
        {
            return new Refusal("not-a-vm", "Only a VM can have an agent inside: name the VM, and this agent as its vm_agent.");
        }

        if (change.AgentlessVm is not null)
        {
            return new Refusal("not-a-vm", "It has an agent of its own; agentless_vm is for VMs.");
        }

        return change.PlatformFamily is not null && !isMachine
            ? new Refusal("fixed-family", "A Proxmox VE host is Debian.")
            : this with { Stored = With(Stored, node, member => member with { Annotation = change.Apply(member.Annotation) }) };
    }

    /// <summary>A guest and where it is; null when no host has reported it.</summary>
    public PlacedGuest? Find(Vmid vmid)
    {
        foreach (var guests in Guests.Values)
        {
            foreach (var guest in guests)
            {
                if (guest.Seen.Vmid == vmid)
                {
                    return guest;
                }
            }
        }

        return null;
    }

    /// <summary>What is known of a guest beside its host's word.</summary>
    public GuestNote Note(Vmid vmid) => Stored.Guests.FirstOrDefault(note => note.Vmid == vmid) ?? new(vmid, null, null);

    private ClusterIndex WithAgent(ClusterState stored, NodeName node, Func<Member, Member> change)
    {
        var after = With(stored, node, change);
        var isSame = after.Nodes.Single(member => member.Node == node).Agent == Stored.Nodes.SingleOrDefault(member => member.Node == node)?.Agent;
        return With(after, isSame || !Known.TryGetValue(node, out var known) ? Known : Known.SetItem(node, known with { Metrics = null, MetricsAt = null, Spoken = false }));
    }

    private ClusterIndex With(GuestNote note) => this with
    {
        Stored = Stored with
        {
            Guests =
            [
                .. Stored.Guests.TakeWhile(one => one.Vmid < note.Vmid),
                .. note is { Annotation: null, Patches: null } ? [] : new[] { note },
                .. Stored.Guests.SkipWhile(one => one.Vmid <= note.Vmid),
            ],
        },
    };

    // Where a guest is depends on when every node has spoken and on who is a member: decided anew each time, some milliseconds for
    // thousands of guests. The lists of nodes where nothing has changed stay the same objects.
    private ClusterIndex With(ClusterState stored, ImmutableDictionary<NodeName, NodeKnown> known) => this with
    {
        Stored = stored,
        Known = known,
        Guests = GuestPlaces.Of(stored, known, Guests),
    };

    // Guests of a number that another guest had before: by the cluster's own list that one was nowhere any more, or it was of the other
    // kind. What was said of it, above all which family's script patches it, does not hold for its successor. Without quorum no guest is
    // made: what such a node lists is old.
    private HashSet<Vmid> Renewed(IReadOnlyList<GuestSeen>? before, NodeInventory inventory)
    {
        if (inventory is not { GuestsQuorate: true, Report.Guests: { } now } || Stored.Guests.Count is 0 || ReferenceEquals(before, now))
        {
            return [];
        }

        var types = (before ?? []).ToDictionary(guest => guest.Vmid, guest => guest.Type);
        var placed = Guests.Values.SelectMany(guests => guests).ToDictionary(guest => guest.Seen.Vmid);
        return [.. now.Where(IsAnother).Select(guest => guest.Vmid)];

        bool IsAnother(GuestSeen guest) => types.TryGetValue(guest.Vmid, out var type)
            ? type != guest.Type
            : placed.TryGetValue(guest.Vmid, out var other) && (other.Fate is GuestFate.Deleted || other.Seen.Type != guest.Type);
    }

    // What was said of a guest goes with the guest. Only when every host has spoken is it known who is gone: the next guest of that number
    // must not inherit the family of the last.
    private ClusterIndex Forget(DateTimeOffset now)
    {
        if (Stored.Guests.Count is 0 || Stored.Nodes.Any(member => Known.GetValueOrDefault(member.Node)?.Inventory?.GuestsAt is null))
        {
            return this;
        }

        var there = Guests.Values.SelectMany(guests => guests).Where(guest => !guest.IsForgotten(now)).Select(guest => guest.Seen.Vmid);
        return this with { Stored = WithoutNotesOf(Stored.Guests.Select(note => note.Vmid).Except(there).ToHashSet(), Stored) };
    }

    private static ClusterState WithoutNotesOf(HashSet<Vmid> guests, ClusterState cluster) => cluster.Guests.Any(note => guests.Contains(note.Vmid))
        ? cluster with { Guests = [.. cluster.Guests.Where(note => !guests.Contains(note.Vmid))] }
        : cluster;

    /// <summary>
    /// Members that a node names become known. One that a member with quorum does not name has left the cluster; it is not shown any more
    /// unless it has an agent, which a person takes away, or somebody has said something of it.
    /// </summary>
    private static ClusterState WithMembers(ClusterState cluster, NodeName node, ClusterSeen seen)
    {
        var named = seen.Members.Select(member => member.Node).ToHashSet();
        var known = cluster.Nodes.Select(member => member.Node).ToHashSet();
        Member[] stay = [.. cluster.Nodes.Where(member => !seen.Quorate || member.Node == node || member is not { Agent: null, Annotation: null } || named.Contains(member.Node))];
        Member[] come = [.. named.Where(name => !known.Contains(name)).Select(name => new Member(name, null, null))];
        return stay.Length == cluster.Nodes.Count && come.Length is 0
            ? cluster
            : cluster with { Nodes = [.. stay.Concat(come).OrderBy(one => one.Node.Value, StringComparer.Ordinal)] };
    }

    private static ClusterState With(ClusterState cluster, NodeName node, Func<Member, Member> change)
    {
        var known = cluster.Nodes.FirstOrDefault(one => one.Node == node);
        var next = change(known ?? new(node, null, null));
        return ReferenceEquals(next, known)
            ? cluster
            : cluster with { Nodes = [.. cluster.Nodes.Where(one => one.Node != node).Append(next).OrderBy(one => one.Node.Value, StringComparer.Ordinal)] };
    }

    private static DateTimeOffset? Later(DateTimeOffset? known, DateTimeOffset? heard, DateTimeOffset now) =>
        heard is null || (known > heard && known <= now + NodeKnown.ClockSkew) ? known : heard;
}

/// <summary>What a cluster has heard of one node.</summary>
/// <param name="Inventory">Its reports, put together; null before the first.</param>
/// <param name="Metrics">Its newest sample; null before the first since the silo started.</param>
/// <param name="MetricsAt">When that was received, by the server's clock.</param>
/// <param name="HeardAt">When it last said anything, by the server's clock; null when never.</param>
/// <param name="Spoken">Whether it has said anything since the silo started: what is only remembered may be long over.</param>
public sealed record NodeKnown(NodeInventory? Inventory, NodeMetrics? Metrics, DateTimeOffset? MetricsAt, DateTimeOffset? HeardAt, bool Spoken)
{
    /// <summary>A node that has said nothing.</summary>
    public static readonly NodeKnown Nothing = new(null, null, null, null, false);

    /// <summary>Intervals that may pass without a word before a node counts as offline.</summary>
    public const int MissedIntervals = 3;

    /// <summary>How far the clocks of two silos may be apart. A time further in the future is of a clock that was set back since.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    /// <summary>Whether its newest sample stands for the present: as long as three of them have not been missed.</summary>
    public bool IsMeasured(DateTimeOffset now) => Metrics is { } sample && MetricsAt is { } at && (now - at).Duration() <= MissedIntervals * TimeSpan.FromSeconds(sample.IntervalSeconds);

    /// <summary>
    /// Whether it has spoken lately enough: samples come often, and from an agent that sends none, or none any more, inventories do.
    /// </summary>
    public bool IsOnline(DateTimeOffset now)
    {
        var samplesStopped = Metrics is null || (Inventory?.ReceivedAt is { } received && !IsMeasured(received));
        var interval = samplesStopped ? Inventory?.Report?.IntervalSeconds : Metrics?.IntervalSeconds;
        return Spoken && HeardAt is { } at && interval is { } seconds && (now - at).Duration() <= MissedIntervals * TimeSpan.FromSeconds(seconds);
    }

    /// <summary>Whether its last inventory is too old to stand for the present: two of its own intervals, and a minute for the way.</summary>
    public bool IsOld(DateTimeOffset? at, DateTimeOffset now) =>
        at is not { } listed || Inventory?.Report is not { } report || (now - listed).Duration() > ListLife(report);

    /// <summary>
    /// The first moment after <paramref name="now"/> that is the last at which some of its word stands for the present, if it says nothing more.
    /// Null: there is none, all of it is old. It may be too early, and is never too late.
    /// </summary>
    public DateTimeOffset? NextOldAfter(DateTimeOffset now)
    {
        DateTimeOffset?[] ends =
        [
            MetricsAt + MissedIntervals * TimeSpan.FromSeconds(Metrics?.IntervalSeconds ?? 0),
            HeardAt + MissedIntervals * TimeSpan.FromSeconds(Metrics?.IntervalSeconds ?? 0),
            HeardAt + MissedIntervals * TimeSpan.FromSeconds(Inventory?.Report?.IntervalSeconds ?? 0),
            Inventory?.Report is { } report ? Inventory.GuestsAt + ListLife(report) : null,
            Inventory?.Report is { } whole ? Inventory.ReceivedAt + ListLife(whole) : null,
        ];
        return ends.Where(end => end > now).Min();
    }

    private static TimeSpan ListLife(Protocol.Inventories.Inventory report) => (2 * TimeSpan.FromSeconds(report.IntervalSeconds)) + TimeSpan.FromMinutes(1);
}
