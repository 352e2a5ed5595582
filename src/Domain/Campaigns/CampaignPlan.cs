using NannyOrleans.Domain.Clusters;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Campaigns;

/// <summary>What a campaign would do if it were started now, node by node. Making one touches nothing.</summary>
/// <param name="Order">What was asked for.</param>
/// <param name="Nodes">The nodes, in the order they would be walked.</param>
/// <param name="Votes">The votes now; null when nobody can tell.</param>
/// <param name="Refusal">Why it could not be started; null when it could.</param>
public sealed record CampaignPlan(CampaignOrder Order, IReadOnlyList<NodePlan> Nodes, VotesView? Votes, Refusal? Refusal)
{
    /// <summary>The plan for a cluster.</summary>
    /// <param name="order">What was asked for.</param>
    /// <param name="picture">The cluster.</param>
    /// <param name="serverOn">The node this server itself runs on as a guest; null when on none, or not known.</param>
    /// <param name="now">The server's clock.</param>
    public static CampaignPlan Of(CampaignOrder order, ClusterPicture picture, NodeName? serverOn, DateTimeOffset now)
    {
        var count = QuorumCount.Of(picture, now);
        var known = picture.Nodes.Select(node => node.Node).ToHashSet();
        if (order.Nodes is { } asked && (asked.Distinct().Count() != asked.Count || asked.Count is 0))
        {
            return Refused("nodes", asked.Count is 0 ? "No node is named." : "A node is named twice.");
        }

        if ((order.Nodes ?? []).Concat(order.Canary is { } one ? [one] : []).Where(node => !known.Contains(node)).Select(node => (NodeName?)node).FirstOrDefault() is { } stranger)
        {
            return Refused("unknown-node", $"This cluster has no node {stranger}.");
        }

        if (order is { Canary: { } canary, Nodes: { } named } && !named.Contains(canary))
        {
            return Refused("canary", $"The canary {canary} is not among the nodes named.");
        }

        var nodes = Ordered(order, picture, serverOn, now).Select(node => NodePlan.Of(order, node, picture, count, now)).ToArray();
        var down = nodes.FirstOrDefault(node => !node.CanBeRebooted);
        var refusal = order is { Mode: PatchMode.Apply, Reboot: not RebootPolicy.Never, WithoutQuorum: WithoutQuorum.Stop } && !count.IsRefused && down is not null
            ? new Refusal("would-lose-quorum", $"{down.Node} can never be rebooted: {count.Value.Expected} votes, {count.Value.Needed} needed, and not enough without it. Ask for reboot \"never\" or without_quorum \"patch-only\", or give the cluster a quorum device.")
            : null;
        return new(order, nodes, count.Value?.View(), refusal);

        CampaignPlan Refused(string code, string message) => new(order, [], count.Value?.View(), new(code, message));
    }

    /// <summary>The plan with the guests that are patched before their node.</summary>
    /// <param name="view">The cluster as shown, which knows of agents inside VMs; null when nobody knows it.</param>
    public CampaignPlan With(ClusterView? view) =>
        this with { Nodes = [.. Nodes.Select(node => node with { PatchedFirst = GuestPatches.Of(Order, view?.Nodes.FirstOrDefault(one => one.Name == node.Node)) })] };

    // The canary first. Then those with the fewest running guests; last the one that leads HA, and after it the one this server runs on, so
    // that both move as late and as seldom as can be.
    private static IEnumerable<NodeName> Ordered(CampaignOrder order, ClusterPicture picture, NodeName? serverOn, DateTimeOffset now)
    {
        var master = picture.Nodes.Where(node => node.IsFresh(now)).Select(node => node.Sees?.Ha?.Master).FirstOrDefault(name => name is not null);
        var nodes = order.Nodes ??
        [
            .. picture.Nodes
                .OrderBy(node => node.Node == serverOn)
                .ThenBy(node => node.Node == master)
                .ThenBy(node => node.Guests?.Count(guest => guest.Status is not GuestStatus.Stopped) ?? int.MaxValue)
                .ThenBy(node => node.Node.Value, StringComparer.Ordinal)
                .Select(node => node.Node),
        ];
        return order.Canary is { } canary ? nodes.Where(node => node == canary).Concat(nodes.Where(node => node != canary)) : nodes;
    }
}

/// <summary>What a campaign would do to one node.</summary>
/// <param name="Node">The node.</param>
/// <param name="PendingUpdates">Packages an upgrade would change; null when not known.</param>
/// <param name="RebootRequired">Whether it needs a reboot already; null when not known. Its patch may bring the need.</param>
/// <param name="CanBeRebooted">Whether the rest would keep quorum without it if all else were online; false when nobody can tell.</param>
/// <param name="VotesWithout">The votes that would stay online without it now; null when nobody can tell.</param>
/// <param name="Gates">The conditions for patching it and for taking it down, as they stand now.</param>
/// <param name="Guests">What would become of its running guests if it is rebooted; empty when it would not be; null when its guests are not known.</param>
public sealed record NodePlan(
    NodeName Node, int? PendingUpdates, bool? RebootRequired, bool CanBeRebooted, int? VotesWithout, IReadOnlyList<GateResult> Gates, IReadOnlyList<GuestMove>? Guests)
{
    /// <summary>The guests patched before it, and those asked for that can't be; null when its guests are not known.</summary>
    public IReadOnlyList<GuestPatch>? PatchedFirst { get; init; } = [];

    /// <summary>The nodes its guests may go to and what would be left of their memory; empty when none migrates.</summary>
    public IReadOnlyList<MoveTarget> Targets { get; init; } = [];

    internal static NodePlan Of(CampaignOrder order, NodeName node, ClusterPicture picture, Outcome<QuorumCount> count, DateTimeOffset now)
    {
        var seen = picture.Find(node);
        var campaign = new CampaignState { Order = order };
        var takeDown = order is { Mode: PatchMode.Apply, Reboot: not RebootPolicy.Never };
        var moves = !takeDown ? [] : seen?.Guests is null ? null : GuestMoves.Of(order, node, picture, now);
        return new(
            node,
            seen?.PendingUpdates,
            seen?.RebootRequired,
            count.Value?.CouldSurviveLossOf(node) ?? false,
            count.Value?.OnlineWithout(node),
            [.. Campaigns.Gates.BeforePatch(campaign, node, picture, count, now).Concat(takeDown ? Campaigns.Gates.BeforeTakeDown(campaign, node, picture, count, now) : []).DistinctBy(gate => (gate.Name, gate.Reason))],
            moves)
        {
            Targets = GuestMoves.Targets(node, moves ?? [], picture, now),
        };
    }
}
