using System.Text.Json;
using NannyOrleans.Api.Http;
using NannyOrleans.Grains.Campaigns;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Campaigns;

/// <summary>What happens in a campaign, as server-sent events from the first or the last one seen until it ends.</summary>
internal static class CampaignStream
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Events read from history at once.</summary>
    public const int Page = 500;

    public static async Task Follow(ClusterId cluster, JobId id, int after, IGrainFactory grains, HttpContext http)
    {
        var (orchestrator, campaigns) = (grains.GetGrain<IClusterPatchOrchestrator>(cluster.Value), grains.GetGrain<ICampaignsGrain>(0));
        var events = new EventStream(http);
        long version = 0;
        try
        {
            while (!http.RequestAborted.IsCancellationRequested)
            {
                var seen = version;
                var page = await orchestrator.Watch(version, CampaignPage.MaxWait);
                version = page.Version;
                var told = 0;
                while (await campaigns.Events(id, after, Page) is { Count: > 0 } some)
                {
                    foreach (var happened in some)
                    {
                        after = happened.Number;
                        await events.Send($"{after}", "event", JsonSerializer.Serialize(happened, Json));
                    }

                    told += some.Count;
                }

                var over = page.Campaign.Id != id || (page.Campaign.IsOver && page.Campaign.Events <= after);
                var campaign = page.Campaign.Id == id ? page.Campaign : await campaigns.Find(cluster, id);
                if ((told > 0 || over || seen is 0) && campaign is not null)
                {
                    await events.Send($"{after}", over ? "end" : "status", JsonSerializer.Serialize(CampaignView.Of(cluster, campaign), Json));
                }
                else if (version == seen)
                {
                    await events.Say("still there");
                }

                if (over)
                {
                    return;
                }
            }
        }
        catch (Exception failure) when (Problems.IsUnavailable(failure))
        {
            // Once its first byte is out there is no other answer; the client comes back to where it was by itself.
            await events.Send($"{after}", "error", """{"code":"unavailable"}""");
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Whoever watched has gone.
        }
    }
}
