using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Http;
using NannyOrleans.Grains.Fleet;

namespace NannyOrleans.Api.Agents;

/// <summary>Hosts and guests, in the guide's words "agents".</summary>
internal static class AgentEndpoints
{
    public static void MapAgents(this IEndpointRouteBuilder routes)
    {
        var agents = routes.MapGroup("/api/agents").WithTags("Agents");
        agents.MapGet("/", List).WithName("ListAgents").WithSummary("All hosts and guests, or those a filter selects.");
        agents.MapGet("/{id}", Get).WithName("GetAgent").WithSummary("One host or guest, by its id or any short form of it.");
    }

    internal static async Task<Results<Ok<IEnumerable<object>>, ValidationProblem>> List(string? filter, IGrainFactory grains)
    {
        var (test, problem) = string.IsNullOrWhiteSpace(filter) ? (static _ => true, null) : AgentFilter.Parse(filter);
        if (test is null)
        {
            return Problems.Invalid(new Dictionary<string, string[]> { ["filter"] = [problem!] });
        }

        // As objects: each row is written with the fields of its own kind.
        return TypedResults.Ok<IEnumerable<object>>([.. AgentRow.Of(await grains.ReadTopology()).Where(test)]);
    }

    internal static async Task<Results<Ok<object>, ProblemHttpResult>> Get(string id, IGrainFactory grains)
    {
        var (target, problem) = await grains.Resolve(id);
        return target is null ? problem!
            : AgentRow.Of(target) is { } row ? TypedResults.Ok<object>(row)
            : TypedResults.Problem(Problems.NotFound("agent on node", id));
    }
}
