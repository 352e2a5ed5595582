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

    /// <summary>The newest entries of the audit log.</summary>
    /// <param name="count">How many at most, 1 to 1000.</param>
    [Alias("Audit")]
    Task<IReadOnlyList<AuditEntry>> Audit(int count);

    /// <inheritdoc cref="IAuditLog.Find"/>
    [Alias("FindAudit")]
    Task<IReadOnlyList<AuditRecord>> FindAudit(AuditQuery query);

    /// <inheritdoc cref="IAuditLog.SpanOf"/>
    [Alias("AuditSpanOf")]
    Task<AuditSpan> AuditSpanOf(DateTimeOffset? from, DateTimeOffset? to);

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

    public async Task<IReadOnlyList<AuditEntry>> Audit(int count) => [.. (await audit.Find(new(count))).Select(record => record.Entry)];

    public Task<IReadOnlyList<AuditRecord>> FindAudit(AuditQuery query) => audit.Find(query);

    public Task<AuditSpan> AuditSpanOf(DateTimeOffset? from, DateTimeOffset? to) => audit.SpanOf(from, to);

    public Task AddAudit(AuditEntry entry) => audit.Add(entry);
}
