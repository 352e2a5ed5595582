using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Http;
using NannyOrleans.Grains.Scripts;

namespace NannyOrleans.Api.Scripts;

/// <summary>The catalogue's scripts, for the agents that run them. They check the hash that came with the job.</summary>
internal static class ScriptEndpoints
{
    public static void MapScripts(this IEndpointRouteBuilder routes) => routes.MapGet("/api/scripts/{name}/content", Content)
        .RequireAuthorization(Policies.Agent).WithTags("Scripts").WithName("GetScriptContent").WithSummary("A script's bytes, for agents.");

    /// <param name="name">The script's file name, such as apt-update.sh.</param>
    internal static Results<FileContentHttpResult, ProblemHttpResult> Content(string name) => ScriptCatalogue.Find(name) is { } script
        ? TypedResults.Bytes(script.Content, "text/x-shellscript")
        : TypedResults.Problem(Problems.NotFound("script", name));
}
