namespace NannyOrleans.Scripts.Tests;

/// <summary>What must hold for every catalogue script before it meets a package manager.</summary>
public sealed class ScriptShapeTests
{
    /// <summary>The catalogue's scripts.</summary>
    public static TheoryData<string> Scripts =>
        [.. CatalogueScript.Families];

    [Theory]
    [MemberData(nameof(Scripts))]
    public async Task Is_understood_by_the_shells_of_Debian_and_Alpine(string script)
    {
        var path = Path.Combine(Path.GetTempPath(), $"{script}-update.{Guid.NewGuid():n}.sh");
        await File.WriteAllTextAsync(path, CatalogueScript.Of(script));
        foreach (var shell in (string[][])[["dash", "-n"], ["busybox", "sh", "-n"]])
        {
            if (!File.Exists($"/usr/bin/{shell[0]}") && !File.Exists($"/bin/{shell[0]}"))
            {
                Assert.SkipWhen(Environment.GetEnvironmentVariable("CI") is null or "", $"{shell[0]} is not installed.");
            }

            await Command.Succeed(shell[0], [.. shell[1..], path]);
        }

        File.Delete(path);
    }

    [Theory]
    [MemberData(nameof(Scripts))]
    public void Ends_with_the_one_line_that_acts(string script)
    {
        var text = CatalogueScript.Of(script);
        Assert.StartsWith("#!/bin/sh\n", text, StringComparison.Ordinal);
        Assert.EndsWith("\n{ main \"$@\" </dev/null; exit; }\n", text, StringComparison.Ordinal);
    }

    [Fact] // A shell runs what it has read so far: a connection lost in the middle must not run half a script.
    public async Task A_script_cut_off_anywhere_does_nothing()
    {
        await using var machine = await DebianMachine.Start();
        foreach (var command in (string[])["apt-get", "apt-cache", "apt-mark", "dpkg", "dpkg-query", "mktemp", "df", "tee", "rm"])
        {
            machine.Write($"/shim/{command}", $"#!/bin/sh\necho {command} >>/calls\nexit 1\n");
        }

        machine.Write("/root/script", DebianMachine.Script);
        var script = DebianMachine.Script;
        var lines = script.Count(c => c is '\n');
        var lastLine = script.LastIndexOf('\n', script.Length - 2) + 1;
        await machine.Succeed($$"""
            chmod +x /shim/*
            cut() { head "$@" /root/script | PATH=/shim:$PATH sh -s -- --dry-run >>/written 2>>/complaints; }
            n=0; while [ $n -lt {{lines}} ]; do cut -n $n; n=$((n + 1)); done
            n={{lastLine}}; while [ $n -lt {{script.Length - 2}} ]; do cut -c $n; n=$((n + 1)); done
            """);

        await machine.Succeed("test ! -e /calls && test ! -s /written && ! grep nanny-patch /complaints");
        await machine.Succeed("PATH=/shim:$PATH sh -s -- --dry-run </root/script >/written; test -s /calls && test -s /written"); // the whole one does something
    }
}
