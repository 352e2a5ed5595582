using NannyOrleans.Api.Dashboard.Pages.Clusters;
using NannyOrleans.Api.Dashboard.Shell;
using NannyOrleans.Domain.Agents;
using NannyOrleans.Domain.Clusters;

namespace NannyOrleans.Api.Tests.Dashboard;

/// <summary>Where lines and points of pictures are.</summary>
public sealed class ShapeTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_line_runs_from_its_first_value_to_its_last_and_nowhere_where_nothing_was_measured()
    {
        var shape = Chart((0, 10), (5, 20), (10, null), (15, 5), (60, 10));
        Assert.Equal((5.0, 11.25, 20.0), (shape.Least, shape.Mean, shape.Greatest));
        Assert.Equal(3, shape.Path.Count(letter => letter is 'M')); // after what is not known, and after a gap
        Assert.StartsWith("M0 54.5", shape.Path, StringComparison.Ordinal);
        Assert.EndsWith("M600 54.5h0", shape.Path, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(1e15)]
    public void A_line_of_equal_values_stays_in_its_box(double value)
    {
        var shape = Chart((0, value), (5, value));
        Assert.True(shape.Top >= value && shape.Top > 0);
        Assert.DoesNotContain("NaN", shape.Path, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_measured_is_no_line()
    {
        Assert.Equal(new ChartShape(string.Empty, 0, null, null, null), Chart((0, null)));
        Assert.Equal(new ChartShape(string.Empty, 0, null, null, null), Chart((-5, 1.0))); // before the left edge
    }

    [Fact]
    public void Nodes_stand_at_the_middle_of_their_guests_and_nothing_lies_on_anything_else()
    {
        var counts = new GuestCounts(0, 0, 0, 0, 0, 0);
        var totals = new ResourceTotals(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        NodeView[] nodes = [.. new[] { "pve1", "pve2", "pve3" }.Select(name => new NodeView(Protocol.Ids.NodeName.Parse(name), null, null, NodeStatus.Online, null, null, [], null, null) { GuestCount = counts, GuestResources = totals })];
        var cluster = new ClusterOverview(Protocol.Ids.ClusterId.Parse("c0123456789abcdef"), "lab", true, null) { NodeCount = new(3, 3, 0, 0, 0), GuestCount = counts, Resources = totals, GuestResources = totals };
        AgentRow[] guests = [Guest("pve1", 100), Guest("pve1", 101), Guest("pve1", 102), Guest("pve3", 103)];
        var shape = GraphShape.Of(cluster, nodes, guests);
        Assert.Equal(1 + 3 + 4, shape.Points.Count);
        Assert.Equal(3 + 4, shape.Edges.Count);
        Assert.Equal(shape.Points.Count, shape.Points.Select(point => (point.X, point.Y)).Distinct().Count());
        Assert.All(shape.Points, point => Assert.InRange(point.Y, 1, shape.Height - 1));
        Assert.Equal(shape.Points.Single(point => point.Text is "pve1").Y, shape.Points.Single(point => point.Text is "CT 101 web").Y);
        Assert.Equal(Mood.Good, shape.Points[0].Mood);
    }

    private static ChartShape Chart(params (int Minute, double? Value)[] points) =>
        ChartShape.Of([.. points.Select(point => (Noon.AddMinutes(point.Minute), point.Value))], Noon, Noon.AddHours(1), TimeSpan.FromMinutes(11));

    private static GuestRow Guest(string node, int vmid) => new()
    {
        Id = $"c0123456789abcdef-lxc-{vmid}",
        Name = "web",
        OsType = "linux",
        ProxmoxRole = "guest",
        ProxmoxNodeName = node,
        ProxmoxVmid = $"{vmid}",
        ProxmoxType = "lxc",
        Status = "running",
        Template = false,
    };
}
