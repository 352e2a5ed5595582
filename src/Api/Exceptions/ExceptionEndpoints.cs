using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Audit;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Exceptions;
using NannyOrleans.Domain.Targets;
using NannyOrleans.Grains.Exceptions;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Exceptions;

/// <summary>Package exceptions: what operations leave as it is on one target.</summary>
internal static class ExceptionEndpoints
{
    private const string Path = "/api/packages/exceptions";

    public static void MapPackageExceptions(this IEndpointRouteBuilder routes)
    {
        var exceptions = routes.MapGroup(Path).WithTags("Packages");
        exceptions.MapPost("/", Add).Needs(Powers.Operate).WithName("AddPackageException").WithSummary("Has every operation on a host or guest leave packages as they are.")
            .Produces<ExceptionView>(StatusCodes.Status201Created).ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        exceptions.MapGet("/", List).Needs(Powers.View).WithName("ListPackageExceptions").WithSummary("All exceptions, or those of one host or guest; expired ones for 30 days.")
            .Produces<IEnumerable<ExceptionView>>();
        exceptions.MapGet("/{id}", Get).Needs(Powers.View).WithName("GetPackageException").WithSummary("One package exception, also one that expired lately.");
        exceptions.MapPatch("/{id}", Change).Needs(Powers.Operate).WithName("ChangePackageException").WithSummary("Changes package_names, reason or expires_at; null takes back a reason or an end.");
        exceptions.MapDelete("/{id}", Remove).Needs(Powers.Operate).WithName("DeletePackageException").WithSummary("Takes an exception back. Operations that were started before keep it.");
    }

    internal static async Task<Results<Created<ExceptionView>, ValidationProblem, ProblemHttpResult>> Add(
        JsonBody<ExceptionRequest> body, Requester who, IGrainFactory grains, TimeProvider clock)
    {
        var now = clock.GetUtcNow();
        var (agent, asked, errors) = body.Value.ReadNew(now);
        if (asked is null)
        {
            return Problems.Invalid(errors);
        }

        var (target, problem) = await grains.ResolveAgent(agent!, who);
        if (target is null)
        {
            return problem!;
        }

        var added = await Exceptions(grains).Add(new()
        {
            Id = ExceptionId.Parse(Ulid.NewUlid(now).ToString()),
            Target = Of(target),
            AgentId = target.Id,
            PackageNames = asked.PackageNames!,
            Reason = asked.Reason?.To,
            ExpiresAt = asked.ExpiresAt?.To,
            CreatedBy = who.Name,
            CreatedAt = now,
        });
        if (added.IsRefused)
        {
            return TypedResults.Problem(added.Refusal.ToProblem());
        }

        return TypedResults.Created($"{Path}/{added.Value.Id}", ExceptionView.Of(added.Value, now));
    }

    /// <param name="agent_id">Only those of this host or guest, by its id or any short form.</param>
    /// <param name="http">Has all names in the address.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="clock">The server's clock.</param>
    internal static async Task<Results<Ok<IEnumerable<ExceptionView>>, ValidationProblem, ProblemHttpResult>> List(
        string? agent_id, HttpContext http, Requester who, IGrainFactory grains, TimeProvider clock)
    {
        if (http.Request.Query.Keys.FirstOrDefault(name => name is not "agent_id") is { } odd)
        {
            return Problems.Invalid(new Dictionary<string, string[]> { [odd] = ["There is no such parameter; there is agent_id."] });
        }

        ExceptionTarget? only = null;
        if (!string.IsNullOrWhiteSpace(agent_id))
        {
            var (target, problem) = await grains.ResolveAgent(agent_id.Trim(), who);
            if (target is null)
            {
                return problem!;
            }

            only = Of(target);
        }

        var now = clock.GetUtcNow();
        return TypedResults.Ok((await Exceptions(grains).All()).Where(one => who.Sight.Sees(one.Target.Cluster) && (only is null || one.Target == only)).Select(one => ExceptionView.Of(one, now)));
    }

    /// <param name="id">The exception's id.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="clock">The server's clock.</param>
    internal static async Task<Results<Ok<ExceptionView>, ProblemHttpResult>> Get(string id, Requester who, IGrainFactory grains, TimeProvider clock)
    {
        var (found, problem) = await Find(id, who, grains);
        return found is null ? problem! : TypedResults.Ok(ExceptionView.Of(found, clock.GetUtcNow()));
    }

    /// <param name="id">The exception's id.</param>
    /// <param name="body">What changes. Absent fields stay as they are.</param>
    /// <param name="who">Who changes it.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="clock">The server's clock.</param>
    internal static async Task<Results<Ok<ExceptionView>, ValidationProblem, ProblemHttpResult>> Change(
        string id, JsonBody<ExceptionRequest> body, Requester who, IGrainFactory grains, TimeProvider clock)
    {
        var now = clock.GetUtcNow();
        var (change, errors) = body.Value.ReadChange(now);
        if (change is null)
        {
            return Problems.Invalid(errors);
        }

        var (found, problem) = await Find(id, who, grains);
        if (found is null)
        {
            return problem!;
        }

        var changed = await Exceptions(grains).Change(found.Id, change);
        if (changed.IsRefused)
        {
            return changed.Refusal.Code is PackageExceptions.Unknown ? None(id) : TypedResults.Problem(changed.Refusal.ToProblem());
        }

        return TypedResults.Ok(ExceptionView.Of(changed.Value, now));
    }

    /// <param name="id">The exception's id.</param>
    /// <param name="who">Who takes it back.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="note">Is told what it was.</param>
    internal static async Task<Results<NoContent, ProblemHttpResult>> Remove(string id, Requester who, IGrainFactory grains, AuditNote note)
    {
        var (found, problem) = await Find(id, who, grains);
        if (found is null)
        {
            return problem!;
        }

        if (await Exceptions(grains).Remove(found.Id) is not { } gone)
        {
            return None(id);
        }

        note.Detail = $"{gone.AgentId}: {string.Join(", ", gone.PackageNames)}";
        return TypedResults.NoContent();
    }

    private static async Task<(ExceptionRecord? Found, ProblemHttpResult? Problem)> Find(string id, Requester who, IGrainFactory grains) =>
        !ExceptionId.TryParse(id, null, out var wanted) || (await Exceptions(grains).All()).FirstOrDefault(one => one.Id == wanted) is not { } found || !who.Sight.Sees(found.Target.Cluster)
            ? (null, None(id))
            : who.Refused(found.Target.Cluster) is { } refused ? (null, refused) : (found, null);

    private static IPackageExceptionsGrain Exceptions(IGrainFactory grains) => grains.GetGrain<IPackageExceptionsGrain>(0);

    private static ExceptionTarget Of(Target target) => ExceptionTarget.Of(target.Cluster, target.Guest?.Vmid, target.Node.Name);

    private static ProblemHttpResult None(string id) => TypedResults.Problem(Problems.NotFound("package exception", id));

}

/// <summary>An exception as shown.</summary>
internal sealed record ExceptionView(
    string Id,
    string AgentId,
    IReadOnlyList<string> PackageNames,
    string? Reason,
    DateTimeOffset? ExpiresAt,
    bool Expired,
    string CreatedBy,
    DateTimeOffset CreatedAt)
{
    /// <summary>The view of an exception at a time.</summary>
    public static ExceptionView Of(ExceptionRecord one, DateTimeOffset now) =>
        new(one.Id.Value, one.AgentId, one.PackageNames, one.Reason, one.ExpiresAt, one.IsExpired(now), one.CreatedBy, one.CreatedAt);
}
