namespace NannyOrleans.EndToEnd.Tests;

/// <summary>An apply, and SIGKILL for the agent or the server at each of its points: it runs once, and its result is never lost.</summary>
[Collection("one lab")] // one after the other: they stop and kill what they share
public sealed class KillTests(Cluster cluster)
{
    private const int Guest = 103;
    private const string Host = "pve2";
    private static int versions;

    /// <summary>More than <see cref="Link.Long"/>, less than what is kept.</summary>
    private const string MuchOutput = "i=0; while [ $i -lt 4000 ]; do echo \"line $i of very much output of a package's own\"; i=$((i+1)); done; echo 'the last line'";

    [Theory]
    [InlineData("agent", "accepted")] // in the journal, acknowledged, and waiting for the container's lock
    [InlineData("agent", "download")] // half of the package's bytes have come
    [InlineData("agent", "unpack")]   // dpkg is in the middle of the package
    [InlineData("agent", "ended")]    // the end is in the journal, and there was no connection to say it on
    [InlineData("agent", "upload")]   // half of the report's bytes have gone
    [InlineData("server", "accepted")]
    [InlineData("server", "download")]
    [InlineData("server", "unpack")]
    [InlineData("server", "ended")]
    [InlineData("server", "upload")]
    public async Task Killed_at_any_point_of_an_apply_it_ran_once_and_its_result_is_there(string victim, string point)
    {
        Cluster.NeedContainers();
        await cluster.Server.Until(() => cluster.Agent(Host), row => (string?)row["status"] is "online", $"{Host} to be online"); // another test may just have restarted all
        await using var package = new HeldPackage(cluster.Lab, Guest, $"2.{Interlocked.Increment(ref versions)}");
        var hold = point switch { "accepted" => null, "ended" or "upload" => "end", _ => point };
        await package.Serve(MuchOutput, hold is null ? [] : [hold]);
        if (point is "accepted")
        {
            await cluster.Lab.Verb("lock", $"{Guest}", "backup");
        }

        var id = await cluster.Server.StartPatch($"lxc-{Guest}", "apply", "lab-*");
        await ReachAndKill(victim, point, id, package);
        if (point is "accepted")
        {
            Assert.False(Journal(id, "started"));
            await cluster.Lab.Verb("unlock", $"{Guest}");
        }
        else if (point is "download" or "unpack")
        {
            await package.Release(point);
        }

        var operation = await cluster.Server.Operation(id, "succeeded", "failed", "interrupted", "cancelled");
        Assert.True((string?)operation["status"] is "succeeded", operation.ToJsonString());
        Assert.Equal(["held-up"], PatchingTests.Texts(operation["packages_upgraded"]));
        Assert.Equal(0, (int?)operation["exit_code"]);
        Assert.Contains("the last line", (string?)operation["stderr"]);
        Assert.Equal($"{package.New} installed", await package.Version());
        Assert.Equal((1, 1, 1, 1), (await package.ScriptRuns(), await package.Runs("preinst"), await package.Runs("postinst"), await package.Upgrades()));
        await Waiting.Until(() => Task.FromResult(Journal(id, "reported")), isThere => isThere, "the agent to know that the server has the result");
    }

    private async Task ReachAndKill(string victim, string point, string id, HeldPackage package)
    {
        switch (point)
        {
            case "accepted":
                await cluster.Server.Until(
                    () => cluster.Server.Get($"/api/patches/{id}"), operation => operation.ToJsonString().Contains("waiting: ", StringComparison.Ordinal), "the lock to be waited for");
                Assert.True(Journal(id, "job.json"));
                Assert.False(Journal(id, "started"));
                break;
            case "download" or "unpack":
                await package.Reached(point);
                break;
            default:
                await package.Reached("end");
                await EndWithoutAnswer(point, id, package);
                break;
        }

        if (victim is "agent")
        {
            await cluster.Lab.KillAgent(Host);
            cluster.Link.Mend();
            cluster.Lab.StartAgent(Host);
        }
        else
        {
            await cluster.Server.Restart(whileDown: () =>
            {
                cluster.Link.Mend();
                return Task.CompletedTask;
            });
        }
    }

    /// <summary>Lets the update end, and the report of it come to nothing: no connection to begin it on, or one that stops in its middle.</summary>
    private async Task EndWithoutAnswer(string point, string id, HeldPackage package)
    {
        // What it prints is sent while it runs, too: that must be through before the report is waited for.
        await cluster.Server.Until(
            () => cluster.Server.Client.GetStringAsync($"/api/patches/{id}/output"), output => output.Contains("the last line", StringComparison.Ordinal), "all of the live output");
        var caught = Task.CompletedTask;
        if (point is "ended")
        {
            cluster.Link.Cut();
        }
        else
        {
            caught = cluster.Link.Catch();
        }

        await package.Release("end");
        await Waiting.Until(() => Task.FromResult(Journal(id, "end.json")), isThere => isThere, "the job's end in the journal");
        await caught.Within("the middle of the report");
        Assert.False(Journal(id, "reported"));
        Assert.Equal("running", (string?)(await cluster.Server.Get($"/api/patches/{id}"))["status"]);
    }

    private bool Journal(string id, string file) => File.Exists($"{cluster.Lab.RootOf(Host)}/var/lib/nannyagent/jobs/{id}/{file}");
}
