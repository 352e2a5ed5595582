using System.ComponentModel;
using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Patches;

/// <summary>What <c>GET /api/patches</c> and <c>GET /api/reboots</c> take. All parameters given must hold.</summary>
internal sealed record OperationListRequest
{
    private const int MaxPerPage = 1000;

    private const int UsualPerPage = 100;

    private static readonly string[] Names =
        ["status", "mode", "agent_id", "name", "node", "cluster", "batch", "requested_by", "since", "until", "sort", "page", "per_page"];

    private static readonly Dictionary<string, OperationStatus> Statuses = new(StringComparer.Ordinal)
    {
        ["pending"] = OperationStatus.Pending,
        ["running"] = OperationStatus.Running,
        ["succeeded"] = OperationStatus.Succeeded,
        ["completed"] = OperationStatus.Succeeded,
        ["failed"] = OperationStatus.Failed,
        ["interrupted"] = OperationStatus.Interrupted,
        ["cancelled"] = OperationStatus.Cancelled,
    };

    private static readonly Dictionary<string, OperationOrder> Orders = new(StringComparer.Ordinal)
    {
        ["created_at"] = OperationOrder.CreatedAt,
        ["completed_at"] = OperationOrder.CompletedAt,
        ["status"] = OperationOrder.Status,
        ["name"] = OperationOrder.Name,
        ["node"] = OperationOrder.Node,
    };

    /// <summary>One or several statuses.</summary>
    [Description("Any of these, separated by commas: pending, running, succeeded (completed), failed, interrupted, cancelled; of restarts also timeout, which is then none of the failed.")]
    [FromQuery(Name = "status")]
    public string? Status { get; init; }

    /// <summary>List or install.</summary>
    [Description("dry-run or apply.")]
    [FromQuery(Name = "mode")]
    public string? Mode { get; init; }

    /// <summary>The target.</summary>
    [Description("The target, by its id or any short form that means one thing alone; the id of one that is gone works too.")]
    [FromQuery(Name = "agent_id")]
    public string? AgentId { get; init; }

    /// <summary>The target's name.</summary>
    [Description("The target's name when it was asked for.")]
    [FromQuery(Name = "name")]
    public string? Name { get; init; }

    /// <summary>The node.</summary>
    [Description("The node whose agent carries it out.")]
    [FromQuery(Name = "node")]
    public string? Node { get; init; }

    /// <summary>The cluster.</summary>
    [Description("The cluster, by its id or name.")]
    [FromQuery(Name = "cluster")]
    public string? Cluster { get; init; }

    /// <summary>The batch.</summary>
    [Description("The batch it is part of.")]
    [FromQuery(Name = "batch")]
    public string? Batch { get; init; }

    /// <summary>Who asked for it.</summary>
    [Description("Who asked for it.")]
    [FromQuery(Name = "requested_by")]
    public string? RequestedBy { get; init; }

    /// <summary>Asked for then or later.</summary>
    [Description("Asked for then or later, such as 2026-01-31T12:00:00Z.")]
    [FromQuery(Name = "since")]
    public string? Since { get; init; }

    /// <summary>Asked for before then.</summary>
    [Description("Asked for before then.")]
    [FromQuery(Name = "until")]
    public string? Until { get; init; }

    /// <summary>In which order.</summary>
    [Description("created_at, completed_at, status, name or node; a minus before it turns it round. Usual is -created_at, the newest first.")]
    [FromQuery(Name = "sort")]
    public string? Sort { get; init; }

    /// <summary>Which page.</summary>
    [Description("Which page, from 1.")]
    [FromQuery(Name = "page")]
    public string? Page { get; init; }

    /// <summary>Operations of a page.</summary>
    [Description("Operations of a page, 1 to 1000; 100 without it.")]
    [FromQuery(Name = "per_page")]
    public string? PerPage { get; init; }

