namespace NannyOrleans.EndToEnd.Tests;

/// <summary>The same where asking does not help. Each waits for a minute, so all do it at once, and beside the other tests.</summary>
public sealed class ForcedCancelTests(GuestLab lab)
{
    [Fact]
    public async Task A_package_manager_that_does_not_end_is_killed_inside_the_container_too_and_the_next_apply_mends_it()
    {
        Cluster.NeedContainers();
        await Task.WhenAll(GuestLab.Stubborn.Keys.Select(KilledAndMended));
    }

    private async Task KilledAndMended(int vmid)
    {
        var running = await lab.Lab.Running(vmid);
        var slow = new SlowPackage(lab.Lab, vmid);
        await slow.Hold();
        var id = await lab.Server.StartPatch($"lxc-{vmid}", "apply");
        await slow.Reached();
        await lab.Server.Cancel(id);
        CancelTests.AssertCancelled(await lab.Server.Operation(id, "succeeded", "failed", "interrupted", "cancelled"), "it did not end when asked and was killed");
        await CancelTests.NothingIsLeft(lab.Lab, vmid, running);

        await lab.Lab.Inside(vmid, "rm", "/etc/lab-slow.seconds");
        var again = await lab.Server.PatchToEnd($"lxc-{vmid}", "apply");
        Assert.True((string?)again["status"] is "succeeded", $"{GuestLab.Stubborn[vmid]}: {again}");
        Assert.Contains(PatchingTests.Texts(again["warnings"]), warning => warning.Contains(" had been interrupted ", StringComparison.Ordinal));
        Assert.Equal(LabCluster.New, await lab.Lab.Versions(vmid, GuestLab.Stubborn[vmid]));
    }
}
