using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>An apply in a container that a person ends: asked first.</summary>
[Collection("guests")]
public sealed class CancelTests(GuestLab lab)
{
    private const int Guest = GuestLab.Cancelled;

    [Fact]
    public async Task Before_anything_is_installed_it_ends_at_once_and_nothing_has_changed()
    {
        Cluster.NeedContainers();
        await using var package = new HeldPackage(lab.Lab, Guest, "5.1");
        await package.Serve(string.Empty, "download");
        var running = await lab.Lab.Running(Guest);
        var id = await lab.Server.StartPatch($"lxc-{Guest}", "apply", "lab-*");
        await package.Reached("download");
        await lab.Server.Cancel(id);
        var operation = await lab.Server.Operation(id, "succeeded", "failed", "interrupted", "cancelled");
        AssertCancelled(operation, "it ended as asked");
        Assert.Equal("1.0 installed", await package.Version());
        await package.Release("download");
        await NothingIsLeft(lab.Lab, Guest, running);
    }

    [Fact]
    public async Task In_the_middle_of_a_package_it_waits_for_the_package_manager_and_leaves_it_whole()
    {
        Cluster.NeedContainers();
        await using var package = new HeldPackage(lab.Lab, Guest, "5.2");
        await package.Serve(string.Empty, "unpack");
        var running = await lab.Lab.Running(Guest);
        var id = await lab.Server.StartPatch($"lxc-{Guest}", "apply", "lab-*");
        await package.Reached("unpack");
        await lab.Server.Cancel(id);
        await lab.Server.Until(
            () => lab.Server.Client.GetStringAsync($"/api/patches/{id}/output"), output => output.Contains("told to stop; waiting for the package manager", StringComparison.Ordinal), "the script to know");
        var waiting = await lab.Server.Get($"/api/patches/{id}");
        Assert.Equal("running", (string?)waiting["status"]);
        Assert.True((bool?)waiting["cancel_requested"]);
        await package.Release("unpack");

        AssertCancelled(await lab.Server.Operation(id, "succeeded", "failed", "interrupted", "cancelled"), "it ended as asked");
        Assert.Equal("5.2 installed", await package.Version());
        Assert.Empty(await lab.Lab.Inside(Guest, "dpkg", "--audit"));
        await NothingIsLeft(lab.Lab, Guest, running);
    }

    [Fact]
    public async Task One_that_waits_for_a_lock_never_runs()
    {
        Cluster.NeedContainers();
        await lab.Lab.Verb("lock", $"{Guest}", "backup");
        try
        {
            var id = await lab.Server.StartPatch($"lxc-{Guest}", "apply");
            await lab.Server.Until(
                () => lab.Server.Get($"/api/patches/{id}"), one => (string?)one["waiting_for"] is "waiting: container is locked (backup)", "the lock to be waited for");
            await lab.Server.Cancel(id);
            var operation = await lab.Server.Operation(id, "succeeded", "failed", "interrupted", "cancelled");
            AssertCancelled(operation, "before it was started");
            Assert.Null(operation["started_at"]);
        }
        finally
        {
            await lab.Lab.Verb("unlock", $"{Guest}");
        }

        Assert.Equal(LabCluster.Old, await lab.Lab.Versions(Guest));
    }

    internal static void AssertCancelled(JsonNode operation, string how)
    {
        Assert.True((string?)operation["status"] is "cancelled", operation.ToJsonString());
        Assert.Equal("cancelled", (string?)operation["failure"]!["code"]);
        Assert.EndsWith(how, (string?)operation["failure"]!["message"]);
        Assert.Null(operation["packages_upgraded"]); // how much of it was done is not known
    }

    /// <summary>Only what ran before the job is there.</summary>
    internal static Task NothingIsLeft(LabCluster lab, int vmid, string[] before) => Waiting.Until(
        async () => string.Join(' ', (await lab.Running(vmid)).Order()), now => now == string.Join(' ', before.Order()), $"only {string.Join(' ', before)} to run in {vmid}");
}
