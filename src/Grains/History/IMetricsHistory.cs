using NannyOrleans.Domain.Metrics;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.History;

/// <summary>Where the means over five minutes are kept, for <see cref="MetricsRollup.Kept"/>.</summary>
public interface IMetricsHistory
{
    /// <summary>
    /// Takes one; it is written with others some seconds later. Figures are no promise: what a crash or a database that is away for long
    /// takes is lost. Of two of the same node and time the one of more samples stands.
    /// </summary>
    void Add(MetricsRollup rollup);

    /// <summary>
    /// Those of one node without its guests, or of all nodes of a cluster with theirs, that began in a time, the oldest first. All nodes'
    /// guests are much: for the curve of one there is <see cref="ReadGuest"/>.
    /// </summary>
    Task<IReadOnlyList<MetricsRollup>> Read(ClusterId cluster, NodeName? node, DateTimeOffset from, DateTimeOffset to);

    /// <summary>Those of all nodes of a cluster that have a guest, with that guest alone, that began in a time, the oldest first: a guest that migrated has its past on others.</summary>
    Task<IReadOnlyList<MetricsRollup>> ReadGuest(ClusterId cluster, Vmid vmid, DateTimeOffset from, DateTimeOffset to);
}
