using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>Containers of every family in one batch: real package managers, asked beside the agent.</summary>
[Collection("guests")]
public sealed class FamilyBatchTests(GuestLab lab)
{
    private const int AtOnce = 4;

    [Fact]
    public async Task One_batch_patches_all_families_four_side_by_side_and_leaves_the_excluded_package()
    {
        Cluster.NeedContainers();
        SlowPackage[] slow = [.. GuestLab.Batch.Keys.Select(vmid => new SlowPackage(lab.Lab, vmid))];
        foreach (var one in slow)
        {
            await one.Hold();
        }

        var (status, started) = await lab.Server.Patch(new()
        {
            ["agent_ids"] = new JsonArray([.. GuestLab.Batch.Keys.Select(vmid => JsonValue.Create($"lxc-{vmid}"))]),
            ["mode"] = "apply",
            ["exclusions"] = new JsonArray("lab-tls"),
        });
        Assert.True(status is 202, $"{status}: {started}");
        var path = $"/api/patches/batches/{started["id"]}";

        // As many as there are places; the others have not begun, though all that is sent to this agent has been.
        var held = await Held(slow, AtOnce);
        await lab.Diagnosed(slow.First(one => !held.Contains(one)).Vmid);
        AssertCounts(await lab.Server.Get(path), ("running", AtOnce), ("pending", slow.Length - AtOnce));
        foreach (var waiting in slow.Except(held))
        {
            Assert.Equal(LabCluster.Old, await lab.Lab.Versions(waiting.Vmid, GuestLab.Batch[waiting.Vmid]));
        }

        // A place that is given back is the next one's, and one's alone.
        await held[0].Release();
        var next = await Held([.. slow.Except([held[0]])], AtOnce);
        var batch = await lab.Server.Get(path);
        AssertCounts(batch, ("succeeded", 1), ("running", AtOnce), ("pending", slow.Length - AtOnce - 1));
        Assert.False((bool?)batch["done"]);
        foreach (var one in next)
        {
            await one.Release();
        }

        var last = Assert.Single(slow.Except([held[0], .. next]));
        await last.Reached();
        await last.Release();
        batch = await lab.Server.Until(() => lab.Server.Get(path), one => (bool?)one["done"] is true, "the batch to end");
        AssertCounts(batch, ("succeeded", slow.Length));
        foreach (var (target, vmid) in batch["targets"]!.AsArray().Zip(GuestLab.Batch.Keys))
        {
            var operation = await lab.Server.Get($"/api/patches/{target!["operation_id"]}");
            Assert.Equal((string?)target["agent_id"], (string?)operation["agent_id"]);
            Assert.EndsWith($"-lxc-{vmid}", (string?)operation["agent_id"], StringComparison.Ordinal);
            Assert.Equal((string?)batch["id"], (string?)operation["batch"]);
            Assert.Equal(["lab-db", "lab-slow", "lab-web"], PatchingTests.Texts(operation["packages_upgraded"]).Order());
            Assert.Equal(["lab-tls"], PatchingTests.Texts(operation["packages_held"]));
            Assert.Equal(new(LabCluster.New) { ["lab-tls"] = LabCluster.Old["lab-tls"] }, await lab.Lab.Versions(vmid, GuestLab.Batch[vmid]));
        }
    }

    /// <summary>Those that are held, once they are this many; more are never seen.</summary>
    private static async Task<SlowPackage[]> Held(SlowPackage[] slow, int count) => await Waiting.Until(
        async () =>
        {
            var held = new List<SlowPackage>();
            foreach (var one in slow)
            {
                if (await one.IsHeld())
                {
                    held.Add(one);
                }
            }

            Assert.True(held.Count <= AtOnce, $"{held.Count} at once: {string.Join(", ", held.Select(one => one.Vmid))}");
            return held.ToArray();
        },
        held => held.Length == count,
        $"{count} packages to be held");

    private static void AssertCounts(JsonNode batch, params (string Status, int Count)[] expected) => Assert.Equal(
        expected.ToDictionary(one => one.Status, one => one.Count), batch["counts"]!.AsObject().ToDictionary(one => one.Key, one => (int)one.Value!));
}
