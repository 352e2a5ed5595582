using CsCheck;
using NannyOrleans.Domain.Agents;

namespace NannyOrleans.Domain.Tests.Agents;

public sealed class AgentOrderTests
{
    [Theory]
    [InlineData("name", "2 10 1a a b")]
    [InlineData("-name", "b a 1a 10 2")]
    [InlineData("+name", "2 10 1a a b")]
    public void Numbers_come_by_size_and_before_texts(string order, string expected) =>
        Assert.Equal(expected, Sorted(order, "b", "1a", "10", "a", "2"));

    [Fact]
    public void Later_fields_decide_what_earlier_ones_leave_open()
    {
        AgentRow[] rows =
        [
            Rows.Named("a") with { Status = "stopped", Cores = 2 },
            Rows.Named("b") with { Status = "running", Cores = 1 },
            Rows.Named("c") with { Status = "running", Cores = 4 },
            Rows.Named("d") with { Status = "stopped", Cores = 8 },
        ];
        Assert.Equal("c b d a", Sorted("status,-cores", rows));
        Assert.Equal("a d b c", Sorted(" -status , cores ", rows));
    }

    [Theory]
    [InlineData("cores", "1 2 none")]
    [InlineData("-cores", "2 1 none")]
    public void What_is_not_known_comes_last_either_way(string order, string expected) => Assert.Equal(
        expected,
        Sorted(order, Rows.Named("none"), Rows.Named("2") with { Cores = 2 }, Rows.Named("1") with { Cores = 1 }));

    [Theory]
    [InlineData("status")]
    [InlineData("-status")]
    [InlineData("cores")] // not known of any
    public void Ties_go_by_id_either_way(string order) => Assert.Equal("a b c", Sorted(order, "c", "a", "b"));

    [Theory]
    [InlineData("last_seen", "a b c")]
    [InlineData("template", "a c b")]
    [InlineData("tags", "b c a")]
    [InlineData("proxmox_vmid", "c a b")]
    [InlineData("memory_bytes", "b a c")]
    public void Every_kind_has_an_order(string order, string expected) => Assert.Equal(
        expected,
        Sorted(
            order,
            Rows.Named("c") with { LastSeen = Some.Noon.AddHours(2), Tags = ["m"], ProxmoxVmid = "99" },
            Rows.Named("b") with { LastSeen = Some.Noon.AddHours(1), Template = true, Tags = ["a", "z"], ProxmoxVmid = "1000", MemoryBytes = 1 },
            Rows.Named("a") with { LastSeen = Some.Noon, Tags = ["p"], ProxmoxVmid = "100", MemoryBytes = 1L << 40 }));

    [Theory]
    [InlineData("")]
    [InlineData("nam")]
    [InlineData("name,")]
    [InlineData("name,,id")]
    [InlineData("Name")]
    [InlineData("name desc")]
    public void An_unknown_field_names_the_known_ones(string text)
    {
        var (order, problem) = AgentOrder.Parse(text);
        Assert.Null(order);
        Assert.Contains("known are id, name, hostname,", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_so_many_fields_are_taken()
    {
        Assert.NotNull(AgentOrder.Parse(string.Join(',', Enumerable.Repeat("name", AgentOrder.MaxFields))).Order);
        Assert.Equal((null, $"It may have {AgentOrder.MaxFields} fields at most."), AgentOrder.Parse(string.Join(',', Enumerable.Repeat("name", AgentOrder.MaxFields + 1))));
    }

    [Fact]
    public void Any_string_at_all_never_throws() => Gen.String.Sample(text => AgentOrder.Parse(text) is (null, not null) or (not null, null));

    [Fact] // A comparison that goes round in a circle makes a sort that loses rows, or throws.
    public void The_order_of_any_names_is_one()
    {
        var order = AgentOrder.Parse("name,-cores").Order!;
        var row = Gen.Select(Gen.Char["0123456789.-eNa "].Array[0, 3].Select(text => new string(text)), Gen.Int[0, 3], (name, cores) => Rows.Guest with { Name = name, Cores = cores is 0 ? null : cores, Id = $"{name}{cores}" });
        Gen.Select(row, row, row).Sample(
            (a, b, c) => Math.Sign(order.Compare(a, b)) == -Math.Sign(order.Compare(b, a)) && !(order.Compare(a, b) <= 0 && order.Compare(b, c) <= 0 && order.Compare(a, c) > 0),
            iter: 10_000);
    }

    private static string Sorted(string order, params string[] names) => Sorted(order, [.. names.Select(Rows.Named)]);

    private static string Sorted(string order, params AgentRow[] rows)
    {
        var (comparer, problem) = AgentOrder.Parse(order);
        Assert.True(comparer is not null, problem);
        return string.Join(' ', rows.Order(comparer).OfType<GuestRow>().Select(row => row.Name));
    }
}
