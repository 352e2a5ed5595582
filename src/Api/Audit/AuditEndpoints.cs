using System.Globalization;
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

    /// <param name="limit">How many entries at most, 1 to 1000; 100 without it.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<IResult> Get(string? limit, IGrainFactory grains)
    {
        var count = Usual;
        return limit is null || (int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count is >= 1 and <= Most)
            ? TypedResults.Ok(await grains.GetGrain<IHistoryGrain>(0).Audit(count))
            : Problems.Invalid(new Dictionary<string, string[]> { ["limit"] = [$"It must be a whole number from 1 to {Most}."] });
    }
}
