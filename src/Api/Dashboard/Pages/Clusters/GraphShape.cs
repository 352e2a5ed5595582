using NannyOrleans.Api.Dashboard.Shell;
using NannyOrleans.Domain.Agents;
using NannyOrleans.Domain.Clusters;

namespace NannyOrleans.Api.Dashboard.Pages.Clusters;

/// <summary>Where cluster, nodes and guests are drawn: three columns, each node at the middle of its guests.</summary>
/// <param name="Points">What is drawn.</param>
/// <param name="Edges">What belongs to what, as SVG paths.</param>
/// <param name="Height">How high all of it is.</param>
internal sealed record GraphShape(IReadOnlyList<GraphPoint> Points, IReadOnlyList<string> Edges, int Height)
{
    /// <summary>How wide it is.</summary>
    public const int Width = 900;

    /// <summary>Nothing.</summary>
    public static readonly GraphShape Empty = new([], [], Row);

    private const int Row = 24;
    private const int ClusterX = 20;
    private const int NodeX = 280;
    private const int GuestX = 560;

    /// <summary>The picture of a cluster.</summary>
    public static GraphShape Of(ClusterOverview cluster, IReadOnlyList<NodeView> nodes, IReadOnlyList<AgentRow> guests)
    {
        var (points, edges, placed) = (new List<GraphPoint>(), new List<string>(), new List<(int X, int Y)>());
        var byNode = guests.ToLookup(guest => guest.ProxmoxNodeName, StringComparer.Ordinal);
        var y = Row;
        foreach (var node in nodes)
        {
            GraphPoint[] own = [.. byNode[node.Name.Value].Select((guest, index) => new GraphPoint(
                GuestX, y + (index * Row), $"{AgentRows.KindOf(guest)} {Show.Line(AgentRows.NameOf(guest), 40)}", AgentRows.PageOf(guest), AgentTable.MoodOf(guest.Status)))];
            var middle = own.Length is 0 ? y : (own[0].Y + own[^1].Y) / 2;
            points.Add(new(NodeX, middle, Show.Line(node.Name.Value, 30), $"/nodes/{cluster.Id}/{Uri.EscapeDataString(node.Name.Value)}", ClusterPage.MoodOf(node.Status)));
            points.AddRange(own);
            edges.AddRange(own.Select(guest => Edge(NodeX, middle, GuestX, guest.Y)));
            placed.Add((NodeX, middle));
            y += Math.Max(1, own.Length) * Row;
        }

        var center = placed.Count is 0 ? Row : (placed[0].Y + placed[^1].Y) / 2;
        points.Insert(0, new(ClusterX, center, Show.Line(cluster.Name, 28), $"/clusters/{cluster.Id}", cluster.Quorate switch { true => Mood.Good, false => Mood.Bad, null => Mood.Unknown }));
        edges.AddRange(placed.Select(node => Edge(ClusterX, center, node.X, node.Y)));
        return new(points, edges, y + Row);
    }

    private static string Edge(int x1, int y1, int x2, int y2) => $"M{x1} {y1}C{(x1 + x2) / 2} {y1} {(x1 + x2) / 2} {y2} {x2} {y2}";
}

/// <summary>Something that is drawn.</summary>
/// <param name="X">Where, from the left.</param>
/// <param name="Y">Where, from above.</param>
/// <param name="Text">What it is called; harmless.</param>
/// <param name="Page">Its page.</param>
/// <param name="Mood">How it stands.</param>
internal sealed record GraphPoint(int X, int Y, string Text, string Page, Mood Mood);
