using System.Text.Json.Serialization;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Campaigns;

/// <summary>What is stored of one cluster's campaign. What should be under way follows from it alone.</summary>
public sealed record CampaignState
{
    /// <summary>The campaign; null while there never was one.</summary>
    public JobId? Id { get; init; }

    /// <summary>What was asked for; null while there never was one.</summary>
    public CampaignOrder? Order { get; init; }

    /// <summary>How far it is.</summary>
    public CampaignStatus Status { get; init; }

    /// <summary>Why it halted or was aborted, or what it waits for; null when it just runs.</summary>
    public string? Reason { get; init; }

    /// <summary>When it was started, by the server's clock.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended; null while it has not.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Its nodes, in the order they are walked.</summary>
    public IReadOnlyList<NodeProgress> Nodes { get; init; } = [];

    /// <summary>Ceph's flags that the campaign sets, stored before it does, until they are off again.</summary>
    public IReadOnlyList<string> CephFlags { get; init; } = [];

    /// <summary>The cluster's votes as they were counted last, those online null when nobody could tell then; null before the first count.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public VotesView? Votes { get; init; }

    /// <summary>What happened and is not in history yet, oldest first.</summary>
    public IReadOnlyList<CampaignEvent> News { get; init; } = [];

    /// <summary>How many events there have been.</summary>
    public int Events { get; init; }

    /// <summary>Whether nothing more comes of it.</summary>
    [JsonIgnore]
    public bool IsOver => Id is null || Status is CampaignStatus.Completed or CampaignStatus.Aborted;

    /// <summary>The node it is at; null when all have ended.</summary>
    [JsonIgnore]
    public NodeProgress? Current
    {
        get
        {
            foreach (var node in Nodes)
            {
                if (!node.Step.IsEnd())
                {
                    return node;
                }
            }

            return null;
        }
    }
}

/// <summary>How far a node is.</summary>
/// <param name="Node">The node.</param>
/// <param name="Step">Its step.</param>
public sealed record NodeProgress(NodeName Node, NodeStep Step)
{
    /// <summary>When the step began.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>When the step has taken too long, or, while it settles, is over.</summary>
    public DateTimeOffset Deadline { get; init; }

    /// <summary>The conditions that it waits for, as they were when it began to wait for these; null when it waits for none.</summary>
    public IReadOnlyList<GateResult>? WaitsFor { get; init; }

    /// <summary>What the step has under way; empty when it only waits.</summary>
    public IReadOnlyList<CampaignWork> Work { get; init; } = [];

    /// <summary>The boot it was patched and is to be rebooted from, stored before the reboot is asked for; null before.</summary>
    public string? BootId { get; init; }

    /// <summary>When its packages were known to be installed; null before. From then on it is never patched again.</summary>
    public DateTimeOffset? PatchedAt { get; init; }

    /// <summary>Whether it was seen to be up under another boot id; then it is never rebooted again.</summary>
    public bool Rebooted { get; init; }

    /// <summary>Whether the campaign puts it into maintenance mode, stored before it does, until it is out again.</summary>
    public bool Maintenance { get; init; }

    /// <summary>Whether a person has approved its reboot.</summary>
    public bool Approved { get; init; }

    /// <summary>Guests that ran before it was drained and what becomes of each; null before that was decided.</summary>
    public IReadOnlyList<GuestMove>? Guests { get; init; }

    /// <summary>Why it failed, or why something was left out; null otherwise.</summary>
    public string? Note { get; init; }

    /// <summary>Whether it failed and is only being put back.</summary>
    public bool Failed { get; init; }

    /// <summary>Whether its patch found nothing to change, and no guest was patched before it: there is nothing to settle from.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Unchanged { get; init; }

    /// <summary>How often a step of it was begun anew because what it had asked for never ran.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Anew { get; init; }
}

/// <summary>Something that was asked of an agent or of the control plane, or is to be; its id makes asking twice harmless.</summary>
/// <param name="Job">The job, batch or operation.</param>
/// <param name="Kind">What it does.</param>
/// <param name="Via">The node whose agent does it.</param>
public sealed record CampaignWork(JobId Job, WorkKind Kind, NodeName Via)
{
    /// <summary>The guest it is for; null when it is for the node.</summary>
    public Vmid? Vmid { get; init; }

