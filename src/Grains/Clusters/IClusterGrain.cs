using NannyOrleans.Domain;
using NannyOrleans.Domain.Agents;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Targets;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Metrics;
using Orleans.Concurrency;

namespace NannyOrleans.Grains.Clusters;

/// <summary>
/// One Proxmox VE cluster, or one machine outside Proxmox VE as a cluster of one; key: its <see cref="ClusterId"/>. It knows who belongs to
/// it and what people have said, and holds what its nodes last told as the index that lists and searches are answered from.
/// </summary>
[GrainInterfaceType("cluster")]
public interface IClusterGrain : IGrainWithStringKey
{
    /// <summary>Takes the agent a person approved for one of its nodes.</summary>
    [Alias("Enrol")]
    Task Enrol(NodeName node, Enrolment enrolment);

    /// <summary>Looks whether a host that was approved is a member; the first one's key is kept for those who come later.</summary>
    /// <returns>Why not; null when it is one.</returns>
    [Alias("ProveMembership")]
    Task<Refusal?> ProveMembership(MembershipClaim claim);

    /// <summary>Takes that nobody speaks for one of its nodes any more. Repeating it changes nothing.</summary>
    [Alias("Revoke")]
    Task Revoke(NodeName node);

    /// <summary>Takes what a node has stored of its reports. An older word than the known one changes nothing.</summary>
    [Alias("RecordInventory")]
    Task RecordInventory(NodeName node, NodeInventory inventory);

    /// <summary>Takes a node's newest sample. Nobody waits for it: one that is lost is followed by the next.</summary>
    [OneWay]
    [Alias("RecordMetrics")]
    Task RecordMetrics(NodeName node, NodeMetrics metrics);

    /// <summary>Takes that a node's agent is connected, from where it is: after a failover nothing has been heard of it here. Nobody waits for it.</summary>
    [OneWay]
    [Alias("RecordContact")]
    Task RecordContact(NodeName node);

    /// <summary>Takes what an ended operation found of a guest's updates. Repeating it changes nothing.</summary>
    [Alias("RecordPatch")]
    Task RecordPatch(Vmid vmid, PatchState patches);

    /// <summary>Takes what a person says of a guest.</summary>
    /// <returns>Why not; null when it is stored.</returns>
    [Alias("AnnotateGuest")]
    Task<Refusal?> AnnotateGuest(Vmid vmid, AnnotationChange change);

    /// <summary>Takes what a person says of a node, or of the machine that this is.</summary>
    /// <returns>Why not; null when it is stored.</returns>
    [Alias("AnnotateNode")]
    Task<Refusal?> AnnotateNode(NodeName node, AnnotationChange change);

    /// <summary>The cluster as shown.</summary>
    /// <param name="machines">Agents outside Proxmox VE, which may be inside one of its VMs.</param>
    [AlwaysInterleave]
    [Alias("View")]
    Task<ClusterView> View(IReadOnlyList<MachineLink> machines);

    /// <summary>The cluster as shown, without its nodes.</summary>
    [AlwaysInterleave]
    [Alias("Overview")]
    Task<ClusterOverview> Overview();

    /// <summary>What <paramref name="text"/> may mean here.</summary>
    /// <param name="text">What was typed.</param>
    /// <param name="machines">Agents outside Proxmox VE, which may be inside one of its VMs; null when no VM is meant.</param>
    [AlwaysInterleave]
    [Alias("Find")]
    Task<IReadOnlyList<Target>> Find(string text, IReadOnlyList<MachineLink>? machines);

    /// <summary>The hosts and guests that a query selects.</summary>
    [AlwaysInterleave]
    [Alias("List")]
    Task<AgentPage> List(AgentQuery query, IReadOnlyList<MachineLink> machines);

    /// <summary>Which of these agents are inside which VM of this cluster.</summary>
    [AlwaysInterleave]
    [Alias("Linked")]
    Task<IReadOnlyList<LinkedVm>> Linked(IReadOnlyList<MachineLink> machines);

    /// <summary>The cluster as a campaign decides from.</summary>
    /// <param name="pace">How often the campaign has nodes report, which then has it look at once whenever one has; null when it is only to be planned.</param>
    [AlwaysInterleave]
    [Alias("Picture")]
    Task<CampaignView> Picture(TimeSpan? pace);

    /// <summary>Whether what some node has reported can't be read at the moment: a guest that nobody else has may be there.</summary>
    [AlwaysInterleave]
    [Alias("HasUnreadNode")]
    Task<bool> HasUnreadNode();
}

/// <summary>What a campaign decides from.</summary>
/// <param name="Picture">The cluster.</param>
/// <param name="ServerOn">The node that runs this very server as a guest; null when none does, or when that is not known.</param>
public sealed record CampaignView(ClusterPicture Picture, NodeName? ServerOn);
