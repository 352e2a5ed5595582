using System.Text.Json.Serialization;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Domain.Clusters;

/// <summary>What is stored of one cluster: who belongs to it and what people and operations have said. What its hosts say is stored with them.</summary>
public sealed record ClusterState
{
    /// <summary>Its name; a rename keeps the cluster, since its key comes from its certificate.</summary>
    public string? Name { get; init; }

    /// <summary>The key that its hosts prove with that they are members, a <see cref="Protocol.Membership.KeyOf"/> in Base64; null until the first of them has registered.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? MembershipKey { get; init; }

    /// <summary>All nodes that have an agent or that a member has named, by name.</summary>
    public IReadOnlyList<Member> Nodes { get; init; } = [];

    /// <summary>Guests of which somebody has said something, by vmid.</summary>
    public IReadOnlyList<GuestNote> Guests { get; init; } = [];
}

/// <summary>A node as its cluster knows it.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Agent">Its agent; null when none is registered.</param>
/// <param name="Hostname">The host's name; null when no agent has said it.</param>
/// <param name="Annotation">What a person has said of it; null when nothing.</param>
public sealed record Member(
    NodeName Node,
    AgentId? Agent,
    string? Hostname,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Annotation? Annotation = null);

/// <summary>What is known of a guest beside its host's word.</summary>
/// <param name="Vmid">The guest.</param>
/// <param name="Annotation">What a person has said of it; null when nothing.</param>
/// <param name="Patches">What the last operation found; null when there was none.</param>
public sealed record GuestNote(Vmid Vmid, Annotation? Annotation, PatchState? Patches);
