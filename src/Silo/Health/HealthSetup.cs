using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting.Internal;

namespace NannyOrleans.Silo.Health;

/// <summary>What balancers and service managers ask a process.</summary>
public static class HealthSetup
{
    /// <summary>Adds what is asked. The databases add themselves.</summary>
    public static void AddHealth(this IHostApplicationBuilder builder)
    {
        var delay = TimeSpan.FromSeconds(HealthOptions.Read(builder.Configuration).StopDelaySeconds);
        builder.Services.AddSingleton(services => new DelayedStop(services.GetRequiredService<IHostApplicationLifetime>(), delay, services.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton<IHostLifetime>(services => ActivatorUtilities.CreateInstance<ConsoleLifetime>(services, services.GetRequiredService<DelayedStop>()));
        builder.Services.AddSingleton<Readiness>();
        builder.Services.AddSingleton<SiloCheck>();
        builder.Services.AddHealthChecks().AddCheck<SiloCheck>("silo");
    }

    /// <summary>Makes a database one of the things that must be there.</summary>
    /// <param name="services">The process.</param>
    /// <param name="subject">What is in it, in a sentence's beginning.</param>
    /// <param name="isShared">
    /// Whether the other processes of the installation have the same: without it all are worse off alike, and still answer from memory. A balancer
    /// that takes them all out would take that away too.
    /// </param>
    /// <param name="open">Opens it.</param>
    public static void AddDatabaseCheck<T>(this IServiceCollection services, string subject, bool isShared, Func<IServiceProvider, CancellationToken, Task<T>> open)
        where T : DbContext
    {
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<DatabaseCheck<T>>(provider, subject, (CancellationToken stop) => open(provider, stop)));
        services.AddHealthChecks().AddCheck<DatabaseCheck<T>>(subject, isShared ? HealthStatus.Degraded : HealthStatus.Unhealthy);
    }

    /// <summary>Makes a database's file one of the things that must be there.</summary>
    internal static void AddFileCheck(this IServiceCollection services, string subject, string path) =>
        services.AddHealthChecks().AddCheck(subject, new FileCheck(subject, path));

    /// <summary>Maps <c>/healthz</c>, whether the process answers, and <c>/readyz</c>, whether it can work. Anybody may ask, and learns no more than that.</summary>
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/healthz", () => TypedResults.Text("ok\n")).AllowAnonymous().WithTags("Health").WithSummary("Whether this process answers.");
        routes.MapGet("/readyz", Ready).AllowAnonymous().WithTags("Health").WithSummary("Whether this process can do its work: the silo cluster and the databases answer, and it is not stopping.");
    }

    private static async Task<Results<ContentHttpResult, ProblemHttpResult>> Ready(Readiness readiness, HttpResponse response)
    {
        response.Headers.CacheControl = "no-store";
        var (isReady, reasons) = await readiness.Is();
        return !isReady
            ? TypedResults.Problem(string.Join(' ', reasons), statusCode: StatusCodes.Status503ServiceUnavailable, extensions: [new("code", "not-ready")])
            : TypedResults.Text(reasons.Count is 0 ? "ready\n" : $"ready, but: {string.Join(' ', reasons)}\n");
    }
}
