using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Dashboard.Pages.Campaigns;

/// <summary>One step of a node as it was walked.</summary>
/// <param name="Step">Which.</param>
/// <param name="From">When it began.</param>
/// <param name="Until">When the next one began; null while it lasts, and for an end.</param>
/// <param name="Texts">What was said in it, oldest first.</param>
/// <param name="Work">What was asked for in it.</param>
/// <param name="Gates">The conditions as they were looked at last in it; null when none were.</param>
public sealed record NodeStage(NodeStep Step, DateTimeOffset From, DateTimeOffset? Until, IReadOnlyList<string> Texts, IReadOnlyList<CampaignWork> Work, IReadOnlyList<GateResult>? Gates);

/// <summary>Puts together how a node was walked from what happened.</summary>
public static class NodeStages
{
    /// <summary>The steps of a node in the order in which they came; one that was tried again is there again.</summary>
    /// <param name="node">The node.</param>
    /// <param name="events">What happened in the campaign, oldest first.</param>
    public static IReadOnlyList<NodeStage> Of(NodeName node, IEnumerable<CampaignEvent> events)
    {
        var stages = new List<NodeStage>();
        foreach (var happened in events.Where(one => one.Node == node && one.Step is not null))
        {
            if (stages is [.., var last] && last.Step == happened.Step)
            {
                stages[^1] = last with { Texts = [.. last.Texts, happened.Text], Work = [.. last.Work, .. happened.Work ?? []], Gates = happened.Gates ?? last.Gates };
                continue;
            }

            if (stages.Count > 0)
            {
                stages[^1] = stages[^1] with { Until = happened.At };
            }

            stages.Add(new(happened.Step!.Value, happened.At, null, [happened.Text], happened.Work ?? [], happened.Gates));
        }

        return stages;
    }
}
