using System.Diagnostics;
using CsCheck;
using NannyOrleans.Domain.Agents;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Protocol.Ids;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Agents;

public sealed class AgentQueryTests
{
    private static readonly Gen<AgentRow[]> Rows = Gen.Select(Gen.Int[0, 3].Nullable(), Gen.OneOf<string?>(null, "9", "10", "1a", "a", "B", "1.5", "-1", "NaN", "1e3", " 7"))
        .Array[0, 40].Select(rows => rows.Select((row, index) => (AgentRow)Row(index, row.Item1, row.Item2)).ToArray());

    [Theory]
    [InlineData("cores")]
    [InlineData("-cores")]
    [InlineData("lock,-cores")]
    [InlineData("-lock")]
    [InlineData("tags,id")]
    public void What_is_not_known_comes_last_either_way_and_the_rest_is_in_order(string sort) => Rows.Sample(rows =>
    {
        var order = AgentOrder.Parse(sort).Order!;
        var sorted = new AgentQuery(null, sort, null, true).Of(rows).Rows;
        var first = AgentField.All[sort.Split(',')[0].TrimStart('-')];
        Assert.Equal(rows.Count(row => first.Read(row) is null), sorted.Reverse().TakeWhile(row => first.Read(row) is null).Count());
        for (var at = 1; at < sorted.Count; at++)
        {
            Assert.True(order.Compare(sorted[at - 1], sorted[at]) < 0);
        }
    });

    [Fact] // 9 < 10 as numbers, 10 < 1a and 1a < 9 as texts: that would be no order
    public void The_order_of_texts_is_one() => Gen.Select(Rows, Gen.OneOf("lock", "-lock", "cores,lock")).Sample((rows, sort) =>
    {
        var order = AgentOrder.Parse(sort).Order!;
        foreach (var a in rows.Take(8))
        {
            foreach (var b in rows.Take(8))
            {
                Assert.Equal(Math.Sign(order.Compare(a, b)), -Math.Sign(order.Compare(b, a)));
                Assert.All(rows.Take(8).Where(c => order.Compare(a, b) <= 0 && order.Compare(b, c) <= 0), c => Assert.True(order.Compare(a, c) <= 0));
            }
        }
    });

    [Fact]
    public void Pages_of_several_clusters_make_up_one_list() => Gen.Select(Rows, Gen.Int[1, 3], Gen.Int[1, 7], Gen.OneOf<string?>(null, "lock", "-cores,lock"), Gen.OneOf<string?>(null, "cores!=1")).Sample(
        (rows, clusters, perPage, sort, filter) =>
        {
            var split = rows.GroupBy(row => int.Parse(row.Id.AsSpan(3)) % clusters).OrderBy(group => group.Key).Select(group => group.ToArray()).ToArray();
            var whole = new AgentQuery(filter, sort, null, true).Of(split.SelectMany(part => part));
            var seen = new List<AgentRow>();
            for (var page = 1; ; page++)
            {
                var query = new AgentQuery(filter, sort, page * perPage, true);
                var merged = query.Merge([.. split.Select(query.Of)]);
                Assert.Equal(whole.Total, merged.Total);
                var rowsOfPage = merged.Rows.Skip((page - 1) * perPage).ToArray();
                seen.AddRange(rowsOfPage);
                if (rowsOfPage.Length < perPage)
                {
                    break;
                }
            }

            Assert.Equal(whole.Rows.Select(row => row.Id), seen.Select(row => row.Id));
        });

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 2)]
    public void Deleted_guests_are_listed_when_asked_for(bool deleted, int count)
    {
        var page = new AgentQuery(null, null, null, deleted).Of([Row(1, null, null), Row(2, null, null) with { DeletedAt = Noon }]);
        Assert.Equal((count, count), (page.Total, page.Rows.Count));
    }

    [Theory]
    [InlineData("")]
    [InlineData("foo")]
    [InlineData("name,")]
    [InlineData("--name")]
    [InlineData("+-name")]
    [InlineData("name asc")]
    [InlineData("id,id,id,id,id,id,id,id,id")]
    public void An_order_that_makes_no_sense_is_refused(string sort) => Assert.NotNull(AgentOrder.Parse(sort).Problem);

    [Fact]
    public void An_order_of_any_text_never_throws() => Gen.String.Sample(text => Assert.NotNull(AgentOrder.Parse(text + "?").Problem));

    [Fact] // 32 times the guests take about 32 times as long, and not 32 times 32
    public void The_time_a_list_takes_grows_with_the_guests_and_not_with_their_square()
    {
        var (few, many) = (Guests(nodes: 1), Guests(nodes: 32));
        Assert.Equal((101, 3232), (few.Length, many.Length));
        var query = new AgentQuery("proxmox_type=='lxc' && (cores > 2 || name ~ 'guest-1') && status != 'stopped'", "-cores,name", 50, false);
        var (small, large) = (Quickest(few), Quickest(many));
        Assert.True(large < 200 * small, $"{few.Length} rows took {small}, {many.Length} took {large}.");

        TimeSpan Quickest(AgentRow[] rows) => Enumerable.Range(0, 30).Min(_ =>
        {
            var clock = Stopwatch.StartNew();
            Assert.Equal(50, query.Of(rows).Rows.Count);
            return clock.Elapsed;
        });

        static AgentRow[] Guests(int nodes)
        {
            var lab = new ClusterIndex { Stored = new() };
            foreach (var number in Enumerable.Range(1, nodes))
            {
                var node = NodeName.Parse($"pve{number}");
                lab = lab.Enrol(node, new(Agent, node.Value, "lab"))
                    .RecordInventory(node, Taken(node, Inventory([.. Enumerable.Range(number * 1000, 100).Select(vmid => Container(vmid, $"guest-{vmid}") with { Cores = vmid % 7 })]) with { Cluster = null }), Noon);
            }

            return [.. AgentRow.Of(View(lab))];
        }
    }

    private static GuestRow Row(int number, int? cores, string? text) => new()
    {
        Id = $"id-{number:D3}",
        OsType = "linux",
        ProxmoxRole = "guest",
        Status = "running",
        Name = "guest",
        ProxmoxVmid = "100",
        ProxmoxType = "lxc",
        Template = false,
        Cores = cores,
        Lock = text,
        Tags = text is null ? [] : [text],
    };
}
