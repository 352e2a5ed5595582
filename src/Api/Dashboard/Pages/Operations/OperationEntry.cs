using NannyOrleans.Domain;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Dashboard.Pages.Operations;

/// <summary>An operation as the API shows it, a patch, a restart or a diagnosis: what one kind does not say is null.</summary>
public sealed record OperationEntry
{
    /// <summary>A patch's id.</summary>
    public string? OperationId { get; init; }

    /// <summary>Another's id.</summary>
    public string? Id { get; init; }

    /// <summary>Its id, whatever it is.</summary>
    public string Key => OperationId ?? Id ?? string.Empty;

    /// <summary>What is patched, restarted or looked at.</summary>
    public string AgentId { get; init; } = string.Empty;

    /// <summary>Its cluster, or the machine that it is.</summary>
    public string? Cluster { get; init; }

    /// <summary>Its name then.</summary>
    public string? Name { get; init; }

    /// <summary>The node whose agent does it.</summary>
    public string? Node { get; init; }

    /// <summary>dry-run or apply.</summary>
    public string? Mode { get; init; }

    /// <summary>How far it is.</summary>
    public string Status { get; init; } = string.Empty;

    /// <summary>Whether a person wants it ended.</summary>
    public bool CancelRequested { get; init; }

    /// <summary>What it waits for.</summary>
    public string? WaitingFor { get; init; }

    /// <summary>Why it did not succeed.</summary>
    public Refusal? Failure { get; init; }

    /// <summary>Who asked.</summary>
    public string? RequestedBy { get; init; }

    /// <summary>When it was asked for.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it began.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>The batch it is part of.</summary>
    public string? Batch { get; init; }

    /// <summary>The campaign it is part of.</summary>
    public string? Campaign { get; init; }

    /// <summary>The dry run it was approved from.</summary>
    public string? Plan { get; init; }

    /// <summary>Why a restart was asked for.</summary>
    public string? Reason { get; init; }

    /// <summary>What its agent said too late.</summary>
    public LateAnswer? LateAnswer { get; init; }

    /// <summary>What a diagnosis found.</summary>
    public IReadOnlyList<Check>? Checks { get; init; }

    /// <summary>Packages left as they are.</summary>
    public IReadOnlyList<string> Exclusions { get; init; } = [];

    /// <summary>The persistent exceptions that held.</summary>
    public IReadOnlyList<PackageExceptionApplied> Exceptions { get; init; } = [];

    /// <summary>Only security updates.</summary>
    public bool SecurityOnly { get; init; }

    /// <summary>Also remove what nothing needs any more.</summary>
    public bool Autoremove { get; init; }

    /// <summary>Whether a stopped guest is started for it.</summary>
    public bool StartStopped { get; init; }

    /// <summary>The script.</summary>
    public ScriptReference? Script { get; init; }

    /// <summary>Its exit code.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Packages that were, or would be, upgraded or newly installed; null when not known.</summary>
    public IReadOnlyList<PackageChange>? Packages { get; init; }

    /// <summary>Packages removed.</summary>
    public IReadOnlyList<string>? PackagesRemoved { get; init; }

    /// <summary>Packages that a person or an exclusion holds.</summary>
    public IReadOnlyList<string>? PackagesHeld { get; init; }

    /// <summary>Packages that the package manager would not take.</summary>
    public IReadOnlyList<string>? PackagesKeptBack { get; init; }

    /// <summary>Packages that should have been installed and were not.</summary>
    public IReadOnlyList<string>? PackagesFailed { get; init; }

    /// <summary>Whether the target needs a restart.</summary>
    public bool? RebootRequired { get; init; }

    /// <summary>Services that still run replaced code.</summary>
    public IReadOnlyList<string>? ServicesToRestart { get; init; }

    /// <summary>What the script warned of.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }

    /// <summary>What has changed since the dry run it was approved from.</summary>
    public PlanDifference? PlanDifference { get; init; }

    /// <summary>Whether nothing more comes of it.</summary>
    public bool IsOver => Status is not ("pending" or "running");
}

/// <summary>A batch as the API shows it.</summary>
public sealed record BatchEntry
{
    /// <summary>dry-run or apply.</summary>
    public string Mode { get; init; } = string.Empty;

    /// <summary>Who asked.</summary>
    public string? RequestedBy { get; init; }

    /// <summary>When.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Whether nothing more comes of it.</summary>
    public bool Done { get; init; }

    /// <summary>Whether a person has ended it.</summary>
    public bool Cancelled { get; init; }

    /// <summary>Its targets.</summary>
    public int Total { get; init; }

    /// <summary>How many of them are how far.</summary>
    public IReadOnlyDictionary<string, int> Counts { get; init; } = new Dictionary<string, int>();

    /// <summary>Each of them.</summary>
    public IReadOnlyList<BatchTargetEntry> Targets { get; init; } = [];
}

/// <summary>One target of a batch.</summary>
/// <param name="AgentId">The target.</param>
/// <param name="Status">How far it is.</param>
/// <param name="Refusal">Why there is no operation.</param>
public sealed record BatchTargetEntry(string AgentId, string Status, Refusal? Refusal);
