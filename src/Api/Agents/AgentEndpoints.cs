using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Audit;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Access;
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
        agents.MapGet("/", List).Needs(Powers.View).WithName("ListAgents")
            .WithSummary("Hosts, guests and standalone agents: all, those a filter selects, or a page of them. The total is in X-Total-Count.")
            .Produces<IEnumerable<AgentRow>>().ProducesValidationProblem();
        agents.MapGet("/{id}", Get).Needs(Powers.View).WithName("GetAgent").WithSummary("One host, guest or standalone agent, by its id or any short form of it.")
            .Produces<AgentRow>().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        agents.MapPatch("/{id}", Patch).Needs(Powers.Operate).WithName("PatchAgent").WithMetadata(new AuditAction("annotate")) // nothing is patched
            .WithSummary("Says what discovery can't know: platform_family, tags, notes, the agent inside a VM (vm_agent), and whether a VM may be patched through its QEMU guest agent (agentless_vm). Null takes back.")
            .Produces<AgentRow>().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        agents.MapPost("/{id}/revoke", Revoke).Needs(Powers.Administer).WithName("RevokeAgent")
            .WithSummary("Takes a host's agent its power: its connection is cut at once, its token is worthless, and its unfinished jobs end. To come back it is registered and approved again.")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        agents.MapPost("/{id}/discover", Discover).Needs(Powers.Operate).WithName("DiscoverAgent").WithSummary("Has the host look anew at once; a guest's own system is read again.")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
    }

    /// <param name="query">What is asked for.</param>
    /// <param name="http">Gets the headers.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<IResult> List([AsParameters] AgentListRequest query, HttpContext http, Requester who, IGrainFactory grains)
    {
        var (wanted, errors) = query.Read(http.Request.Query.Keys);
        if (wanted is null)
        {
            return Problems.Invalid(errors);
        }

        var page = await grains.List(wanted, who.Sight);
        http.Response.Headers["X-Total-Count"] = page.Total.ToString(CultureInfo.InvariantCulture);
        if (query.LinkFor(http.Request, page.Total) is { } link)
        {
            http.Response.Headers.Link = link;
        }

        // As objects: each row is written with the fields of its own kind.
        return TypedResults.Ok<IEnumerable<object>>(page.Rows.Skip(query.Skip).ToArray<object>());
    }

    /// <param name="id">Its id, or any short form that means one thing alone: lxc-100, guest-lxc-100, lxc-100-web, a vmid, a name.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Ok<object>, ProblemHttpResult>> Get(string id, Requester who, IGrainFactory grains)
    {
        var (target, problem) = await grains.ResolveAgent(id, who);
        return target is null ? problem! : Row(target);
    }

    /// <param name="id">Its id, or any short form that means one thing alone.</param>
    /// <param name="body">What to say of it. Absent fields stay as they are.</param>
    /// <param name="who">Who says so.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Ok<object>, ValidationProblem, ProblemHttpResult>> Patch(string id, JsonBody<AgentChanges> body, Requester who, IGrainFactory grains)
    {
        var (change, agent, errors) = body.Value.Read();
        if (change is null)
        {
            return Problems.Invalid(errors);
        }

        var (target, problem) = await grains.ResolveAgent(id, who);
        if (target is null)
        {
            return problem!;
        }

        // What runs inside a VM, and through what, is more than patching what is there.
        if ((change.Agent is not null || change.AgentlessVm is not null || agent is not null) && who.Refused(target.Cluster, Powers.Administer) is { } refused)
        {
            return refused;
        }

        if (agent is not null)
        {
            // Among machines alone: a VM and the host inside it mostly have one name.
            var machines = (await grains.Find(agent, who.Sight)).Where(found => found.Machine?.Node.Agent is not null).ToArray();
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

        var (after, gone) = await grains.ResolveAgent(target.Id, who);
        return after is null ? gone! : Row(after);
    }

    /// <param name="id">Its id, or any short form that means one thing alone.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="clock">The server's clock.</param>
    internal static async Task<Results<Accepted<DiscoverAnswer>, ProblemHttpResult>> Discover(string id, Requester who, IGrainFactory grains, TimeProvider clock)
    {
        var (target, problem) = await grains.ResolveAgent(id, who);
        if (target is null)
        {
            return problem!;
        }

        var refusal = await grains.GetGrain<INodeGrain>(new NodeKey(target.Cluster, target.Node.Name).ToString()).Discover(new(target.Guest?.Vmid));
        return refusal is null
            ? TypedResults.Accepted($"/api/agents/{Uri.EscapeDataString(target.Id)}", new DiscoverAnswer(target.Id, clock.GetUtcNow()))
            : TypedResults.Problem(refusal.ToProblem());
    }

    /// <param name="id">Its id, or any short form that means one thing alone.</param>
    /// <param name="who">Who says so.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="note">Is told whose it was.</param>
    internal static async Task<Results<NoContent, ProblemHttpResult>> Revoke(string id, Requester who, IGrainFactory grains, AuditNote note)
    {
        var (target, problem) = await grains.ResolveAgent(id, who);
        if (target is null)
        {
            return problem!;
        }

        if (target.Guest is not null)
        {
            return TypedResults.Problem(new Refusal("no-agent", $"'{target.Id}' is a guest and has no agent of its own; its host {target.Node.Name} has one.").ToProblem());
        }

        note.Detail = $"{target.Cluster}/{target.Node.Name}";

        // The node first: that is where the power is. After a crash in between the cluster still names the agent, and it can be said again.
        await grains.GetGrain<INodeGrain>(new NodeKey(target.Cluster, target.Node.Name).ToString()).Revoke();
        await grains.GetGrain<IClusterGrain>(target.Cluster.Value).Revoke(target.Node.Name);
        return TypedResults.NoContent();
    }

    // As an object: it is written with the fields of its own kind.
    private static Ok<object> Row(Target target) => TypedResults.Ok<object>(AgentRow.Of(target));
}

/// <summary>What <c>POST /api/agents/{id}/discover</c> answers.</summary>
/// <param name="Id">Who was asked about.</param>
/// <param name="RequestedAt">When, by the server's clock. It is done once <c>last_seen</c> is later.</param>
internal sealed record DiscoverAnswer(string Id, DateTimeOffset RequestedAt);
