using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace NannyOrleans.Bench.Campaign;

/// <summary>What a campaign did when: from its timeline, and from its operations, whose agents say when they began and ended.</summary>
/// <param name="Wall">From its start to its end.</param>
/// <param name="Steps">The steps in their order.</param>
internal sealed record CampaignTimes(TimeSpan Wall, IReadOnlyList<StepTime> Steps)
{
    // What the target leaves out: a node's own patch, reboot and settle time.
    private static readonly string[] OfTheNode = ["patch-guests", "patch", "reboot", "settle"];

    /// <summary>How many nodes it walked.</summary>
    public int Nodes => Steps.Select(step => step.Node).Distinct().Count();

    /// <summary>Wall time for each node beyond its own patch, reboot and settle time.</summary>
    public double Overhead => (Wall - Sum(step => OfTheNode.Contains(step.Step) ? step.Own : TimeSpan.Zero)).TotalSeconds / Nodes;

    /// <summary>The same beyond all that was worked on for it: moves and starts of guests, maintenance mode.</summary>
    public double Waiting => (Wall - Sum(step => step.Own)).TotalSeconds / Nodes;

    /// <summary>Reads those of a campaign that has ended.</summary>
    /// <param name="server">The server.</param>
    /// <param name="cluster">Its cluster.</param>
    /// <param name="campaign">The campaign as it ended.</param>
    public static async Task<CampaignTimes> Of(BenchServer server, string cluster, JsonElement campaign)
    {
        var id = campaign.GetProperty("id").GetString()!;
        var (began, ended) = (campaign.GetProperty("started_at").GetDateTimeOffset(), campaign.GetProperty("ended_at").GetDateTimeOffset());
        var settle = TimeSpan.FromSeconds(campaign.GetProperty("order").GetProperty("limits").GetProperty("settle_seconds").GetInt32());
        var work = Work(server, id);
        var steps = new List<StepTime>();
        (string Node, string Step, DateTimeOffset Since)? at = null;
        foreach (var happened in (await server.Get($"/api/clusters/{cluster}/campaigns/{id}/timeline")).EnumerateArray().Where(one => one.GetProperty("node").ValueKind is JsonValueKind.String))
        {
            var (node, step, when) = (happened.GetProperty("node").GetString()!, happened.GetProperty("step").GetString()!, happened.GetProperty("at").GetDateTimeOffset());
            if (at is { } before && (before.Node, before.Step) != (node, step))
            {
                steps.Add(Time(before.Node, before.Step, before.Since, when));
                at = null;
            }

            at ??= (node, step, when);
        }

        return new(ended - began, steps);

        StepTime Time(string node, string step, DateTimeOffset from, DateTimeOffset to)
        {
            var own = step is "settle" ? settle : Covered(work.Where(one => one.Created >= from && one.Created < to).Select(one => (one.Started < from ? from : one.Started, one.Completed > to ? to : one.Completed)));
            return new(node, step, to - from, own < to - from ? own : to - from);
        }
    }

    /// <summary>Prints where the time went.</summary>
    public void Print()
    {
        Figures.Say($"  {"step",-16} {"s per node",10} {"own work",10} {"beyond",8}");
        foreach (var step in Steps.GroupBy(one => one.Step))
        {
            var (whole, own) = (step.Sum(one => one.Whole.TotalSeconds) / Nodes, step.Sum(one => one.Own.TotalSeconds) / Nodes);
            Figures.Say($"  {step.Key,-16} {whole,10:F2} {own,10:F2} {whole - own,8:F2}");
        }

        Figures.Say($"  {Wall.TotalSeconds:F1} s for {Nodes} nodes; each {Overhead:F2} s beyond its own patch, reboot and settle time, {Waiting:F2} s beyond all work");
    }

    private TimeSpan Sum(Func<StepTime, TimeSpan> time) => Steps.Aggregate(TimeSpan.Zero, (sum, step) => sum + time(step));

    // Several may be at work at the same time.
    private static TimeSpan Covered(IEnumerable<(DateTimeOffset From, DateTimeOffset To)> spans)
    {
        var (sum, until) = (TimeSpan.Zero, DateTimeOffset.MinValue);
        foreach (var (from, to) in spans.Order())
        {
            var begin = from > until ? from : until;
            sum += to > begin ? to - begin : TimeSpan.Zero;
            until = to > until ? to : until;
        }

        return sum;
    }

    // Moves and switches of a campaign are in no list of the API: their records are read where the server stores them.
    private static List<(DateTimeOffset Created, DateTimeOffset Started, DateTimeOffset Completed)> Work(BenchServer server, string campaign)
    {
        using var history = new SqliteConnection($"Data Source={server.DataDirectory}/history.db;Mode=ReadOnly;Pooling=False");
        history.Open();
        using var select = history.CreateCommand();
        select.CommandText = "SELECT Record FROM operations";
        using var rows = select.ExecuteReader();
        var work = new List<(DateTimeOffset, DateTimeOffset, DateTimeOffset)>();
        while (rows.Read())
        {
            var record = JsonElement.Parse(rows.GetString(0));
            if (record.TryGetProperty("campaign", out var of) && of.GetString() == campaign)
            {
                work.Add((record.GetProperty("created_at").GetDateTimeOffset(), record.GetProperty("started_at").GetDateTimeOffset(), record.GetProperty("completed_at").GetDateTimeOffset()));
            }
        }

        return work.Count > 0 ? work : throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"Campaign {campaign} has no operations."));
    }
}

/// <summary>How long a node was at a step.</summary>
/// <param name="Node">The node.</param>
/// <param name="Step">The step.</param>
/// <param name="Whole">From the moment it was at it to the moment it was at the next.</param>
/// <param name="Own">For how long of that anything was at work for it, or, while it settles, it was to be left alone.</param>
internal sealed record StepTime(string Node, string Step, TimeSpan Whole, TimeSpan Own);
