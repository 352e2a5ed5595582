using CsCheck;
using NannyOrleans.Domain.Agents;

namespace NannyOrleans.Domain.Tests.Agents;

public sealed class AgentQueryTests
{
    private static readonly AgentRow[] Fleet = [Rows.Host, Rows.Named("b"), Rows.Named("a"), Rows.Named("gone") with { DeletedAt = Some.Noon, Status = "deleted" }, Rows.Machine];

    [Fact]
    public void Without_a_wish_all_rows_come_in_the_order_they_have() =>
        Assert.Equal((4, "pve1 b a db1"), Told(new AgentQuery(null, null, null, Deleted: false).Of(Fleet)));

    [Fact]
    public void Deleted_guests_come_only_when_asked_for()
    {
        Assert.Equal((3, "b a gone"), Told(new AgentQuery("proxmox_role=='guest'", null, null, Deleted: true).Of(Fleet)));
        Assert.Equal((0, ""), Told(new AgentQuery("status=='deleted'", null, null, Deleted: false).Of(Fleet)));
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(2, "a b")]
    [InlineData(99, "a b db1 pve1")]
    public void The_total_counts_what_is_cut_off_too(int take, string expected) =>
        Assert.Equal((4, expected), Told(new AgentQuery(null, "name", take, Deleted: false).Of(Fleet)));

    [Fact]
    public void What_was_not_checked_is_refused()
    {
        Assert.Throws<FormatException>(() => new AgentQuery("name ==", null, null, Deleted: false).Of(Fleet));
        Assert.Throws<FormatException>(() => new AgentQuery(null, "nam", null, Deleted: false).Of(Fleet));
    }

    [Fact]
    public void No_pages_are_an_empty_page() => Assert.Equal((0, ""), Told(new AgentQuery(null, "name", 10, Deleted: false).Merge([])));

    [Fact] // Clusters answer for themselves, each with no more than is wanted in all.
    public void Pages_of_several_clusters_come_to_what_one_list_would_be() =>
        Gen.Select(Gen.Select(Gen.Int[0, 20], Gen.Int[0, 3]).Array[0, 12].Array[0, 5], Gen.Int[0, 12], Gen.OneOf<string?>(null, "cores", "-cores,name", "name")).Sample((clusters, take, sort) =>
        {
            var number = 0;
            AgentRow[][] rows = [.. clusters.Select(cluster => cluster.Select(row => (AgentRow)(Rows.Named($"{row.Item1}") with
            {
                Id = $"{number++:D3}",
                Cores = row.Item2 is 0 ? null : row.Item2,
                DeletedAt = row.Item1 is 0 ? Some.Noon : null,
            })).ToArray())];
            foreach (var query in new[] { new AgentQuery("name != '7'", sort, take, Deleted: false), new AgentQuery(null, sort, null, Deleted: true) })
            {
                var whole = query.Of(rows.SelectMany(cluster => cluster));
                var merged = query.Merge([.. rows.Select(query.Of)]);
                Assert.Equal(whole.Total, merged.Total);
                Assert.Equal(whole.Rows, merged.Rows);
            }
        });

    private static (int Total, string Names) Told(AgentPage page) => (page.Total, string.Join(' ', page.Rows.Select(row => row switch
    {
        GuestRow guest => guest.Name,
        HostRow host => host.Hostname,
        MachineRow machine => machine.Hostname,
        _ => "?",
    })));
}
