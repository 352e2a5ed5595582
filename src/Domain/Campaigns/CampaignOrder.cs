using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Campaigns;

/// <summary>What a person asks of a campaign.</summary>
/// <param name="Mode">Only list what would be installed, or walk the cluster.</param>
/// <param name="RequestedBy">Who asks.</param>
public sealed record CampaignOrder(PatchMode Mode, string RequestedBy)
{
    /// <summary>The nodes, in the order they are walked; null for all of them in the order that disturbs least.</summary>
    public IReadOnlyList<NodeName>? Nodes { get; init; }

    /// <summary>A node that goes first and is watched for <see cref="SoakSeconds"/> before the next; null for none.</summary>
    public NodeName? Canary { get; init; }

    /// <summary>Seconds the canary is watched, 0 to 604800.</summary>
    public int SoakSeconds { get; init; } = 3600;

    /// <summary>Which guests of a node are patched before it.</summary>
    public GuestsFirst Guests { get; init; }

    /// <summary>The tag that <see cref="GuestsFirst.Tagged"/> means.</summary>
    public string? GuestTag { get; init; }

    /// <summary>What becomes of running guests that HA does not manage when their node is rebooted.</summary>
    public DrainPolicy Drain { get; init; }

    /// <summary>Whether nodes are rebooted.</summary>
    public RebootPolicy Reboot { get; init; }

    /// <summary>What happens when a node fails.</summary>
    public FailurePolicy OnFailure { get; init; }

    /// <summary>What happens to a node that can never be rebooted without the rest losing quorum, such as one of two without a quorum device.</summary>
    public WithoutQuorum WithoutQuorum { get; init; }

    /// <summary>Whether a person approves each reboot.</summary>
    public bool ApproveReboots { get; init; }

    /// <summary>Whether Ceph is told not to move data while a node reboots (<c>noout</c>).</summary>
    public bool CephFlags { get; init; } = true;

    /// <summary>Whether a node is patched though something is wrong with its package repositories, such as an enterprise one without a subscription.</summary>
    public bool AcceptRepositoryProblems { get; init; }

    /// <summary>When no further node may be begun, by the server's clock; null for no end.</summary>
    public DateTimeOffset? WindowEnd { get; init; }

    /// <summary>Packages left alone, as in a patch.</summary>
    public IReadOnlyList<string> Exclusions { get; init; } = [];

    /// <summary>The dry run of each node that this was approved from: a node where something else would be installed now fails. Null without.</summary>
    public IReadOnlyDictionary<NodeName, JobId>? Plans { get; init; }

    /// <summary>How long each step may take.</summary>
    public StepLimits Limits { get; init; } = new();
}

/// <summary>How long steps may take, in seconds.</summary>
public sealed record StepLimits
{
    /// <summary>How long conditions are waited for before the campaign halts, 1 to 86400.</summary>
    public int GateSeconds { get; init; } = 1800;

    /// <summary>How long a node's patch, or that of its guests, may take, 1 to 86400.</summary>
    public int PatchSeconds { get; init; } = 7200;

    /// <summary>How long guests may take to leave a node, or to come home, 1 to 86400.</summary>
    public int DrainSeconds { get; init; } = 1800;

    /// <summary>How long a node may take to be back after its reboot, 1 to 86400. Servers check their memory for minutes.</summary>
    public int RebootSeconds { get; init; } = 1800;

    /// <summary>How long maintenance mode and Ceph's flags may take to be on or off, 1 to 86400. HA's manager works in rounds of 10 s.</summary>
    public int SwitchSeconds { get; init; } = 300;

    /// <summary>How long a node is left alone before the next is begun, 0 to 86400.</summary>
    public int SettleSeconds { get; init; } = 60;
}

/// <summary>Which containers are patched before their node. VMs with an agent of their own are not among them.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<GuestsFirst>))]
public enum GuestsFirst
{
    /// <summary>None.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>Those with a tag.</summary>
    [JsonStringEnumMemberName("tagged")]
    Tagged,

    /// <summary>All that run.</summary>
    [JsonStringEnumMemberName("all")]
    All,
}

/// <summary>What becomes of running guests outside HA when their node is rebooted.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DrainPolicy>))]
public enum DrainPolicy
{
    /// <summary>VMs move while they run; CTs are shut down, moved and started; those that cannot move are shut down in order and started again.</summary>
    [JsonStringEnumMemberName("migrate")]
    Migrate,

    /// <summary>They are shut down in order and started again.</summary>
    [JsonStringEnumMemberName("shutdown")]
    ShutDown,

    /// <summary>They go down with the node, as Proxmox VE does it; those that ran are started again.</summary>
    [JsonStringEnumMemberName("leave")]
    Leave,
}

/// <summary>Whether nodes are rebooted.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RebootPolicy>))]
public enum RebootPolicy
{
    /// <summary>When something installed needs it.</summary>
    [JsonStringEnumMemberName("if-needed")]
    IfNeeded,

    /// <summary>Each.</summary>
    [JsonStringEnumMemberName("always")]
    Always,

    /// <summary>None.</summary>
    [JsonStringEnumMemberName("never")]
    Never,
}

/// <summary>What happens when a node fails.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FailurePolicy>))]
public enum FailurePolicy
{
    /// <summary>The campaign halts; a person resumes or aborts it.</summary>
    [JsonStringEnumMemberName("stop")]
    Stop,

    /// <summary>What was changed for the node is put back, and the next is begun. A node that is not back halts the campaign all the same.</summary>
    [JsonStringEnumMemberName("skip-node")]
    SkipNode,
}

/// <summary>What happens to a node that can never be rebooted without the rest losing quorum.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<WithoutQuorum>))]
public enum WithoutQuorum
{
    /// <summary>The campaign is refused.</summary>
    [JsonStringEnumMemberName("stop")]
    Stop,

    /// <summary>It is patched and not rebooted.</summary>
    [JsonStringEnumMemberName("patch-only")]
    PatchOnly,
}
