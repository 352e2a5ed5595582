using System.Collections.Concurrent;
using System.Text.Json;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Metrics;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Campaigns;
using NannyOrleans.Grains.History;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Tests;

/// <summary>History in memory that remembers how often each operation was added, and fails when told to.</summary>
internal sealed class RecordingHistory : IOperationHistory
{
    private readonly ConcurrentDictionary<string, (OperationRecord Operation, OperationOutput Output)> ended = [];
    private readonly ConcurrentDictionary<string, OperationRecord> alive = [];
    private readonly ConcurrentDictionary<string, int> adds = [];
    private readonly ConcurrentDictionary<string, int> keeps = [];
    private readonly ConcurrentDictionary<string, string> reporters = [];
    private readonly ConcurrentDictionary<string, FailingStorage.Gate> gates = [];

    public ConcurrentDictionary<string, bool> FailNextAdd { get; } = [];

    /// <summary>Operations whose row can't be read.</summary>
    public ConcurrentDictionary<string, bool> Unreadable { get; } = [];

    /// <summary>Who said that an operation has ended.</summary>
    public string? ReporterOf(string id) => reporters.GetValueOrDefault(id);

    public int AddsOf(string id) => adds.GetValueOrDefault(id);

    /// <summary>Operations whose next write while they are alive fails; true: it lands all the same and only its answer gets lost.</summary>
    public ConcurrentDictionary<string, bool> FailNextKeep { get; } = [];

    /// <summary>How often an operation was stored while it was alive.</summary>
    public int KeepsOf(string id) => keeps.GetValueOrDefault(id);

    /// <summary>Drops the row of an operation.</summary>
    public void Forget(string id) => (_, _) = (ended.TryRemove(id, out _), alive.TryRemove(id, out _));

    /// <summary>Holds up the next write of an operation while it is alive, until it is told to go on.</summary>
    public FailingStorage.Gate HoldNextKeep(string id) => gates[id] = new();

    public async Task<bool> Begin(OperationRecord operation)
    {
        if (Unreadable.ContainsKey(operation.Id.Value))
        {
            throw new JsonException("Not JSON.");
        }

        if (ended.ContainsKey(operation.Id.Value) || alive.ContainsKey(operation.Id.Value))
        {
            return false;
        }

        await Keep(operation);
        return true;
    }

    public async Task Keep(OperationRecord operation)
    {
        if (gates.TryRemove(operation.Id.Value, out var gate))
        {
            await gate.Pass();
        }

        var failing = FailNextKeep.TryRemove(operation.Id.Value, out var landed);
        if ((!failing || landed) && !ended.ContainsKey(operation.Id.Value))
        {
            alive[operation.Id.Value] = operation;
            keeps.AddOrUpdate(operation.Id.Value, 1, (_, before) => before + 1);
        }

        if (failing)
        {
            throw new IOException("The database is locked.");
        }
    }

    public Task Add(OperationRecord operation, OperationOutput output, string reporter)
    {
        if (FailNextAdd.TryRemove(operation.Id.Value, out _))
        {
            throw new IOException("The database is locked.");
        }

        if (ended.TryAdd(operation.Id.Value, (operation, output)))
        {
            reporters[operation.Id.Value] = reporter;
            adds.AddOrUpdate(operation.Id.Value, 1, (_, before) => before + 1);
        }

        return Task.CompletedTask;
    }

    public Task Amend(OperationRecord operation, string reporter)
    {
        if (ended.TryGetValue(operation.Id.Value, out var row))
        {
            ended[operation.Id.Value] = row with { Operation = operation };
        }

        return Task.CompletedTask;
    }

    public Task<IReadOnlyDictionary<string, OperationStatus>> StatusesOf(JobId batch) => Task.FromResult<IReadOnlyDictionary<string, OperationStatus>>(
        alive.Values.Concat(ended.Values.Select(row => row.Operation)).Where(operation => operation.Batch == batch).GroupBy(operation => operation.Id.Value).ToDictionary(group => group.Key, group => group.Last().Status));

    public Task<OperationPage> List(OperationQuery query)
    {
        var all = ended.Values.Select(row => row.Operation).Concat(alive.Values.Where(operation => !ended.ContainsKey(operation.Id.Value)))
            .Where(operation => operation.Kind == query.Kind).OrderByDescending(operation => operation.Id.Value, StringComparer.Ordinal).ToArray();
        return Task.FromResult(new OperationPage(all.Length, [.. all.Skip(query.Skip).Take(query.Take)]));
    }

    public Task<OperationRecord?> Find(string id) => Unreadable.ContainsKey(id) ? throw new JsonException("Not JSON.") : Task.FromResult(ended.TryGetValue(id, out var row) ? row.Operation : alive.GetValueOrDefault(id));

    public Task<OperationOutput?> FindOutput(string id) => Task.FromResult(ended.TryGetValue(id, out var row) ? row.Output : null);
}

/// <summary>Takes the means over five minutes and keeps them.</summary>
internal sealed class RecordingMetrics : IMetricsHistory
{
    private readonly ConcurrentQueue<MetricsRollup> rollups = [];

    public void Add(MetricsRollup rollup) => rollups.Enqueue(rollup);

