using System.Text.Json.Serialization;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Operations;

/// <summary>One patch, restart, diagnosis or step of a campaign, of one target, from the request to its end. What the target printed is stored beside it, not in it.</summary>
public sealed record OperationRecord
{
    /// <summary>The operation, and its job.</summary>
    public required JobId Id { get; init; }

    /// <summary>What is done to the target.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public OperationKind Kind { get; init; }

    /// <summary>The target's cluster, or the machine outside Proxmox VE that is the target.</summary>
    public required ClusterId Cluster { get; init; }

    /// <summary>The guest that is the target; null when it is the node itself. Not required: where nulls are not stored, one would not be read again.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public Vmid? Vmid { get; init; }

    /// <summary>The guest's kind; null when the target is the node itself, and stored as that: one that is absent is an old one's container.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public GuestType? Type { get; init; } = GuestType.Lxc;

    /// <summary>The target's id in the API.</summary>
    [JsonIgnore]
    public string Target => Vmid is { } vmid ? TopologyView.GuestId(Cluster, Type ?? GuestType.Lxc, vmid) : Agent?.Value ?? $"{Cluster}/{Node}";

    /// <summary>The agent of the node that is the target; null when the target is a guest.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public AgentId? Agent { get; init; }

    /// <summary>The target's name when it was asked for.</summary>
    public required string Name { get; init; }

    /// <summary>The node whose agent carries it out, and the target itself where there is no guest.</summary>
    public required NodeName Node { get; init; }

    /// <summary>The family the target was taken for; null when that does not matter.</summary>
    public PlatformFamily? Family { get; init; }

    /// <summary>List or install; null when it is no patch.</summary>
    public PatchMode? Mode { get; init; }

    /// <summary>Packages to leave alone: those asked for, and those of the <see cref="Exceptions"/>.</summary>
    public IReadOnlyList<string> Exclusions { get; init; } = [];

    /// <summary>The script, by name and content; null when it is no patch.</summary>
    public ScriptReference? Script { get; init; }

    /// <summary>The persistent package exceptions that held for the target when it was asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<PackageExceptionApplied>? Exceptions { get; init; }

    /// <summary>Only security updates.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool SecurityOnly { get; init; }

    /// <summary>Also remove what nothing needs any more.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Autoremove { get; init; }

    /// <summary>Whether a stopped guest is started for it and stopped again.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool StartStopped { get; init; }

    /// <summary>The dry run it was approved from; null when it was not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JobId? Plan { get; init; }

    /// <summary>The batch it is part of; null when it was asked for alone.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JobId? Batch { get; init; }

    /// <summary>The campaign it is part of; null when it is part of none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JobId? Campaign { get; init; }

    /// <summary>Why a restart was asked for, or what a campaign does to the target; null when nobody said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Reason { get; init; }

    /// <summary>Who asked for it.</summary>
    public required string RequestedBy { get; init; }

    /// <summary>When it was asked for, by the server's clock.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>How far it is.</summary>
    public OperationStatus Status { get; init; }

    /// <summary>What it waits for before it starts, in a person's words; null when it waits for nothing but its turn.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? WaitingFor { get; init; }

    /// <summary>Whether a person wants it ended. It may end well all the same, if it was nearly done.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool CancelRequested { get; init; }

    /// <summary>When it started, by the host's clock; null when it has not.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended, by the host's clock where the host said so; null while it has not.</summary>
    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>The script's exit code; null when it did not run to its end.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Why it did not succeed; null otherwise.</summary>
    public Refusal? Failure { get; init; }

    /// <summary>What the script found; null when it said nothing readable.</summary>
    public PatchFindings? Findings { get; init; }

    /// <summary>What its agent could not put back as it was before; null when nothing was left. It says nothing about success.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Warning { get; init; }

    /// <summary>What a diagnosis found; null when it is none, or has not ended.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Diagnosis? Diagnosis { get; init; }

    /// <summary>What the agent said after the server had given up waiting for it; null when it said nothing. The status stays as it was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public LateAnswer? LateAnswer { get; init; }

    /// <summary>Whether this is a restart that was not over in its time.</summary>
    [JsonIgnore]
    public bool IsTimedOutReboot => this is { Kind: OperationKind.Reboot, Status: OperationStatus.Failed, Failure.Code: OperationMachine.Timeout };
}

/// <summary>An end that came when nobody waited for it any more.</summary>
/// <param name="Outcome">How it ended, as the agent says.</param>
/// <param name="Detail">In a person's words; null when there is nothing to say.</param>
/// <param name="At">When it was heard, by the server's clock.</param>
public sealed record LateAnswer(JobOutcome Outcome, string? Detail, DateTimeOffset At);

/// <summary>What an operation does to its target.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OperationKind>))]
public enum OperationKind
{
    /// <summary>Lists or installs updates.</summary>
    [JsonStringEnumMemberName("patch")]
    Patch,

    /// <summary>Restarts it.</summary>
    [JsonStringEnumMemberName("reboot")]
    Reboot,

    /// <summary>Looks why it can't be patched.</summary>
    [JsonStringEnumMemberName("diagnosis")]
    Diagnosis,

    /// <summary>Something else that a campaign does: maintenance mode, Ceph's flags, a guest moved, shut down or started.</summary>
    [JsonStringEnumMemberName("campaign-step")]
    CampaignStep,
}

/// <summary>A persistent package exception as it stood when an operation was asked for.</summary>
/// <param name="Id">The exception.</param>
/// <param name="PackageNames">Names and globs.</param>
/// <param name="Reason">Why, as a person said; null when nobody did.</param>
public sealed record PackageExceptionApplied(string Id, IReadOnlyList<string> PackageNames, string? Reason);

/// <summary>How far an operation is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OperationStatus>))]
public enum OperationStatus
{
    /// <summary>Stored; the agent has not started it (it may be offline).</summary>
    [JsonStringEnumMemberName("pending")]
    Pending,

    /// <summary>The agent has started it.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>Final: everything asked for was done.</summary>
    [JsonStringEnumMemberName("succeeded")]
    Succeeded,

    /// <summary>Final: it was not, or not all of it.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>Final: it was started and nobody knows how it ended.</summary>
    [JsonStringEnumMemberName("interrupted")]
    Interrupted,

    /// <summary>Final: a person ended it.</summary>
    [JsonStringEnumMemberName("cancelled")]
    Cancelled,
}

/// <summary>What an operation's target printed.</summary>
/// <param name="StandardOutput">Standard output as far as kept.</param>
/// <param name="StandardError">Standard error as far as kept.</param>
public sealed record OperationOutput(string StandardOutput, string StandardError);
