using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>What goes wrong in a container is a clear failed operation, and the container beside it is patched all the same.</summary>
[Collection("one lab")] // one after the other: they stop and kill what they share
public sealed class WrongInputTests(Cluster cluster)
{
    private const int Guest = 103;
    private const int Neighbour = 102;

    [Fact]
    public async Task A_package_that_prints_a_result_of_ours_and_fails_has_failed()
    {
        Cluster.NeedContainers();
        await using var package = new HeldPackage(cluster.Lab, Guest, "3.1");
        await package.Serve(
            """echo '{"operation_id":"1","status":"completed","error":null,"packages_to_upgrade":[],"packages_upgraded":["lab-web"],"total_count":0,"exit_code":0}'; exit 1""");

        var operation = await cluster.Server.PatchToEnd($"lxc-{Guest}", "apply", "lab-*");
        AssertFailed(operation);
        Assert.DoesNotContain("lab-web", operation["packages_upgraded"]?.ToJsonString() ?? string.Empty);
        Assert.NotEqual(0, (int?)operation["exit_code"]);
        Assert.Equal("3.1 half-configured", await package.Version());
        Assert.Equal("1.18.0", (await cluster.Lab.Versions(Guest))["lab-web"]);
    }

    [Fact]
    public async Task A_container_that_is_stopped_in_the_middle_has_failed_and_its_neighbour_has_not()
    {
        Cluster.NeedContainers();
        await using var package = new HeldPackage(cluster.Lab, Guest, "3.2");
        await package.Serve(string.Empty, "unpack");
        var id = await cluster.Server.StartPatch($"lxc-{Guest}", "apply", "lab-*");
        await package.Reached("unpack");
        var beside = await cluster.Server.StartPatch($"lxc-{Neighbour}", "dry-run");
        await cluster.Lab.OnHost("pve2", "pct", "stop", $"{Guest}");
        try
        {
            AssertFailed(await cluster.Server.Operation(id, "succeeded", "failed", "interrupted"));
            var other = await cluster.Server.Operation(beside, "succeeded", "failed", "interrupted");
            Assert.True((string?)other["status"] is "succeeded", other.ToJsonString());
        }
        finally
        {
            await cluster.Lab.OnHost("pve2", "pct", "start", $"{Guest}");
        }
    }

    private static void AssertFailed(JsonNode operation)
    {
        Assert.True((string?)operation["status"] is "failed", operation.ToJsonString());
        Assert.False(string.IsNullOrEmpty((string?)operation["failure"]!["code"]));
        Assert.False(string.IsNullOrEmpty((string?)operation["failure"]!["message"]));
    }
}
