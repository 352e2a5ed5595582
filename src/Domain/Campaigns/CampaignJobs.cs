using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Campaigns;

/// <summary>What a campaign's work is as operations and jobs of agents.</summary>
public static class CampaignJobs
{
    /// <summary>How long after it was asked for a node may begin to reboot: the conditions held when it was asked for, and nobody knows for how long.</summary>
    public static readonly TimeSpan RebootWithin = TimeSpan.FromMinutes(1);

    /// <summary>The operation and job of anything but a patch, ready to be queued at <see cref="CampaignWork.Via"/>; it may begin until its step's deadline.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="campaign">The campaign.</param>
    /// <param name="work">What is to be done.</param>
    /// <param name="picture">The cluster, for names.</param>
    /// <param name="now">The server's clock.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is a patch.</exception>
    public static OutboxEntry Of(ClusterId cluster, CampaignState campaign, CampaignWork work, ClusterPicture picture, DateTimeOffset now)
    {
        var (order, node) = (campaign.Order!, campaign.Current!);
        var guest = work.Vmid is { } vmid ? picture.Nodes.SelectMany(one => one.Guests ?? []).FirstOrDefault(one => one.Vmid == vmid) : null;
        var move = node.Guests?.FirstOrDefault(one => one.Vmid == work.Vmid);
        var seconds = (int)CampaignMachine.Limit(order, node.Step).TotalSeconds;
        var (job, says) = Job(work, node.Node, seconds);
        return new(
            job with { StartBy = work.Kind is WorkKind.Reboot && now + RebootWithin < node.Deadline ? now + RebootWithin : node.Deadline },
            new()
            {
                Id = work.Job,
                Kind = work.Kind is WorkKind.Reboot ? OperationKind.Reboot : OperationKind.CampaignStep,
                Cluster = cluster,
                Vmid = job.Target,
                Type = job.Target is null ? null : guest?.Type ?? move?.Type ?? GuestType.Lxc,
                Agent = job.Target is null ? picture.Find(work.Via)?.Agent : null,
                Name = guest?.Name ?? move?.Name ?? work.Via.Value,
                Node = work.Via,
                Campaign = campaign.Id,
                Reason = says,
                RequestedBy = order.RequestedBy,
                CreatedAt = now,
            },
            LastOutcome: null,
            Agent: null);
    }

    /// <summary>What a campaign asks of a patch of its node, or of the node's guests.</summary>
    /// <param name="campaign">The campaign.</param>
    /// <param name="plan">The dry run the node's patch was approved from; null without one.</param>
    public static PatchOrder Patch(CampaignState campaign, PinnedPlan? plan) => new(campaign.Order!.Mode, campaign.Order.Exclusions, campaign.Order.RequestedBy)
    {
        TimeoutSeconds = campaign.Order.Limits.PatchSeconds,
        WaitSeconds = Math.Min(PatchOrder.UsualWaitSeconds, campaign.Order.Limits.PatchSeconds),
        Plan = plan,
        Campaign = campaign.Id,
        StartBy = campaign.Current!.Deadline,
    };

    /// <summary>How work ended, as its operation says; null while it has not.</summary>
    public static WorkEnd? End(OperationRecord operation) => !operation.Status.IsFinal() ? null
        : operation.Status is OperationStatus.Succeeded ? new(true, null) { ChangedNothing = operation is { Kind: OperationKind.Patch, Mode: PatchMode.Apply, Findings: { Packages: [], Removed: [] } } }
        : new(false, $"{operation.Kind switch { OperationKind.Patch => "Patch", OperationKind.Reboot => "Reboot", _ => operation.Reason ?? "Step" }} of {operation.Name} {operation.Status.ToString().ToLowerInvariant()} (operation {operation.Id}): {operation.Failure?.Message ?? "no reason is known"}") { NeverRan = operation.Failure?.Code is OperationMachine.NeverRan };

    private static (Job Job, string Says) Job(CampaignWork work, NodeName node, int seconds) => work.Kind switch
    {
        WorkKind.CephFlagsOn or WorkKind.CephFlagsOff => (
            new SetCephFlag(work.Job, seconds, SetCephFlag.Allowed, work.Kind is WorkKind.CephFlagsOn),
            $"Ceph's flag {SetCephFlag.Allowed} {(work.Kind is WorkKind.CephFlagsOn ? "on" : "off")}"),
        WorkKind.MaintenanceOn or WorkKind.MaintenanceOff => (
            new SetMaintenance(work.Job, seconds, node, work.Kind is WorkKind.MaintenanceOn),
            $"Maintenance mode of {node} {(work.Kind is WorkKind.MaintenanceOn ? "on" : "off")}"),
        WorkKind.MoveGuest => (new MigrateGuest(work.Job, seconds, work.Vmid!.Value, work.Target!.Value), $"Migration to {work.Target}"),
        WorkKind.StopGuest or WorkKind.StartGuest => (
            new PowerGuest(work.Job, seconds, work.Vmid!.Value, work.Kind is WorkKind.StartGuest), work.Kind is WorkKind.StartGuest ? "Start" : "Shutdown"),
        WorkKind.Reboot => (new RebootHost(work.Job, seconds), "Reboot"),
        _ => throw new ArgumentOutOfRangeException(nameof(work), work.Kind, "A patch has a script."),
    };
}
