using NannyOrleans.Api.Accounts;
using NannyOrleans.Silo.Telemetry;
using Orleans.Dashboard;

namespace NannyOrleans.Api.Telemetry;

/// <summary>The metrics, and Orleans' own dashboard.</summary>
internal static class TelemetryEndpoints
{
    /// <summary>Where Orleans' own dashboard is, where it is.</summary>
    public const string Dashboard = "/orleans";

    /// <summary>
    /// Maps them. Being on this machine opens neither: all that a proxy passes on comes from there.
    /// </summary>
    public static void MapTelemetry(this IEndpointRouteBuilder routes, TelemetryOptions options)
    {
        routes.MapPrometheusScrapingEndpoint(ScrapeToken.Path).RequireAuthorization(Policies.Metrics);
        if (options.Dashboard)
        {
            routes.MapOrleansDashboard(Dashboard).RequireAuthorization().ExcludeFromDescription();
        }
    }
}
