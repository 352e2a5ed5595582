using NannyOrleans.Grains.Changes;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Dashboard.Calls;

/// <summary>What a page listens to: news of one kind, of everything or about one thing.</summary>
/// <param name="Kind">One of the kinds below.</param>
/// <param name="About">A cluster's id, or another id; null: all of the kind.</param>
public readonly record struct Topic(ChangeKind Kind, string? About = null)
{
    /// <summary>Clusters with their nodes and guests: what hosts reported, what people said of them, what patches found. About: a cluster's id.</summary>
    public const ChangeKind Cluster = ChangeKind.Cluster;

    /// <summary>Samples of hosts: bars and charts. About: a cluster's id.</summary>
    public const ChangeKind Metrics = ChangeKind.Metrics;

    /// <summary>Operations' states. About: an operation's id, or a cluster's.</summary>
    public const ChangeKind Operation = ChangeKind.Operation;

    /// <summary>What an operation prints. About: its id.</summary>
    public const ChangeKind Output = ChangeKind.Output;

    /// <summary>Campaigns. About: a cluster's id.</summary>
    public const ChangeKind Campaign = ChangeKind.Campaign;

    /// <summary>Exceptions to patching.</summary>
    public const ChangeKind Exceptions = ChangeKind.Exceptions;

    /// <summary>People's own scripts.</summary>
    public const ChangeKind Scripts = ChangeKind.Scripts;

    /// <summary>People, their roles and tokens.</summary>
    public const ChangeKind People = ChangeKind.People;

    /// <summary>It as the feed has it.</summary>
    internal Change Change => ClusterId.TryParse(About, null, out var cluster) ? new(Kind, cluster)
        : Kind is Cluster or Metrics or Campaign ? new(Kind) // an address may have a cluster's name, and news only its id: rather too much is heard than nothing
        : new(Kind, Id: About);
}