    /// <summary>All that were added of a cluster, in the order they came.</summary>
    public IReadOnlyList<MetricsRollup> Of(ClusterId cluster) => [.. rollups.Where(rollup => rollup.Cluster == cluster)];

    public Task<IReadOnlyList<MetricsRollup>> Read(ClusterId cluster, NodeName? node, DateTimeOffset from, DateTimeOffset to) =>
        Task.FromResult<IReadOnlyList<MetricsRollup>>([.. Of(cluster).Where(rollup => (node is null || rollup.Node == node) && rollup.At >= from && rollup.At < to)]);

    public async Task<IReadOnlyList<MetricsRollup>> ReadGuest(ClusterId cluster, Vmid vmid, DateTimeOffset from, DateTimeOffset to) =>
        [.. (await Read(cluster, null, from, to)).Where(rollup => rollup.Guests.Any(guest => guest.Vmid == vmid)).Select(rollup => rollup with { Guests = [.. rollup.Guests.Where(guest => guest.Vmid == vmid)] })];
}

/// <summary>Takes audit entries and keeps them; fails when told to.</summary>
internal sealed class RecordingAudit : IAuditLog
{
    private readonly ConcurrentQueue<AuditEntry> entries = [];

    /// <summary>Targets whose next entry can't be written.</summary>
    public ConcurrentDictionary<string, bool> FailNextAdd { get; } = [];

    /// <summary>All that were added about a target, in the order they came.</summary>
    public IReadOnlyList<AuditEntry> Of(string target) => [.. entries.Where(entry => entry.Target == target)];

    public Task Add(AuditEntry entry)
    {
        if (FailNextAdd.TryRemove(entry.Target, out _))
        {
            throw new IOException("The database is locked.");
        }

        entries.Enqueue(entry);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<AuditRecord>> Find(AuditQuery query) =>
        Task.FromResult<IReadOnlyList<AuditRecord>>([.. entries.Reverse().Take(query.Take).Select((entry, index) => new AuditRecord(entries.Count - index, entry, string.Empty, string.Empty))]);

    public Task<AuditSpan> SpanOf(DateTimeOffset? from, DateTimeOffset? to) => Task.FromResult(new AuditSpan(1, entries.Count));
}

/// <summary>Campaigns in memory.</summary>
internal sealed class RecordingCampaigns : ICampaignHistory
{
    private readonly ConcurrentDictionary<JobId, (ClusterId Cluster, CampaignState Campaign, CampaignPlan? Plan)> campaigns = [];
    private readonly ConcurrentDictionary<(JobId, int), CampaignEvent> events = [];

    /// <summary>Clusters whose campaigns can't be written.</summary>
    public ConcurrentDictionary<ClusterId, bool> Unwritable { get; } = [];

    public CampaignPlan? PlanOf(JobId id) => campaigns[id].Plan;

    public IReadOnlyList<CampaignEvent> EventsOf(JobId id) => [.. events.Where(one => one.Key.Item1 == id).Select(one => one.Value).OrderBy(one => one.Number)];

    public Task Keep(ClusterId cluster, CampaignState campaign, CampaignPlan? plan)
    {
        if (Unwritable.ContainsKey(cluster))
        {
            return Task.FromException(new IOException("The disk is full."));
        }

        campaigns.AddOrUpdate(campaign.Id!.Value, _ => (cluster, campaign, plan), (_, known) => (cluster, known.Campaign.IsOver ? known.Campaign : campaign, known.Plan ?? plan));
        foreach (var happened in campaign.News)
        {
            events.TryAdd((campaign.Id.Value, happened.Number), happened);
        }

        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<CampaignState>> List(ClusterId cluster, int skip, int take) =>
        Task.FromResult<IReadOnlyList<CampaignState>>([.. campaigns.Values.Where(one => one.Cluster == cluster).Select(one => one.Campaign).Skip(skip).Take(take)]);

    public Task<CampaignSelection> Select(CampaignQuery query)
    {
        var selected = campaigns.Values.OrderByDescending(one => one.Campaign.Id!.Value.Value, StringComparer.Ordinal)
            .Where(one => (query.Ended is not { } ended || one.Campaign.EndedAt is not null == ended) && (query.Cluster is not { } cluster || one.Cluster == cluster) && query.Clusters?.Contains(one.Cluster) is not false)
            .Select(one => new ClusterCampaign(one.Cluster, one.Campaign)).ToArray();
        return Task.FromResult(new CampaignSelection(selected.Length, [.. selected.Skip(query.Skip).Take(query.Take)]));
    }

    public Task<CampaignState?> Find(ClusterId cluster, JobId id) => Task.FromResult(campaigns.TryGetValue(id, out var one) && one.Cluster == cluster ? one.Campaign : null);

    public Task<CampaignPlan?> FindPlan(ClusterId cluster, JobId id) => Task.FromResult(campaigns.TryGetValue(id, out var one) && one.Cluster == cluster ? one.Plan : null);

    public Task<IReadOnlyList<CampaignEvent>> Events(JobId id, int after, int take) =>
        Task.FromResult<IReadOnlyList<CampaignEvent>>([.. EventsOf(id).Where(one => one.Number > after).Take(take)]);
}
