using NannyOrleans.Domain.Batches;
using NannyOrleans.Protocol.Ids;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Batches;

public sealed class BatchMachineTests
{
    [Theory]
    [InlineData(null, BatchStep.Started)]
    [InlineData("template", BatchStep.Refused)]
    [InlineData("outbox-full", BatchStep.Waiting)] // empties by itself: tried again
    [InlineData("unknown", BatchStep.Waiting)] // no answer is no refusal
    public void What_came_of_a_start_is_kept_unless_it_may_come_out_otherwise(string? code, BatchStep step)
    {
        var batch = Batch(2);
        var tried = new Dictionary<JobId, Refusal?>();
        if (code is not "unknown")
        {
            tried[Id(1)] = code is null ? null : new(code, "Because.");
        }

        var after = BatchMachine.Tried(batch, tried);
        Assert.Equal([BatchStep.Waiting, step], after.Targets.Select(target => target.Step));
        Assert.Equal(step is BatchStep.Refused ? code : null, after.Targets[1].Refusal?.Code);
        Assert.Equal(step is BatchStep.Waiting, ReferenceEquals(batch, after)); // nothing to store
        Assert.Same(after, BatchMachine.Tried(after, tried)); // the same answer twice
    }

    [Theory]
    [InlineData(0, 2, "0 1")]
    [InlineData(3, 2, "3 4")]
    [InlineData(4, 3, "4 0 1")] // round to the beginning
    [InlineData(5, 2, "0 1")]
    [InlineData(1, 9, "1 3 4 0")] // the started one in the middle is done with
    public void The_next_ones_go_round_past_those_that_can_not_start_yet(int from, int count, string next)
    {
        var batch = Batch(5);
        if (count is 9)
        {
            batch = BatchMachine.Tried(batch, new Dictionary<JobId, Refusal?> { [Id(2)] = null });
        }

        Assert.Equal(next.Split(' ').Select(number => Id(int.Parse(number, null))), BatchMachine.Next(batch, from, count).Select(target => target.Operation));
    }

    [Fact]
    public void A_cancelled_batch_starts_nothing_more_and_keeps_what_it_has_started()
    {
        var batch = BatchMachine.Tried(Batch(2), new Dictionary<JobId, Refusal?> { [Id(0)] = null });
        var cancelled = BatchMachine.Cancel(batch);
        Assert.Equal([BatchStep.Started, BatchStep.Refused], cancelled.Targets.Select(target => target.Step));
        Assert.Equal("cancelled", cancelled.Targets[1].Refusal?.Code);
        Assert.False(BatchMachine.HasWaiting(cancelled));
        Assert.Same(cancelled, BatchMachine.Cancel(cancelled));
        Assert.Same(cancelled, BatchMachine.Tried(cancelled, new Dictionary<JobId, Refusal?> { [Id(1)] = null })); // an answer that came too late
    }

    [Fact]
    public void An_order_that_comes_twice_is_taken_once()
    {
        var started = BatchMachine.Start(new(), Batch(2));
        Assert.Equal(2, started.Targets.Count);
        Assert.Same(started, BatchMachine.Start(started, Batch(3)));
    }

    private static BatchState Batch(int targets) => new()
    {
        Id = Id(999),
        Order = new(Protocol.Jobs.PatchMode.DryRun, [], "admin"),
        Targets = [.. Enumerable.Range(0, targets).Select(i => new BatchTarget(Id(i), $"guest-{i}", Cluster, new(100 + i), null, BatchStep.Waiting, null))],
    };
}