    /// <summary>Where the guest moves to; null when it does not move.</summary>
    public NodeName? Target { get; init; }

    /// <summary>How it ended; null while it has not, or nobody knows.</summary>
    public WorkEnd? End { get; init; }
}

/// <summary>How something that was asked for ended.</summary>
/// <param name="Succeeded">Whether all of it was done.</param>
/// <param name="Detail">Why not; null when it was.</param>
public sealed record WorkEnd(bool Succeeded, string? Detail)
{
    /// <summary>Whether it is certain that nothing of it was or will be run: then it may be asked for anew.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NeverRan { get; init; }

    /// <summary>Whether it is known that there was nothing to install or remove.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool ChangedNothing { get; init; }
}

/// <summary>What is asked for.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<WorkKind>))]
public enum WorkKind
{
    /// <summary>Patch a node's guests, as a batch.</summary>
    [JsonStringEnumMemberName("patch-guests")]
    PatchGuests,

    /// <summary>Patch a node.</summary>
    [JsonStringEnumMemberName("patch-node")]
    PatchNode,

    /// <summary>Set the campaign's Ceph flags.</summary>
    [JsonStringEnumMemberName("ceph-flags-on")]
    CephFlagsOn,

    /// <summary>Take them off.</summary>
    [JsonStringEnumMemberName("ceph-flags-off")]
    CephFlagsOff,

    /// <summary>Put the node into HA's maintenance mode.</summary>
    [JsonStringEnumMemberName("maintenance-on")]
    MaintenanceOn,

    /// <summary>Take it out.</summary>
    [JsonStringEnumMemberName("maintenance-off")]
    MaintenanceOff,

    /// <summary>Move a guest away, or back.</summary>
    [JsonStringEnumMemberName("move-guest")]
    MoveGuest,

    /// <summary>Shut a guest down.</summary>
    [JsonStringEnumMemberName("stop-guest")]
    StopGuest,

    /// <summary>Start a guest.</summary>
    [JsonStringEnumMemberName("start-guest")]
    StartGuest,

    /// <summary>Reboot the node.</summary>
    [JsonStringEnumMemberName("reboot")]
    Reboot,
}

/// <summary>What becomes of a guest that ran on a node when it was to be drained.</summary>
/// <param name="Vmid">The guest.</param>
/// <param name="Type">CT or VM.</param>
/// <param name="Name">Its name.</param>
/// <param name="Way">How it leaves.</param>
/// <param name="Target">Where it goes; null when it goes nowhere, or HA decides.</param>
/// <param name="Reason">Why this way, in a person's words.</param>
public sealed record GuestMove(Vmid Vmid, GuestType Type, string Name, GuestWay Way, NodeName? Target, string Reason);

/// <summary>How a guest leaves its node.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<GuestWay>))]
public enum GuestWay
{
    /// <summary>HA moves it once the node is in maintenance mode, and back afterwards.</summary>
    [JsonStringEnumMemberName("ha")]
    Ha,

    /// <summary>A VM moves while it runs; a CT is shut down, moved and started.</summary>
    [JsonStringEnumMemberName("migrate")]
    Migrate,

    /// <summary>It is shut down, and started again afterwards.</summary>
    [JsonStringEnumMemberName("shutdown")]
    ShutDown,

    /// <summary>It goes down with the node, and is started again afterwards.</summary>
    [JsonStringEnumMemberName("leave")]
    Leave,
}

/// <summary>Something that happened.</summary>
/// <param name="Number">Counts up from 1.</param>
/// <param name="At">When, by the server's clock.</param>
/// <param name="Node">The node; null when it is about the whole campaign.</param>
/// <param name="Step">The node's step then; null likewise.</param>
/// <param name="Text">What, in a person's words.</param>
/// <param name="Gates">What was looked at before it; null when nothing was.</param>
public sealed record CampaignEvent(int Number, DateTimeOffset At, NodeName? Node, NodeStep? Step, string Text, IReadOnlyList<GateResult>? Gates)
{
    /// <summary>
    /// The cluster's votes from then on, until the next event that has some: those online null when nobody can tell. Null when they are not what it is about.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public VotesView? Votes { get; init; }

