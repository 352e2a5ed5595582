using System.Text.Json.Serialization;

namespace NannyOrleans.Ctl.Campaigns;

/// <summary>A campaign, as the server shows it.</summary>
internal sealed record Campaign(string Id, string Cluster, string Status, string? Reason, string? Current, DateTimeOffset StartedAt, DateTimeOffset? EndedAt, IReadOnlyList<Node> Nodes)
{
    /// <summary>Whether nothing more happens in it without a person.</summary>
    public bool IsOver => Status is "completed" or "aborted";

    /// <summary>Whether all that was asked for was done on every node.</summary>
    public bool IsWhole => Status is "completed" && Nodes.All(node => node.Step is "done");
}

/// <summary>A cluster, as far as a list of campaigns needs it.</summary>
internal sealed record Cluster(string Id, string Name);

/// <summary>One of its nodes.</summary>
internal sealed record Node([property: JsonPropertyName("node")] string Name, string Step, DateTimeOffset Since, string? Note, IReadOnlyList<Gate>? WaitsFor, bool Rebooted)
{
    /// <summary>The steps in the order a node takes them, as far as it takes them.</summary>
    private static readonly string[] Steps =
    [
        "pending", "preflight", "patch-guests", "patch", "assess", "approval", "ready", "ceph-flags-on", "maintenance-on", "drain", "last-look",
        "reboot", "back", "maintenance-off", "ceph-flags-off", "guests-home", "settle", "done",
    ];

    /// <summary>How far it is, 0 to 1. A step this program does not know counts as nothing done.</summary>
    public double Part => Step is "failed" ? 1 : Math.Max(0, Array.IndexOf(Steps, Step)) / (Steps.Length - 1.0);

    public bool IsOver => Step is "done" or "failed";
}

/// <summary>One condition.</summary>
internal sealed record Gate(string Name, string Verdict, string Reason);

/// <summary>Something that happened.</summary>
internal sealed record Happened(int Number, DateTimeOffset At, string? Node, string? Step, string Text);

/// <summary>What a campaign would do.</summary>
internal sealed record Plan(IReadOnlyList<PlannedNode> Nodes, Votes? Votes, Refused? Refusal);

/// <summary>The votes of a cluster.</summary>
internal sealed record Votes(int Expected, int Quorum, int? Online);

/// <summary>What it would do to a node.</summary>
internal sealed record PlannedNode(string Node, int? PendingUpdates, bool? RebootRequired, bool CanBeRebooted, int? VotesWithout, IReadOnlyList<Gate> Gates, IReadOnlyList<Move>? Guests, IReadOnlyList<Patched>? PatchedFirst, IReadOnlyList<MoveTarget>? Targets);

/// <summary>What is and would be left of the memory of a node that guests may go to.</summary>
internal sealed record MoveTarget(string Node, long? FreeBytes, long? FreeAfterBytes, long? ReserveBytes);

/// <summary>A guest that is patched before its node, or the reason why not.</summary>
internal sealed record Patched(int Vmid, string Name, string? Reason);

/// <summary>What becomes of a guest.</summary>
internal sealed record Move(int Vmid, string Name, string Way, string? Target, string Reason);

/// <summary>Why not.</summary>
internal sealed record Refused(string Code, string Message);
