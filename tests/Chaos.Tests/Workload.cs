using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;

namespace NannyOrleans.Chaos.Tests;

/// <summary>What people do all the while: patch guests, walk a cluster, look. They take no answer for no answer, and ask nothing twice.</summary>
internal sealed class Workload(ControlPlane plane, string[] guests, string cluster, Random random)
{
    private readonly string path = $"/api/clusters/{cluster}/campaigns";

    /// <summary>Operations that were promised, by id, and the marker that their script leaves in its guest.</summary>
    public ConcurrentDictionary<string, string> Promised { get; } = [];

    /// <summary>Requests by the status of their answer; 0 is none.</summary>
    public ConcurrentDictionary<int, int> Answers { get; } = [];

    /// <summary>How long each look was answered with nothing good, the longest first.</summary>
    public ConcurrentBag<TimeSpan> Outages { get; } = [];

    public int Resumed { get; private set; }

    /// <summary>Patches guests until it is enough.</summary>
    public async Task Patch(CancellationToken enough)
    {
        for (var number = 0; !enough.IsCancellationRequested; number++)
        {
            string marker = $"chaos-{random.Next():x8}-{number}", guest;
            lock (random)
            {
                guest = guests[random.Next(guests.Length)];
            }

            var (status, body) = await plane.Send(
                HttpMethod.Post, "/api/patches", new JsonObject { ["agent_id"] = guest, ["mode"] = "apply", ["exclusions"] = new JsonArray(marker) });
            Answers.AddOrUpdate(status is 409 && (string?)body?["code"] is "os-unread" ? 503 : status, 1, (_, count) => count + 1); // its host's agent has just started
            if (status is 202)
            {
                Promised[(string)body!["operation_id"]!] = marker;
            }

            await Task.Delay(status is 202 ? 400 : 1000, CancellationToken.None);
        }
    }

    /// <summary>Has one campaign after the other walk the cluster, and goes on with one that has halted, as a person would who has read why.</summary>
    public async Task Walk(CancellationToken enough)
    {
        string? id = null;
        while (!enough.IsCancellationRequested)
        {
            if (id is null)
            {
                var (status, body) = await plane.Send(HttpMethod.Post, path, Order());
                id = status is 202 ? (string?)body!["id"] : status is 409 ? (string?)await Newest() : null;
            }
            else if (await plane.Send(HttpMethod.Get, $"{path}/{id}") is { Status: 200, Body: { } campaign })
            {
                id = await Tend(id, (string?)campaign["status"]);
            }

            await Task.Delay(1000, CancellationToken.None);
        }
    }

    /// <summary>The campaign under way, if there is one, is brought to its end.</summary>
    public async Task Finish(TimeSpan limit)
    {
        var (id, watch) = ((string?)await Newest(), Stopwatch.StartNew());
        while (id is not null)
        {
            var campaign = await plane.Get($"{path}/{id}");
            Assert.True(watch.Elapsed < limit, $"The campaign has not ended in {limit}: {campaign}");
            id = await Tend(id, (string?)campaign["status"]);
            await Task.Delay(1000, CancellationToken.None);
        }
    }

    /// <summary>How all campaigns there were have ended.</summary>
    public async Task<string[]> Campaigns() => [.. (await plane.Get(path)).AsArray().Select(campaign => (string)campaign!["status"]!)];

    /// <summary>Looks at the fleet four times a second.</summary>
    public async Task Look(CancellationToken enough)
    {
        var good = Stopwatch.StartNew();
        using var client = plane.Client();
        while (!enough.IsCancellationRequested)
        {
            if (await plane.Send(HttpMethod.Get, "/api/topology", through: client) is { Status: 200 })
            {
                if (good.Elapsed > TimeSpan.FromSeconds(1))
                {
                    Outages.Add(good.Elapsed);
                }

                good.Restart();
            }

            await Task.Delay(250, CancellationToken.None);
        }
    }

    private async Task<string?> Tend(string id, string? status)
    {
        switch (status)
        {
            case "running":
                return id;
            case "halted" or "paused":
                if ((await plane.Send(HttpMethod.Post, $"{path}/{id}/resume")).Status is 200 or 202)
                {
                    Resumed++;
                }

                return id;
            default:
                return null;
        }
    }

    private async Task<JsonNode?> Newest() => (await plane.Send(HttpMethod.Get, path)).Body is JsonArray { Count: > 0 } all
        && (string?)all[0]!["status"] is "running" or "halted" or "paused" ? all[0]!["id"] : null;

    private static JsonObject Order() => new()
    {
        ["mode"] = "apply",
        ["reboot"] = "always",
        ["limits"] = new JsonObject { ["settle_seconds"] = 1 },
    };
}
