namespace NannyOrleans.Grains.Changes;

/// <summary>Changes that wait to be told, each once and not too many of them. Any thread may add, and waits for nobody.</summary>
public sealed class PendingChanges
{
    /// <summary>The most that wait one by one. Above it the kind that has most of them becomes one: any of it may have changed.</summary>
    public const int Most = 256;

    private readonly Lock gate = new();
    private readonly HashSet<Change> single = [];
    private readonly HashSet<ChangeKind> whole = [];

    /// <summary>Whether nothing waits.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (gate)
            {
                return single.Count + whole.Count is 0;
            }
        }
    }

    /// <summary>Adds a change.</summary>
    /// <returns>Whether it is the first since the last time all were taken: somebody has to come for them.</returns>
    public bool Add(Change change)
    {
        lock (gate)
        {
            var isFirst = single.Count + whole.Count is 0;
            if (change is { Cluster: null, Id: null })
            {
                whole.Add(change.Kind);
            }
            else if (!whole.Contains(change.Kind) && single.Add(change) && single.Count > Most)
            {
                var most = single.CountBy(one => one.Kind).MaxBy(kind => kind.Value).Key;
                whole.Add(most);
                single.RemoveWhere(one => one.Kind == most);
            }

            return isFirst;
        }
    }

    /// <summary>Takes all that wait.</summary>
    public IReadOnlyList<Change> Take()
    {
        lock (gate)
        {
            Change[] taken = whole.Contains(ChangeKind.Anything)
                ? [Change.Anything]
                : [.. whole.Select(kind => new Change(kind)), .. single.Where(one => !whole.Contains(one.Kind))];
            single.Clear();
            whole.Clear();
            return taken;
        }
    }
}
