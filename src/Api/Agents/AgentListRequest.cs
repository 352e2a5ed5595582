using System.ComponentModel;
using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain.Agents;

namespace NannyOrleans.Api.Agents;

/// <summary>What <c>GET /api/agents</c> takes.</summary>
internal sealed record AgentListRequest
{
    /// <summary>The most rows of one page.</summary>
    public const int MaxPerPage = 1000;

    private const int UsualPerPage = 100;

    private static readonly string[] Names = ["filter", "sort", "page", "per_page", "deleted"];

    /// <summary>Which rows: an <see cref="AgentFilter"/>.</summary>
    [Description("Which rows, such as proxmox_parent_host=='ID'&&proxmox_type=='lxc' (URL-encoded). A field, then ==, !=, <, <=, >, >=, ~ (contains) or !~, then a text in single or double quotes, a number, true, false or null; joined by && and || (which binds weaker), with parentheses. What is not known equals null alone. Without it all rows.")]
    [FromQuery(Name = "filter")]
    public string? Filter { get; init; }

    /// <summary>In which order: field names separated by commas, a minus before one turns it round.</summary>
    [Description("In which order: field names separated by commas, a minus before one turns it round, such as proxmox_node_name,-memory_used_bytes. What is not known comes last.")]
    [FromQuery(Name = "sort")]
    public string? Sort { get; init; }

    /// <summary>Which page, from 1. Without it and <see cref="PerPage"/> all rows are answered, as the guide's examples expect.</summary>
    [Description("Which page, from 1; the Link header has the others. Without page and per_page all rows are answered.")]
    [FromQuery(Name = "page")]
    public string? Page { get; init; }

    /// <summary>Rows of a page, 1 to <see cref="MaxPerPage"/>.</summary>
    [Description("Rows of a page, 1 to 1000; 100 when only page is given.")]
    [FromQuery(Name = "per_page")]
    public string? PerPage { get; init; }

    /// <summary>Whether guests that were deleted in the last 30 days are listed too: true or false.</summary>
    [Description("Whether guests that were deleted in the last 30 days are listed too: true or false, which is usual.")]
    [FromQuery(Name = "deleted")]
    public string? Deleted { get; init; }

    /// <summary>Rows before the page.</summary>
    public int Skip => Paging is { } paging ? (paging.Page - 1) * paging.PerPage : 0;

    private (int Page, int PerPage)? Paging => Page is null && PerPage is null ? null : (Number(Page, int.MaxValue / MaxPerPage) ?? 1, Number(PerPage, MaxPerPage) ?? UsualPerPage);

    /// <summary>The query this is, or what is wrong with each field.</summary>
    /// <param name="asked">All names in the address. A misspelled filter would list, and have a script patch, everything.</param>
    public (AgentQuery? Query, IReadOnlyDictionary<string, string[]> Errors) Read(IEnumerable<string> asked)
    {
        var errors = QueryFields.Odd(asked, Names);
        var filter = string.IsNullOrWhiteSpace(Filter) ? null : Filter;
        if (filter is not null && AgentFilter.Parse(filter).Problem is { } wrongFilter)
        {
            errors["filter"] = [wrongFilter];
        }

        var sort = string.IsNullOrWhiteSpace(Sort) ? null : Sort;
        if (sort is not null && AgentOrder.Parse(sort).Problem is { } wrongSort)
        {
            errors["sort"] = [wrongSort];
        }

        if (Page is not null && Number(Page, int.MaxValue / MaxPerPage) is null)
        {
            errors["page"] = ["It must be a whole number from 1."];
        }

        if (PerPage is not null && Number(PerPage, MaxPerPage) is null)
        {
            errors["per_page"] = [$"It must be a whole number from 1 to {MaxPerPage}."];
        }

        if (Deleted is not (null or "true" or "false"))
        {
            errors["deleted"] = ["It must be true or false."];
        }

        return errors.Count is 0
            ? (new(filter, sort, Paging is { } paging ? Skip + paging.PerPage : null, Deleted is "true"), errors)
            : (null, errors);
    }

    /// <summary>The <c>Link</c> header (RFC 8288) to the other pages; null without pages.</summary>
    public string? LinkFor(HttpRequest request, int total)
    {
        if (Paging is not { } paging)
        {
            return null;
        }

        var last = Math.Max(1, ((total - 1) / paging.PerPage) + 1);
        var links = new List<string>();
        Add(1, "first");
        if (paging.Page > 1)
        {
            Add(Math.Min(paging.Page - 1, last), "prev");
        }

        if (paging.Page < last)
        {
            Add(paging.Page + 1, "next");
        }

        Add(last, "last");
        return string.Join(", ", links);

        void Add(int page, string relation)
        {
            var query = request.Query.Where(one => one.Key is not ("page" or "per_page")).SelectMany(one => one.Value.Select(value => new KeyValuePair<string, string?>(one.Key, value)))
                .Append(new("page", page.ToString(CultureInfo.InvariantCulture))).Append(new("per_page", paging.PerPage.ToString(CultureInfo.InvariantCulture)));
            links.Add($"<{request.PathBase}{request.Path}{QueryString.Create(query)}>; rel=\"{relation}\"");
        }
    }

    private static int? Number(string? text, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most ? number : null;
}
