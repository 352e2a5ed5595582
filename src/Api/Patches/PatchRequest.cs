using NannyOrleans.Domain.Agents;
using NannyOrleans.Domain.Batches;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Patches;

/// <summary>What <c>POST /api/patches</c> takes.</summary>
/// <param name="AgentId">The guest, by its id or any short form of it.</param>
/// <param name="Mode"><c>dry-run</c> or <c>apply</c>.</param>
internal sealed record PatchRequest(string? AgentId, string? Mode)
{
    /// <summary>
    /// Packages to leave as they are: names, or globs with <c>*</c>. Absent: none. Null is refused: a script that found no list to exclude
    /// did not mean "upgrade everything".
    /// </summary>
    public IReadOnlyList<string?>? Exclusions { get; init; } = [];

    /// <summary>Instead of <c>agent_id</c>: many targets, by their ids or any short forms of them.</summary>
    public IReadOnlyList<string?>? AgentIds { get; init; }

    /// <summary>Instead of <c>agent_id</c>: all that a filter of <c>GET /api/agents</c> selects.</summary>
    public string? Filter { get; init; }

    /// <summary>Whether it is for many targets.</summary>
    internal bool IsBatch => AgentIds is not null || Filter is not null;

    /// <summary>The order this is, or what is wrong with each field.</summary>
    public (PatchOrder? Order, IReadOnlyDictionary<string, string[]> Errors) Read(string requestedBy)
    {
        var errors = new Dictionary<string, string[]>();
        if (IsBatch)
        {
            ReadTargets(errors);
        }
        else if (string.IsNullOrWhiteSpace(AgentId))
        {
            errors["agent_id"] = ["It is missing: the id or name of the guest to patch."];
        }

        PatchMode? mode = Mode switch { "dry-run" => PatchMode.DryRun, "apply" => PatchMode.Apply, _ => null };
        if (mode is null)
        {
            errors["mode"] = ["It must be dry-run or apply."];
        }

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
                errors[$"exclusions[{i}]"] = ["It must be a package name, or a glob with *, of letters, digits and + - . _ @ : at most 128 long."];
            }
        }

        return errors.Count is 0 ? (new(mode!.Value, [.. exclusions.OfType<string>().Distinct()], requestedBy), errors) : (null, errors);
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