    /// <summary>The page that is asked for, with the total in a header; or what is wrong with each field.</summary>
    public async Task<(OperationPage? Page, IReadOnlyDictionary<string, string[]> Errors)> Answer(OperationKind kind, HttpContext http, Requester who, IGrainFactory grains)
    {
        var (query, errors) = Read(kind, http.Request.Query.Keys);
        if (query is null)
        {
            return (null, errors);
        }

        if (AgentId?.Trim() is { Length: > 0 } text)
        {
            query = query with { Target = await grains.Find(text, who.Sight) is [var one] ? one.Id : text };
        }

        if (Cluster?.Trim() is { Length: > 0 } called)
        {
            var named = ClusterId.TryParse(called, null, out _) ? [] : (await grains.ReadClusters(who.Sight)).Where(cluster => cluster.Name == called).ToArray();
            query = query with { Cluster = named is [var only] ? only.Id.Value : called };
        }

        if (who.Sight.Clusters is { } seen)
        {
            query = query with { Clusters = [.. seen.Select(cluster => cluster.Value)] };
        }

        var page = await grains.GetGrain<IOperationsGrain>(0).List(query);
        http.Response.Headers["X-Total-Count"] = page.Total.ToString(CultureInfo.InvariantCulture);
        return (page, errors);
    }

    /// <summary>The query this is, or what is wrong with each field.</summary>
    /// <param name="kind">Patches or restarts.</param>
    /// <param name="asked">All names in the address: a misspelled one would list everything.</param>
    internal (OperationQuery? Query, IReadOnlyDictionary<string, string[]> Errors) Read(OperationKind kind, IEnumerable<string> asked)
    {
        var errors = QueryFields.Odd(asked, Names);
        string[]? names = string.IsNullOrEmpty(Status) ? null : [.. Status.Split(',').Select(one => one.Trim())];
        string[] known = [.. Statuses.Keys, .. kind is OperationKind.Reboot ? new[] { OperationMachine.Timeout } : []];
        if (names?.Except(known, StringComparer.Ordinal).Any() is true)
        {
            errors["status"] = [$"It must be some of {string.Join(", ", known)}, separated by commas."];
        }

        PatchMode? mode = Mode switch { "dry-run" => PatchMode.DryRun, "apply" => PatchMode.Apply, _ => null };
        if (!string.IsNullOrEmpty(Mode) && mode is null)
        {
            errors["mode"] = ["It must be dry-run or apply."];
        }

        var batch = JobId.TryParse(Batch, null, out var id) ? id : (JobId?)null;
        if (!string.IsNullOrEmpty(Batch) && batch is null)
        {
            errors["batch"] = ["It must be the id of a batch."];
        }

        var (since, until) = (errors.Time("since", Since), errors.Time("until", Until));
        var sort = string.IsNullOrEmpty(Sort) ? "-created_at" : Sort;
        if (!Orders.TryGetValue(sort.TrimStart('-'), out var order) || sort.StartsWith("--", StringComparison.Ordinal))
        {
            errors["sort"] = [$"It must be one of {string.Join(", ", Orders.Keys)}, with a minus before it to turn it round."];
        }

        var perPage = errors.Number("per_page", PerPage, 1, MaxPerPage) ?? UsualPerPage;
        var page = errors.Number("page", Page, 1, int.MaxValue / MaxPerPage) ?? 1;
        return errors.Count > 0 ? (null, errors) : (
            new(kind, (page - 1) * perPage, perPage)
            {
                Statuses = names is null ? null : [.. names.Where(Statuses.ContainsKey).Select(name => Statuses[name])],
                TimedOut = names?.Contains(OperationMachine.Timeout) is true,
                Mode = mode,
                Name = NullIfEmpty(Name),
                Node = NullIfEmpty(Node),
                Batch = batch,
                RequestedBy = NullIfEmpty(RequestedBy),
                Since = since,
                Until = until,
                Order = order,
                Descending = sort.StartsWith('-'),
            },
            errors);
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
