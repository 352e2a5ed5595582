using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Batches;
using NannyOrleans.Api.Http;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Grains.Scripts;
using NannyOrleans.Protocol.Ids;
using OpenIddict.Abstractions;

namespace NannyOrleans.Api.Patches;

/// <summary>Patch operations.</summary>
internal static class PatchEndpoints
{
    public static void MapPatches(this IEndpointRouteBuilder routes)
    {
        var patches = routes.MapGroup("/api/patches").WithTags("Patches");
        patches.MapPost("/", Start).WithName("StartPatch").WithSummary("List or install a guest's pending updates; or those of many, by agent_ids or a filter, which answers a batch.");
        patches.MapGet("/{id}", Get).WithName("GetPatch").WithSummary("One operation, with its result once it has ended.");
    }

    internal static async Task<Results<Accepted<PatchView>, Accepted<BatchView>, ValidationProblem, ProblemHttpResult>> Start(
        JsonBody<PatchRequest> body, ClaimsPrincipal caller, IGrainFactory grains, ScriptKeys keys, TimeProvider clock)
    {
        var (order, errors) = body.Value.Read(caller.GetClaim(OpenIddictConstants.Claims.Name)!);
        if (order is null)
        {
            return Problems.Invalid(errors);
        }

        var now = clock.GetUtcNow();
        var id = JobId.Parse(Ulid.NewUlid(now).ToString());
        if (body.Value.IsBatch)
        {
            var (batch, wrong) = await BatchStart.Start(body.Value, id, order, grains, now);
            return batch is not null ? TypedResults.Accepted($"{BatchEndpoints.Path}/{id}", batch) : wrong is ProblemHttpResult failed ? failed : (ValidationProblem)wrong!;
        }

        var (target, problem) = await grains.Resolve(body.Value.AgentId!.Trim());
        if (target is null)
        {
            return problem!;
        }

        var entry = await grains.PreparePatch(keys, id, target.Cluster, target.Guest?.Vmid, order, batch: null, now);
        if (entry.IsRefused)
        {
            return TypedResults.Problem(entry.Refusal.ToProblem());
        }

        try
        {
            var queued = await grains.QueuePatch(entry.Value);
            return queued.IsRefused
                ? TypedResults.Problem(queued.Refusal.ToProblem())
                : TypedResults.Accepted($"/api/patches/{queued.Value.Id}", PatchView.Of(queued.Value, output: null));
        }
        catch (Exception failure) when (Problems.IsUnavailable(failure))
        {
            // It may be stored and run all the same; whoever just tried again would patch twice.
            return TypedResults.Problem(Problems.UnknownOutcome(id));
        }
    }

    /// <param name="id">The operation's id, as the request for it was answered with.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Ok<PatchView>, ProblemHttpResult>> Get(string id, IGrainFactory grains)
    {
        // A malformed id wakes no grain.
        var grain = JobId.TryParse(id, null, out var job) ? grains.GetGrain<IOperationGrain>(job.Value) : null;
        return grain is not null && await grain.Get() is { } operation
            ? TypedResults.Ok(PatchView.Of(operation, await grain.GetOutput()))
            : TypedResults.Problem(Problems.NotFound("patch operation", id));
    }
}
