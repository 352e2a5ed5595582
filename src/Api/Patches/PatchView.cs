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
    /// <summary>Whether only security updates were asked for.</summary>
    public bool SecurityOnly { get; init; }

    /// <summary>Whether what nothing needs any more was to be removed.</summary>
    public bool Autoremove { get; init; }

    /// <summary>Whether a stopped container was to be started for it.</summary>
    public bool StartStopped { get; init; }

    /// <summary>The dry run it was approved from; null when it was not.</summary>
    public string? Plan { get; init; }

    /// <summary>What has changed since the plan; null when nothing has, or the plan is not known any more.</summary>
    public PlanDifference? PlanDifference { get; init; }

    /// <summary>The target's cluster, or the machine outside Proxmox VE that is the target.</summary>
    public string? Cluster { get; init; }

    /// <summary>The campaign it is part of; null when it is part of none.</summary>
    public string? Campaign { get; init; }

    /// <summary>The batch it is part of; null when it was asked for alone.</summary>
    public string? Batch { get; init; }

    /// <summary>The persistent package exceptions that held; empty when none did.</summary>
    public IReadOnlyList<PackageExceptionApplied> Exceptions { get; init; } = [];

    /// <summary>What it waits for before it starts; null when it waits for nothing but its turn.</summary>
    public string? WaitingFor { get; init; }

    /// <summary>Whether a person wants it ended.</summary>
    public bool CancelRequested { get; init; }

    /// <summary>Packages that were, or would be, removed; null when not known.</summary>
    public IReadOnlyList<string>? PackagesRemoved { get; init; }

    /// <summary>Services that still run code which has been replaced; null when not known.</summary>
    public IReadOnlyList<string>? ServicesToRestart { get; init; }

    /// <summary>The view of an operation, with the difference to the plan where that is why it failed.</summary>
    public static PatchView Of(OperationRecord operation, OperationOutput? output, OperationRecord? plan) =>
        operation is { Failure.Code: OperationMachine.PlanChanged, Findings: { } now } && plan is { Findings: { } planned }
            ? Of(operation, output) with { PlanDifference = PlanDifference.Of(planned, now) }
            : Of(operation, output);

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
            operation.Warning is { } left ? [.. operation.Findings?.Warnings ?? [], left] : operation.Findings?.Warnings,
            output?.StandardOutput,
            output?.StandardError)
        {
            SecurityOnly = operation.SecurityOnly,
            Autoremove = operation.Autoremove,
            StartStopped = operation.StartStopped,
            Plan = operation.Plan?.Value,
            Cluster = operation.Cluster.Value,
            Campaign = operation.Campaign?.Value,
            Batch = operation.Batch?.Value,
            Exceptions = operation.Exceptions ?? [],
            WaitingFor = operation.WaitingFor,
            CancelRequested = operation.CancelRequested,
            PackagesRemoved = found?.Removed,
            ServicesToRestart = found?.ServicesToRestart,
        };
    }
}
