using System.Text;
using NannyOrleans.Api.Http;
using NannyOrleans.Grains.History;

namespace NannyOrleans.Api.Audit;

/// <summary>Who did what.</summary>
internal static class AuditEndpoints
{
    public static void MapAudit(this IEndpointRouteBuilder routes)
    {
        var audit = routes.MapGroup("/api/audit").WithTags("Audit");
        audit.MapGet("/", Get).WithName("GetAudit").WithSummary("The audit log, the newest entries first: who did what to what, when, from where, and what came of it.")
            .Produces<IEnumerable<AuditView>>().ProducesValidationProblem();
        audit.MapGet("/export", Export).WithName("ExportAudit").WithSummary("The audit log of a time as a file, the oldest entries first, each with its sequence number and hashes: ndjson or csv.")
            .Produces<AuditView>(StatusCodes.Status200OK, AuditExport.NdJson, AuditExport.Csv).ProducesValidationProblem();
    }

    /// <param name="query">What is asked for.</param>
    /// <param name="http">Gets the header.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<IResult> Get([AsParameters] AuditListRequest query, HttpContext http, IGrainFactory grains)
    {
        var (wanted, errors) = query.Read(http.Request.Query.Keys);
        if (wanted is null)
        {
            return Problems.Invalid(errors);
        }

        var found = await grains.GetGrain<IHistoryGrain>(0).FindAudit(wanted);
        if (found.Count == wanted.Take)
        {
            http.Response.Headers.Link = AuditListRequest.LinkFor(http.Request, found[^1].Sequence);
        }

        return TypedResults.Ok(found.Select(AuditView.Of));
    }

    /// <param name="from">Written then or later, such as 2026-01-31T12:00:00Z; without it from the first entry on.</param>
    /// <param name="to">Written before then; without it up to now.</param>
    /// <param name="format">ndjson, which is usual, or csv for a spreadsheet: there a text that a spreadsheet would take for a formula has an apostrophe before it.</param>
    /// <param name="http">The request.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="clock">The server's clock.</param>
    internal static async Task<IResult> Export(string? from, string? to, string? format, HttpContext http, IGrainFactory grains, TimeProvider clock)
    {
        var errors = QueryFields.Odd(http.Request.Query.Keys, ["from", "to", "format"]);
        var (start, end) = (errors.Time("from", from), errors.Time("to", to));
        if (format is not (null or "ndjson" or "csv"))
        {
            errors["format"] = ["It must be ndjson or csv."];
        }

        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        // An end that does not move: on a busy server the export would never come to it. And the first part before the answer begins: a database that
        // is away is then an error and not an empty file.
        var history = grains.GetGrain<IHistoryGrain>(0);
        end ??= clock.GetUtcNow();
        var span = await history.AuditSpanOf(start, end);
        var query = new AuditQuery(AuditExport.AtOnce) { After = span.First - 1, Before = span.Last + 1, OldestFirst = true };
        var first = await history.FindAudit(query);
        var (write, type, header) = format is "csv" ? ((Action<AuditRecord, StringBuilder>)AuditExport.AsCsv, AuditExport.Csv, AuditExport.CsvHeader) : (AuditExport.AsNdJson, AuditExport.NdJson, string.Empty);
        return TypedResults.Stream(
            output => AuditExport.Write(output, first, query, history.FindAudit, (record, text) =>
            {
                if (!(record.Entry.At < start) && record.Entry.At < end)
                {
                    write(record, text);
                }
            }, header, http.RequestAborted),
            type,
            $"audit.{format ?? "ndjson"}");
    }
}

/// <summary>An entry as shown.</summary>
internal sealed record AuditView(
    long Sequence,
    DateTimeOffset At,
    string Actor,
    string? Address,
    string Action,
    string Target,
    string? Cluster,
    string Result,
    string? Detail,
    string PreviousHash,
    string Hash)
{
    /// <summary>The view of an entry.</summary>
    public static AuditView Of(AuditRecord record) => new(
        record.Sequence, record.Entry.At, record.Entry.Actor, record.Entry.Address, record.Entry.Action, record.Entry.Target, record.Entry.Cluster?.Value, record.Entry.Result, record.Entry.Detail,
        record.PreviousHash, record.Hash);
}
