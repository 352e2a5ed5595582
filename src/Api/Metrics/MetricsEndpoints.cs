using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Metrics;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Targets;
using NannyOrleans.Grains.History;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Metrics;

/// <summary>What hosts and guests have used over time.</summary>
internal static class MetricsEndpoints
{
    private static readonly TimeSpan UsualSpan = TimeSpan.FromHours(1);

    public static void MapMetrics(this IEndpointRouteBuilder routes) => routes.MapGet("/api/agents/{id}/metrics", Get)
        .Needs(Powers.View).WithTags("Metrics").WithName("GetMetrics")
        .WithSummary("A host's samples of the last 24 hours (resolution=raw), or means over five minutes of the last 30 days (5m); a guest has the latter.")
        .Produces<MetricsAnswer>().ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);

    /// <param name="id">Whose: an id, or any short form that means one thing alone.</param>
    /// <param name="from">Not before: a time such as 2026-01-31T12:00:00Z, at most 30 days before 'to'. An hour before it when absent.</param>
    /// <param name="to">Not after: a time. Now when absent.</param>
    /// <param name="resolution">raw or 5m; for a host the finer one that reaches back to 'from' when absent.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="clock">The server's clock.</param>
    internal static async Task<IResult> Get(string id, string? from, string? to, string? resolution, Requester who, IGrainFactory grains, TimeProvider clock)
    {
        var now = clock.GetUtcNow();
        var errors = new Dictionary<string, string[]>();
        var end = Time(to, "to", now, errors);
        var start = Time(from, "from", end - UsualSpan, errors);
        if (errors.Count is 0 && (start > end || end - start > MetricsRollup.Kept))
        {
            errors["from"] = ["It must be before 'to', and 30 days before it at most."];
        }

        if (resolution is not (null or "raw" or "5m"))
        {
            errors["resolution"] = ["It must be raw or 5m."];
        }

        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        var (target, problem) = await grains.ResolveAgent(id, who);
        if (target is null)
        {
            return problem!;
        }

        if (target.Guest is { } guest)
        {
            return resolution is "raw"
                ? Problems.Invalid(new Dictionary<string, string[]> { ["resolution"] = ["A guest's samples are not kept one by one; ask for 5m."] })
                : TypedResults.Ok(await OfGuest(target, guest.Vmid, start, end, grains));
        }

        return (resolution ?? (now - start <= MetricsRing.Kept ? "raw" : "5m")) is "raw"
            ? TypedResults.Ok(await Raw(target, start, end, grains))
            : TypedResults.Ok(await OfHost(target, start, end, grains));
    }

    private static async Task<MetricsAnswer> Raw(Target target, DateTimeOffset start, DateTimeOffset end, IGrainFactory grains)
    {
        var samples = await grains.GetGrain<INodeGrain>(new NodeKey(target.Cluster, target.Node.Name).ToString()).Samples(start, end);
        return new(target.Id, "raw", [.. samples.Select(sample => new MetricsPoint(DateTimeOffset.FromUnixTimeSeconds(sample.At))
        {
            CpuPercent = Known(sample.CpuPercent),
            Load1 = Known(sample.Load1),
            MemoryUsedBytes = Known(sample.MemoryUsed),
            MemoryBytes = Known(sample.MemoryTotal),
            SwapUsedBytes = Known(sample.SwapUsed),
            DiskUsedBytes = Known(sample.RootUsed),
            DiskBytes = Known(sample.RootTotal),
            NetworkInPerSecond = Known(sample.NetworkIn),
            NetworkOutPerSecond = Known(sample.NetworkOut),
            GuestsCpuCores = Known(sample.GuestsCpuCores),
            GuestsMemoryUsedBytes = Known(sample.GuestsMemoryUsed),
            RunningContainers = sample.RunningCts < 0 ? null : sample.RunningCts,
            RunningVms = sample.RunningVms < 0 ? null : sample.RunningVms,
        })]);
    }

    private static async Task<MetricsAnswer> OfHost(Target target, DateTimeOffset start, DateTimeOffset end, IGrainFactory grains)
    {
        var rollups = await grains.GetGrain<IHistoryGrain>(0).Metrics(target.Cluster, target.Node.Name, start, end);
        return new(target.Id, "5m", [.. rollups.Select(rollup => new MetricsPoint(rollup.At)
        {
            CpuPercent = rollup.CpuPercent,
            CpuPercentMax = rollup.CpuPercentMax,
            Load1 = rollup.Load1,
            MemoryUsedBytes = rollup.MemoryUsedBytes,
            MemoryBytes = rollup.MemoryBytes,
            SwapUsedBytes = rollup.SwapUsedBytes,
            DiskUsedBytes = rollup.DiskUsedBytes,
            DiskBytes = rollup.DiskBytes,
            NetworkInPerSecond = rollup.NetworkInPerSecond,
            NetworkOutPerSecond = rollup.NetworkOutPerSecond,
            GuestsCpuCores = rollup.GuestsCpuCores,
            GuestsMemoryUsedBytes = rollup.GuestsMemoryUsedBytes,
            RunningContainers = rollup.RunningContainers,
            RunningVms = rollup.RunningVms,
        })]);
    }

    // Of all nodes: a guest that migrated has its past on others.
    private static async Task<MetricsAnswer> OfGuest(Target target, Vmid vmid, DateTimeOffset start, DateTimeOffset end, IGrainFactory grains)
    {
        var rollups = await grains.GetGrain<IHistoryGrain>(0).GuestMetrics(target.Cluster, vmid, start, end);
        return new(target.Id, "5m",
        [
            .. from rollup in rollups
               from guest in rollup.Guests
               where guest.Vmid == vmid
               select new MetricsPoint(rollup.At)
               {
                   Node = rollup.Node.Value,
                   CpuCores = guest.CpuCores,
                   MemoryUsedBytes = guest.MemoryUsedBytes,
                   MemoryBytes = guest.MemoryBytes,
                   DiskUsedBytes = guest.DiskUsedBytes,
                   DiskBytes = guest.DiskBytes,
                   DiskReadPerSecond = guest.DiskReadPerSecond,
                   DiskWritePerSecond = guest.DiskWritePerSecond,
                   NetworkInPerSecond = guest.NetworkInPerSecond,
                   NetworkOutPerSecond = guest.NetworkOutPerSecond,
               },
        ]);
    }

    private static double? Known(float figure) => float.IsNaN(figure) ? null : figure;

    private static DateTimeOffset Time(string? text, string field, DateTimeOffset usual, Dictionary<string, string[]> errors)
    {
        if (text is null)
        {
            return usual;
        }

        // Nothing was measured before 1970, and the usual span must fit before it.
        if (InstantText.Parse(text) is { } time && time >= DateTimeOffset.UnixEpoch)
        {
            return time;
        }

        errors[field] = [$"It must be a time such as {InstantText.Example}."];
        return usual;
    }
}

