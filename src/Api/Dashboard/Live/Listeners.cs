using NannyOrleans.Grains.Changes;

namespace NannyOrleans.Api.Dashboard.Live;

/// <summary>Who wants to hear of what. Looked up by topic, so that thousands who want others cost a change nothing.</summary>
internal sealed partial class Listeners(ILogger logger)
{
    private readonly Lock gate = new();
    private readonly Dictionary<Change, HashSet<Listener>> wanted = [];

    /// <summary>Adds one, until what is returned is disposed of.</summary>
    public IDisposable Add(IReadOnlyList<Change> topics, Action<IReadOnlyList<Change>> changed)
    {
        var listener = new Listener(this, topics, changed);
        lock (gate)
        {
            foreach (var topic in topics)
            {
                if (!wanted.TryGetValue(topic, out var those))
                {
                    wanted[topic] = those = [];
                }

                those.Add(listener);
            }
        }

        return listener;
    }

    /// <summary>Tells those whom it concerns, without waiting for any.</summary>
    public void Tell(IReadOnlyList<Change> changes)
    {
        lock (gate)
        {
            foreach (var change in changes)
            {
                foreach (var topic in Concerned(change))
                {
                    foreach (var listener in wanted.GetValueOrDefault(topic) ?? [])
                    {
                        listener.Take(change);
                    }
                }
            }
        }
    }

    // Of one thing, as nearly all changes are: its topics can be counted up. Of many: each is looked at.
    private IEnumerable<Change> Concerned(Change change) => change is { Cluster: { } cluster, Id: { } id }
        ?
        [
            change, new(change.Kind, cluster), new(change.Kind, Id: id), new(change.Kind),
            change with { Kind = ChangeKind.Anything }, new(ChangeKind.Anything, cluster), new(ChangeKind.Anything, Id: id), Change.Anything,
        ]
        : wanted.Keys.Where(change.Concerns);

    private void Remove(Listener listener, IReadOnlyList<Change> topics)
    {
        lock (gate)
        {
            foreach (var topic in topics)
            {
                if (wanted.TryGetValue(topic, out var those) && those.Remove(listener) && those.Count is 0)
                {
                    wanted.Remove(topic);
                }
            }
        }
    }

    /// <summary>One of them, called on a thread of the pool, one call at a time. What is said meanwhile is one call more.</summary>
    private sealed class Listener(Listeners owner, IReadOnlyList<Change> topics, Action<IReadOnlyList<Change>> changed) : IThreadPoolWorkItem, IDisposable
    {
        private readonly PendingChanges pending = new();
        private bool isGone;
        private int isQueued;

        public void Take(Change change)
        {
            pending.Add(change);
            Queue();
        }

        public void Execute()
        {
            try
            {
                if (!Volatile.Read(ref isGone) && pending.Take() is { Count: > 0 } some)
                {
                    changed(some);
                }
            }
            catch (Exception failure)
            {
                // The top of a loop: what one page does wrong must not keep the others from hearing.
                owner.LogFailed(failure);
            }

            Volatile.Write(ref isQueued, 0);
            if (!pending.IsEmpty)
            {
                Queue();
            }
        }

        public void Dispose()
        {
            Volatile.Write(ref isGone, true);
            owner.Remove(this, topics);
            pending.Take();
        }

        private void Queue()
        {
            if (Interlocked.Exchange(ref isQueued, 1) is 0)
            {
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }
        }
    }

    [LoggerMessage(5502, LogLevel.Error, "Somebody who was told of a change failed", EventName = "ListenerFailed")]
    private partial void LogFailed(Exception failure);
}
