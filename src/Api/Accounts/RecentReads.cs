using System.Collections.Concurrent;
using NannyOrleans.Api.Http;

namespace NannyOrleans.Api.Accounts;

/// <summary>
/// What was read of the accounts a moment ago. What is taken away ends within <see cref="Fresh"/> in every process, and at once in the one where
/// it was taken, without the database being asked with each request. While it does not answer, nobody can take anything away either: what was
/// known holds for <see cref="Usable"/>, and then nothing.
/// </summary>
/// <param name="clock">Measures the age.</param>
/// <param name="read">Reads what belongs to a key; null when there is nothing.</param>
internal sealed class RecentReads<T>(TimeProvider clock, Func<string, Task<T?>> read)
    where T : class
{
    /// <summary>How old an answer may be.</summary>
    public static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Usable = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private const int Most = 4096;
    private readonly ConcurrentDictionary<string, (T Value, long At)> known = new(StringComparer.Ordinal);

    /// <summary>What belongs to the key. That there is nothing is not remembered: keys that nobody was given would fill the memory.</summary>
    public async ValueTask<T?> Get(string key)
    {
        if (!known.TryGetValue(key, out var before) || clock.GetElapsedTime(before.At) >= Usable)
        {
            return await Ask(key);
        }

        if (clock.GetElapsedTime(before.At) < Fresh)
        {
            return before.Value;
        }

        try
        {
            return await Ask(key).WaitAsync(Patience, clock);
        }
        catch (Exception failure) when (failure is TimeoutException || Problems.IsUnavailable(failure))
        {
            return before.Value;
        }
    }

    /// <summary>Has it read anew: it was changed here.</summary>
    public void Forget(string key) => known.TryRemove(key, out _);

    private async Task<T?> Ask(string key)
    {
        var at = clock.GetTimestamp(); // before it is read: what changes meanwhile is as old as that
        if (await read(key) is not { } value)
        {
            known.TryRemove(key, out _);
            return null;
        }

        if (known.Count >= Most)
        {
            known.Clear();
        }

        // Of two that ask at once, what was asked later stays.
        known.AddOrUpdate(key, (value, at), (_, other) => other.At > at ? other : (value, at));
        return value;
    }
}
