using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>Why a target can't be patched, asked of the server and of <c>nannyagent doctor</c> on the host: both say the same, in plain words.</summary>
[Collection("one lab")] // one after the other: they stop and kill what they share
public sealed class DiagnosisTests(Cluster cluster)
{
    private const string Host = "pve3";
    private const int Guest = 104;

    private static readonly string[] Looked = ["status", "template", "lock", "exec-as-root", "os", "package-manager", "package-sources", "disk-space", "memory", "package-database"];

    [Fact]
    public async Task A_healthy_container_is_well_in_all_that_was_looked_at()
    {
        Cluster.NeedContainers();
        await Runs();
        var checks = await Diagnose($"lxc-{Guest}");
        // Not its network: a lab's containers have no other end to it.
        Assert.All(Looked, name => Assert.True((string?)checks[name]["result"] is "ok" || (name, (string?)checks[name]["result"]) is ("disk-space", "warning"), $"{name}: {checks[name]}"));
        Assert.Contains("family 'debian'", (string?)checks["os"]["message"]);
        await AssertDoctorSays(checks);
    }

    [Theory]
    [InlineData("no-sources", "package-sources", "no package source is enabled", "Enable the distribution's repositories")]
    [InlineData("override", "os", "of the family 'debian', but is taken for 'rhel'", "PATCH the guest's platform_family to \"debian\"")]
    [InlineData("stopped", "status", "the container is stopped", "pct start 104")]
    [InlineData("locked", "lock", "the container is locked (backup)", "pct unlock 104")]
    public async Task A_container_that_cannot_be_patched_is_told_why_and_what_to_do(string trouble, string name, string message, string advice)
    {
        Cluster.NeedContainers();
        await Runs();
        await Break(trouble);
        try
        {
            var checks = await Diagnose($"lxc-{Guest}");
            Assert.True((string?)checks[name]["result"] is "problem", checks[name].ToJsonString());
            Assert.Contains(message, (string?)checks[name]["message"]);
            Assert.Contains(advice, (string?)checks[name]["advice"]);
            if (trouble is not "override") // which only the server knows of
            {
                await AssertDoctorSays(checks);
            }
        }
        finally
        {
            await Mend(trouble);
        }
    }

    [Fact]
    public async Task A_host_with_the_enterprise_repository_and_no_subscription_is_told_so()
    {
        Cluster.NeedContainers();
        await Runs();
        await cluster.Lab.Verb("repository", Host, "enterprise");
        try
        {
            var checks = await Diagnose(Host);
            Assert.True((string?)checks["repositories"]["result"] is "problem", checks["repositories"].ToJsonString());
            Assert.Contains("enables an enterprise repository", (string?)checks["repositories"]["message"]);
            Assert.Contains("Buy a subscription, or disable the enterprise repository", (string?)checks["repositories"]["advice"]);
            Assert.Equal("ok", (string?)checks["pmxcfs"]["result"]);
            Assert.Equal("ok", (string?)checks["quorum"]["result"]);
            await AssertDoctorSays(checks, "agent", "repositories", "pmxcfs", "quorum", "package-manager", "kernel");
        }
        finally
        {
            await cluster.Lab.Verb("repository", Host, "no-subscription");
        }
    }

    private async Task Break(string trouble)
    {
        switch (trouble)
        {
            case "no-sources":
                await cluster.Lab.Inside(Guest, "sed", "-i", "s/^deb/#deb/", "/etc/apt/sources.list");
                break;
            case "override":
                await cluster.Server.PatchAgent($"lxc-{Guest}", """{"platform_family": "rhel"}""");
                break;
            case "stopped":
                await cluster.Lab.OnHost(Host, "pct", "stop", $"{Guest}");
                break;
            default:
                await cluster.Lab.Verb("lock", $"{Guest}", "backup");
                break;
        }
    }

    private async Task Mend(string trouble)
    {
        switch (trouble)
        {
            case "no-sources":
                await cluster.Lab.Inside(Guest, "sed", "-i", "s/^#deb/deb/", "/etc/apt/sources.list");
                break;
            case "override":
                await cluster.Server.PatchAgent($"lxc-{Guest}", """{"platform_family": null}""");
                break;
            case "stopped":
                await cluster.Lab.OnHost(Host, "pct", "start", $"{Guest}");
                break;
            default:
                await cluster.Lab.Verb("unlock", $"{Guest}");
                break;
        }
    }

    /// <summary>Its checks by name, as the server tells them.</summary>
    private async Task<Dictionary<string, JsonNode>> Diagnose(string id)
    {
        var answer = await cluster.Server.Client.PostAsync($"/api/agents/{id}/diagnose", content: null);
        Assert.True((int)answer.StatusCode is 202, await answer.Content.ReadAsStringAsync());
        var diagnosis = await cluster.Server.Until(
            () => cluster.Server.Get(answer.Headers.Location!.ToString()), one => (string?)one["status"] is not ("pending" or "running"), $"the diagnosis of {id}");
        Assert.True((string?)diagnosis["status"] is "succeeded", diagnosis.ToJsonString());
        return diagnosis["checks"]!.AsArray().ToDictionary(check => (string)check!["name"]!, check => check!);
    }

    /// <summary>The doctor, asked on the host, finds the same; of a host not all of it, since its memory and its disk change meanwhile.</summary>
    private async Task AssertDoctorSays(Dictionary<string, JsonNode> checks, params string[] ofHost)
    {
        var names = ofHost is [] ? ["node", "status", "template", "lock", "exec-as-root", "os", "package-manager", "package-sources", "package-database"] : ofHost;
        var (code, printed) = await cluster.Lab.Doctor(Host, ofHost is [] ? [$"{Guest}"] : []);
        var isProblem = checks.Values.Any(check => (string?)check["result"] is "problem");
        Assert.True((code is 1) == isProblem, $"exit code {code}: {printed}");
        foreach (var name in names)
        {
            Assert.Contains($"{(string?)checks[name]["result"],-9}{name + ":",-18}{(string?)checks[name]["message"]}\n", printed + "\n");
            if ((string?)checks[name]["advice"] is { } advice)
            {
                Assert.Contains($"→ {advice}\n", printed + "\n");
            }
        }
    }

    // Another test may just have restarted all.
    private Task<JsonNode> Runs() => cluster.Server.Until(
        () => cluster.Agent($"lxc-{Guest}"), row => (string?)row["status"] is "running" && row["os"] is not null, $"lxc-{Guest} to run");
}