/// <summary>What <c>GET /api/agents/{id}/metrics</c> answers.</summary>
/// <param name="Id">Whose they are.</param>
/// <param name="Resolution"><c>raw</c> or <c>5m</c>.</param>
/// <param name="Points">The oldest first; there is none for a time in which nothing was reported.</param>
internal sealed record MetricsAnswer(string Id, string Resolution, IReadOnlyList<MetricsPoint> Points);

/// <summary>One sample, or the means over five minutes from <paramref name="At"/>. What is not known is null.</summary>
/// <param name="At">When.</param>
internal sealed record MetricsPoint(DateTimeOffset At)
{
    public string? Node { get; init; }

    public double? CpuPercent { get; init; }

    public double? CpuPercentMax { get; init; }

    public double? CpuCores { get; init; }

    public double? Load1 { get; init; }

    public double? MemoryUsedBytes { get; init; }

    public double? MemoryBytes { get; init; }

    public double? SwapUsedBytes { get; init; }

    public double? DiskUsedBytes { get; init; }

    public double? DiskBytes { get; init; }

    public double? DiskReadPerSecond { get; init; }

    public double? DiskWritePerSecond { get; init; }

    public double? NetworkInPerSecond { get; init; }

    public double? NetworkOutPerSecond { get; init; }

    public double? GuestsCpuCores { get; init; }

    public double? GuestsMemoryUsedBytes { get; init; }

    public int? RunningContainers { get; init; }

    public int? RunningVms { get; init; }
}