    /// <summary>What was asked for; null when nothing was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<CampaignWork>? Work { get; init; }
}

/// <summary>How far a campaign is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CampaignStatus>))]
public enum CampaignStatus
{
    /// <summary>It runs.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>A person has paused it: what is under way is brought to its end and put back, nothing new is begun.</summary>
    [JsonStringEnumMemberName("paused")]
    Paused,

    /// <summary>Something failed, or could not be known in time: a person resumes or aborts it.</summary>
    [JsonStringEnumMemberName("halted")]
    Halted,

    /// <summary>A person has aborted it: maintenance mode and flags are being taken off.</summary>
    [JsonStringEnumMemberName("aborting")]
    Aborting,

    /// <summary>Final: a person has aborted it, and nothing of it is left.</summary>
    [JsonStringEnumMemberName("aborted")]
    Aborted,

    /// <summary>Final: all nodes have ended; each says how.</summary>
    [JsonStringEnumMemberName("completed")]
    Completed,
}

/// <summary>The steps of one node, in their order.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<NodeStep>))]
public enum NodeStep
{
    /// <summary>Its turn has not come.</summary>
    [JsonStringEnumMemberName("pending")]
    Pending,

    /// <summary>The conditions for changing anything on it are awaited.</summary>
    [JsonStringEnumMemberName("preflight")]
    Preflight,

    /// <summary>Its guests are patched.</summary>
    [JsonStringEnumMemberName("patch-guests")]
    PatchGuests,

    /// <summary>It is patched.</summary>
    [JsonStringEnumMemberName("patch")]
    Patch,

    /// <summary>Its word on whether it needs a reboot is awaited.</summary>
    [JsonStringEnumMemberName("assess")]
    Assess,

    /// <summary>A person's approval of its reboot is awaited.</summary>
    [JsonStringEnumMemberName("approval")]
    Approval,

    /// <summary>The conditions for taking it down are awaited.</summary>
    [JsonStringEnumMemberName("ready")]
    Ready,

    /// <summary>Ceph is told not to move data.</summary>
    [JsonStringEnumMemberName("ceph-flags-on")]
    CephFlagsOn,

    /// <summary>It goes into HA's maintenance mode.</summary>
    [JsonStringEnumMemberName("maintenance-on")]
    MaintenanceOn,

    /// <summary>Its guests leave.</summary>
    [JsonStringEnumMemberName("drain")]
    Drain,

    /// <summary>The conditions for taking it down are looked at once more: draining took its time.</summary>
    [JsonStringEnumMemberName("last-look")]
    LastLook,

    /// <summary>It reboots.</summary>
    [JsonStringEnumMemberName("reboot")]
    Reboot,

    /// <summary>It is awaited: another boot, the expected kernel, quorum.</summary>
    [JsonStringEnumMemberName("back")]
    Back,

    /// <summary>It leaves maintenance mode.</summary>
    [JsonStringEnumMemberName("maintenance-off")]
    MaintenanceOff,

    /// <summary>Ceph's flags come off.</summary>
    [JsonStringEnumMemberName("ceph-flags-off")]
    CephFlagsOff,

    /// <summary>Its guests come home.</summary>
    [JsonStringEnumMemberName("guests-home")]
    GuestsHome,

    /// <summary>It is left alone for a while.</summary>
    [JsonStringEnumMemberName("settle")]
    Settle,

    /// <summary>Final: all that was asked for was done, or its note says what was not.</summary>
    [JsonStringEnumMemberName("done")]
    Done,

    /// <summary>Final: it was not.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>Final: it was never begun.</summary>
    [JsonStringEnumMemberName("skipped")]
    Skipped,
}

/// <summary>What a step is like.</summary>
public static class NodeSteps
{
    /// <summary>Whether a node's part is over.</summary>
    public static bool IsEnd(this NodeStep step) => step is NodeStep.Done or NodeStep.Failed or NodeStep.Skipped;

    /// <summary>Whether the step only looks, and a pause therefore holds it back.</summary>
    public static bool IsGate(this NodeStep step) => step is NodeStep.Pending or NodeStep.Preflight or NodeStep.Approval or NodeStep.Ready or NodeStep.LastLook;
}
