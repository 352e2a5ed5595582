using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Batches;
using NannyOrleans.Api.Http;
using NannyOrleans.Api.Telemetry;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Grains.Scripts;

namespace NannyOrleans.Api.Patches;

/// <summary>Patch operations.</summary>
internal static class PatchEndpoints
{
    public static void MapPatches(this IEndpointRouteBuilder routes)
    {
        var patches = routes.MapGroup("/api/patches").WithTags("Patches");
        patches.MapPost("/", Start).Needs(Powers.Operate).WithName("StartPatch").WithSummary("List or install the pending updates of a host, guest or machine; or of many, by agent_ids or a filter, which answers a batch.");
        patches.MapGet("/", List).Needs(Powers.View).WithName("ListPatches")
            .WithSummary("Operations, alive and ended, the newest first: those the parameters select, a page of 100 at a time. The total is in X-Total-Count.")
            .Produces<IEnumerable<PatchView>>().ProducesValidationProblem();
        patches.MapGet("/{id}", Get).Needs(Powers.View).WithName("GetPatch").WithSummary("One operation, with its result once it has ended.");
        patches.MapPost("/{id}/cancel", Cancel).Needs(Powers.Operate).WithName("CancelPatch").WithSummary("End an operation: one that was not sent never runs, a running one is asked to stop and then made to.");
        patches.MapGet("/{id}/output", OutputStream.Get).Needs(Powers.View).WithName("GetPatchOutput")
            .WithSummary("What it has printed so far; with follow=true as server-sent events until it ends (output, status, end).")
            .Produces<OutputView>().ProducesProblem(StatusCodes.Status404NotFound).ProducesValidationProblem();
    }

    internal static async Task<Results<Accepted<PatchView>, Accepted<BatchView>, ValidationProblem, ProblemHttpResult>> Start(
        JsonBody<PatchRequest> body, Requester who, IGrainFactory grains, ScriptKeys keys, OperationLog log, TimeProvider clock)
    {
        var (ask, errors) = body.Value.Read(who.Name, clock.GetUtcNow());
        if (ask is null)
        {
            return Problems.Invalid(errors);
        }

        if (body.Value.IsBatch)
        {
            var (batch, wrong) = await BatchStart.Start(body.Value, ask.Id, ask.Order(run: null, plan: null), who, grains, clock.GetUtcNow());
            return batch is not null ? TypedResults.Accepted($"{BatchEndpoints.Path}/{ask.Id}", batch) : wrong is ProblemHttpResult failed ? failed : (ValidationProblem)wrong!;
        }

        var (target, problem) = await grains.Resolve(body.Value.AgentId!.Trim(), who);
        if (target is null)
        {
            return problem!;
        }

        // The agent inside a VM is a machine of its own.
        target = await grains.Inside(target);
        if (who.Refused(target.Cluster) is { } refused)
        {
            return refused;
        }

        try
        {
            var queued = await grains.Start(keys, log, ask, target, clock.GetUtcNow());
            return queued.IsRefused
                ? TypedResults.Problem(queued.Refusal.ToProblem())
                : TypedResults.Accepted($"/api/patches/{queued.Value.Id}", PatchView.Of(queued.Value, output: null));
        }
        catch (Exception failure) when (Problems.IsUnavailable(failure))
        {
            // It may be stored and run all the same; whoever just tried again would patch twice.
            return TypedResults.Problem(Problems.UnknownOutcome(ask.Id));
        }
    }

    /// <param name="query">What is asked for.</param>
    /// <param name="http">Gets the headers.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<IResult> List([AsParameters] OperationListRequest query, HttpContext http, Requester who, IGrainFactory grains)
    {
        var (page, errors) = await query.Answer(OperationKind.Patch, http, who, grains);
        return page is null ? Problems.Invalid(errors) : TypedResults.Ok(page.Operations.Select(operation => PatchView.Of(operation, output: null)));
    }

    /// <param name="id">The operation's id, as the request for it was answered with.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Ok<PatchView>, ProblemHttpResult>> Get(string id, Requester who, IGrainFactory grains)
    {
        var (operation, problem) = await grains.FindOperation(id, OperationKind.Patch, who);
        if (operation is null)
        {
            return problem!;
        }

        var plan = operation is { Failure.Code: OperationMachine.PlanChanged, Plan: { } run } ? await grains.GetGrain<IOperationGrain>(run.Value).Get() : null;
        return TypedResults.Ok(PatchView.Of(operation, await grains.GetGrain<IOperationGrain>(operation.Id.Value).GetOutput(), plan));
    }

    /// <param name="id">The operation's id.</param>
    /// <param name="who">Who wants it.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Accepted<PatchView>, ProblemHttpResult>> Cancel(string id, Requester who, IGrainFactory grains)
    {
        var (operation, problem) = await grains.FindOperation(id, OperationKind.Patch, who);
        if (operation is null)
        {
            return problem!;
        }

        var cancelled = await grains.Cancel(operation);
        return cancelled.IsRefused
            ? TypedResults.Problem(cancelled.Refusal.ToProblem())
            : TypedResults.Accepted($"/api/patches/{operation.Id}", PatchView.Of(cancelled.Value, output: null));
    }
}
