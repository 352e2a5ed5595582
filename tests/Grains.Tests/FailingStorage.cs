using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Operations;
using Orleans.Storage;

namespace NannyOrleans.Grains.Tests;

/// <summary>Grain storage in memory, with versions checked as a database does, that fails a grain's next write when told to.</summary>
internal sealed class FailingStorage : IGrainStorage
{
    private readonly ConcurrentDictionary<string, (string Json, int Version)> rows = [];
    private readonly ConcurrentDictionary<string, bool> failing = [];

    /// <summary>Fails the next write of a grain whose key contains <paramref name="key"/>.</summary>
    /// <param name="key">A part of the grain's id.</param>
    /// <param name="landed">Whether the write is made all the same and only its answer gets lost.</param>
    public void FailNextWrite(string key, bool landed) => failing[key] = landed;

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
        if (rows.TryGetValue($"{grainId}", out var row))
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

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var failed = failing.Keys.FirstOrDefault(key => grainId.ToString().Contains(key, StringComparison.Ordinal));
        var landed = false;
        if (failed is not null && failing.TryRemove(failed, out landed) && !landed)
        {
            throw new IOException("The disk is full.");
        }

        var version = rows.TryGetValue($"{grainId}", out var row) ? row.Version : 0;
        if (grainState.ETag != (version is 0 ? null : version.ToString(CultureInfo.InvariantCulture)))
        {
            throw new InconsistentStateException($"{grainId} has version {version}, not {grainState.ETag}.");
        }

        rows[$"{grainId}"] = (JsonSerializer.Serialize(grainState.State), version + 1);
        if (landed)
        {
            throw new IOException("The answer was lost.");
        }

        grainState.ETag = (version + 1).ToString(CultureInfo.InvariantCulture);
        grainState.RecordExists = true;
        return Task.CompletedTask;
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        rows.TryRemove($"{grainId}", out _);
        grainState.State = Activator.CreateInstance<T>();
        grainState.ETag = null;
        grainState.RecordExists = false;
        return Task.CompletedTask;
    }
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
