using System.Reflection;
using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain.Access;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Accounts;

/// <summary>The person a request comes from, and what the endpoint needs of him. Handlers that take one can't be reached without it.</summary>
/// <param name="Id">The account.</param>
/// <param name="Name">Its user name.</param>
/// <param name="Rights">What was granted to the person, as far as the token shown reaches.</param>
/// <param name="Needed">What the endpoint is for.</param>
internal sealed record Requester(string Id, string Name, Rights Rights, Powers Needed)
{
    /// <summary>What is there for the person.</summary>
    public Sight Sight => Rights.Sight;

    /// <summary>Where the person may do what the endpoint is for.</summary>
    public Sight Reach => Rights.Allowed(Needed);

    /// <summary>Takes who was let in by <see cref="PermissionHandler"/>.</summary>
    public static ValueTask<Requester> BindAsync(HttpContext http, ParameterInfo parameter) => ValueTask.FromResult(http.Features.Get<Requester>()
        ?? throw new InvalidOperationException($"{http.Request.Path} takes the {parameter.Name} and needs no permission."));

    /// <summary>The 403 that says what is missing on a cluster that the person may look at; null when nothing is.</summary>
    public ProblemHttpResult? Refused(ClusterId cluster) => Refused(cluster, Needed);

    /// <summary>As <see cref="Refused(ClusterId)"/>, for something of an endpoint that needs more than the rest of it.</summary>
    public ProblemHttpResult? Refused(ClusterId cluster, Powers needed) => Rights.On(cluster).HasFlag(needed) ? null : TypedResults.Problem(Problems.Forbidden(needed, cluster));
}
