using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Domain.Batches;

/// <summary>The decisions about a batch.</summary>
public static class BatchMachine
{
    /// <summary>Takes an order. The same again changes nothing, whatever has become of it since.</summary>
    public static BatchState Start(BatchState batch, BatchState asked) => batch.Id is null ? asked : batch;

    /// <summary>Whether targets are still to be started.</summary>
    public static bool HasWaiting(BatchState batch) => batch.Targets.Any(target => target.Step is BatchStep.Waiting);

    /// <summary>
    /// The next targets to start, at most <paramref name="count"/>, from a place on and round to it again: a host whose outbox is full must not
    /// hold up the others.
    /// </summary>
    public static IReadOnlyList<BatchTarget> Next(BatchState batch, int from, int count) =>
        [.. batch.Targets.Skip(from).Concat(batch.Targets.Take(from)).Where(target => target.Step is BatchStep.Waiting).Take(count)];

    /// <summary>
    /// Takes what came of starting some. A full outbox is no answer, nor is none: both are tried again later. A batch in which nothing
    /// changed is given back as it is.
    /// </summary>
    /// <param name="batch">The batch.</param>
    /// <param name="tried">For each operation why it was not started; null when it was; absent when nobody knows.</param>
    public static BatchState Tried(BatchState batch, IReadOnlyDictionary<JobId, Refusal?> tried)
    {
        var news = tried.Where(one => one.Value is not { Code: OutboxFull }).ToDictionary();
        return batch.Targets.Any(IsNews)
            ? batch with { Targets = [.. batch.Targets.Select(target => IsNews(target) ? After(target, news[target.Operation]) : target)] }
            : batch;

        bool IsNews(BatchTarget target) => target.Step is BatchStep.Waiting && news.ContainsKey(target.Operation);
    }

    /// <summary>Ends it: what has not been started never is. Repeating it changes nothing.</summary>
    public static BatchState Cancel(BatchState batch) => batch.Cancelled ? batch : batch with
    {
        Cancelled = true,
        Targets = [.. batch.Targets.Select(target => target.Step is BatchStep.Waiting ? After(target, new("cancelled", "The batch was cancelled before this was started.")) : target)],
    };

    private const string OutboxFull = "outbox-full";

    private static BatchTarget After(BatchTarget target, Refusal? refusal) =>
        target with { Step = refusal is null ? BatchStep.Started : BatchStep.Refused, Refusal = refusal };
}
