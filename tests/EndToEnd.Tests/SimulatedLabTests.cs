namespace NannyOrleans.EndToEnd.Tests;

/// <summary>The same story where no container can run: guests are simulated, all the rest is real.</summary>
[Collection("one lab")] // one after the other: the other tests' jobs take seconds that this must not stretch
public sealed class SimulatedLabTests
{
    [Fact]
    public async Task A_simulated_container_is_patched_too_and_the_lab_says_that_it_is_one()
    {
        using var directory = new DataDirectory();
        // The lab of root runs simulated guests as nobody, who has to get to them.
        File.SetUnixFileMode(directory.Path, File.GetUnixFileMode(directory.Path) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        await using var lab = new LabCluster(directory.PathOf("lab"));
        Assert.Contains("SIMULATED", await lab.Verb("up", "--simulated", "--hosts", "1", "--containers", "1"), StringComparison.Ordinal);
        await using var server = await Server.Start(directory.PathOf("data"));
        await lab.Register("pve1", server);
        lab.StartAgent("pve1");
        await server.Knows(hosts: 1, containers: 1);

        var dryRun = await server.PatchToEnd("lxc-100", "dry-run");
        Assert.True((string?)dryRun["status"] is "succeeded", dryRun.ToJsonString());
        Assert.Equal(LabCluster.New.Count, (int?)dryRun["total_count"]);
        Assert.Equal(LabCluster.Old, await lab.SimulatedVersions("pve1", 100));

        var apply = await server.PatchToEnd("lxc-100", "apply", "lab-web");
        Assert.True((string?)apply["status"] is "succeeded", apply.ToJsonString());
        Assert.Equal(["lab-db", "lab-slow", "lab-tls"], PatchingTests.Texts(apply["packages_upgraded"]));
        Assert.Equal(["lab-web"], PatchingTests.Texts(apply["packages_held"]));
        Assert.Equal(new(LabCluster.New) { ["lab-web"] = LabCluster.Old["lab-web"] }, await lab.SimulatedVersions("pve1", 100));

        // One word finds all that happened to it: who asked, the grain, the hub, the agent. What a program says is read a moment later.
        var id = (string)apply["operation_id"]!;
        foreach (var line in (string[])["asks for a Patch", "sending job", "is Succeeded", "ended Succeeded"])
        {
            await Waiting.Until(() => Task.FromResult(server.Said), said => said.Any(one => one.Contains(id, StringComparison.Ordinal) && one.Contains(line, StringComparison.Ordinal)), $"the server to say '{line}'");
        }

        foreach (var line in (string[])["PatchGuest accepted", "Succeeded reported"])
        {
            await Waiting.Until(() => Task.FromResult(lab.Said), said => said.Contains($"Job {id}: {line}", StringComparison.Ordinal), $"the agent to say '{line}'");
        }
    }
}
