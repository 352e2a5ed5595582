using System.Text.Json;
using NannyOrleans.Api.Audit;
using NannyOrleans.Api.Patches;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Campaigns;

/// <summary>What <c>POST /api/clusters/{id}/campaigns</c> and its <c>/plan</c> take; the fields of <see cref="CampaignOrder"/>.</summary>
/// <param name="Mode"><c>dry-run</c> or <c>apply</c>.</param>
internal sealed record CampaignRequest(string? Mode) : IAudited
{
    /// <summary>The nodes, in the order they are walked. Absent: all, in the order that disturbs least.</summary>
    public IReadOnlyList<string?>? Nodes { get; init; }

    /// <summary>A node that goes first and is watched before the next.</summary>
    public string? Canary { get; init; }

    /// <summary>Seconds the canary is watched, 0 to 604800; 3600 without it.</summary>
    public int? SoakSeconds { get; init; }

    /// <summary>Guests patched before their node: <c>none</c> (the usual), <c>tagged</c>, <c>all</c>.</summary>
    public string? Guests { get; init; }

    /// <summary>The tag that <c>tagged</c> means.</summary>
    public string? GuestTag { get; init; }

    /// <summary>Running guests outside HA when their node reboots: <c>migrate</c> (the usual), <c>shutdown</c>, <c>leave</c>.</summary>
    public string? Drain { get; init; }

    /// <summary>Whether nodes are rebooted: <c>if-needed</c> (the usual), <c>always</c>, <c>never</c>.</summary>
    public string? Reboot { get; init; }

    /// <summary>When a node fails: <c>stop</c> (the usual), <c>skip-node</c>.</summary>
    public string? OnFailure { get; init; }

    /// <summary>A node that can't be rebooted without the rest losing quorum: <c>stop</c> (the usual: the campaign is refused), <c>patch-only</c>.</summary>
    public string? WithoutQuorum { get; init; }

    /// <summary>Whether a person approves each reboot.</summary>
    public bool ApproveReboots { get; init; }

    /// <summary>Whether Ceph is told not to move data while a node reboots; true without it.</summary>
    public bool? CephFlags { get; init; }

    /// <summary>Whether nodes are patched though something is wrong with their package repositories.</summary>
    public bool AcceptRepositoryProblems { get; init; }

    /// <summary>When no further node may be begun.</summary>
    public DateTimeOffset? WindowEnd { get; init; }

    /// <summary>Packages to leave as they are, as for a patch.</summary>
    public IReadOnlyList<string?>? Exclusions { get; init; }

    /// <summary>For each node the dry run it is approved from.</summary>
    public IReadOnlyDictionary<string, string?>? Plans { get; init; }

    /// <summary>How long each step may take, seconds.</summary>
    public StepLimitsRequest? Limits { get; init; }

    /// <summary>What is asked for, or what is wrong with each field.</summary>
    public (CampaignOrder? Order, Dictionary<string, string[]> Errors) Read(string requestedBy, DateTimeOffset now)
    {
        var errors = new Dictionary<string, string[]>();
        var mode = Choice<PatchMode>(errors, "mode", Mode, null);
        var guests = Choice<GuestsFirst>(errors, "guests", Guests, GuestsFirst.None);
        var order = new CampaignOrder(mode, requestedBy)
        {
            Nodes = Nodes is null ? null : [.. Nodes.Select((name, index) => Node(errors, $"nodes[{index}]", name))],
            Canary = Canary is null ? null : Node(errors, "canary", Canary),
            SoakSeconds = Seconds(errors, "soak_seconds", SoakSeconds, 3600, 0, 604800),
            Guests = guests,
            GuestTag = GuestTag,
            Drain = Choice<DrainPolicy>(errors, "drain", Drain, DrainPolicy.Migrate),
            Reboot = Choice<RebootPolicy>(errors, "reboot", Reboot, RebootPolicy.IfNeeded),
            OnFailure = Choice<FailurePolicy>(errors, "on_failure", OnFailure, FailurePolicy.Stop),
            WithoutQuorum = Choice<Domain.Campaigns.WithoutQuorum>(errors, "without_quorum", WithoutQuorum, Domain.Campaigns.WithoutQuorum.Stop),
            ApproveReboots = ApproveReboots,
            CephFlags = CephFlags ?? true,
            AcceptRepositoryProblems = AcceptRepositoryProblems,
            WindowEnd = WindowEnd,
            Exclusions = ReadExclusions(errors),
            Plans = ReadPlans(errors),
            Limits = (Limits ?? new()).Read(errors),
        };
        if (guests is GuestsFirst.Tagged != GuestTag is not null || GuestTag is "")
        {
            errors["guest_tag"] = [guests is GuestsFirst.Tagged ? "It is missing: the tag of the guests that are patched first." : "It goes with guests \"tagged\" alone."];
        }

        if (WindowEnd <= now)
        {
            errors["window_end"] = ["It has passed already."];
        }

        return errors.Count > 0 ? (null, errors) : (order, errors);
    }

