using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Orleans.Storage;

namespace NannyOrleans.Grains.Tests;

/// <summary>Grain storage in memory, with versions checked as a database does, that counts, fails and holds up reads and writes when told to.</summary>
internal sealed class FailingStorage : IGrainStorage
{
    private readonly ConcurrentDictionary<string, (string Json, int Version)> rows = [];
    private readonly ConcurrentDictionary<string, bool> failing = [];
    private readonly ConcurrentDictionary<string, int> writes = [];
    private readonly ConcurrentDictionary<string, Gate> gates = [];

    /// <summary>Rows that can't be read, by the end of their name.</summary>
    public ConcurrentDictionary<string, bool> Unreadable { get; } = [];

    /// <summary>Fails the next write of a row whose name contains <paramref name="key"/>.</summary>
    /// <param name="key">A part of the row's name: <c>STATE:TYPE/KEY</c>.</param>
    /// <param name="landed">Whether the write is made all the same and only its answer gets lost.</param>
    public void FailNextWrite(string key, bool landed) => failing[key] = landed;

    /// <summary>Whether a failure that was ordered has not been met yet.</summary>
    public bool StillFailing(string key) => failing.ContainsKey(key);

    /// <summary>How often rows whose name contains <paramref name="key"/> were written.</summary>
    public int WritesOf(string key) => writes.Where(row => row.Key.Contains(key, StringComparison.Ordinal)).Sum(row => row.Value);

    /// <summary>Holds up the next write of a row whose name contains <paramref name="key"/>, until it is told to go on.</summary>
    public Gate HoldNextWrite(string key) => gates[$"write {key}"] = new();

    /// <summary>Holds up the next read of a row whose name contains <paramref name="key"/>, until it is told to go on.</summary>
    public Gate HoldNextRead(string key) => gates[$"read {key}"] = new();

    /// <summary>Drops the rows of grains whose key contains <paramref name="key"/>.</summary>
    public void Forget(string key)
    {
        foreach (var id in rows.Keys.Where(id => id.Contains(key, StringComparison.Ordinal)))
        {
            rows.TryRemove(id, out _);
        }
    }

    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        await PassGate("read", Row(stateName, grainId));
        if (Unreadable.Keys.Any(key => Row(stateName, grainId).EndsWith(key, StringComparison.Ordinal)))
        {
            throw new IOException("The disk is broken.");
        }

        if (rows.TryGetValue(Row(stateName, grainId), out var row))
        {
            grainState.State = JsonSerializer.Deserialize<T>(row.Json)!;
            grainState.ETag = row.Version.ToString(CultureInfo.InvariantCulture);
            grainState.RecordExists = true;
        }
        else
        {
            grainState.State = Activator.CreateInstance<T>();
        }
    }

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        await PassGate("write", Row(stateName, grainId));
        var failed = failing.Keys.FirstOrDefault(key => Row(stateName, grainId).Contains(key, StringComparison.Ordinal));
        var landed = false;
        if (failed is not null && failing.TryRemove(failed, out landed) && !landed)
        {
            throw new IOException("The disk is full.");
        }

        var version = rows.TryGetValue(Row(stateName, grainId), out var row) ? row.Version : 0;
        if (grainState.ETag != (version is 0 ? null : version.ToString(CultureInfo.InvariantCulture)))
        {
            throw new InconsistentStateException($"{grainId} has version {version}, not {grainState.ETag}.");
        }

        rows[Row(stateName, grainId)] = (JsonSerializer.Serialize(grainState.State), version + 1);
        writes.AddOrUpdate(Row(stateName, grainId), 1, (_, before) => before + 1);
        if (landed)
        {
            throw new IOException("The answer was lost.");
        }

        grainState.ETag = (version + 1).ToString(CultureInfo.InvariantCulture);
        grainState.RecordExists = true;
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        rows.TryRemove(Row(stateName, grainId), out _);
        grainState.State = Activator.CreateInstance<T>();
        grainState.ETag = null;
        grainState.RecordExists = false;
        return Task.CompletedTask;
    }

    private Task PassGate(string kind, string row) =>
        gates.Keys.FirstOrDefault(key => key.StartsWith(kind, StringComparison.Ordinal) && row.Contains(key[(kind.Length + 1)..], StringComparison.Ordinal)) is { } held
        && gates.TryRemove(held, out var gate) ? gate.Pass() : Task.CompletedTask;

    private static string Row(string state, GrainId grain) => $"{state}:{grain}";

    /// <summary>A place where a read or a write waits.</summary>
    internal sealed class Gate
    {
        private readonly TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource open = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Ends when one waits here.</summary>
        public Task Reached => reached.Task.WaitAsync(TimeSpan.FromSeconds(30));

        /// <summary>Lets it go on.</summary>
        public void Open() => open.SetResult();

        public Task Pass()
        {
            reached.SetResult();
            return open.Task;
        }
    }
}
