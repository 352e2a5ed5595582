using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Scripts;
using NannyOrleans.Grains.Scripts;

namespace NannyOrleans.Grains.Tests.Scripts;

public sealed class CustomScriptsGrainTests(SiloCluster silo)
{
    private static readonly CustomScript Debian = new(new("mine.sh", new('e', 64)) { Signature = "c2ln" }, PlatformFamily.Debian, null, 3, "admin", DateTimeOffset.UnixEpoch);

    private ICustomScriptsGrain Scripts => silo.Grains.GetGrain<ICustomScriptsGrain>(0);

    [Fact]
    public async Task A_script_and_its_content_outlive_a_restart_and_go_together()
    {
        // Whether the content or the list can't be written, nothing is listed that can't be fetched.
        foreach (var row in (string[])["content:script-content", "scripts:custom-scripts"])
        {
            silo.Storage.FailNextWrite(row, landed: false);
            await Assert.ThrowsAnyAsync<Exception>(() => Scripts.Add(Debian, "one"));
            Assert.Empty(await Scripts.All());
        }

        Assert.False((await Scripts.Add(Debian, "one")).IsRefused);
        Assert.False((await Scripts.Add(Debian, "one")).IsRefused); // the answer was lost and it is asked again
        await silo.ForgetActivations();
        Assert.Equal(Debian.Script, Assert.Single(await Scripts.All()).Script);
        Assert.Equal("one", await Content());

        Assert.Equal("mine.sh", (await Scripts.Remove("mine.sh"))!.Script.Name);
        Assert.Null(await Scripts.Remove("mine.sh"));
        await silo.ForgetActivations();
        Assert.Empty(await Scripts.All());
        Assert.Null(await Content());

        Task<string?> Content() => silo.Grains.GetGrain<IScriptContentGrain>(Debian.Script.Sha256).Get();
    }
}
