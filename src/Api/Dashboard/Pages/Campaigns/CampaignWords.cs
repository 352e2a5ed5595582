using System.Text.Json;
using NannyOrleans.Api.Campaigns;
using NannyOrleans.Api.Dashboard.Shell;
using NannyOrleans.Domain.Campaigns;

namespace NannyOrleans.Api.Dashboard.Pages.Campaigns;

/// <summary>A campaign's words, as the API and nannyctl spell them, and how they are meant.</summary>
internal static class CampaignWords
{
    /// <summary>The word of a status, step, verdict or choice.</summary>
    public static string Of<T>(T value)
        where T : struct, Enum => JsonSerializer.Serialize(value).Trim('"');

    /// <summary>How a campaign's status is meant.</summary>
    public static Mood MoodOf(CampaignView campaign) => campaign.Status switch
    {
        CampaignStatus.Running => Mood.Busy,
        CampaignStatus.Paused => Mood.Waiting,
        CampaignStatus.Halted => Mood.Bad,
        CampaignStatus.Aborting => Mood.Warning,
        CampaignStatus.Aborted => Mood.Neutral,
        CampaignStatus.Completed => campaign.Nodes.All(node => node.Step is NodeStep.Done) ? Mood.Good : Mood.Warning,
        _ => Mood.Unknown,
    };

    /// <summary>How a node's step is meant.</summary>
    public static Mood MoodOf(NodeProgress node) => node.Step switch
    {
        NodeStep.Done => node.Note is null ? Mood.Good : Mood.Warning,
        NodeStep.Failed => Mood.Bad,
        NodeStep.Skipped or NodeStep.Pending => Mood.Neutral,
        NodeStep.Approval => Mood.Waiting,
        _ => node.WaitsFor is { Count: > 0 } ? Mood.Waiting : Mood.Busy,
    };

    /// <summary>How a condition's verdict is meant.</summary>
    public static Mood MoodOf(GateVerdict verdict) => verdict switch
    {
        GateVerdict.Pass => Mood.Good,
        GateVerdict.Wait => Mood.Waiting,
        GateVerdict.Never => Mood.Bad,
        _ => Mood.Unknown,
    };

    /// <summary>A verdict for a person.</summary>
    public static string Verdict(GateVerdict verdict) => verdict switch
    {
        GateVerdict.Pass => "pass",
        GateVerdict.Wait => "wait",
        GateVerdict.Never => "fail: never holds",
        _ => Show.Unknown,
    };

    /// <summary>Whether nothing more comes of it.</summary>
    public static bool IsOver(CampaignView campaign) => campaign.Status is CampaignStatus.Completed or CampaignStatus.Aborted;

    /// <summary>How many of its nodes have ended, and how.</summary>
    public static string Progress(CampaignView campaign)
    {
        var (ended, failed, skipped) = (campaign.Nodes.Count(node => node.Step.IsEnd()), campaign.Nodes.Count(node => node.Step is NodeStep.Failed), campaign.Nodes.Count(node => node.Step is NodeStep.Skipped));
        return $"{ended} of {Show.Count(campaign.Nodes.Count, "node")}{(failed > 0 ? $", {failed} failed" : string.Empty)}{(skipped > 0 ? $", {skipped} skipped" : string.Empty)}";
    }

    /// <summary>What happens in a step.</summary>
    public static string Meaning(NodeStep step) => step switch
    {
        NodeStep.Pending => "Its turn has not come.",
        NodeStep.Preflight => "The conditions for changing anything on it are looked at.",
        NodeStep.PatchGuests => "Its guests are patched.",
        NodeStep.Patch => "It is patched.",
        NodeStep.Assess => "Its word on whether it needs a reboot is awaited.",
        NodeStep.Approval => "A person's approval of its reboot is awaited.",
        NodeStep.Ready => "The conditions for taking it down are looked at.",
        NodeStep.CephFlagsOn => "Ceph is told not to move data.",
        NodeStep.MaintenanceOn => "It goes into HA's maintenance mode.",
        NodeStep.Drain => "Its guests leave.",
        NodeStep.LastLook => "The conditions for taking it down are looked at once more.",
        NodeStep.Reboot => "It reboots.",
        NodeStep.Back => "It is awaited: another boot, the expected kernel, quorum.",
        NodeStep.MaintenanceOff => "It leaves maintenance mode.",
        NodeStep.CephFlagsOff => "Ceph's flags come off.",
        NodeStep.GuestsHome => "Its guests come home.",
        NodeStep.Settle => "It is left alone for a while before the next.",
        NodeStep.Done => "All that was asked for was done, or its note says what was not.",
        NodeStep.Failed => "Not all that was asked for was done.",
        NodeStep.Skipped => "It was never begun.",
        _ => Show.Unknown,
    };
}
