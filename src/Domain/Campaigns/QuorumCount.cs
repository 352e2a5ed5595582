using NannyOrleans.Domain.Clusters;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Campaigns;

/// <summary>
/// The votes of a cluster as its own nodes report them (corosync's votequorum): counted as online is only who reports that itself, lately,
/// with quorum, and whom no other such node misses.
/// </summary>
/// <param name="Expected">All votes there are, the quorum device's among them.</param>
/// <param name="Online">Votes known to be online now.</param>
public sealed record QuorumCount(int Expected, int Online)
{
    /// <summary>Votes needed: floor(expected / 2) + 1.</summary>
    public int Needed => (Expected / 2) + 1;

    /// <summary>Whether there is quorum.</summary>
    public bool IsQuorate => Online >= Needed;

    /// <summary>
    /// Votes that are online as every node sees it that speaks: those of a node that has not reported lately are among them for as long as nobody misses it.
    /// To be shown; what may be done goes by <see cref="Online"/> alone.
    /// </summary>
    public int Seen { get; private init; } = Online;

    /// <summary>The cluster has one node: it has nobody to lose quorum to.</summary>
    public bool IsSingle { get; private init; }

    private Dictionary<NodeName, int> Votes { get; init; } = new Dictionary<NodeName, int>();

    private HashSet<NodeName> Up { get; init; } = new HashSet<NodeName>();

    /// <summary>The votes now, or why nobody can tell.</summary>
    public static Outcome<QuorumCount> Of(ClusterPicture picture, DateTimeOffset now)
    {
        if (picture.Nodes is [{ Sees.Clustered: false } alone])
        {
            return alone.IsFresh(now)
                ? new QuorumCount(1, 1) { IsSingle = true, Up = new HashSet<NodeName> { alone.Node }, Votes = new Dictionary<NodeName, int> { [alone.Node] = 1 } }
                : new Refusal("stale-report", $"{alone.Node} has not reported lately.");
        }

        var voices = picture.Nodes.Where(node => node.IsFresh(now) && node.Sees is { Quorate: true }).ToArray();
        if (voices is [])
        {
            return new Refusal("no-quorum-reported", "No node reports, lately, that it has quorum.");
        }

        var first = voices[0];
        var members = first.Sees!.Members;
        if (members.FirstOrDefault(member => member.Votes is null) is { } unread)
        {
            return new Refusal("votes-unknown", $"{first.Node} could not read how many votes {unread.Node} has.");
        }

        // Every voice names every member: looked up and not searched for, or the plan of a large cluster compares names by the million.
        var votes = members.ToDictionary(member => member.Node, member => member.Votes!.Value);
        var up = voices.Select(voice => voice.Node).ToHashSet();
        var missed = new HashSet<NodeName>();
        foreach (var voice in voices)
        {
            if (!Alike(votes, voice.Sees!.Members) || !Alike(first.Sees.QDevice, voice.Sees.QDevice))
            {
                return new Refusal("votes-disputed", $"{first.Node} and {voice.Node} report different members or votes.");
            }

            up.IntersectWith(voice.Sees.Members.Where(member => member.Online).Select(member => member.Node));
            missed.UnionWith(voice.Sees.Members.Where(member => !member.Online).Select(member => member.Node));
        }

        if (picture.Nodes.FirstOrDefault(node => !votes.ContainsKey(node.Node)) is { } stranger)
        {
            return new Refusal("not-a-member", $"{stranger.Node} is not a member of the cluster as {first.Node} sees it.");
        }

        var device = first.Sees.QDevice;
        if (device is { Votes: null })
        {
            return new Refusal("votes-unknown", "It cannot be told how many votes the quorum device has.");
        }

        // A device counts only while it casts its vote for every one of them.
        var deviceOnline = device is { Votes: { } given } && voices.All(voice => voice.Sees!.QDevice?.Voting is true) ? given : 0;
        return new QuorumCount(votes.Values.Sum() + (device?.Votes ?? 0), up.Sum(node => votes[node]) + deviceOnline)
        {
            Seen = votes.Values.Sum() - missed.Sum(node => votes[node]) + deviceOnline,
            IsSingle = members.Count is 1,
            Votes = votes,
            Up = up,
        };
    }

    /// <summary>Whether a node is known to be up and part of the quorum.</summary>
    public bool IsUp(NodeName node) => Up.Contains(node);

    /// <summary>The votes that stay online without a node.</summary>
    public int OnlineWithout(NodeName node) => Online - (Up.Contains(node) ? Votes.GetValueOrDefault(node) : 0);

    /// <summary>Whether the rest keeps quorum without a node.</summary>
    public bool SurvivesLossOf(NodeName node) => IsSingle || OnlineWithout(node) >= Needed;

    /// <summary>Whether the rest would keep quorum without a node if all else were online: when not, it can never be taken down.</summary>
    public bool CouldSurviveLossOf(NodeName node) => IsSingle || Expected - Votes.GetValueOrDefault(node) >= Needed;

    /// <summary>For a person to see.</summary>
    public VotesView View() => new(Expected, Needed, Online);

    private static bool Alike(Dictionary<NodeName, int> votes, IReadOnlyList<MemberSeen> members) => votes.Count == members.Count
        && members.All(member => votes.TryGetValue(member.Node, out var its) && its == member.Votes);

    private static bool Alike(QDeviceSeen? one, QDeviceSeen? other) => one?.Votes == other?.Votes && one is null == other is null;
}
