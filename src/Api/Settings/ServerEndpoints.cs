using System.Reflection;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain.Access;
using NannyOrleans.Silo;
using NannyOrleans.Silo.Telemetry;

namespace NannyOrleans.Api.Settings;

/// <summary>What this server is, and how it was set up. Nothing of it is secret, and nothing can be changed while it runs.</summary>
internal static class ServerEndpoints
{
    public static void MapServer(this IEndpointRouteBuilder routes, ServerView setUp) => routes.MapGet("/api/server", (IServer server) => Get(server, setUp))
        .Needs(Powers.View).WithTags("Server").WithName("GetServer").WithSummary("The version of the process that answers, where it listens, and how it was set up.");

    internal static Ok<ServerView> Get(IServer server, ServerView setUp) =>
        TypedResults.Ok(setUp with { Addresses = [.. server.Features.Get<IServerAddressesFeature>()?.Addresses ?? []] });
}

/// <summary>What <c>GET /api/server</c> answers.</summary>
/// <param name="Version">The version, such as <c>0.1.0</c>.</param>
/// <param name="Build">The version with what it was built from.</param>
/// <param name="StartedAt">When the process was started.</param>
/// <param name="Addresses">Where it listens.</param>
/// <param name="Database"><c>sqlite</c>, for one process, or <c>postgresql</c>.</param>
/// <param name="EmbeddedSilo">Whether the grains live in this process; false: in silos of their own.</param>
/// <param name="GuestJobsAtOnce">Guest jobs side by side on one host; null where a silo of its own says so.</param>
/// <param name="OperationDays">Days that ended operations are kept; null where a silo of its own says so.</param>
/// <param name="RequestsPerSecond">Requests a second for each caller, with ten times as many at once.</param>
/// <param name="RegistrationsPerMinute">Device codes and requests of their page a minute for each address.</param>
/// <param name="SeparationOfDuties">Whether who has started a campaign can't approve its reboots.</param>
/// <param name="OidcProvider">Where people can sign in too; null: nowhere else.</param>
/// <param name="MetricsToken">Whether a scraper can read the metrics with a token of its own.</param>
/// <param name="OrleansDashboard">Whether Orleans' own dashboard is there.</param>
internal sealed record ServerView(
    string Version,
    string Build,
    DateTimeOffset StartedAt,
    IReadOnlyList<string> Addresses,
    string Database,
    bool EmbeddedSilo,
    int? GuestJobsAtOnce,
    int? OperationDays,
    int RequestsPerSecond,
    int RegistrationsPerMinute,
    bool SeparationOfDuties,
    string? OidcProvider,
    bool MetricsToken,
    bool OrleansDashboard)
{
    /// <summary>As the settings say.</summary>
    public static ServerView Of(DateTimeOffset startedAt, SiloOptions silo, LimitOptions limits, AccessOptions access, OidcOptions oidc, TelemetryOptions telemetry)
    {
        var build = typeof(ServerView).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
        return new(
            build.Split('+')[0], build, startedAt, [], silo.OnPostgres ? "postgresql" : "sqlite", silo.Embedded, silo.Embedded ? silo.GuestJobsAtOnce : null, silo.Embedded ? silo.OperationDays : null,
            limits.RequestsPerSecond, limits.RegistrationsPerMinute, access.SeparationOfDuties, oidc.Provider?.Host, telemetry.MetricsToken is not null, telemetry.Dashboard);
    }
}
