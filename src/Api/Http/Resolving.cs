using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Domain.Targets;
using NannyOrleans.Grains.Fleet;

namespace NannyOrleans.Api.Http;

/// <summary>From an id as a person types it to the one thing it means.</summary>
internal static class Resolving
{
    /// <summary>
    /// The target, or the 404 or 409 that says why there is not exactly one; 503 while some host's reports can't be read, such as just after its silo
    /// was lost: nobody knows then that there is none.
    /// </summary>
    /// <param name="grains">The control plane.</param>
    /// <param name="id">The id.</param>
    /// <param name="who">Who asks: what he does not see is not there; what he sees and may not touch is a 403.</param>
    public static async Task<(Target? Target, ProblemHttpResult? Problem)> Resolve(this IGrainFactory grains, string id, Requester who)
    {
        var matching = await grains.Find(id, who.Sight);
        return matching switch
        {
            [var one] => who.Refused(one.Cluster) is { } refused ? (null, refused) : (one, null),
            [] when await grains.HasUnreadNode(who.Sight) => (null, TypedResults.Problem(Problems.Unread(id))),
            [] => (null, TypedResults.Problem(Problems.NotFound("host or guest", id))),
            _ => (null, TypedResults.Problem(Problems.Ambiguous(id, matching))),
        };
    }

    /// <summary>As <see cref="Resolve"/>; a node of which only the name is known is no agent and not found.</summary>
    public static async Task<(Target? Target, ProblemHttpResult? Problem)> ResolveAgent(this IGrainFactory grains, string id, Requester who) => await grains.Resolve(id, who) switch
    {
        ({ Guest: null, Node.Agent: null }, _) => (null, TypedResults.Problem(Problems.NotFound("agent on node", id))),
        var resolved => resolved,
    };
}
