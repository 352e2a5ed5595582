using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Silo.History;

namespace NannyOrleans.Silo.Tests.History;

public abstract class CampaignHistoryTests(TestSilo shared)
{
    private static readonly ClusterId Lab = ClusterId.Parse("c0123456789abcdef");
    private static readonly ClusterId Shop = ClusterId.Parse("cfedcba9876543210");
    private static readonly DateTimeOffset Noon = new(2026, 11, 26, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Campaigns_of_all_clusters_are_filtered_and_paged_the_newest_first()
    {
        await using var tables = await shared.NewHistory();
        var history = new CampaignHistory(tables, tables.Writes());
        Assert.Equal(0, (await history.Select(new(0, 10))).Total);
        var statuses = new[] { CampaignStatus.Completed, CampaignStatus.Running, CampaignStatus.Aborted, CampaignStatus.Halted, CampaignStatus.Paused, CampaignStatus.Aborting };
        foreach (var (number, status) in statuses.Index().OrderByDescending(one => one.Index % 3)) // not in the order of time
        {
            await history.Keep(number % 2 is 0 ? Lab : Shop, Of(number + 1, status), plan: null);
        }

        var all = new CampaignQuery(0, 100);
        Assert.Equal("6 5 4 3 2 1", await Listed(all));
        Assert.Equal("3 1", await Listed(all with { Ended = true }));
        Assert.Equal("6 5 4 2", await Listed(all with { Ended = false })); // what a person may go on with has not ended
        Assert.Equal("5 3 1", await Listed(all with { Cluster = Lab }));
        Assert.Equal("5", await Listed(all with { Cluster = Lab, Ended = false }));
        Assert.Equal("6 4 2", await Listed(all with { Clusters = [Shop] }));
        Assert.Equal("6 5 4 3 2 1", await Listed(all with { Clusters = [Shop, Lab] }));
        Assert.Equal(string.Empty, await Listed(all with { Clusters = [] })); // who sees none
        Assert.Equal(string.Empty, await Listed(all with { Cluster = Lab, Clusters = [Shop] }));
        Assert.Equal("5 4", await Listed(all with { Skip = 1, Take = 2 }));
        Assert.Equal(string.Empty, await Listed(all with { Skip = 6 }));

        var page = await history.Select(all with { Ended = false, Skip = 1, Take = 2 });
        Assert.Equal(4, page.Total);
        Assert.Equal([(Lab, CampaignStatus.Paused), (Shop, CampaignStatus.Halted)], page.Campaigns.Select(one => (one.Cluster, one.Campaign.Status)));

        async Task<string> Listed(CampaignQuery query) => string.Join(' ', (await history.Select(query)).Campaigns.Select(one => int.Parse(one.Campaign.Id!.Value.Value[^6..])));
    }

    [Fact]
    public async Task One_that_ends_is_among_the_ended_from_then_on_and_what_comes_late_does_not_bring_it_back()
    {
        await using var tables = await shared.NewHistory();
        var history = new CampaignHistory(tables, tables.Writes());
        await history.Keep(Lab, Of(1, CampaignStatus.Running), plan: null);
        await history.Keep(Lab, Of(1, CampaignStatus.Completed), plan: null);
        await history.Keep(Lab, Of(1, CampaignStatus.Running), plan: null);
        Assert.Equal(0, (await history.Select(new(0, 10) { Ended = false })).Total);
        Assert.Equal(CampaignStatus.Completed, Assert.Single((await history.Select(new(0, 10) { Ended = true })).Campaigns).Campaign.Status);
    }

    private static CampaignState Of(int number, CampaignStatus status) => new()
    {
        Id = JobId.Parse($"01M83HW1FS84CA{number:D12}"),
        Status = status,
        StartedAt = Noon.AddHours(number),
        EndedAt = status is CampaignStatus.Completed or CampaignStatus.Aborted ? Noon.AddHours(number + 1) : null,
    };
}

public sealed class CampaignHistoryOnPostgresTests(SiloOnPostgres silo) : CampaignHistoryTests(silo), IClassFixture<SiloOnPostgres>;

public sealed class CampaignHistoryOnSqliteTests(SharedSilo silo) : CampaignHistoryTests(silo);
