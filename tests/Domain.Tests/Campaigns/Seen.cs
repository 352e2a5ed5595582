using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Tests.Campaigns;

/// <summary>Clusters in good order, for a test to say what is not.</summary>
internal static class Seen
{
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(5);

    /// <summary>A cluster of pve1, pve2, …, each with the votes given, all well.</summary>
    public static ClusterPicture Cluster(params int[] votes) => Cluster(votes, null);

    public static ClusterPicture Cluster(int[] votes, QDeviceSeen? device)
    {
        MemberSeen[] members = [.. votes.Select((vote, index) => new MemberSeen(Name(index), true, vote))];
        return new([.. members.Select(member => new NodePicture
        {
            Node = member.Node,
            At = Some.Noon,
            Interval = Interval,
            Sees = new("lab", true, members) { Clustered = true, QDevice = device, Ha = new(false, null, false, new Dictionary<string, string>(), []) },
            BootId = "boot",
            KernelRunning = "6.17.4-1-pve",
            KernelNewest = "6.17.4-1-pve",
            RebootRequired = false,
            PendingUpdates = 3,
            RepositoryProblems = [],
            RunningTasks = [],
            RootFreeBytes = 20L << 30,
            BootFreeBytes = 1L << 30,
            MemoryBytes = 64L << 30,
            MemoryFreeBytes = 32L << 30,
            AgentVersion = "1.0.0",
            Guests = [],
        })]);
    }

    public static NodeName Name(int index) => NodeName.Parse($"pve{index + 1}");

    public static ClusterPicture With(this ClusterPicture picture, string node, Func<NodePicture, NodePicture> change) =>
        new([.. picture.Nodes.Select(one => one.Node.Value == node ? change(one) : one)]);

    public static ClusterPicture WithHa(this ClusterPicture picture, HaSeen? ha) =>
        new([.. picture.Nodes.Select(one => one with { Sees = one.Sees! with { Ha = ha } })]);

    /// <summary>A node whose agent nobody hears any more, though the others still see the node.</summary>
    public static ClusterPicture Silent(this ClusterPicture picture, string node) => picture.With(node, one => one with { At = Some.Noon - (3 * Interval) });

    /// <summary>A node that is down, as the others say.</summary>
    public static ClusterPicture Down(this ClusterPicture picture, string node) => new(
    [
        .. picture.Silent(node).Nodes.Select(one => one.Node.Value == node ? one : one with
        {
            Sees = one.Sees! with { Members = [.. one.Sees.Members.Select(member => member.Node.Value == node ? member with { Online = false } : member)] },
        }),
    ]);

    public static GuestPicture Guest(int vmid, int gibibytes = 1, GuestType type = GuestType.Lxc) =>
        new(new(vmid), type, $"guest-{vmid}", GuestStatus.Running) { HaManaged = false, MemoryBytes = (long)gibibytes << 30 };
}
