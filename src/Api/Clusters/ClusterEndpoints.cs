using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Clusters;

/// <summary>Proxmox VE clusters.</summary>
internal static class ClusterEndpoints
{
    public static void MapClusters(this IEndpointRouteBuilder routes)
    {
        var clusters = routes.MapGroup("/api/clusters").Needs(Powers.View).WithTags("Clusters");
        clusters.MapGet("/", List).WithName("ListClusters").WithSummary("All clusters: quorum, votes, HA, Ceph, storages, and what hosts and guests have and use.");
        clusters.MapGet("/{id}", Get).WithName("GetCluster").WithSummary("One cluster, by its id or its name.")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        clusters.MapGet("/{id}/nodes", Nodes).WithName("ListNodes").WithSummary("A cluster's nodes, without their guests.")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        clusters.MapGet("/{id}/guests", Guests).WithName("ListGuests").WithSummary("A cluster's guests, those deleted in the last 30 days among them.")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
    }

    internal static async Task<Ok<IReadOnlyList<ClusterOverview>>> List(Requester who, IGrainFactory grains) => TypedResults.Ok(await grains.ReadClusters(who.Sight));

    /// <param name="id">The cluster: its id, or its name where only one has it.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Ok<ClusterOverview>, ProblemHttpResult>> Get(string id, Requester who, IGrainFactory grains)
    {
        var (cluster, problem) = await Find(id, who, grains);
        return cluster is null ? problem! : TypedResults.Ok(cluster.Overview);
    }

    /// <param name="id">The cluster: its id, or its name where only one has it.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Ok<IEnumerable<NodeView>>, ProblemHttpResult>> Nodes(string id, Requester who, IGrainFactory grains)
    {
        var (cluster, problem) = await Find(id, who, grains);
        return cluster is null ? problem! : TypedResults.Ok(cluster.Nodes.Select(node => node with { Guests = null }));
    }

    /// <param name="id">The cluster: its id, or its name where only one has it.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Ok<IEnumerable<PlacedGuestView>>, ProblemHttpResult>> Guests(string id, Requester who, IGrainFactory grains)
    {
        var (cluster, problem) = await Find(id, who, grains);
        return cluster is null ? problem! : TypedResults.Ok(cluster.Nodes.SelectMany(node => (node.Guests ?? []).Select(guest => new PlacedGuestView(node.Name, guest))));
    }

    /// <summary>The cluster that an id or a name means, or the 404 or 409 that says why there is not exactly one, or the 403 of what is seen and may not be touched.</summary>
    internal static async Task<(ClusterView? Cluster, ProblemHttpResult? Problem)> Find(string id, Requester who, IGrainFactory grains)
    {
        if (!ClusterId.TryParse(id, null, out var cluster))
        {
            var named = (await grains.ReadClusters(who.Sight)).Where(one => one.Name == id).ToArray();
            if (named.Length > 1)
            {
                return (null, TypedResults.Problem(Problems.Ambiguous(id, named)));
            }

            if (named is not [var only])
            {
                return (null, TypedResults.Problem(Problems.NotFound("cluster", id)));
            }

            cluster = only.Id;
        }

        return cluster.IsMachine || await grains.ReadCluster(cluster, who.Sight) is not { } view ? (null, TypedResults.Problem(Problems.NotFound("cluster", id)))
            : who.Refused(cluster) is { } refused ? (null, refused)
            : (view, null);
    }
}

/// <summary>A guest and where it is.</summary>
/// <param name="Node">The node it is on.</param>
/// <param name="Guest">The guest.</param>
internal sealed record PlacedGuestView(NodeName Node, GuestView Guest);
