using System.ComponentModel;
using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Grains.Campaigns;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Campaigns;

/// <summary>What <c>GET /api/campaigns</c> takes. All parameters given must hold.</summary>
internal sealed record CampaignListRequest
{
    private const int MaxPerPage = 1000;

    private const int UsualPerPage = 100;

    private static readonly string[] Names = ["ended", "cluster", "page", "per_page"];

    /// <summary>Whether nothing more comes of them.</summary>
    [Description("true: those that were completed or aborted; false: all others, also one that is paused or has halted. Without it both.")]
    [FromQuery(Name = "ended")]
    public string? Ended { get; init; }

    /// <summary>The cluster.</summary>
    [Description("The cluster: its id, or its name where only one has it; the id of one that is gone works too.")]
    [FromQuery(Name = "cluster")]
    public string? Cluster { get; init; }

    /// <summary>Which page.</summary>
    [Description("Which page, from 1.")]
    [FromQuery(Name = "page")]
    public string? Page { get; init; }

    /// <summary>Campaigns of a page.</summary>
    [Description("Campaigns of a page, 1 to 1000; 100 without it.")]
    [FromQuery(Name = "per_page")]
    public string? PerPage { get; init; }

    /// <summary>The page that is asked for, with the total in a header; or why there is none.</summary>
    public async Task<(CampaignSelection? Selected, IResult? Problem)> Answer(HttpContext http, Requester who, IGrainFactory grains)
    {
        var (query, errors) = Read(http.Request.Query.Keys);
        if (query is null)
        {
            return (null, Problems.Invalid(errors));
        }

        if (Cluster?.Trim() is { Length: > 0 } called)
        {
            if (!ClusterId.TryParse(called, null, out var id))
            {
                // A name that means nothing, or several things: an empty list would say that there is no campaign.
                var named = (await grains.ReadClusters(who.Sight)).Where(one => one.Name == called).ToArray();
                if (named is not [var only])
                {
                    return (null, TypedResults.Problem(named is [] ? Problems.NotFound("cluster", called) : Problems.Ambiguous(called, named)));
                }

                id = only.Id;
            }

            query = query with { Cluster = id };
        }

        var selected = await grains.GetGrain<ICampaignsGrain>(0).Select(query with { Clusters = who.Sight.Clusters is { } seen ? [.. seen] : null });
        http.Response.Headers["X-Total-Count"] = selected.Total.ToString(CultureInfo.InvariantCulture);
        return (selected, null);
    }

    /// <summary>The query this is, or what is wrong with each field.</summary>
    /// <param name="asked">All names in the address: a misspelled one would list everything.</param>
    internal (CampaignQuery? Query, IReadOnlyDictionary<string, string[]> Errors) Read(IEnumerable<string> asked)
    {
        var errors = QueryFields.Odd(asked, Names);
        if (Ended is not (null or "" or "true" or "false"))
        {
            errors["ended"] = ["It must be true or false."];
        }

        var (page, perPage) = (errors.Number("page", Page, 1, int.MaxValue / MaxPerPage) ?? 1, errors.Number("per_page", PerPage, 1, MaxPerPage) ?? UsualPerPage);
        return errors.Count > 0 ? (null, errors) : (new((page - 1) * perPage, perPage) { Ended = string.IsNullOrEmpty(Ended) ? null : Ended is "true" }, errors);
    }
}
