using Microsoft.Extensions.DependencyInjection.Extensions;
using NannyOrleans.Grains.Telemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Orleans.Dashboard;
using Orleans.Diagnostics;

namespace NannyOrleans.Silo.Telemetry;

/// <summary>What a server's process tells of itself, in OpenTelemetry's words.</summary>
public static class TelemetrySetup
{
    private const string OtlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>
    /// Metrics for whoever scrapes them; traces and metrics to a collector where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> names one, as OpenTelemetry's
    /// other variables say. Without it nothing is traced at all.
    /// </summary>
    /// <param name="builder">The process.</param>
    /// <param name="service">Its name where <c>OTEL_SERVICE_NAME</c> gives it no other.</param>
    public static void AddTelemetry(this IHostApplicationBuilder builder, string service)
    {
        var options = TelemetryOptions.Read(builder.Configuration);
        builder.Services.AddSingleton(new ScrapeToken(options.MetricsToken));
        if (options.LogFormat is LogFormat.Json)
        {
            builder.Logging.AddJsonConsole(json => (json.IncludeScopes, json.UseUtcTimestamp, json.TimestampFormat) = (true, true, "O"));
        }

        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource
                .AddService(service, serviceNamespace: "nannyorleans", serviceVersion: typeof(TelemetrySetup).Assembly.GetName().Version!.ToString(3), autoGenerateServiceInstanceId: false)
                .AddEnvironmentVariableDetector())
            .WithMetrics(metrics => metrics
                .AddMeter(Instruments.MeterName, "Microsoft.Orleans")
                .AddMeter("Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.Http.Connections", "System.Runtime")
                .AddPrometheusExporter());
        if (IsExported(builder.Configuration))
        {
            telemetry.WithMetrics(metrics => metrics.AddOtlpExporter()).WithTracing(traces => traces
                .AddAspNetCoreInstrumentation(requests => requests.Filter = IsWorthATrace)
                .AddSource(Traces.SourceName, ActivitySources.ApplicationGrainActivitySourceName, ActivitySources.StorageActivitySourceName, "Microsoft.AspNetCore.SignalR.Server")
                .AddOtlpExporter());
        }
    }

    /// <summary>What of it is a silo's.</summary>
    internal static void AddTelemetry(this ISiloBuilder silo, IConfiguration configuration)
    {
        silo.Services.TryAddSingleton<Instruments>();
        if (IsExported(configuration))
        {
            silo.AddActivityPropagation(); // each call pays for it, so only where traces go somewhere
        }

        if (TelemetryOptions.Read(configuration).Dashboard)
        {
            silo.AddDashboard(Dashboard);
        }
    }

    /// <summary>What of it is a client's.</summary>
    internal static void AddTelemetry(this IClientBuilder client, IConfiguration configuration)
    {
        client.Services.TryAddSingleton<Instruments>();
        if (IsExported(configuration))
        {
            client.AddActivityPropagation();
        }

        if (TelemetryOptions.Read(configuration).Dashboard)
        {
            client.AddDashboard(Dashboard);
        }
    }

    private static bool IsExported(IConfiguration configuration) => !string.IsNullOrWhiteSpace(configuration[OtlpEndpoint]);

    // Probes and scrapes would bury the rest.
    private static bool IsWorthATrace(HttpContext request) => request.Request.Path.Value is not ("/healthz" or "/readyz" or ScrapeToken.Path);

    // Logs are where logs go, and not in a browser.
    private static void Dashboard(DashboardOptions dashboard) => (dashboard.HideTrace, dashboard.CounterUpdateIntervalMs) = (true, 5000);
}
