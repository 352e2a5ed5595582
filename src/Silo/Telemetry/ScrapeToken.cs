using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace NannyOrleans.Silo.Telemetry;

/// <summary>What a scraper shows instead of a person's token, which lasts an hour.</summary>
public sealed class ScrapeToken
{
    /// <summary>Where metrics are scraped.</summary>
    public const string Path = "/metrics";

    private readonly byte[]? expected;

    /// <param name="token">The token; null when there is none, and nobody has it.</param>
    public ScrapeToken(string? token) => expected = string.IsNullOrEmpty(token) ? null : Hash($"Bearer {token}");

    /// <summary>Whether the request shows it.</summary>
    public bool IsShownBy(HttpContext request) =>
        expected is not null && request.Request.Headers.Authorization is [{ } header] && CryptographicOperations.FixedTimeEquals(expected, Hash(header));

    /// <summary>
    /// Maps the metrics of a process that no proxy stands before and that knows no people: for who shows the token; where there is none, for its own
    /// machine alone, whatever address it listens on.
    /// </summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var token = routes.ServiceProvider.GetRequiredService<ScrapeToken>();
        routes.MapPrometheusScrapingEndpoint(Path).Add(endpoint =>
        {
            var scrape = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = request => token.Refusal(request) is { } refusal ? refusal.ExecuteAsync(request) : scrape(request);
        });
    }

    private IResult? Refusal(HttpContext request) => expected switch
    {
        not null when IsShownBy(request) => null,
        not null => Results.Problem("Show the token of Telemetry:MetricsToken.", statusCode: StatusCodes.Status401Unauthorized, extensions: [new("code", "unauthorized")]),
        null when request.Connection.RemoteIpAddress is { } from && IPAddress.IsLoopback(from) => null,
        null => Results.Problem("Without Telemetry:MetricsToken metrics are for this machine alone.", statusCode: StatusCodes.Status403Forbidden, extensions: [new("code", "forbidden")]),
    };

    private static byte[] Hash(string header) => SHA256.HashData(Encoding.UTF8.GetBytes(header));
}
