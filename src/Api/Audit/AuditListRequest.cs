using System.ComponentModel;
using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using NannyOrleans.Api.Http;
using NannyOrleans.Grains.History;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Audit;

/// <summary>What <c>GET /api/audit</c> takes. All parameters given must hold.</summary>
internal sealed record AuditListRequest
{
    private const int Usual = 100;
    private const int Most = 1000;
    private static readonly string[] Names = ["actor", "action", "target", "cluster", "result", "address", "from", "to", "before", "limit"];

    /// <summary>Who.</summary>
    [Description("Who: person NAME, agent ULID, system or nobody.")]
    [FromQuery(Name = "actor")]
    public string? Actor { get; init; }

    /// <summary>What.</summary>
    [Description("What was done, such as start-patch, sign-in or end-job.")]
    [FromQuery(Name = "action")]
    public string? Action { get; init; }

    /// <summary>To what.</summary>
    [Description("To what, exactly as it is in the entries.")]
    [FromQuery(Name = "target")]
    public string? Target { get; init; }

    /// <summary>The cluster.</summary>
    [Description("The cluster that it is about, by its id.")]
    [FromQuery(Name = "cluster")]
    public string? Cluster { get; init; }

    /// <summary>What came of it.</summary>
    [Description("What came of it: asked, done, a status, or the code of a refusal.")]
    [FromQuery(Name = "result")]
    public string? Result { get; init; }

    /// <summary>From where.</summary>
    [Description("The address it came from.")]
    [FromQuery(Name = "address")]
    public string? Address { get; init; }

    /// <summary>Then or later.</summary>
    [Description("Written then or later, such as 2026-01-31T12:00:00Z.")]
    [FromQuery(Name = "from")]
    public string? From { get; init; }

    /// <summary>Before then.</summary>
    [Description("Written before then.")]
    [FromQuery(Name = "to")]
    public string? To { get; init; }

    /// <summary>With a lower sequence number.</summary>
    [Description("Only entries with a lower sequence number: the next page. The Link header has its address.")]
    [FromQuery(Name = "before")]
    public string? Before { get; init; }

    /// <summary>How many at most.</summary>
    [Description("How many entries at most, 1 to 1000; 100 without it.")]
    [FromQuery(Name = "limit")]
    public string? Limit { get; init; }

    /// <summary>The query this is, or what is wrong with each field.</summary>
    /// <param name="asked">All names in the address: a misspelled one would list everything.</param>
    public (AuditQuery? Query, IReadOnlyDictionary<string, string[]> Errors) Read(IEnumerable<string> asked)
    {
        var errors = QueryFields.Odd(asked, Names);
        ClusterId? cluster = ClusterId.TryParse(Cluster, null, out var id) ? id : null;
        if (!string.IsNullOrEmpty(Cluster) && cluster is null)
        {
            errors["cluster"] = [$"It must be {ClusterId.Expected}."];
        }

        var query = new AuditQuery(errors.Number("limit", Limit, 1, Most) ?? Usual)
        {
            Actor = NullIfEmpty(Actor),
            Action = NullIfEmpty(Action),
            Target = NullIfEmpty(Target),
            Result = NullIfEmpty(Result),
            Address = NullIfEmpty(Address),
            Clusters = cluster is { } one ? [one] : null,
            From = errors.Time("from", From),
            To = errors.Time("to", To),
            Before = errors.Number("before", Before, 1, long.MaxValue),
        };
        return errors.Count > 0 ? (null, errors) : (query, errors);
    }

    /// <summary>The <c>Link</c> header (RFC 8288) to the next page.</summary>
    public static string LinkFor(HttpRequest request, long before)
    {
        var query = request.Query.Where(one => one.Key is not "before").SelectMany(one => one.Value.Select(value => new KeyValuePair<string, string?>(one.Key, value)))
            .Append(new("before", before.ToString(CultureInfo.InvariantCulture)));
        return $"<{request.PathBase}{request.Path}{QueryString.Create(query)}>; rel=\"next\"";
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
