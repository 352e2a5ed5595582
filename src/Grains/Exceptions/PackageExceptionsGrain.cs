using NannyOrleans.Domain;
using NannyOrleans.Domain.Exceptions;
using NannyOrleans.Grains.Changes;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Exceptions;

[GrainType("package-exceptions")]
internal sealed class PackageExceptionsGrain([PersistentState("exceptions")] IPersistentState<PackageExceptionsState> stored, Announcer changes, TimeProvider clock)
    : Grain, IPackageExceptionsGrain
{
    public Task<Outcome<ExceptionRecord>> Add(ExceptionRecord added) =>
        Commit(PackageExceptions.Add(stored.State.Exceptions, added, clock.GetUtcNow()), added.Id);

    public Task<Outcome<ExceptionRecord>> Change(ExceptionId id, PackageExceptionChange change) =>
        Commit(PackageExceptions.Change(stored.State.Exceptions, id, change, clock.GetUtcNow()), id);

    public async Task<ExceptionRecord?> Remove(ExceptionId id)
    {
        var before = stored.State.Exceptions.FirstOrDefault(one => one.Id == id);
        await Store(PackageExceptions.Remove(stored.State.Exceptions, id));
        return before;
    }

    public Task<IReadOnlyList<ExceptionRecord>> All() => Task.FromResult(PackageExceptions.Prune(stored.State.Exceptions, clock.GetUtcNow()));

    public Task<IReadOnlyList<ExceptionRecord>> For(ExceptionTarget target) =>
        Task.FromResult(PackageExceptions.For(stored.State.Exceptions, target, clock.GetUtcNow()));

    private async Task<Outcome<ExceptionRecord>> Commit(Outcome<IReadOnlyList<ExceptionRecord>> next, ExceptionId id)
    {
        if (next.IsRefused)
        {
            return next.Refusal;
        }

        await Store(next.Value);
        return next.Value.First(one => one.Id == id);
    }

    private Task Store(IReadOnlyList<ExceptionRecord> next) => ReferenceEquals(next, stored.State.Exceptions)
        ? Task.CompletedTask
        : stored.Replace(new PackageExceptionsState { Exceptions = next }, this, changes, new(ChangeKind.Exceptions));
}

/// <summary>What is stored of the package exceptions.</summary>
public sealed record PackageExceptionsState
{
    /// <summary>All there are, the oldest first.</summary>
    public IReadOnlyList<ExceptionRecord> Exceptions { get; init; } = [];
}
