using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NannyOrleans.Bench.Campaign;

/// <summary>Walks the lab's cluster as a person has it walked.</summary>
internal sealed class RollingCampaign(BenchServer server)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Most = TimeSpan.FromMinutes(10);

    /// <summary>Has every host look anew, since things are done beside its agent, and waits until what it says then is what is there.</summary>
    /// <param name="hosts">How many hosts there are.</param>
    /// <param name="containers">How many containers there are.</param>
    /// <param name="running">How many of them run.</param>
    public async Task Ready(int hosts, int containers, int running)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        JsonElement rows;
        while ((rows = await server.Get($"/api/agents?filter={Uri.EscapeDataString("proxmox_role=='host'&&status=='online'")}")).GetArrayLength() != hosts)
        {
            await Task.Delay(Poll, limit.Token);
        }

        var since = DateTimeOffset.UtcNow;
        foreach (var host in rows.EnumerateArray())
        {
            using var asked = await server.Http.PostAsync($"/api/agents/{host.GetProperty("id").GetString()}/discover", null, limit.Token);
            asked.EnsureSuccessStatusCode();
        }

        while (true)
        {
            var guests = (await server.Get($"/api/agents?filter={Uri.EscapeDataString("proxmox_type=='lxc'")}")).EnumerateArray().Where(guest => guest.GetProperty("last_seen").GetDateTimeOffset() > since).ToArray();
            if (guests.Length == containers && guests.Count(guest => guest.GetProperty("status").GetString() is "running") == running)
            {
                return;
            }

            await Task.Delay(Poll, limit.Token);
        }
    }

    /// <summary>One campaign from its start to its end.</summary>
    /// <param name="order">What is asked for.</param>
    public async Task<CampaignTimes> Walk(JsonObject order)
    {
        var cluster = (await server.Get("/api/clusters"))[0].GetProperty("id").GetString()!;
        using var answer = await server.Http.PostAsJsonAsync($"/api/clusters/{cluster}/campaigns", order);
        var body = await answer.Content.ReadAsStringAsync();
        var id = answer.IsSuccessStatusCode ? JsonElement.Parse(body).GetProperty("id").GetString() : throw new InvalidOperationException(body);
        using var limit = new CancellationTokenSource(Most);
        for (; ; await Task.Delay(Poll, limit.Token))
        {
            var campaign = await server.Get($"/api/clusters/{cluster}/campaigns/{id}");
            switch (campaign.GetProperty("status").GetString())
            {
                case "running":
                    continue;
                case "completed":
                    return await CampaignTimes.Of(server, cluster, campaign);
                default:
                    throw new InvalidOperationException($"The campaign is {campaign.GetProperty("status")}: {campaign.GetProperty("reason")}");
            }
        }
    }
}
