using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Protocol.Inventories;

/// <summary>
/// What one host says about itself, its guests and the cluster as it sees it. Facts that rarely change; what changes all the time is in
/// <see cref="Metrics.NodeMetrics"/>.
/// </summary>
/// <param name="CollectedAt">When it was collected, by the host's clock.</param>
/// <param name="AgentVersion">The agent's own version.</param>
/// <param name="Hostname">The host's name.</param>
/// <param name="PveVersion">The first word of <c>pveversion</c>, such as <c>pve-manager/9.2.11/…</c>; null when it could not be read, and outside Proxmox VE.</param>
/// <param name="BootId">The kernel's boot id; null when it could not be read.</param>
/// <param name="Cluster">The cluster as this host sees it; null when <c>/etc/pve</c> could not be read, and outside Proxmox VE.</param>
/// <param name="Guests">
/// All guests of this host, or with <see cref="Since"/> those that are new or changed. Null when they could not be listed. An empty list
/// means that there are none, or that none has changed.
/// </param>
/// <param name="Problems">What could not be read and why, in a person's words; empty when all could.</param>
public sealed record Inventory(
    DateTimeOffset CollectedAt,
    string AgentVersion,
    string Hostname,
    string? PveVersion,
    string? BootId,
    ClusterSeen? Cluster,
    IReadOnlyList<GuestSeen>? Guests,
    IReadOnlyList<string> Problems)
{
    /// <summary>The most guests, members and problems one inventory may have; Proxmox VE's own limits are far below.</summary>
    public const int MaxItems = 10_000;

    /// <summary>The longest name, tag, address or other short text, in characters. Agents cut what is longer.</summary>
    public const int MaxText = 1000;

    /// <summary>In how many seconds the next inventory comes at the latest, 1 to 86400. Two of these without one, and this one is old.</summary>
    public int IntervalSeconds { get; init; } = 300;

    /// <summary>
    /// How long before it was sent the first of it was looked at, whole seconds, rounded up: nothing in it is older. 0 from an agent that does
    /// not say.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int AgeSeconds { get; init; }

    /// <summary>The newest <see cref="Discover.AskedAt"/> that came before the first of it was looked at; null when nobody asked, or did not say when.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? AskedAt { get; init; }

    /// <summary>The node this host is by its own name now; null when it cannot tell. One that is not the token's is refused.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public NodeName? Node { get; init; }

    /// <summary>The cluster (or machine) this host belongs to now; null when it cannot tell. One that is not the token's is refused.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ClusterId? ClusterId { get; init; }

    /// <summary>
    /// Names what the guests are after this report, for a later one to build on: any text that is another whenever a guest differs. Null
    /// when nothing can build on it.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Fingerprint { get; init; }

    /// <summary>The <see cref="Fingerprint"/> this report builds on; null when it is whole.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Since { get; init; }

    /// <summary>Guests that are not here any more since <see cref="Since"/>; null in a whole report.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<GuestGone>? Gone { get; init; }

    /// <summary>The host itself; null from an agent that does not look.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public HostSeen? Host { get; init; }

    /// <summary>The host's storages; null when they could not be listed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<StorageSeen>? Storages { get; init; }

    /// <summary>Whether a list is longer than <see cref="MaxItems"/>.</summary>
    public bool IsTooLong() => Problems.Count > MaxItems || Cluster?.Members.Count > MaxItems || Guests?.Count > MaxItems
        || Gone?.Count > MaxItems || Storages?.Count > MaxItems || Cluster?.GuestsByNode?.Sum(node => node.Value?.Count ?? 0) > 10 * MaxItems;

    /// <summary>Whether a list has null in the place of an item. JSON can say so, no option of the serializer refuses it, and it means nothing.</summary>
    public bool HasGaps() => Problems.Any(problem => problem is null)
        || (Cluster?.HasGaps() ?? false)
        || (Guests?.Any(guest => guest is null || guest.HasGaps()) ?? false)
        || (Gone?.Any(guest => guest is null) ?? false)
        || (Storages?.Any(storage => storage is null || storage.Content.Any(content => content is null)) ?? false)
        || (Host?.HasGaps() ?? false);
}

/// <summary>A guest that is not on this host any more.</summary>
/// <param name="Vmid">Its number.</param>
/// <param name="Node">The node whose directory has its file now; null when none has, or when that could not be read.</param>
/// <param name="Deleted">Whether the cluster's list (<c>.vmlist</c>) could be read and has it nowhere.</param>
public sealed record GuestGone(Vmid Vmid, NodeName? Node, bool Deleted);

/// <summary>What the server answers to an inventory it has taken, or could not build on.</summary>
/// <param name="NeedsWhole">It does not have what <see cref="Inventory.Since"/> names: nothing was taken, and a whole one is wanted at once.</param>
public sealed record InventoryAnswer(bool NeedsWhole);

/// <summary>Asks an agent to look anew at once and to send a whole inventory.</summary>
/// <param name="Vmid">A guest whose remembered system is to be read again; null for all.</param>
public sealed record Discover(Vmid? Vmid)
{
    /// <summary>Whether only the machine itself is looked at anew: what is remembered of guests stays.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool HostOnly { get; init; }

    /// <summary>When this is asked, by the server's clock: the report says it again, and so the server knows what it cannot be older than.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? AskedAt { get; init; }
}
