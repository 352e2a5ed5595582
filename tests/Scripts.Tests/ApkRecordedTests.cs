namespace NannyOrleans.Scripts.Tests;

/// <summary>
/// <c>apk-update.sh</c> in BusyBox' shell against what the real apk 2.14.10 and 3.0.6 answered when it ran in their roots, with a small signed
/// repository. No apk can be had in CI: the one here gives the recorded answers, in order, and fails on any call that was not recorded.
/// </summary>
public sealed class ApkRecordedTests
{
    private static readonly string[] All = ["lab-db 8.0.32-r1 8.0.35-r1", "lab-slow 1.0-r1 1.1-r1", "lab-tls 3.0.2-r1 3.0.13-r1", "lab-web 1.18.0-r1 1.24.0-r1"];

    public static TheoryData<string> Versions => ["2.14.10", "3.0.6"];

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Replayed_a_dry_run_lists_what_is_pending(string apk) => Assert.Equal(All, (await Replay(apk, "dry-run", "--dry-run")).Succeeded().Changes);

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Replayed_an_apply_installs_all_but_the_excluded(string apk)
    {
        var found = (await Replay(apk, "excluded", "--exclude", "lab-w*,nosuch")).Succeeded();
        Assert.Equal(All[..3], found.Changes);
        Assert.Equal([new("lab-web", "excluded")], found.Held);
        Assert.Equal(["The exclusion nosuch matches no installed package."], found.Warnings);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Replayed_a_version_in_world_is_a_persons_hold(string apk)
    {
        var found = (await Replay(apk, "held", "--exclude", "lab-web")).Succeeded();
        Assert.Equal(All[1..3], found.Changes);
        Assert.Equal([new("lab-db", "held-before"), new("lab-web", "excluded")], found.Held.OrderBy(held => held.Name));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Replayed_what_an_excluded_package_is_needed_for_is_kept_back(string apk)
    {
        var found = (await Replay(apk, "excluded-is-needed", "--exclude", "lab-tls,lab-slow")).Succeeded();
        Assert.Equal(All[..1], found.Changes);
        Assert.Equal(["lab-web"], found.KeptBack);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Replayed_what_nothing_needs_any_more_is_named_before_and_after_it_goes(string apk)
    {
        var planned = (await Replay(apk, "removal", "--dry-run")).Succeeded();
        Assert.Equal(["lab-lib"], planned.Removed);
        Assert.Equal(["With these updates apk removes what nothing needs any more: lab-lib"], planned.Warnings);
        (await Replay(apk, "removal", "--plan", (planned with { Removed = [] }).Fingerprint)).Failed("plan-changed");
        Assert.Equal(["lab-lib"], (await Replay(apk, "removed", "--autoremove", "--exclude", "lab-slow")).Succeeded().Removed);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Replayed_a_failed_script_of_a_package_fails_the_run_and_a_broken_package_is_repaired_once(string apk)
    {
        Assert.Equal(["lab-slow"], (await Replay(apk, "script-fails")).Failed("apk-failed").Failed);
        Assert.Equal(
            ["These packages were broken by an earlier interruption or a failed script and were repaired first: lab-slow"],
            (await Replay(apk, "repaired")).Succeeded().Warnings);
    }

    [Theory]
    [InlineData("directory-gone", "repository-unreachable")] // a warning to apk, which ends with 0
    [InlineData("server-silent", "repository-unreachable", "--dry-run")]
    [InlineData("untrusted", "repository-unreachable", "--dry-run")]
    [InlineData("no-repositories", "no-repositories", "--dry-run")]
    [InlineData("damaged", "database-damaged")]
    [InlineData("changed", "plan-changed", "--plan", "0000000000000000000000000000000000000000000000000000000000000000")]
    public async Task Replayed_trouble_is_an_error_and_never_zero_updates(string scenario, string code, params string[] arguments)
    {
        foreach (var apk in (string[])["2.14.10", "3.0.6"])
        {
            (await Replay(apk, scenario, arguments)).Failed(code);
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Replayed_security_alone_is_refused_and_a_call_that_was_not_recorded_fails(string apk)
    {
        (await Replay(apk, "dry-run", "--security-only")).Failed("unsupported-option", exitCode: 2);
        (await Replay(apk, "dry-run", "--dry-run", "--exclude", "lab-db")).Failed("apk-failed");
    }

    private const string Fake = """
        #!/bin/sh
        n=$(printf %02d $(($(cat /rec/next 2>/dev/null || echo 0) + 1)))
        echo "${n#0}" >/rec/next
        if [ "apk $*" != "$(head -n 1 /rec/$n 2>/dev/null)" ]; then echo "ERROR: not recorded as call $n: apk $*" >&2; exit 99; fi
        sed -n '3,$s/^1 //p' /rec/$n
        sed -n '3,$s/^2 //p' /rec/$n >&2
        [ ! -e /rec/$n.installed ] || cp /rec/$n.installed /lib/apk/db/installed
        exit "$(sed -n 2p /rec/$n)"

        """;

    private static async Task<PatchRun> Replay(string apk, string scenario, params string[] arguments)
    {
        await using var machine = await DebianMachine.Start();
        foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Fixtures", "apk", apk, scenario)))
        {
            machine.Write(Path.GetFileName(file) switch
            {
                "start.installed" => "/usr/lib/apk/db/installed",
                "start.world" => "/etc/apk/world",
                "start.repositories" => "/etc/apk/repositories",
                var call => $"/rec/{call}",
            }, await File.ReadAllTextAsync(file));
        }

        machine.Write("/rec/keep", "");
        machine.Write("/usr/local/sbin/apk", Fake);
        File.Copy(File.Exists("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox", machine.Outside("/usr/local/bin/busybox"));
        await machine.Succeed("chmod 755 /usr/local/sbin/apk /usr/local/bin/busybox; /usr/local/bin/busybox --install -s /usr/local/bin");
        return PatchRun.Of(await machine.StartScript(CatalogueScript.Of("apk"), arguments).End(), "apk");
    }
}
