using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Targets;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Operations;

/// <summary>What a restart or a diagnosis is for.</summary>
/// <param name="Cluster">Its cluster, or the machine it is.</param>
/// <param name="Node">The node whose agent carries it out.</param>
/// <param name="Name">Its name.</param>
/// <param name="Vmid">The guest; null when it is the node itself.</param>
/// <param name="Type">The guest's kind; null when it is the node itself.</param>
/// <param name="Agent">The node's agent when it is the node itself.</param>
/// <param name="Family">The family it is taken for.</param>
public sealed record OperationTarget(ClusterId Cluster, NodeName Node, string Name, Vmid? Vmid, GuestType? Type, AgentId? Agent, PlatformFamily Family)
{
    /// <summary>How long a restart may take if nobody says otherwise: a server with much memory tests it first.</summary>
    public const int UsualRebootSeconds = 900;

    /// <summary>How long a diagnosis may take.</summary>
    public const int DiagnosisSeconds = 300;

    /// <summary>Who carries out what is asked for a target, or why nobody can.</summary>
    public static Outcome<OperationTarget> Of(Target target) => target switch
    {
        { Guest: { } guest } when GuestMachine.Deleted(guest) is { } deleted => deleted,
        { Guest: { } guest } => new OperationTarget(target.Cluster, target.Node.Name, guest.Name, guest.Vmid, guest.Type, null, guest.PlatformFamily),
        { Node.Agent: { } agent } => new OperationTarget(
            target.Cluster, target.Node.Name, target.Node.Hostname ?? target.Node.Name.Value, null, null, agent, target.Machine?.PlatformFamily ?? PatchRoutes.HostFamily),
        _ => PatchRoutes.NoAgent(target),
    };

    /// <summary>The operation and job of a restart, ready to be queued.</summary>
    public OutboxEntry Reboot(JobId id, string? reason, int timeoutSeconds, int waitSeconds, string requestedBy, DateTimeOffset now) => new(
        Vmid is { } vmid ? new RebootGuest(id, timeoutSeconds, vmid) { WaitSeconds = waitSeconds } : new RebootHost(id, timeoutSeconds),
        Record(id, OperationKind.Reboot, requestedBy, now) with { Reason = reason },
        LastOutcome: null,
        Agent: null);

    /// <summary>The operation and job of a diagnosis, ready to be queued.</summary>
    public OutboxEntry Diagnose(JobId id, string requestedBy, DateTimeOffset now) => new(
        new Diagnose(id, DiagnosisSeconds, Vmid) { ExpectedFamily = Family is PlatformFamily.Unknown ? null : PlatformFamilies.Spell(Family) },
        Record(id, OperationKind.Diagnosis, requestedBy, now),
        LastOutcome: null,
        Agent: null);

    private OperationRecord Record(JobId id, OperationKind kind, string requestedBy, DateTimeOffset now) => new()
    {
        Id = id,
        Kind = kind,
        Cluster = Cluster,
        Vmid = Vmid,
        Type = Type,
        Agent = Agent,
        Name = Name,
        Node = Node,
        Family = Family,
        RequestedBy = requestedBy,
        CreatedAt = now,
    };
}
