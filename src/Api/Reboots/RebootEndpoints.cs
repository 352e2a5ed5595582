using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Http;
using NannyOrleans.Api.Patches;
using NannyOrleans.Api.Telemetry;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Operations;

namespace NannyOrleans.Api.Reboots;

/// <summary>Restarts of hosts, guests and machines.</summary>
internal static class RebootEndpoints
{
    public static void MapReboots(this IEndpointRouteBuilder routes)
    {
        var reboots = routes.MapGroup("/api/reboots").WithTags("Reboots");
        reboots.MapPost("/", Start).Needs(Powers.Operate).WithName("StartReboot").WithSummary("Restart a host, guest or machine. It waits for its turn: never while packages are worked on there.");
        reboots.MapGet("/", List).Needs(Powers.View).WithName("ListReboots")
            .WithSummary("Restarts, alive and ended, the newest first: those the parameters select, a page of 100 at a time. The total is in X-Total-Count.")
            .Produces<IEnumerable<RebootView>>().ProducesValidationProblem();
        reboots.MapGet("/{id}", Get).Needs(Powers.View).WithName("GetReboot").WithSummary("One restart: whether it is over, and how it ended.");
        reboots.MapPost("/{id}/cancel", Cancel).Needs(Powers.Operate).WithName("CancelReboot").WithSummary("End a restart; one that was not sent never happens.");
    }

    internal static async Task<Results<Accepted<RebootView>, ValidationProblem, ProblemHttpResult>> Start(
        JsonBody<RebootRequest> body, Requester who, IGrainFactory grains, OperationLog log, TimeProvider clock)
    {
        var (ask, now, person) = (body.Value, clock.GetUtcNow(), who.Name);
        if (ask.Problems() is { Count: > 0 } errors)
        {
            return Problems.Invalid(errors);
        }

        var (found, problem) = await grains.Resolve(ask.AgentId!.Trim(), who);
        if (found is null)
        {
            return problem!;
        }

        if (found.Guest is { } guest && GuestMachine.Template(guest) is { } template)
        {
            return TypedResults.Problem(template.ToProblem());
        }

        var target = await grains.Inside(found);
        if (who.Refused(target.Cluster) is { } refused)
        {
            return refused;
        }

        var restarted = OperationTarget.Of(target);
        if (restarted.IsRefused)
        {
            return TypedResults.Problem(restarted.Refusal.ToProblem());
        }

        var id = PatchStart.NewId(now);
        try
        {
            var queued = await log.Queue(restarted.Value.Reboot(
                id, ask.Reason, ask.TimeoutSeconds ?? OperationTarget.UsualRebootSeconds, ask.WaitSeconds ?? PatchOrder.UsualWaitSeconds, person, now));
            return queued.IsRefused ? TypedResults.Problem(queued.Refusal.ToProblem()) : TypedResults.Accepted($"/api/reboots/{id}", RebootView.Of(queued.Value));
        }
        catch (Exception failure) when (Problems.IsUnavailable(failure))
        {
            return TypedResults.Problem(Problems.UnknownOutcome(id, "reboots"));
        }
    }

    /// <param name="query">What is asked for.</param>
    /// <param name="http">Gets the headers.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<IResult> List([AsParameters] OperationListRequest query, HttpContext http, Requester who, IGrainFactory grains)
    {
        var (page, errors) = await query.Answer(OperationKind.Reboot, http, who, grains);
        return page is null ? Problems.Invalid(errors) : TypedResults.Ok(page.Operations.Select(RebootView.Of));
    }

    /// <param name="id">The restart's id.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Ok<RebootView>, ProblemHttpResult>> Get(string id, Requester who, IGrainFactory grains)
    {
        var (operation, problem) = await grains.FindOperation(id, OperationKind.Reboot, who);
        return operation is null ? problem! : TypedResults.Ok(RebootView.Of(operation));
    }

    /// <param name="id">The restart's id.</param>
    /// <param name="who">Who wants it.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Accepted<RebootView>, ProblemHttpResult>> Cancel(string id, Requester who, IGrainFactory grains)
    {
        var (operation, problem) = await grains.FindOperation(id, OperationKind.Reboot, who);
        if (operation is null)
        {
            return problem!;
        }

        var cancelled = await grains.Cancel(operation);
        return cancelled.IsRefused ? TypedResults.Problem(cancelled.Refusal.ToProblem()) : TypedResults.Accepted($"/api/reboots/{operation.Id}", RebootView.Of(cancelled.Value));
    }
}
