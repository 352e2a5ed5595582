using System.Collections;
using System.Globalization;
using Microsoft.Extensions.Logging;
using NannyOrleans.Domain.Operations;

namespace NannyOrleans.Grains.Telemetry;

/// <summary>What structured logs have beside each line that is about an operation: its id, and those of its campaign and batch.</summary>
public sealed class OperationScope : IReadOnlyList<KeyValuePair<string, object?>>
{
    private readonly List<KeyValuePair<string, object?>> ids = [];

    private OperationScope(OperationRecord operation)
    {
        ids.Add(new("operation", operation.Id.Value));
        Add("campaign", operation.Campaign?.Value);
        Add("batch", operation.Batch?.Value);
    }

    /// <inheritdoc/>
    public int Count => ids.Count;

    /// <inheritdoc/>
    public KeyValuePair<string, object?> this[int index] => ids[index];

    /// <summary>Begins it; it lasts until what is returned is disposed of.</summary>
    public static IDisposable? Begin(ILogger logger, OperationRecord operation) => logger.BeginScope(new OperationScope(operation));

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() => ids.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public override string ToString() => string.Join(' ', ids.Select(id => string.Create(CultureInfo.InvariantCulture, $"{id.Key}:{id.Value}")));

    private void Add(string name, string? id)
    {
        if (id is not null)
        {
            ids.Add(new(name, id));
        }
    }
}
