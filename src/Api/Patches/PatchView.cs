using NannyOrleans.Domain;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Patches;

/// <summary>An operation as shown: the guide's fields, and the packages with their versions.</summary>
internal sealed record PatchView(
    string OperationId,
    string AgentId,
    string Name,
    string Node,
    PatchMode? Mode,
    IReadOnlyList<string> Exclusions,
    IReadOnlyList<PackageExceptionApplied> Exceptions,
    OperationStatus Status,
    Refusal? Failure,
    string RequestedBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? CompletedAt,
    ScriptReference? Script,
    int? ExitCode,
    IReadOnlyList<string>? PackagesToUpgrade,
    int? TotalCount,
    IReadOnlyList<string>? PackagesUpgraded,
    IReadOnlyList<string>? PackagesHeld,
    IReadOnlyList<PackageChange>? Packages,
    IReadOnlyList<string>? PackagesKeptBack,
    IReadOnlyList<string>? PackagesFailed,
    bool? RebootRequired,
    IReadOnlyList<string>? Warnings,
    string? Stdout,
    string? Stderr)
{
    /// <summary>The view of an operation and of what it printed; lists that are not known are null, which is not "none".</summary>
    public static PatchView Of(OperationRecord operation, OperationOutput? output)
    {
        var found = operation.Findings is { Error: null } whole ? whole : null;
        var dryRun = operation.Mode is PatchMode.DryRun;
        return new(
            operation.Id.Value,
            operation.Target,
            operation.Name,
            operation.Node.Value,
            operation.Mode,
            operation.Exclusions,
            operation.Exceptions ?? [],
            operation.Status,
            operation.Failure,
            operation.RequestedBy,
            operation.CreatedAt,
            operation.StartedAt,
            operation.CompletedAt,
            operation.Script,
            operation.ExitCode,
            dryRun && found is not null ? [.. found.Packages.Select(package => package.ToString())] : null,
            dryRun ? found?.Packages.Count : null,
            !dryRun && found is not null ? [.. found.Packages.Select(package => package.Name)] : null,
            found is null ? null : [.. found.Held.Select(held => held.Name)],
            found?.Packages,
            found?.KeptBack,
            found?.Failed,
            found?.RebootRequired,
            operation.Findings?.Warnings,
            output?.StandardOutput,
            output?.StandardError);
    }
}