    private Dictionary<NodeName, JobId>? ReadPlans(Dictionary<string, string[]> errors)
    {
        if (Plans is null)
        {
            return null;
        }

        var plans = new Dictionary<NodeName, JobId>();
        foreach (var (name, text) in Plans)
        {
            plans[Node(errors, $"plans.{name}", name)] = Plan(errors, $"plans.{name}", text); // several that are no names are one: all of them are errors
        }

        return plans;
    }

    private string[] ReadExclusions(Dictionary<string, string[]> errors)
    {
        var exclusions = Exclusions ?? [];
        if (exclusions.Count > PackagePattern.MaxCount)
        {
            errors["exclusions"] = [$"There may be {PackagePattern.MaxCount} at most."];
        }

        for (var i = 0; i < exclusions.Count && errors.Count < 20; i++)
        {
            if (!PackagePattern.IsValid(exclusions[i]))
            {
                errors[$"exclusions[{i}]"] = [PatchRequest.WrongPattern];
            }
        }

        return [.. exclusions.OfType<string>().Distinct()];
    }

    // The words are those of the record itself, as its JSON spells them.
    private static T Choice<T>(Dictionary<string, string[]> errors, string field, string? text, T? usual)
        where T : struct, Enum
    {
        var words = Enum.GetValues<T>().ToDictionary(value => JsonSerializer.Serialize(value).Trim('"'), StringComparer.Ordinal);
        if (text is null && usual is { } value)
        {
            return value;
        }

        if (text is not null && words.TryGetValue(text, out var meant))
        {
            return meant;
        }

        errors[field] = [$"It must be one of {string.Join(", ", words.Keys)}."];
        return default;
    }

    internal static int Seconds(Dictionary<string, string[]> errors, string field, int? seconds, int usual, int least, int most)
    {
        if (seconds < least || seconds > most)
        {
            errors[field] = [$"It must be a whole number of seconds from {least} to {most}."];
        }

        return seconds ?? usual;
    }

    private static NodeName Node(Dictionary<string, string[]> errors, string field, string? name)
    {
        if (!NodeName.TryParse(name, null, out var node))
        {
            errors[field] = ["It must be the name of a node."];
        }

        return node;
    }

    private static JobId Plan(Dictionary<string, string[]> errors, string field, string? text)
    {
        if (!JobId.TryParse(text, null, out var id))
        {
            errors[field] = ["It must be the operation_id of a dry run."];
        }

        return id;
    }
}

/// <summary>How long steps may take, in seconds; what is absent is as usual (<see cref="StepLimits"/>).</summary>
internal sealed record StepLimitsRequest
{
    /// <inheritdoc cref="StepLimits.GateSeconds"/>
    public int? GateSeconds { get; init; }

    /// <inheritdoc cref="StepLimits.PatchSeconds"/>
    public int? PatchSeconds { get; init; }

    /// <inheritdoc cref="StepLimits.DrainSeconds"/>
    public int? DrainSeconds { get; init; }

    /// <inheritdoc cref="StepLimits.RebootSeconds"/>
    public int? RebootSeconds { get; init; }

    /// <inheritdoc cref="StepLimits.SwitchSeconds"/>
    public int? SwitchSeconds { get; init; }

    /// <inheritdoc cref="StepLimits.SettleSeconds"/>
    public int? SettleSeconds { get; init; }

    internal StepLimits Read(Dictionary<string, string[]> errors)
    {
        var usual = new StepLimits();
        return new()
        {
            GateSeconds = Limit(nameof(GateSeconds), GateSeconds, usual.GateSeconds, 1),
            PatchSeconds = Limit(nameof(PatchSeconds), PatchSeconds, usual.PatchSeconds, 1),
            DrainSeconds = Limit(nameof(DrainSeconds), DrainSeconds, usual.DrainSeconds, 1),
            RebootSeconds = Limit(nameof(RebootSeconds), RebootSeconds, usual.RebootSeconds, 1),
            SwitchSeconds = Limit(nameof(SwitchSeconds), SwitchSeconds, usual.SwitchSeconds, 1),
            SettleSeconds = Limit(nameof(SettleSeconds), SettleSeconds, usual.SettleSeconds, 0),
        };

        int Limit(string name, int? seconds, int asUsual, int least) =>
            CampaignRequest.Seconds(errors, $"limits.{JsonNamingPolicy.SnakeCaseLower.ConvertName(name)}", seconds, asUsual, least, PatchRequest.MaxSeconds);
    }
}

/// <summary>What <c>resume</c> takes; the body may be left out.</summary>
/// <param name="WindowEnd">A new end of the window; absent to leave it.</param>
internal sealed record ResumeRequest(DateTimeOffset? WindowEnd);

/// <summary>What <c>approve</c> takes.</summary>
/// <param name="Node">The node that may be rebooted.</param>
internal sealed record ApproveRequest(string? Node) : IAudited;
