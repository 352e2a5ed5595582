using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Changes;
using NannyOrleans.Grains.History;
using NannyOrleans.Grains.Telemetry;
using NannyOrleans.Protocol.Jobs;
using Orleans.Storage;

namespace NannyOrleans.Grains.Operations;

[GrainType("operation")]
internal sealed class OperationGrain(
    IGrainStorage storage,
    IOperationHistory history,
    Instruments instruments,
    Announcer changes,
    TimeProvider clock) : Grain, IOperationGrain
{
    private readonly LiveOutput live = new();
    private Task? loading;
    private OperationRecord? known;
    private TaskCompletionSource news = NewNews();

    public async Task Open(OperationRecord operation)
    {
        if (known is not null)
        {
            return;
        }

        // Without a look first: nearly every operation is opened once, and is new then.
        var isNew = false;
        await Attempt(async () => isNew = await history.Begin(operation));
        if (isNew)
        {
            loading = Task.CompletedTask;
            Know(operation);
        }
        else
        {
            await Load();
        }
    }

    public async Task<OperationRecord?> Report(JobReport report)
    {
        if (await Get() is not { } operation)
        {
            return null;
        }

        var next = OperationMachine.Report(operation, report, clock.GetUtcNow());
        if (!ReferenceEquals(next, operation))
        {
            await Store(next, () => operation.Status.IsFinal() ? history.Amend(next, Reporter.Actor)
                : next.Status.IsFinal() ? history.Add(next, new(report.StandardOutput, report.StandardError), Reporter.Actor)
                : history.Keep(next));
        }

        return known;
    }

    public async Task<bool> GiveUp(TimeSpan waited)
    {
        if (await Get() is not { } operation || OperationMachine.GiveUp(operation, waited, clock.GetUtcNow()) is var next && ReferenceEquals(next, operation))
        {
            return false;
        }

        await Store(next, () => history.Add(next, new(string.Empty, string.Empty), AuditEntry.System));
        return true;
    }

    public async Task<OperationRecord?> Cancel()
    {
        if (await Get() is { } operation && OperationMachine.Cancel(operation) is var next && !ReferenceEquals(next, operation))
        {
            await Store(next, () => history.Keep(next));
        }

        return known;
    }

    public async Task<OperationRecord?> Get()
    {
        await Load();
        return known;
    }

    public Task<OperationOutput?> GetOutput() => history.FindOutput(this.GetPrimaryKeyString());

    public async Task TakeOutput(NodeKey node, JobOutput piece)
    {
        if (await Get() is { } operation && !operation.Status.IsFinal() && operation.Cluster == node.Cluster && operation.Node == node.Node && live.Add(piece))
        {
            Tell();
            changes.Say(new(ChangeKind.Output, operation.Cluster, operation.Id.Value));
        }
    }

    public async Task<OutputPage?> ReadOutput(OutputPosition from, OperationStatus? seen, TimeSpan wait)
    {
        await Load();
        var until = clock.GetUtcNow() + (wait < OutputPage.MaxWait ? wait : OutputPage.MaxWait);
        while (known is { } operation)
        {
            var next = news.Task;
            if (operation.Status.IsFinal())
            {
                return new(operation, await GetOutput() is { } printed ? from.Rest(printed) : []);
            }

            var (pieces, left) = (live.After(from), until - clock.GetUtcNow());
            if (pieces.Count > 0 || operation.Status != seen || left <= TimeSpan.Zero)
            {
                return new(operation, pieces);
            }

            await next.WaitAsync(left, clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }

        return null;
    }

    private static TaskCompletionSource NewNews() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Readers interleave with what changes the operation, so it is read once for all of them.
    private async Task Load()
    {
        try
        {
            await (loading ??= LoadOnce());
        }
        catch
        {
            loading = null;
            throw;
        }
    }

    private async Task LoadOnce()
    {
        var found = await history.Find(this.GetPrimaryKeyString()) ?? await FindOld();
        known ??= found; // it may have been opened since
    }

    // One that was alive before operations were rows from their first moment on. Its old place is left as it is: the row is read first.
    private async Task<OperationRecord?> FindOld()
    {
        var old = new GrainState<OperationState>(new());
        await storage.ReadStateAsync("operation", this.GetGrainId(), old);
        if (old.State?.Operation is { } operation)
        {
            await history.Keep(operation);
        }

        return old.State?.Operation;
    }

    private async Task Store(OperationRecord next, Func<Task> write)
    {
        var hadEnded = known?.Status.IsFinal() is true;
        await Attempt(write);
        Know(next);
        if (next.Status.IsFinal() && !hadEnded)
        {
            instruments.Ended(next, clock.GetUtcNow());
        }
    }

    // A failed write may have landed or not: the activation ends, and the next one reads which.
    private async Task Attempt(Func<Task> write)
    {
        try
        {
            await write();
        }
        catch
        {
            Say();
            DeactivateOnIdle();
            throw;
        }
    }

    private void Know(OperationRecord operation)
    {
        known = operation;
        Tell();
        Say();
    }

    private void Say() => changes.Say(new(ChangeKind.Operation, known?.Cluster, this.GetPrimaryKeyString()));

    private void Tell()
    {
        var before = news;
        news = NewNews();
        before.SetResult();
    }
}

/// <summary>Where a living operation was stored before it was a row in history; only read any more.</summary>
internal sealed record OperationState
{
    /// <summary>The operation; null when there is none.</summary>
    public OperationRecord? Operation { get; init; }
}
