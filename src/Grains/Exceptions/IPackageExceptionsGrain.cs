using NannyOrleans.Domain;
using NannyOrleans.Domain.Exceptions;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Exceptions;

/// <summary>All package exceptions. There is one, key 0: they are few, and one place answers for all targets.</summary>
[GrainInterfaceType("package-exceptions")]
public interface IPackageExceptionsGrain : IGrainWithIntegerKey
{
    /// <summary>Adds one; stored when this returns. The same id again changes nothing.</summary>
    [Alias("Add")]
    Task<Outcome<ExceptionRecord>> Add(ExceptionRecord added);

    /// <summary>Changes one; stored when this returns.</summary>
    /// <returns>The exception as it is now; a refusal <see cref="PackageExceptions.Unknown"/> when there is none of this id.</returns>
    [Alias("Change")]
    Task<Outcome<ExceptionRecord>> Change(ExceptionId id, PackageExceptionChange change);

    /// <summary>Takes one back; stored when this returns.</summary>
    /// <returns>The exception as it was; null when there is none of this id.</returns>
    [Alias("Remove")]
    Task<ExceptionRecord?> Remove(ExceptionId id);

    /// <summary>All there are, the oldest first; also those that expired lately.</summary>
    [Alias("All")]
    Task<IReadOnlyList<ExceptionRecord>> All();

    /// <summary>Those that hold for a target now.</summary>
    [Alias("For")]
    Task<IReadOnlyList<ExceptionRecord>> For(ExceptionTarget target);
}

/// <summary>Reading the exceptions where operations start.</summary>
public static class ExceptionReading
{
    /// <summary>
    /// The exceptions that hold for a target. When they can't be read this throws: what a person has put a brake on is not upgraded because
    /// nobody could look.
    /// </summary>
    public static Task<IReadOnlyList<ExceptionRecord>> ExceptionsFor(this IGrainFactory grains, ExceptionTarget target) => grains.GetGrain<IPackageExceptionsGrain>(0).For(target);
}
