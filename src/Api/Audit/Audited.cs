using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Grains.History;
using NannyOrleans.Protocol.Ids;
using OpenIddict.Abstractions;

namespace NannyOrleans.Api.Audit;

/// <summary>A body that may be written down: nothing in it is secret. Members are implemented explicitly, or they would be fields of the body.</summary>
internal interface IAudited
{
    /// <summary>What it is about, where the address does not say; null where it does.</summary>
    string? AuditTarget => null;

    /// <summary>What is asked for; of a body that is written down as it is, what was given of it, as JSON.</summary>
    string AuditDetail
    {
        get
        {
            try
            {
                return JsonSerializer.Serialize(this, GetType(), Json);
            }
            catch (JsonException)
            {
                return "not text: half of a surrogate pair"; // which can be sent as JSON and not be written; the handler refuses it by its field
            }
        }
    }

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault };
}

/// <summary>Marks endpoints that <see cref="AuditedCalls"/> sees.</summary>
internal sealed class AuditedMark;

/// <summary>Marks an endpoint that changes nothing, whatever its method.</summary>
internal sealed class ChangesNothing;

/// <summary>Names what an endpoint does, where its own name would mislead.</summary>
internal sealed record AuditAction(string Name);

/// <summary>Where calls that change something are written down: one place, through which every endpoint of <c>/api</c> goes.</summary>
internal static partial class Audited
{
    /// <summary>The most characters of what was asked for that are kept.</summary>
    public const int MaxDetail = 4000;

    /// <summary>Where endpoints are mapped whose calls are written down.</summary>
    public static RouteGroupBuilder MapAudited(this IEndpointRouteBuilder routes)
    {
        var audited = routes.MapGroup(string.Empty).WithMetadata(new AuditedMark());
        audited.AddEndpointFilter<AuditedCalls>();
        return audited;
    }

    /// <summary>Says that a call of this endpoint changes nothing, so that it need not be written down.</summary>
    public static TBuilder ThatChangesNothing<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new ChangesNothing());

    /// <summary>Looks that no endpoint was mapped past the audit log. At start: a server that would do something unseen must not run.</summary>
    /// <exception cref="InvalidOperationException">One was.</exception>
    public static void CheckAudited(this IEndpointRouteBuilder routes)
    {
        if (routes.DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().FirstOrDefault(IsUnseen) is { } unseen)
        {
            throw new InvalidOperationException($"{unseen.DisplayName} may change something and its calls are not written down: map it with what MapAudited returns.");
        }
    }

    /// <summary>Whether calls of an endpoint may change something.</summary>
    public static bool Changes(Endpoint endpoint, string method) =>
        !HttpMethods.IsGet(method) && !HttpMethods.IsHead(method) && endpoint.Metadata.GetMetadata<ChangesNothing>() is null;

    /// <summary>Who calls, as an actor.</summary>
    public static string Actor(ClaimsPrincipal? caller) => caller switch
    {
        { } agent when agent.HasClaim(Policies.NodeClaim) => $"agent {agent.GetClaim(OpenIddictConstants.Claims.Subject)}",
        { } person when person.GetClaim(OpenIddictConstants.Claims.Name) is { } name => $"person {name}",
        _ => AuditEntry.Nobody,
    };

    /// <summary>The address a call comes from; trusted proxies have been believed by now.</summary>
    public static string? Address(HttpContext? http) => http?.Connection.RemoteIpAddress is { } address
        ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString()
        : null;

    /// <summary>An endpoint's name as an action: <c>StartPatch</c> is <c>start-patch</c>.</summary>
    public static string Action(Endpoint? endpoint) => endpoint?.Metadata.GetMetadata<AuditAction>() is { } named ? named.Name
        : endpoint?.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName is { } name ? WordStart().Replace(name, "-").ToLowerInvariant() : "call";

    /// <summary>The cluster that an id begins with; null where it names none, such as a short form.</summary>
    public static ClusterId? ClusterOf(string target) => target.Split('/', '-')[0] is var first && ClusterId.TryParse(first, null, out var cluster) ? cluster : null;

    private static bool IsUnseen(RouteEndpoint endpoint) =>
        endpoint.RoutePattern.RawText?.TrimStart('/').StartsWith("api/", StringComparison.Ordinal) is true
        && endpoint.Metadata.GetMetadata<AuditedMark>() is null
        && (endpoint.Metadata.GetMetadata<IHttpMethodMetadata>() is not { HttpMethods: { Count: > 0 } methods } || methods.Any(method => Changes(endpoint, method)));

    [GeneratedRegex("(?<!^)(?=[A-Z])")]
    private static partial Regex WordStart();
}
