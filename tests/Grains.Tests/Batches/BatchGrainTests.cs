using NannyOrleans.Domain.Batches;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Batches;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Grains.Tests.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Grains.Tests.Batches;

public sealed class BatchGrainTests(SiloCluster silo)
{
    private readonly ClusterId cluster = Some.Cluster();

    private JobId Id => Number(0);

    private IBatchGrain Batch => silo.Grains.GetGrain<IBatchGrain>(Id.Value);

    private INodeGrain Node => silo.Grains.GetGrain<INodeGrain>($"{cluster}/pve1");

    private IUnfinishedBatchesGrain Unfinished => silo.Grains.GetGrain<IUnfinishedBatchesGrain>(0);

    [Fact]
    public async Task Each_target_gets_its_operation_or_its_refusal_and_the_batch_its_end()
    {
        var session = await Connect();
        await Batch.Start(Asked(100, 101, 999)); // 999 is in no inventory
        var started = await Until(progress => !BatchMachine.HasWaiting(progress.Batch));
        Assert.Equal(["", "", "not-found"], started.Batch.Targets.Select(target => target.Refusal?.Code ?? string.Empty));
        Assert.Equal([BatchStep.Started, BatchStep.Started, BatchStep.Refused], started.Batch.Targets.Select(target => target.Step));
        Assert.Equal([OperationStatus.Pending, OperationStatus.Pending, null], started.Statuses);
        Assert.False(started.IsDone);
        Assert.Equal(Id, (await Operation(1))!.Batch);

        foreach (var job in (Job[])[await session.NextJob(), await session.NextJob()])
        {
            Assert.Null(await Node.Report(Some.Agent, new(job.Id, JobOutcome.Failed, "exit code 1")));
        }

        var done = await Until(progress => progress.IsDone);
        Assert.Equal([OperationStatus.Failed, OperationStatus.Failed, null], done.Statuses);
        await WaitFor(async () => !(await Unfinished.All()).Contains(Id), "the batch to leave the list");

        await silo.ForgetActivations();
        Assert.Equal([OperationStatus.Failed, OperationStatus.Failed, null], (await Batch.Get())!.Statuses);
        await Batch.Start(Asked(100, 101)); // the request again, late: nothing is started anew
        Assert.Equal(3, (await Batch.Get())!.Batch.Targets.Count);
        Assert.Empty(session.Received);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_order_whose_write_failed_can_be_given_again(bool landed)
    {
        var session = await Connect();
        silo.Storage.FailNextWrite($"batch:batch/{Id}", landed);
        await Assert.ThrowsAnyAsync<Exception>(() => Batch.Start(Asked(100)));
        await Batch.Start(Asked(100));
        await Until(progress => !BatchMachine.HasWaiting(progress.Batch));
        Assert.Equal(Number(1), (await session.NextJob()).Id);
        await AnotherReport();
        Assert.DoesNotContain(session.Received, job => job.Id != Number(1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_started_before_a_failed_write_is_not_started_again(bool landed)
    {
        var session = await Connect();
        var gate = silo.History.HoldNextKeep(Number(1).Value); // the order is stored, its operation is being opened
        await Batch.Start(Asked(100, 101));
        await gate.Reached;
        silo.Storage.FailNextWrite($"batch:batch/{Id}", landed);
        gate.Open();
        await WaitFor(() => Task.FromResult(!silo.Storage.StillFailing($"batch:batch/{Id}")), "the failed write");
        Assert.Contains(Id, await Unfinished.All());

        // The agent has done the first by the time the batch goes on.
        var jobs = new[] { await session.NextJob(), await session.NextJob() };
        Assert.Null(await Node.Report(Some.Agent, new(Number(1), JobOutcome.Failed, "exit code 1")));
        await silo.ForgetActivations();
        session = await Connect();
        foreach (var batch in await Unfinished.All())
        {
            await silo.Grains.GetGrain<IBatchGrain>(batch.Value).Resume();
        }

        var resumed = await Until(progress => !BatchMachine.HasWaiting(progress.Batch));
        Assert.Equal([OperationStatus.Failed, OperationStatus.Pending], resumed.Statuses);
        Assert.Equal([Number(1), Number(2)], jobs.Select(job => job.Id).Order(Comparer<JobId>.Create((a, b) => string.CompareOrdinal(a.Value, b.Value))));
        Assert.Equal(1, silo.History.AddsOf(Number(1).Value));
        await AnotherReport();
        Assert.DoesNotContain(session.Received, job => job.Id == Number(1));
    }

    [Fact]
    public async Task A_target_whose_start_failed_is_started_later_by_the_same_id()
    {
        var session = await Connect();
        silo.Storage.FailNextWrite($"node:node/{cluster}/pve1", landed: false); // the outbox can't be written
        await Batch.Start(Asked(100));
        await WaitFor(() => Task.FromResult(!silo.Storage.StillFailing($"node:node/{cluster}/pve1")), "the failed write");
        await Until(progress => !BatchMachine.HasWaiting(progress.Batch));
        Assert.Equal(OperationStatus.Pending, (await Operation(1))!.Status);
        Assert.NotNull(session);
    }

    [Fact]
    public async Task A_target_whose_host_cannot_be_read_just_now_is_asked_for_again_and_not_said_to_be_gone()
    {
        await Connect();
        var row = $"node/{cluster}/pve1";
        silo.Storage.Unreadable[row] = true;
        await silo.ForgetActivations();
        await Batch.Start(Asked(100));
        await WaitFor(() => silo.Grains.GetGrain<IClusterGrain>(cluster.Value).HasUnreadNode(), "the cluster to miss its node");

        silo.Storage.Unreadable.TryRemove(row, out _);
        silo.Clock.Shift += TimeSpan.FromSeconds(31); // the cluster asks again no sooner
        var started = await Until(progress => !BatchMachine.HasWaiting(progress.Batch));
        Assert.Equal((BatchStep.Started, null), (started.Batch.Targets[0].Step, started.Batch.Targets[0].Refusal));
    }

    [Fact]
    public async Task A_batch_is_forgotten_with_its_operations_and_not_while_something_is_to_be_started()
    {
        await Connect();
        await Batch.Start(Asked(100));
        await Until(progress => !BatchMachine.HasWaiting(progress.Batch));
        Assert.Null(await Node.Report(Some.Agent, new(Number(1), JobOutcome.Failed, "exit code 1")));
        silo.History.Forget(Number(1).Value);
        var old = (await Batch.Get())!;
        Assert.Equal((true, null), (old.IsDone, old.Statuses[0])); // it had an operation, so nothing more will come
        await Batch.Forget();
        await Batch.Forget();
        Assert.Null(await Batch.Get());

        var waiting = silo.Grains.GetGrain<IBatchGrain>(Number(7).Value);
        var row = $"node/{cluster}/pve1";
        silo.Storage.Unreadable[row] = true;
        await silo.ForgetActivations();
        await waiting.Start(Asked(100) with { Id = Number(7) });
        await waiting.Forget();
        Assert.NotNull(await waiting.Get());
        silo.Storage.Unreadable.TryRemove(row, out _);
        await waiting.Cancel();
    }

    [Fact]
    public async Task A_cancelled_batch_starts_nothing_more_even_after_a_restart()
    {
        await Connect();
        var gate = silo.History.HoldNextKeep(Number(1).Value);
        await Batch.Start(Asked(100));
        await gate.Reached;
        var cancelling = Batch.Cancel(); // waits for its turn
        gate.Open();
        var progress = (await cancelling)!;
        Assert.True(progress.Batch.Cancelled);
        Assert.Equal(BatchStep.Started, progress.Batch.Targets[0].Step); // it had been; that is said

        await silo.ForgetActivations();
        await Batch.Resume();
        Assert.True((await Batch.Get())!.Batch.Cancelled);
        Assert.DoesNotContain(Id, await Unfinished.All());
    }

    [Fact]
    public async Task A_batch_that_never_was_is_none_and_leaves_the_list()
    {
        Assert.Null(await Batch.Get());
        Assert.Null(await Batch.Cancel());
        await Unfinished.Add(Id); // a crash between the list and the batch
        await Batch.Resume();
        Assert.DoesNotContain(Id, await Unfinished.All());
        Assert.Null(await Batch.Get());
    }

    private async Task<ListeningSession> Connect()
    {
        await silo.Grains.GetGrain<IFleetGrain>(0).Add(cluster);
        await silo.Grains.GetGrain<IClusterGrain>(cluster.Value).Enrol(Some.Pve1, Some.Enrolment(Some.Agent, Some.Pve1));
        await Node.Enrol(Some.Enrolment(Some.Agent, Some.Pve1));
        var session = await ListeningSession.Open(silo.Grains, Node, Some.Agent);
        await AnotherReport();
        return session;
    }

    // Its answer comes after everything that was sent before.
    private async Task AnotherReport()
    {
        var taken = await Node.RecordInventory(Some.Agent, Some.Inventory(Some.Pve1, Some.Container(100), Some.Container(101, "web-02")));
        await silo.Grains.GetGrain<IClusterGrain>(cluster.Value).RecordInventory(Some.Pve1, taken.Value!); // as the hub does
    }

    private BatchState Asked(params int[] vmids) => new()
    {
        Id = Id,
        Order = new(PatchMode.DryRun, [], "admin"),
        CreatedAt = DateTimeOffset.UnixEpoch,
        Targets = [.. vmids.Select((vmid, i) => new BatchTarget(Number(i + 1), $"{cluster}-lxc-{vmid}", cluster, new(vmid), null, BatchStep.Waiting, null))],
    };

    private Task<OperationRecord?> Operation(int number) => silo.Grains.GetGrain<IOperationGrain>(Number(number).Value).Get();

    private async Task<BatchProgress> Until(Func<BatchProgress, bool> condition)
    {
        BatchProgress? last = null;
        await WaitFor(async () => (last = await Batch.Get()) is { } progress && condition(progress), "the batch to go on");
        return last!;
    }

    private static async Task WaitFor(Func<Task<bool>> condition, string what)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await condition())
        {
            Assert.False(limit.IsCancellationRequested, $"Waited in vain for {what}.");
            await Task.Delay(20, CancellationToken.None);
        }
    }

    private JobId Number(int number) => JobId.Parse($"01M83HW1FS84BA{cluster.Value[^6..].ToUpperInvariant()}{number:D6}");
}
