using NannyOrleans.Domain.Metrics;
using NannyOrleans.Protocol.Ids;
using Orleans.Concurrency;

namespace NannyOrleans.Grains.History;

/// <summary>Reads what only grows, for processes that have no database of their own. There is one name, key 0, and as many activations as are needed.</summary>
[GrainInterfaceType("history")]
public interface IHistoryGrain : IGrainWithIntegerKey
{
    /// <inheritdoc cref="IMetricsHistory.Read"/>
    [Alias("Metrics")]
    Task<IReadOnlyList<MetricsRollup>> Metrics(ClusterId cluster, NodeName? node, DateTimeOffset from, DateTimeOffset to);

    /// <inheritdoc cref="IMetricsHistory.ReadGuest"/>
    [Alias("GuestMetrics")]
    Task<IReadOnlyList<MetricsRollup>> GuestMetrics(ClusterId cluster, Vmid vmid, DateTimeOffset from, DateTimeOffset to);

    /// <inheritdoc cref="IAuditLog.Newest"/>
    [Alias("Audit")]
    Task<IReadOnlyList<AuditEntry>> Audit(int count);

    /// <inheritdoc cref="IAuditLog.Add"/>
    [Alias("AddAudit")]
    Task AddAudit(AuditEntry entry);
}

[StatelessWorker]
[GrainType("history")]
internal sealed class HistoryGrain(IMetricsHistory metrics, IAuditLog audit) : Grain, IHistoryGrain
{
    public Task<IReadOnlyList<MetricsRollup>> Metrics(ClusterId cluster, NodeName? node, DateTimeOffset from, DateTimeOffset to) => metrics.Read(cluster, node, from, to);

    public Task<IReadOnlyList<MetricsRollup>> GuestMetrics(ClusterId cluster, Vmid vmid, DateTimeOffset from, DateTimeOffset to) => metrics.ReadGuest(cluster, vmid, from, to);

    public Task<IReadOnlyList<AuditEntry>> Audit(int count) => audit.Newest(count);

    public Task AddAudit(AuditEntry entry) => audit.Add(entry);
}
