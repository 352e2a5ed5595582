using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Audit;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain.Agents;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Targets;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Nodes;

namespace NannyOrleans.Api.Agents;

/// <summary>Hosts, guests and machines, in the guide's words "agents".</summary>
internal static class AgentEndpoints
{
    public static void MapAgents(this IEndpointRouteBuilder routes)
    {
        var agents = routes.MapGroup("/api/agents").WithTags("Agents");
        agents.MapGet("/", List).WithName("ListAgents")
            .WithSummary("Hosts, guests and standalone agents: all, those a filter selects, or a page of them. The total is in X-Total-Count.")
            .Produces<IEnumerable<AgentRow>>().ProducesValidationProblem();
        agents.MapGet("/{id}", Get).WithName("GetAgent").WithSummary("One host, guest or standalone agent, by its id or any short form of it.")
            .Produces<AgentRow>().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        agents.MapPatch("/{id}", Patch).WithName("PatchAgent").WithMetadata(new AuditAction("annotate")) // nothing is patched
            .WithSummary("Says what discovery can't know: platform_family, tags, notes, the agent inside a VM (vm_agent), and whether a VM may be patched through its QEMU guest agent (agentless_vm). Null takes back.")
            .Produces<AgentRow>().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        agents.MapPost("/{id}/discover", Discover).WithName("DiscoverAgent").WithSummary("Has the host look anew at once; a guest's own system is read again.")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
    }

    /// <param name="query">What is asked for.</param>
    /// <param name="http">Gets the headers.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<IResult> List([AsParameters] AgentListRequest query, HttpContext http, IGrainFactory grains)
    {
        var (wanted, errors) = query.Read(http.Request.Query.Keys);
        if (wanted is null)
        {
            return Problems.Invalid(errors);
        }

        var page = await grains.List(wanted);
        http.Response.Headers["X-Total-Count"] = page.Total.ToString(CultureInfo.InvariantCulture);
        if (query.LinkFor(http.Request, page.Total) is { } link)
        {
            http.Response.Headers.Link = link;
        }

        // As objects: each row is written with the fields of its own kind.
        return TypedResults.Ok<IEnumerable<object>>(page.Rows.Skip(query.Skip).ToArray<object>());
    }

    /// <param name="id">Its id, or any short form that means one thing alone: lxc-100, guest-lxc-100, lxc-100-web, a vmid, a name.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Ok<object>, ProblemHttpResult>> Get(string id, IGrainFactory grains)
    {
        var (target, problem) = await grains.ResolveAgent(id);
        return target is null ? problem! : Row(target);
    }

    /// <param name="id">Its id, or any short form that means one thing alone.</param>
    /// <param name="body">What to say of it. Absent fields stay as they are.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Ok<object>, ValidationProblem, ProblemHttpResult>> Patch(string id, JsonBody<AgentChanges> body, IGrainFactory grains)
    {
        var (change, agent, errors) = body.Value.Read();
        if (change is null)
        {
            return Problems.Invalid(errors);
        }

        var (target, problem) = await grains.ResolveAgent(id);
        if (target is null)
        {
            return problem!;
        }

        if (agent is not null)
        {
            // Among machines alone: a VM and the host inside it mostly have one name.
            var machines = (await grains.Find(agent)).Where(found => found.Machine?.Node.Agent is not null).ToArray();
            if (machines is not [{ Machine.Node.Agent: { } inside }])
            {
                return Problems.Invalid(new Dictionary<string, string[]>
                {
                    ["vm_agent"] = [machines is [] ? $"There is no standalone agent '{agent}'." : $"'{agent}' means more than one agent; use one of their ids: {string.Join(", ", machines.Select(machine => machine.Id))}."],
                });
            }

            change = change with { Agent = new(inside) };
        }

        var cluster = grains.GetGrain<IClusterGrain>(target.Cluster.Value);
        var refusal = target.Guest is { } guest ? await cluster.AnnotateGuest(guest.Vmid, change) : await cluster.AnnotateNode(target.Node.Name, change);
        if (refusal is not null)
        {
            return TypedResults.Problem(refusal.ToProblem());
        }

        var (after, gone) = await grains.ResolveAgent(target.Id);
        return after is null ? gone! : Row(after);
    }

    /// <param name="id">Its id, or any short form that means one thing alone.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="clock">The server's clock.</param>
    internal static async Task<Results<Accepted<DiscoverAnswer>, ProblemHttpResult>> Discover(string id, IGrainFactory grains, TimeProvider clock)
    {
        var (target, problem) = await grains.ResolveAgent(id);
        if (target is null)
        {
            return problem!;
        }

        var refusal = await grains.GetGrain<INodeGrain>(new NodeKey(target.Cluster, target.Node.Name).ToString()).Discover(new(target.Guest?.Vmid));
        return refusal is null
            ? TypedResults.Accepted($"/api/agents/{Uri.EscapeDataString(target.Id)}", new DiscoverAnswer(target.Id, clock.GetUtcNow()))
            : TypedResults.Problem(refusal.ToProblem());
    }

    // As an object: it is written with the fields of its own kind.
    private static Ok<object> Row(Target target) => TypedResults.Ok<object>(AgentRow.Of(target));
}

/// <summary>What <c>POST /api/agents/{id}/discover</c> answers.</summary>
/// <param name="Id">Who was asked about.</param>
/// <param name="RequestedAt">When, by the server's clock. It is done once <c>last_seen</c> is later.</param>
internal sealed record DiscoverAnswer(string Id, DateTimeOffset RequestedAt);
