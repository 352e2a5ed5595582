using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>Rolling campaigns over a lab of real containers, each with a lab and a server of its own. The lab's referee counts votes by power and network alone.</summary>
[Collection("campaigns")]
public sealed class CampaignTests
{
    internal const string Kernel = "6.17.4-2-pve\n";
    private static readonly string[] Three = ["pve1", "pve2", "pve3"];

    [Fact]
    public async Task Three_hosts_are_patched_drained_rebooted_and_put_back_with_quorum_all_the_while()
    {
        Cluster.NeedContainers();
        await using var lab = await CampaignLab.Up(Three);
        var (where, boots) = (await lab.Containers(), await lab.Boots());
        var id = await lab.Start(new() { ["mode"] = "apply", ["guests"] = "all", ["limits"] = new JsonObject { ["settle_seconds"] = 1 } });
        var campaign = await lab.Ends(id);
        Assert.True((string?)campaign["status"] is "completed", $"{campaign}\n{await lab.Timeline(id)}");

        Assert.Contains("quorum held", await lab.Lab.Verb("referee"), StringComparison.Ordinal);
        Assert.All(await lab.Boots(), boot => Assert.NotEqual(boots[boot.Key], boot.Value));
        foreach (var host in Three)
        {
            Assert.Equal(Kernel, await lab.Lab.InHost(host, "uname -r"));
            Assert.Equal("1\n", await lab.Lab.InHost(host, "grep -c ' status installed proxmox-kernel-6.17.4-2-pve-signed' /var/log/dpkg.log"));
        }

        Assert.Equal(where, await lab.Containers()); // all of them went away and came home
        foreach (var vmid in where.Keys)
        {
            Assert.Equal(LabCluster.New, await lab.Lab.Versions(vmid));
        }
    }

    [Fact]
    public async Task A_server_killed_again_and_again_finishes_it_and_nothing_is_done_twice()
    {
        Cluster.NeedContainers();
        await using var lab = await CampaignLab.Up(Three);
        var (where, boots) = (await lab.Containers(), await lab.Boots());
        var id = await lab.Start(new() { ["mode"] = "apply", ["limits"] = new JsonObject { ["settle_seconds"] = 1 } });
        HashSet<string> killed = [];
        while (await lab.Get(id) is var campaign && (string?)campaign["status"] is "running")
        {
            // In the first sight of each step, whichever node is at it.
            if (campaign["nodes"]!.AsArray().FirstOrDefault(node => (string?)node!["node"] == (string?)campaign["current"]) is { } current && killed.Add((string)current["step"]!))
            {
                await lab.Server.Restart();
            }

            await Task.Delay(50, CancellationToken.None);
        }

        var ended = await lab.Ends(id);
        Assert.True((string?)ended["status"] is "completed", $"{ended}\n{await lab.Timeline(id)}");
        Assert.True(killed.Count >= 4, $"it was killed in {string.Join(", ", killed)} only");
        Assert.Contains("quorum held", await lab.Lab.Verb("referee"), StringComparison.Ordinal);
        Assert.Equal(where, await lab.Containers());
        foreach (var host in Three)
        {
            Assert.NotEqual(boots[host], await lab.Lab.BootId(host));
            Assert.Equal("1\n", await lab.Lab.InHost(host, "grep -c ' status installed proxmox-kernel-6.17.4-2-pve-signed' /var/log/dpkg.log"));
        }

        Assert.Equal(3, (await lab.Server.Get("/api/reboots")).AsArray().Count);
    }

    [Fact]
    public async Task A_host_that_does_not_come_back_halts_it_with_the_reason_and_the_next_is_untouched()
    {
        Cluster.NeedContainers();
        await using var lab = await CampaignLab.Up(Three);
        await lab.Lab.Verb("reboot-as", "pve1", "never");
        var boots = await lab.Boots();
        var id = await lab.Start(new()
        {
            ["mode"] = "apply",
            ["nodes"] = new JsonArray("pve1", "pve2"),
            ["limits"] = new JsonObject { ["settle_seconds"] = 1, ["reboot_seconds"] = 15 },
        });
        var halted = await lab.Ends(id);
        Assert.True((string?)halted["status"] is "halted", $"{halted}\n{await lab.Timeline(id)}");
        Assert.Contains("pve1", (string?)halted["reason"], StringComparison.Ordinal);
        Assert.Equal(["reboot", "pending"], halted["nodes"]!.AsArray().Select(node => (string?)node!["step"]));
        Assert.Equal(boots["pve2"], await lab.Lab.BootId("pve2"));
        Assert.Contains("quorum held", await lab.Lab.Verb("referee"), StringComparison.Ordinal);
    }
}

