using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>A campaign over five hosts of a lab in which something goes wrong at each of them, one after the other: a lab takes long to make.</summary>
[Collection("campaigns")]
public sealed class CampaignFaultTests
{
    private static readonly string[] Five = ["pve1", "pve2", "pve3", "pve4", "pve5"];

    private const string Plan =
        """
        host 1 pve1 10.99.0.11
        host 2 pve2 10.99.0.12
        host 3 pve3 10.99.0.13
        host 4 pve4 10.99.0.14
        host 5 pve5 10.99.0.15
        guest 100 lxc pve1 on web-server-01
        guest 101 lxc pve3 on db-server-01
        guest 102 lxc pve3 on cache-server
        guest 103 lxc pve4 on monitoring
        ha 101

        """;

    [Fact]
    public async Task Five_hosts_are_walked_with_quorum_all_the_while_whatever_fails_on_the_way_and_nothing_is_done_twice()
    {
        Cluster.NeedContainers();
        await using var lab = await CampaignLab.Up(Five, Plan, containers: 4);
        var (where, boots) = (await lab.Containers(), await lab.Boots());
        await lab.Lab.InHost("pve1", BreakUpgrade);
        await lab.Lab.Verb("migration-takes", "3");
        await lab.Lab.Verb("reboot-as", "pve2", "never");
        var id = await lab.Start(new()
        {
            ["mode"] = "apply",
            ["nodes"] = new JsonArray([.. Five.Select(host => JsonValue.Create(host))]),
            ["limits"] = new JsonObject { ["settle_seconds"] = 1 },
        });

        await AnUpgradeThatFailsHaltsIt(lab, id, boots);
        await TwoHostsAreCutOffWhileOneIsDrained(lab, id, boots);
        await AHostLosesPowerWhileAnotherReboots(lab, id, boots);
        await AgentsAreKilledInEachStep(lab, id);

        var ended = await lab.Ends(id);
        Assert.True((string?)ended["status"] is "completed", $"{ended}\n{await lab.Timeline(id)}");
        var referee = await lab.Lab.Verb("referee");
        Assert.Contains("minimum online votes: 3 of 5, 3 needed\nquorum held", referee, StringComparison.Ordinal);
        Assert.Equal(where, await lab.Containers());
        foreach (var host in Five)
        {
            Assert.Equal(1, referee.Split('\n').Count(line => line.Contains($" {host} off (reboot)", StringComparison.Ordinal)));
            Assert.Equal(CampaignTests.Kernel, await lab.Lab.InHost(host, "uname -r"));
            Assert.Equal("1\n", await lab.Lab.InHost(host, "grep -c ' status installed proxmox-kernel-6.17.4-2-pve-signed' /var/log/dpkg.log"));
        }

        Assert.Equal(5, (await lab.Server.Get("/api/reboots")).AsArray().Count);
    }

    private static async Task AnUpgradeThatFailsHaltsIt(CampaignLab lab, string id, Dictionary<string, string> boots)
    {
        var halted = await lab.Until(id, campaign => (string?)campaign["status"] is not "running", "the campaign to halt");
        Assert.True((string?)halted["status"] is "halted", $"{halted}\n{await lab.Timeline(id)}");
        Assert.StartsWith("pve1: Patch of pve1 failed", (string?)halted["reason"], StringComparison.Ordinal);
        Assert.Contains("lab-tls", (string?)halted["reason"], StringComparison.Ordinal);
        Assert.Equal(["patch", "pending", "pending", "pending", "pending"], halted["nodes"]!.AsArray().Select(node => (string?)node!["step"]));
        Assert.Equal(boots, await lab.Boots());
        Assert.False(File.Exists($"{lab.Lab.RootOf("pve2")}/boot/vmlinuz-{CampaignTests.Kernel.Trim()}"));
        await lab.Lab.InHost("pve1", "rm /var/lib/dpkg/info/lab-tls.prerm");
        await lab.Resume(id);
    }

    // Three of five are left: without the one that is drained they would be too few, and what all had said before the cut was good.
    private static async Task TwoHostsAreCutOffWhileOneIsDrained(CampaignLab lab, string id, Dictionary<string, string> boots)
    {
        await lab.At(id, "pve1", "drain");
        var target = (string?)(await lab.Get(id))["nodes"]![0]!["guests"]![0]!["target"];
        string[] cut = [.. ((string[])["pve2", "pve4", "pve5"]).Where(host => host != target).Take(2)]; // not pve3, which HA would fence
        await lab.Lab.Verb(["network", "cut", .. cut]);
        var waiting = await lab.Waits(id, "pve1");
        Assert.Contains("Only 2 votes would stay online without pve1; 3 are needed.", waiting, StringComparison.Ordinal);
        Assert.Contains($"{cut[0]} is not known to be part of the quorum.", waiting, StringComparison.Ordinal);
        Assert.Equal(boots["pve1"], await lab.Lab.BootId("pve1"));
        await lab.Lab.Verb("migration-takes", "0");
        await lab.Lab.Verb(["network", "join", .. cut]);
    }

    private static async Task AHostLosesPowerWhileAnotherReboots(CampaignLab lab, string id, Dictionary<string, string> boots)
    {
        await lab.At(id, "pve2", "patch");
        await lab.At(id, "pve2", "reboot");
        await lab.Server.Until(() => lab.Lab.Verb("referee"), log => log.Contains(" pve2 off (reboot)", StringComparison.Ordinal), "pve2 to go down");
        await lab.Lab.KillAgent("pve5");
        await lab.Lab.Verb("host", "pve5", "off");
        await lab.Lab.Verb("host", "pve2", "on"); // it only took long
        Assert.Contains("pve5", await lab.Waits(id, "pve2"), StringComparison.Ordinal);
        Assert.Equal("pending", (string?)(await lab.Get(id))["nodes"]![2]!["step"]);
        Assert.NotEqual(boots["pve2"], await lab.Lab.BootId("pve2"));
        await lab.Lab.Verb("host", "pve5", "on");
        lab.Lab.StartAgent("pve5");
    }

    // In the first sight of each step of each host that is left.
    private static async Task AgentsAreKilledInEachStep(CampaignLab lab, string id)
    {
        HashSet<(string Host, string Step)> killed = [];
        while (await lab.Get(id) is var campaign && (string?)campaign["status"] is "running")
        {
            if (campaign["nodes"]!.AsArray().FirstOrDefault(node => (string?)node!["node"] == (string?)campaign["current"]) is { } current
                && (string)current["node"]! is var host && Array.IndexOf(Five, host) >= 2 && killed.Add((host, (string)current["step"]!)))
            {
                await lab.Lab.KillAgent(host);
                lab.Lab.StartAgent(host);
            }

            await Task.Delay(20, CancellationToken.None);
        }

        // Some steps may be over before they are seen.
        Assert.All(["patch", "maintenance-on", "reboot", "settle"], step => Assert.Equal(3, killed.Count(one => one.Step == step)));
        Assert.True(killed.Count >= 18, $"They were killed in {string.Join(", ", killed)} only.");
    }

    /// <summary>The installed package's own script fails when it is to be replaced, which is what a service that does not stop does.</summary>
    private const string BreakUpgrade =
        """
        set -e
        printf '#!/bin/sh\necho "lab-tls does not stop" >&2\nexit 1\n' >/var/lib/dpkg/info/lab-tls.prerm
        chmod 755 /var/lib/dpkg/info/lab-tls.prerm
        """;
}
