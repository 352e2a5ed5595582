using Spectre.Console;
using Spectre.Console.Rendering;

namespace NannyOrleans.Ctl.Campaigns;

/// <summary>A campaign on a terminal: each node with its step and how far it is, and what happened last.</summary>
internal sealed class CampaignDisplay
{
    private const int BarWidth = 20;
    private const int MostShown = 8;

    private readonly Queue<Happened> last = new();
    private Campaign? campaign;

    /// <summary>Takes how the campaign stands.</summary>
    public void Show(Campaign now) => campaign = now;

    /// <summary>Takes something that happened.</summary>
    public void Tell(Happened happened)
    {
        last.Enqueue(happened);
        if (last.Count > MostShown)
        {
            last.Dequeue();
        }
    }

    /// <summary>The picture at a moment.</summary>
    /// <param name="now">The clock, for how long each step has taken.</param>
    /// <param name="trouble">Why what is shown may be old; null when it is not.</param>
    public IRenderable At(DateTimeOffset now, string? trouble)
    {
        var rows = new List<IRenderable>();
        if (campaign is not null)
        {
            rows.Add(Headline(campaign, now));
            rows.Add(Nodes(campaign, now));
        }

        rows.AddRange(last.Select(happened => new Text(Line(happened), new Style(Color.Grey)).Ellipsis()));
        if (trouble is not null)
        {
            rows.Add(new Text(Safe.Line(trouble), new Style(Color.Yellow)));
        }

        return new Rows(rows);
    }

    /// <summary>What happened, on one line.</summary>
    public static string Line(Happened happened) =>
        $"{happened.At.ToLocalTime():HH:mm:ss}  {(happened.Node is null ? "" : $"{Safe.Line(happened.Node),-8}  {Safe.Line(happened.Step),-15}  ")}{Safe.Line(happened.Text)}";

    private static Markup Headline(Campaign campaign, DateTimeOffset now) => new(
        $"[bold]Campaign {Markup.Escape(Safe.Line(campaign.Id))}[/]  {Colored(campaign.Status)}  {Time((campaign.EndedAt ?? now) - campaign.StartedAt)}  {Markup.Escape(Safe.Line(campaign.Reason))}");

    private static Table Nodes(Campaign campaign, DateTimeOffset now)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("node", "", "step", "for", "");
        foreach (var node in campaign.Nodes)
        {
            table.AddRow(
                new Text(Safe.Line(node.Name), new Style(decoration: node.Name == campaign.Current ? Decoration.Bold : null)),
                Bar(node),
                new Markup(Colored(node.Step)),
                new Text(node.IsOver || node.Step is "pending" ? "" : Time(now - node.Since)),
                new Text(Safe.Line(Waits(node) ?? node.Note)));
        }

        return table;
    }

    private static Markup Bar(Node node)
    {
        var full = (int)(node.Part * BarWidth);
        return new($"[{(node.Step is "failed" ? "red" : "green")}]{new string('━', full)}[/][grey]{new string('━', BarWidth - full)}[/]");
    }

    private static string? Waits(Node node) => node.WaitsFor?.FirstOrDefault(gate => gate.Verdict is not "pass")?.Reason;

    private static string Colored(string word) => word switch
    {
        "done" or "completed" => $"[green]{word}[/]",
        "failed" or "halted" or "aborted" => $"[red]{word}[/]",
        "paused" or "aborting" or "approval" => $"[yellow]{word}[/]",
        _ => Markup.Escape(Safe.Line(word)),
    };

    private static string Time(TimeSpan span) => span < TimeSpan.Zero ? "0 s" : span.TotalMinutes < 1 ? $"{(int)span.TotalSeconds} s" : span.TotalHours < 1 ? $"{span:m\\:ss}" : $"{(int)span.TotalHours}:{span:mm\\:ss}";
}