/// <summary>A lab with a server of its own.</summary>
internal sealed class CampaignLab(DataDirectory directory, LabCluster lab, Server server, string[] hosts, string cluster) : IAsyncDisposable
{
    public LabCluster Lab => lab;

    public Server Server => server;

    /// <param name="hosts">Its hosts.</param>
    /// <param name="plan">What the lab is made from; null for that many hosts with six containers.</param>
    /// <param name="containers">How many containers run.</param>
    public static async Task<CampaignLab> Up(string[] hosts, string? plan = null, int containers = 6)
    {
        var directory = new DataDirectory();
        var lab = new LabCluster(directory.PathOf("lab"));
        if (plan is not null)
        {
            await File.WriteAllTextAsync(directory.PathOf("plan"), plan);
        }

        await lab.Verb(["up", "--ha-round-seconds", "0.2", .. plan is null ? ["--hosts", $"{hosts.Length}"] : (string[])["--plan", directory.PathOf("plan")]]);
        var server = await Server.Start(directory.PathOf("data"));
        try
        {
            foreach (var host in hosts)
            {
                await lab.Register(host, server);
                lab.StartAgent(host);
            }

            await server.Knows(hosts.Length, containers);
            return new(directory, lab, server, hosts, (string)(await server.Get("/api/clusters"))[0]!["id"]!);
        }
        catch (TimeoutException late)
        {
            var said = lab.Said;
            await new CampaignLab(directory, lab, server, hosts, string.Empty).DisposeAsync();
            throw new TimeoutException($"{late.Message}\n{said}");
        }
    }

    public async Task<string> Start(JsonObject order)
    {
        var (status, body) = await server.Send(HttpMethod.Post, $"/api/clusters/{cluster}/campaigns", order);
        Assert.True(status is 202, $"{status}: {body}");
        return (string)body!["id"]!;
    }

    public Task<JsonNode> Get(string id) => server.Get($"/api/clusters/{cluster}/campaigns/{id}");

    public async Task<string> Timeline(string id) => string.Join('\n', (await server.Get($"/api/clusters/{cluster}/campaigns/{id}/timeline")).AsArray()
        .Select(happened => $"{happened!["at"]} {happened["node"]} {happened["step"]} {happened["text"]}"));

    public async Task Resume(string id)
    {
        var (status, body) = await server.Send(HttpMethod.Post, $"/api/clusters/{cluster}/campaigns/{id}/resume");
        Assert.True(status is 200 or 202, $"{status}: {body}");
    }

    /// <summary>The campaign once it is as awaited.</summary>
    public Task<JsonNode> Until(string id, Func<JsonNode, bool> isThere, string waitedFor) => server.Until(() => Get(id), isThere, waitedFor);

    /// <summary>Waits until a host is at a step.</summary>
    public Task At(string id, string host, string step) => Until(id, campaign => (string?)Node(campaign, host)["step"] == step, $"{host} to be at {step}");

    /// <summary>What the campaign says that it waits for at a host, once it waits.</summary>
    public async Task<string> Waits(string id, string host)
    {
        var campaign = await Until(id, campaign => Node(campaign, host)["waits_for"] is JsonArray, $"the campaign to wait at {host}");
        return string.Join(' ', Node(campaign, host)["waits_for"]!.AsArray().Select(gate => (string?)gate!["reason"]));
    }

    /// <summary>The campaign once it runs no more. It is at it for minutes; the steps' own limits end one that gets nowhere.</summary>
    public async Task<JsonNode> Ends(string id)
    {
        for (var waited = Environment.TickCount64; ; await Task.Delay(200, CancellationToken.None))
        {
            var campaign = await Get(id);
            if ((string?)campaign["status"] is not "running" || Environment.TickCount64 - waited > 300_000)
            {
                return campaign;
            }
        }
    }

    public async Task<Dictionary<string, string>> Boots()
    {
        var boots = new Dictionary<string, string>();
        foreach (var host in hosts)
        {
            boots[host] = await lab.BootId(host);
        }

        return boots;
    }

    /// <summary>The containers that run, and on which host, as the hosts' own <c>pct</c> says.</summary>
    public async Task<SortedDictionary<int, string>> Containers()
    {
        var containers = new SortedDictionary<int, string>();
        foreach (var host in hosts)
        {
            foreach (var line in (await lab.OnHost(host, "pct", "list")).Split('\n').Skip(1).Where(line => line.Contains(" running ", StringComparison.Ordinal)))
            {
                containers[int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], null)] = host;
            }
        }

        return containers;
    }

    private static JsonNode Node(JsonNode campaign, string host) => campaign["nodes"]!.AsArray().First(node => (string?)node!["node"] == host)!;

    public async ValueTask DisposeAsync()
    {
        await lab.DisposeAsync();
        await server.DisposeAsync();
        directory.Dispose();
    }
}
