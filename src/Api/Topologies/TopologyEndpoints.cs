using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Grains.Fleet;

namespace NannyOrleans.Api.Topologies;

/// <summary>Cluster -> Node -> Guest.</summary>
internal static class TopologyEndpoints
{
    public static void MapTopology(this IEndpointRouteBuilder routes) => routes.MapGet("/api/topology", Get)
        .Needs(Powers.View).WithTags("Topology").WithName("GetTopology").WithSummary("Everything known, as JSON or, with format=text, as a tree for a terminal.")
        .Produces<Topology>().ProducesValidationProblem();

    /// <param name="format">json (usual) or text.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<IResult> Get(string? format, Requester who, IGrainFactory grains) => format switch
    {
        null or "json" => TypedResults.Ok(await grains.ReadTopology(who.Sight)),
        "text" => TypedResults.Text(TopologyText.Of(await grains.ReadTopology(who.Sight)), "text/plain; charset=utf-8"),
        _ => Problems.Invalid(new Dictionary<string, string[]> { ["format"] = ["It must be json or text."] }),
    };
}
