using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using NannyOrleans.Domain.Metrics;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.History;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Ids;
using Orleans.Storage;

namespace NannyOrleans.Grains.Tests;

/// <summary>Grain storage in memory, with versions checked as a database does, that fails a grain's next write when told to.</summary>
internal sealed class FailingStorage : IGrainStorage
{
    private readonly ConcurrentDictionary<string, (string Json, int Version)> rows = [];
    private readonly ConcurrentDictionary<string, bool> failing = [];
    private readonly ConcurrentDictionary<string, bool> unreadable = [];
    private readonly ConcurrentDictionary<string, int> writes = [];
    private readonly ConcurrentDictionary<string, Held> held = [];

    /// <summary>Fails the next write of a grain whose key contains <paramref name="key"/>.</summary>
    /// <param name="key">A part of the grain's id.</param>
    /// <param name="landed">Whether the write is made all the same and only its answer gets lost.</param>
    public void FailNextWrite(string key, bool landed) => failing[key] = landed;

    /// <summary>Stops the next write of a grain whose key contains <paramref name="key"/> until it is let go.</summary>
    public Held HoldNextWrite(string key) => held[key] = new();

    /// <summary>Fails every read of grains whose key contains <paramref name="key"/>, or no more.</summary>
    public void FailReads(string key, bool fail) => _ = fail ? unreadable.TryAdd(key, true) : unreadable.TryRemove(key, out _);

    /// <summary>How many writes there were to states whose key contains <paramref name="key"/>: <c>state:grain/key</c>.</summary>
    public int WritesOf(string key) => writes.Where(row => row.Key.Contains(key, StringComparison.Ordinal)).Sum(row => row.Value);

    /// <summary>Whether a failure that was ordered has not been met yet.</summary>
    public bool StillFailing(string key) => failing.ContainsKey(key);

    /// <summary>Drops the rows of grains whose key contains <paramref name="key"/>.</summary>
    public void Forget(string key)
    {
        foreach (var id in rows.Keys.Where(id => id.Contains(key, StringComparison.Ordinal)))
        {
            rows.TryRemove(id, out _);
        }
    }

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var id = $"{stateName}:{grainId}";
        if (unreadable.Keys.Any(key => id.Contains(key, StringComparison.Ordinal)))
        {
            throw new JsonException("The row is no JSON.");
        }

        if (rows.TryGetValue(id, out var row))
        {
            grainState.State = JsonSerializer.Deserialize<T>(row.Json)!;
            grainState.ETag = row.Version.ToString(CultureInfo.InvariantCulture);
            grainState.RecordExists = true;
        }
        else
        {
            grainState.State = Activator.CreateInstance<T>();
        }

        return Task.CompletedTask;
    }

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var id = $"{stateName}:{grainId}";
        if (held.Keys.FirstOrDefault(key => id.Contains(key, StringComparison.Ordinal)) is { } stopped && held.TryRemove(stopped, out var hold))
        {
            hold.Reached.TrySetResult();
            await hold.LetGo.Task;
        }

        var failed = failing.Keys.FirstOrDefault(key => id.Contains(key, StringComparison.Ordinal));
        var landed = false;
        if (failed is not null && failing.TryRemove(failed, out landed) && !landed)
        {
            throw new IOException("The disk is full.");
        }

        var version = rows.TryGetValue(id, out var row) ? row.Version : 0;
        if (grainState.ETag != (version is 0 ? null : version.ToString(CultureInfo.InvariantCulture)))
        {
            throw new InconsistentStateException($"{id} has version {version}, not {grainState.ETag}.");
        }

        rows[id] = (JsonSerializer.Serialize(grainState.State), version + 1);
        writes.AddOrUpdate(id, 1, (_, before) => before + 1);
        if (landed)
        {
            throw new IOException("The answer was lost.");
        }

        grainState.ETag = (version + 1).ToString(CultureInfo.InvariantCulture);
        grainState.RecordExists = true;
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        rows.TryRemove($"{stateName}:{grainId}", out _);
        grainState.State = Activator.CreateInstance<T>();
        grainState.ETag = null;
        grainState.RecordExists = false;
        return Task.CompletedTask;
    }
}

/// <summary>A write that waits.</summary>
internal sealed class Held
{
    /// <summary>Ends when the write has begun.</summary>
    public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Lets the write go on.</summary>
    public TaskCompletionSource LetGo { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>History in memory that remembers how often each operation was added, and fails when told to.</summary>
internal sealed class RecordingHistory : IOperationHistory
{
    private readonly ConcurrentDictionary<string, (OperationRecord Operation, OperationOutput Output)> ended = [];
    private readonly ConcurrentDictionary<string, int> adds = [];

    public ConcurrentDictionary<string, bool> FailNextAdd { get; } = [];

    /// <summary>Operations whose row can't be read.</summary>
    public ConcurrentDictionary<string, bool> Unreadable { get; } = [];

    public int AddsOf(string id) => adds.GetValueOrDefault(id);

    public Task Add(OperationRecord operation, OperationOutput output)
    {
        if (FailNextAdd.TryRemove(operation.Id.Value, out _))
        {
            throw new IOException("The database is locked.");
        }

        if (ended.TryAdd(operation.Id.Value, (operation, output)))
        {
            adds.AddOrUpdate(operation.Id.Value, 1, (_, before) => before + 1);
        }

        return Task.CompletedTask;
    }

    public Task<OperationRecord?> Find(string id) => Unreadable.ContainsKey(id) ? throw new JsonException("Not JSON.") : Task.FromResult(ended.TryGetValue(id, out var row) ? row.Operation : null);

    public Task<OperationOutput?> FindOutput(string id) => Task.FromResult(ended.TryGetValue(id, out var row) ? row.Output : null);
}

/// <summary>Metrics history that remembers what it was given.</summary>
internal sealed class RecordingMetrics : IMetricsHistory
{
    private readonly ConcurrentQueue<MetricsRollup> rollups = [];

    public IReadOnlyList<MetricsRollup> Of(ClusterId cluster) => [.. rollups.Where(rollup => rollup.Cluster == cluster)];

    public void Add(MetricsRollup rollup) => rollups.Enqueue(rollup);

    public Task<IReadOnlyList<MetricsRollup>> Read(ClusterId cluster, NodeName? node, DateTimeOffset from, DateTimeOffset to) =>
        Task.FromResult<IReadOnlyList<MetricsRollup>>([.. Of(cluster).Where(rollup => (node is null || rollup.Node == node) && rollup.At >= from && rollup.At <= to)]);
}

/// <summary>An audit log that remembers, and fails when told to.</summary>
internal sealed class RecordingAudit : IAuditLog
{
    private readonly ConcurrentQueue<AuditEntry> entries = [];

    public ConcurrentDictionary<string, bool> FailNextAdd { get; } = [];

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

    public Task<IReadOnlyList<AuditEntry>> Newest(int count) => Task.FromResult<IReadOnlyList<AuditEntry>>([.. entries.Reverse().Take(count)]);
}
