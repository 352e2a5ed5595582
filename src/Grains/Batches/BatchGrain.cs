using Microsoft.Extensions.Logging;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Batches;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Changes;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Grains.Scripts;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Batches;

[GrainType("batch")]
internal sealed partial class BatchGrain(
    [PersistentState("batch")] IPersistentState<BatchState> stored,
    IOperationHistory history,
    ScriptKeys keys,
    Announcer changes,
    TimeProvider clock,
    ILogger<BatchGrain> logger) : Grain, IBatchGrain
{
    private IGrainTimer? timer;
    private int next;
    private int pause;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        StartTimer();
        return Task.CompletedTask;
    }

    public async Task Start(BatchState asked)
    {
        if (stored.State.Id is null)
        {
            // On the list first: one too many there is dropped, one that is missing would be forgotten by a restart.
            await Unfinished.Add(asked.Id!.Value);
            await Store(BatchMachine.Start(stored.State, asked));
        }

        StartTimer();
    }

    public async Task Resume()
    {
        if (BatchMachine.HasWaiting(stored.State))
        {
            StartTimer();
        }
        else if (JobId.TryParse(this.GetPrimaryKeyString(), null, out var id))
        {
            // A restart came between the last start and its removal, or between the list and the batch.
            await Unfinished.Remove(id);
        }
    }

    public async Task<BatchProgress?> Cancel()
    {
        if (stored.State.Id is null)
        {
            return null;
        }

        // What has not been started never is; then what was started. Asking again after a crash in between is harmless.
        await Store(BatchMachine.Cancel(stored.State));
        var alive = (await history.StatusesOf(stored.State.Id!.Value)).Where(one => !one.Value.IsFinal()).Select(one => JobId.Parse(one.Key)).ToArray();
        foreach (var some in alive.Chunk(AtOnce))
        {
            await Task.WhenAll(some.Select(CancelOne));
        }

        return await Get();
    }

    private async Task CancelOne(JobId id)
    {
        if (await GrainFactory.GetGrain<IOperationGrain>(id.Value).Get() is { } operation && !operation.Status.IsFinal())
        {
            await GrainFactory.GetGrain<INodeGrain>(new NodeKey(operation.Cluster, operation.Node).ToString()).Cancel(id);
        }
    }

    public async Task<BatchProgress?> Get()
    {
        var batch = stored.State;
        if (batch.Id is not { } id)
        {
            return null;
        }

        // A row is there before its target counts as started: one that is missing has been dropped for its age.
        var statuses = await history.StatusesOf(id);
        return new(batch, [.. batch.Targets.Select(target => statuses.TryGetValue(target.Operation.Value, out var status) && target.Step is BatchStep.Started ? status : (OperationStatus?)null)]);
    }

    public async Task Forget()
    {
        if (stored.State.Id is not { } id || BatchMachine.HasWaiting(stored.State))
        {
            return;
        }

        await Unfinished.Remove(id);
        await stored.ClearStateAsync();
        DeactivateOnIdle();
    }

    private Task Store(BatchState next) => stored.Replace(next, this, changes, new(ChangeKind.Batch, Id: this.GetPrimaryKeyString()));

    private IUnfinishedBatchesGrain Unfinished => GrainFactory.GetGrain<IUnfinishedBatchesGrain>(0);

    private void StartTimer()
    {
        if (timer is null && BatchMachine.HasWaiting(stored.State))
        {
            timer = this.RegisterGrainTimer(Advance, new GrainTimerCreationOptions(TimeSpan.Zero, Period) { KeepAlive = true });
        }
    }

    /// <summary>Starts the next ones. What it does not get to comes with a later tick, what fails is tried again: an operation is started once per id.</summary>
    private async Task Advance()
    {
        if (pause > 0)
        {
            pause--;
            return;
        }

        try
        {
            var before = stored.State;
            for (var done = 0; done < PerTick && BatchMachine.Next(stored.State, next, AtOnce) is { Count: > 0 } some; done += some.Count)
            {
                next = IndexAfter(some[^1]);

                // Started before, and the answer was lost, perhaps a moment ago: an ended one must not be queued again. One question for all of these.
                var started = await history.StatusesOf(stored.State.Id!.Value);
                var tried = await Task.WhenAll(some.Select(target => TryStart(target, started)));
                await Store(BatchMachine.Tried(stored.State, tried.Where(one => one.Known).ToDictionary(one => one.Operation, one => one.Refusal)));
            }

            if (!BatchMachine.HasWaiting(stored.State))
            {
                await Unfinished.Remove(stored.State.Id!.Value);
                timer?.Dispose();
                timer = null;
            }
            else if (ReferenceEquals(before, stored.State))
            {
                pause = TicksOfPause; // full outboxes empty slowly
            }
        }
        catch (Exception failure)
        {
            // The tick is a loop's turn. After a failed write this activation ends; the timer of the next one goes on.
            LogNotAdvanced(this.GetPrimaryKeyString(), failure);
            pause = TicksOfPause;
        }
    }

    private int IndexAfter(BatchTarget target)
    {
        for (var i = 0; i < stored.State.Targets.Count; i++)
        {
            if (stored.State.Targets[i].Operation == target.Operation)
            {
                return i + 1;
            }
        }

        return 0;
    }

    private async Task<(JobId Operation, bool Known, Refusal? Refusal)> TryStart(BatchTarget target, IReadOnlyDictionary<string, OperationStatus> started)
    {
        try
        {
            if (started.ContainsKey(target.Operation.Value))
            {
                return (target.Operation, true, null);
            }

            var batch = stored.State;
            if (await GrainFactory.Find(target.AgentId, Sight.All) is not [var found])
            {
                // A host that can't be read just now may well have it: that is no answer, and is asked again. One that could be read only after
                // the look was made is looked at once more.
                var unread = target is { Vmid: not null, Cluster: { } cluster } && await GrainFactory.GetGrain<IClusterGrain>(cluster.Value).HasUnreadNode();
                return unread || await GrainFactory.Find(target.AgentId, Sight.All) is [_] ? (target.Operation, false, null) : (target.Operation, true, new("not-found", $"There is no host or guest '{target.AgentId}' any more."));
            }

            var entry = await GrainFactory.PreparePatch(keys, target.Operation, found, batch.Order! with { Batch = batch.Id }, clock.GetUtcNow());
            return (target.Operation, true, entry.IsRefused ? entry.Refusal : (await GrainFactory.Queue(entry.Value)).Refusal);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            LogNotStarted(target.AgentId, target.Operation.Value, failure);
            return (target.Operation, false, null);
        }
    }

    [LoggerMessage(2301, LogLevel.Warning, "Batch {Batch} could not go on, trying again", EventName = "BatchNotAdvanced")]
    private partial void LogNotAdvanced(string batch, Exception failure);

    [LoggerMessage(2302, LogLevel.Warning, "{Target}: operation {Operation} could not be started, trying again", EventName = "BatchTargetNotStarted")]
    private partial void LogNotStarted(string target, string operation, Exception failure);

    private const int AtOnce = 100;
    private const int PerTick = 500; // so that who cancels waits for some seconds at most
    private const int TicksOfPause = 5;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
}

[GrainType("unfinished-batches")]
internal sealed class UnfinishedBatchesGrain([PersistentState("batches")] IPersistentState<UnfinishedBatchesState> stored) : Grain, IUnfinishedBatchesGrain
{
    public Task Add(JobId batch) => stored.State.Batches.Contains(batch)
        ? Task.CompletedTask
        : stored.Replace(new UnfinishedBatchesState { Batches = [.. stored.State.Batches, batch] }, this);

    public Task Remove(JobId batch) => stored.State.Batches.Contains(batch)
        ? stored.Replace(new UnfinishedBatchesState { Batches = [.. stored.State.Batches.Where(one => one != batch)] }, this)
        : Task.CompletedTask;

    public Task<IReadOnlyList<JobId>> All() => Task.FromResult(stored.State.Batches);
}

/// <summary>What is stored of the list of unfinished batches.</summary>
public sealed record UnfinishedBatchesState
{
    /// <summary>The batches.</summary>
    public IReadOnlyList<JobId> Batches { get; init; } = [];
}
