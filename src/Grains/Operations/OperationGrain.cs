using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.History;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Grains.Operations;

[GrainType("operation")]
internal sealed class OperationGrain(
    [PersistentState("operation")] IPersistentState<OperationState> stored,
    IOperationHistory history,
    IAuditLog audit,
    TimeProvider clock) : Grain, IOperationGrain
{
    public async Task Open(OperationRecord operation)
    {
        if (await Get() is null)
        {
            await stored.Replace(new OperationState { Operation = operation }, this);
        }
    }

    public async Task<OperationRecord?> Report(JobReport report)
    {
        if (stored.State.Operation is not { } operation)
        {
            return await history.Find(this.GetPrimaryKeyString());
        }

        var next = OperationMachine.Report(operation, report, clock.GetUtcNow());
        if (!next.Status.IsFinal())
        {
            await stored.Replace(ReferenceEquals(next, operation) ? stored.State : new OperationState { Operation = next }, this);
            return next;
        }

        if (next.Failure is { Code: OperationMachine.ScriptRefused } refused)
        {
            // Before the end is stored: it may be written twice, but never not at all.
            await audit.Add(new(clock.GetUtcNow(), $"agent of {next.Cluster}/{next.Node}", "run-script", next.Target, refused.Code, $"{next.Id}: {refused.Message}"));
        }

        // History first: between the two lines the operation is in both places and reads the same from either.
        await history.Add(next, new(report.StandardOutput, report.StandardError));
        await stored.ClearStateAsync();
        return next;
    }

    public Task<OperationOutput?> GetOutput() => history.FindOutput(this.GetPrimaryKeyString());

    public async Task<OperationRecord?> Get() => stored.State.Operation ?? await history.Find(this.GetPrimaryKeyString());
}

/// <summary>What is stored of an operation while it is alive.</summary>
internal sealed record OperationState
{
    /// <summary>The operation; null before it is opened and after its end.</summary>
    public OperationRecord? Operation { get; init; }
}
