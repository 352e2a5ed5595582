using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Exceptions;
using NannyOrleans.Grains.Nodes;
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
        patches.MapPost("/", Start).WithName("StartPatch").WithSummary("List or install a guest's pending updates.");
        patches.MapGet("/{id}", Get).WithName("GetPatch").WithSummary("One operation, with its result once it has ended.");
    }

    internal static async Task<Results<Accepted<PatchView>, ValidationProblem, ProblemHttpResult>> Start(
        JsonBody<PatchRequest> body, ClaimsPrincipal caller, IGrainFactory grains, ScriptKeys keys, TimeProvider clock)
    {
        var (order, errors) = body.Value.Read(caller.GetClaim(OpenIddictConstants.Claims.Name)!);
        if (order is null)
        {
            return Problems.Invalid(errors);
        }

        var (target, problem) = await grains.Resolve(body.Value.AgentId!.Trim());
        if (target is null)
        {
            return problem!;
        }

        if (target.Guest is not { } guest)
        {
            return TypedResults.Problem(new Refusal("host-patching-unsupported", "Hosts can't be patched yet, only their containers.").ToProblem());
        }

        var cluster = target.Cluster;
        var route = await grains.GetGrain<IClusterGrain>(cluster.Value).RoutePatch(guest.Vmid);
        if (route.IsRefused)
        {
            return TypedResults.Problem(route.Refusal.ToProblem());
        }

        var script = await grains.SelectScript(keys, route.Value.Family, route.Value.OsVersion, route.Value.Script);
        var entry = order.At(JobId.Parse(Ulid.NewUlid(clock.GetUtcNow()).ToString()), cluster, route.Value, script, clock.GetUtcNow());
        var merged = await grains.WithExceptions(entry);
        if (merged.IsRefused)
        {
            return TypedResults.Problem(merged.Refusal.ToProblem());
        }

        entry = merged.Value;
        try
        {
            var queued = await grains.GetGrain<INodeGrain>(new NodeKey(cluster, route.Value.Node).ToString()).Enqueue(entry);
            return queued.IsRefused
                ? TypedResults.Problem(queued.Refusal.ToProblem())
                : TypedResults.Accepted($"/api/patches/{queued.Value.Id}", PatchView.Of(queued.Value, output: null));
        }
        catch (Exception failure) when (Problems.IsUnavailable(failure))
        {
            // It may be stored and run all the same; whoever just tried again would patch twice.
            return TypedResults.Problem(Problems.UnknownOutcome(entry.Job.Id));
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
