using NannyOrleans.Api.Audit;
using NannyOrleans.Domain.Agents;
using NannyOrleans.Domain.Batches;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Patches;

/// <summary>What <c>POST /api/patches</c> takes.</summary>
/// <param name="AgentId">The host, guest or machine, by its id or any short form of it.</param>
/// <param name="Mode"><c>dry-run</c> or <c>apply</c>.</param>
internal sealed record PatchRequest(string? AgentId, string? Mode) : IAudited
{
    string? IAudited.AuditTarget => AgentId?.Trim() ?? (AgentIds is { } ids ? $"{ids.Count} targets" : Filter);

    /// <summary>The longest that anything may run or wait, in seconds.</summary>
    public const int MaxSeconds = 86400;

    /// <summary>What is wrong with an exclusion that is no valid <see cref="PackagePattern"/>.</summary>
    public const string WrongPattern = "It must be a package name, or a glob with *, of letters, digits and + - . _ @ : at most 128 long.";

    /// <summary>Instead of <c>agent_id</c>: many targets, by their ids or any short forms of them.</summary>
    public IReadOnlyList<string?>? AgentIds { get; init; }

    /// <summary>Instead of <c>agent_id</c>: all that a filter of <c>GET /api/agents</c> selects.</summary>
    public string? Filter { get; init; }

    /// <summary>Whether it is for many targets.</summary>
    internal bool IsBatch => AgentIds is not null || Filter is not null;

    private bool exclusionsGiven;

    /// <summary>
    /// Packages to leave as they are: names, or globs with <c>*</c>. Absent: those of the plan, or none. Null is refused: a script that
    /// found no list to exclude did not mean "upgrade everything".
    /// </summary>
    public IReadOnlyList<string?>? Exclusions
    {
        get;
        init
        {
            field = value;
            exclusionsGiven = true;
        }
    } = [];

    /// <summary>Only security updates. Absent: as the plan, or all.</summary>
    public bool? SecurityOnly { get; init; }

    /// <summary>Also remove what nothing needs any more. Absent: as the plan, or not.</summary>
    public bool? Autoremove { get; init; }

    /// <summary>Whether a stopped container is started for it and stopped again. Without it a stopped one is left alone.</summary>
    public bool StartStopped { get; init; }

    /// <summary>The dry run this apply is approved from: if anything else would be installed now, nothing is.</summary>
    public string? Plan { get; init; }

    /// <summary>How long it may run, 1 to 86400 seconds; 3600 without it.</summary>
    public int? TimeoutSeconds { get; init; }

    /// <summary>How long a locked guest is waited for, 0 to 86400 seconds; 900 without it.</summary>
    public int? WaitSeconds { get; init; }

    /// <summary>What is asked for, or what is wrong with each field.</summary>
    public (PatchAsk? Ask, IReadOnlyDictionary<string, string[]> Errors) Read(string requestedBy, DateTimeOffset now)
    {
        var errors = new Dictionary<string, string[]>();
        if (IsBatch)
        {
            ReadTargets(errors);
        }
        else if (string.IsNullOrWhiteSpace(AgentId))
        {
            errors["agent_id"] = ["It is missing: the id or name of the host, guest or machine to patch."];
        }

        PatchMode? mode = Mode switch { "dry-run" => PatchMode.DryRun, "apply" => PatchMode.Apply, _ => null };
        if (mode is null)
        {
            errors["mode"] = ["It must be dry-run or apply."];
        }

        var plan = JobId.TryParse(Plan, null, out var run) ? run : (JobId?)null;
        if (Plan is not null && plan is null)
        {
            errors["plan"] = ["It must be the operation_id of a dry run."];
        }
        else if (plan is not null && mode is PatchMode.DryRun)
        {
            errors["plan"] = ["Only an apply is made from a plan; a dry run makes one."];
        }

        else if (plan is not null && IsBatch)
        {
            errors["plan"] = ["A plan is one target's: name it with agent_id."];
        }

        CheckSeconds(errors, "timeout_seconds", TimeoutSeconds, 1);
        CheckSeconds(errors, "wait_seconds", WaitSeconds, 0);
        var exclusions = Exclusions ?? [];
        if (Exclusions is null)
        {
            errors["exclusions"] = ["It must be a list; leave it out to exclude nothing."];
        }
        else if (exclusions.Count > PackagePattern.MaxCount)
        {
            errors["exclusions"] = [$"There may be {PackagePattern.MaxCount} at most."];
        }

        for (var i = 0; i < exclusions.Count && errors.Count < 20; i++)
        {
            if (!PackagePattern.IsValid(exclusions[i]))
            {
                errors[$"exclusions[{i}]"] = [WrongPattern];
            }
        }

        return errors.Count > 0 ? (null, errors) : (
            new(PatchStart.NewId(now), mode!.Value, requestedBy)
            {
                Exclusions = exclusionsGiven ? [.. exclusions.OfType<string>().Distinct()] : null,
                SecurityOnly = SecurityOnly,
                Autoremove = Autoremove,
                StartStopped = StartStopped,
                Plan = plan,
                TimeoutSeconds = TimeoutSeconds ?? PatchOrder.UsualTimeoutSeconds,
                WaitSeconds = WaitSeconds ?? PatchOrder.UsualWaitSeconds,
            },
            errors);
    }

    /// <summary>Notes what is wrong with a number of seconds, if anything is.</summary>
    public static void CheckSeconds(Dictionary<string, string[]> errors, string field, int? seconds, int least)
    {
        if (seconds is { } said && (said < least || said > MaxSeconds))
        {
            errors[field] = [$"It must be a whole number of seconds from {least} to {MaxSeconds}."];
        }
    }

    private void ReadTargets(Dictionary<string, string[]> errors)
    {
        if ((AgentId, AgentIds, Filter) is not ((null, _, null) or (null, null, _)))
        {
            errors[Filter is null ? "agent_ids" : "filter"] = ["There may be only one of agent_id, agent_ids and filter."];
            return;
        }

        if (AgentIds is { Count: 0 or > BatchState.MaxTargets })
        {
            errors["agent_ids"] = [$"There must be 1 to {BatchState.MaxTargets}."];
            return;
        }

        for (var i = 0; i < AgentIds?.Count && errors.Count < 20; i++)
        {
            if (string.IsNullOrWhiteSpace(AgentIds[i]))
            {
                errors[$"agent_ids[{i}]"] = ["It must be the id or name of a guest to patch."];
            }
        }

        // An empty filter selects everything; that must be said, not left out.
        if (Filter is not null && (string.IsNullOrWhiteSpace(Filter) ? "It is empty." : AgentFilter.Parse(Filter).Problem) is { } wrong)
        {
            errors["filter"] = [wrong];
        }
    }
}
