using System.Net;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using NannyOrleans.Api.Accounts;
using OpenIddict.Abstractions;

namespace NannyOrleans.Api.Dashboard.Calls;

/// <summary>
/// The REST API for the dashboard, without a socket: a page's call goes through all that a request goes through (who may, how often, what is written down),
/// so a page can do nothing that a program could not, and is told no in the same words.
/// </summary>
internal sealed class ApiPipeline(IHttpContextFactory contexts, IServiceScopeFactory scopes)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private RequestDelegate? pipeline;

    /// <summary>Takes all that comes after it. Before the routing, or a call would have no endpoint.</summary>
    public RequestDelegate Take(RequestDelegate next) => pipeline = next;

    /// <summary>Makes a call.</summary>
    /// <param name="principal">Who has the page open.</param>
    /// <param name="method">The method.</param>
    /// <param name="path">The path with its query, such as <c>/api/agents?filter=…</c>.</param>
    /// <param name="body">What is sent, as JSON; null for nothing.</param>
    /// <param name="cancellationToken">Ends it when the page is left.</param>
    public async Task<ApiAnswer> Call(ClaimsPrincipal principal, HttpMethod method, string path, object? body, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        using var answer = new MemoryStream();
        var features = new FeatureCollection();
        var question = path.IndexOf('?', StringComparison.Ordinal) is >= 0 and var at ? at : path.Length;
        features.Set<IHttpRequestFeature>(new HttpRequestFeature
        {
            Method = method.Method,
            Scheme = Uri.UriSchemeHttp,
            Protocol = HttpProtocol.Http2,
            Path = PathOf(path[..question]),
            QueryString = path[question..],
            RawTarget = path,
            Body = body is null ? Stream.Null : new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(body, body.GetType(), Json)),
            Headers = new HeaderDictionary { [HeaderNames.Host] = "localhost", [HeaderNames.ContentType] = Type, [HeaderNames.Accept] = Type },
        });
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(answer));
        features.Set<IServiceProvidersFeature>(new RequestServices { Services = scope.ServiceProvider });
        features.Set<IHttpRequestLifetimeFeature>(new HttpRequestLifetimeFeature { RequestAborted = cancellationToken });
        features.Set<IHttpConnectionFeature>(new HttpConnectionFeature { RemoteIpAddress = IPAddress.TryParse(principal.GetClaim(SessionCookie.AddressClaim), out var address) ? address : null });
        features.Set(new PageCaller(principal));
        var http = contexts.Create(features);
        try
        {
            await (pipeline ?? throw new InvalidOperationException("The server has not started yet."))(http);
            await http.Response.CompleteAsync();
            return new(http.Response.StatusCode, answer.ToArray(), int.TryParse(http.Response.Headers["X-Total-Count"], out var total) ? total : null);
        }
        finally
        {
            contexts.Dispose(http);
        }
    }

    /// <summary>
    /// A path as it would come from a socket: what is escaped is read, but a slash, so that one in an id, which may be anybody's link, does not lead to
    /// another endpoint than the page means.
    /// </summary>
    internal static string PathOf(string escaped) => Uri.UnescapeDataString(escaped.Replace("%2F", "%252F", StringComparison.OrdinalIgnoreCase));

    private const string Type = "application/json";

    private sealed class RequestServices : IServiceProvidersFeature
    {
        IServiceProvider IServiceProvidersFeature.RequestServices { get => Services; set => Services = value; }

        public required IServiceProvider Services { get; set; }
    }
}
