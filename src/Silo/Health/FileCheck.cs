using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace NannyOrleans.Silo.Health;

/// <summary>Whether a database's file is there still. What is written to one that was removed is lost with the process.</summary>
internal sealed class FileCheck(string subject, string path) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(File.Exists(path) ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy($"{subject} is gone."));
}
