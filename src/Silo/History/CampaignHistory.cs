using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Grains.Campaigns;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Silo.Audit;

namespace NannyOrleans.Silo.History;

/// <summary>Campaigns in SQL: a row from the start on, and a row for each thing that happened.</summary>
internal sealed class CampaignHistory(IDbContextFactory<HistoryDb> databases, HistoryWrites writes) : ICampaignHistory
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public Task Keep(ClusterId cluster, CampaignState campaign, CampaignPlan? plan) => writes.Write(async (database, audit) =>
    {
        var id = campaign.Id!.Value.Value;
        var record = JsonSerializer.Serialize(campaign with { News = [] }, Json);
        var completed = campaign.EndedAt?.ToUnixTimeMilliseconds();
        if (await database.Campaigns.FindAsync(id) is not { } row)
        {
            row = new() { Id = id, Cluster = cluster.Value, Completed = completed, Record = record, Plan = null };
            database.Campaigns.Add(row);
        }
        else if (row.Completed is null)
        {
            (row.Completed, row.Record) = (completed, record);
        }

        row.Plan ??= plan is null ? null : JsonSerializer.Serialize(plan, Json);
        foreach (var happened in campaign.News)
        {
            if (await database.CampaignEvents.FindAsync(id, happened.Number) is null)
            {
                database.CampaignEvents.Add(new() { Campaign = id, Number = happened.Number, Record = JsonSerializer.Serialize(happened, Json) });
                audit.Add(HistoryEntries.Happened(cluster, campaign.Id.Value, happened));
            }
        }
    });

    public async Task<IReadOnlyList<CampaignState>> List(ClusterId cluster, int skip, int take)
    {
        await using var database = await databases.CreateDbContextAsync();
        var records = await database.Campaigns.AsNoTracking().Where(row => row.Cluster == cluster.Value).OrderByDescending(row => row.Id)
            .Skip(skip).Take(take).Select(row => row.Record).ToListAsync();
        return [.. records.Select(Read<CampaignState>)];
    }

    public async Task<CampaignSelection> Select(CampaignQuery query)
    {
        await using var database = await databases.CreateDbContextAsync();
        var selected = Selected(database.Campaigns.AsNoTracking(), query);
        var total = await selected.CountAsync();
        var rows = await selected.OrderByDescending(row => row.Id).Skip(query.Skip).Take(query.Take).Select(row => new { row.Cluster, row.Record }).ToListAsync();
        return new(total, [.. rows.Select(row => new ClusterCampaign(ClusterId.Parse(row.Cluster), Read<CampaignState>(row.Record)))]);
    }

    public async Task<CampaignState?> Find(ClusterId cluster, JobId id)
    {
        await using var database = await databases.CreateDbContextAsync();
        var record = await database.Campaigns.Where(row => row.Id == id.Value && row.Cluster == cluster.Value).Select(row => row.Record).FirstOrDefaultAsync();
        return record is null ? null : Read<CampaignState>(record);
    }

    public async Task<CampaignPlan?> FindPlan(ClusterId cluster, JobId id)
    {
        await using var database = await databases.CreateDbContextAsync();
        var plan = await database.Campaigns.Where(row => row.Id == id.Value && row.Cluster == cluster.Value).Select(row => row.Plan).FirstOrDefaultAsync();
        return plan is null ? null : Read<CampaignPlan>(plan);
    }

    public async Task<IReadOnlyList<CampaignEvent>> Events(JobId id, int after, int take)
    {
        await using var database = await databases.CreateDbContextAsync();
        var records = await database.CampaignEvents.AsNoTracking().Where(row => row.Campaign == id.Value && row.Number > after).OrderBy(row => row.Number)
            .Take(take).Select(row => row.Record).ToListAsync();
        return [.. records.Select(Read<CampaignEvent>)];
    }

    private static IQueryable<CampaignRow> Selected(IQueryable<CampaignRow> rows, CampaignQuery query)
    {
        rows = query.Ended is { } ended ? rows.Where(row => row.Completed != null == ended) : rows;
        rows = query.Cluster?.Value is { } cluster ? rows.Where(row => row.Cluster == cluster) : rows;
        string[]? seen = query.Clusters is null ? null : [.. query.Clusters.Select(one => one.Value)];
        return seen is null ? rows : rows.Where(row => seen.Contains(row.Cluster));
    }

    private static T Read<T>(string record) => JsonSerializer.Deserialize<T>(record, Json) ?? throw new JsonException("A stored campaign is null.");
}
