using NannyOrleans.Api.Http;
using NannyOrleans.Grains.History;

namespace NannyOrleans.Api.Audit;

/// <summary>Who did what.</summary>
internal static class AuditEndpoints
{
    private const int Usual = 100;
    private const int Most = 1000;

    public static void MapAudit(this IEndpointRouteBuilder routes) => routes.MapGet("/api/audit", Get)
        .WithTags("Audit").WithName("GetAudit").WithSummary("The newest entries of the audit log: refused reports, and what people have said of hosts and guests.")
        .Produces<IReadOnlyList<AuditEntry>>().ProducesValidationProblem();

    internal static async Task<IResult> Get(int? limit, IGrainFactory grains) => limit is < 1 or > Most
        ? Problems.Invalid(new Dictionary<string, string[]> { ["limit"] = [$"It must be a whole number from 1 to {Most}."] })
        : TypedResults.Ok(await grains.GetGrain<IHistoryGrain>(0).Audit(limit ?? Usual));
}
