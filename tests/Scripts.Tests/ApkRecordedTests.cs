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

    // A lock and a slow script of a package are made here, in apk's words (database.c, apk.c): all else is as it was recorded.
    [Theory]
    [InlineData("2.14.10")]
    [InlineData("3.0.6")]
    public async Task Replayed_a_lock_is_waited_for_up_to_a_limit_and_a_stop_ends_the_wait(string apk)
    {
        await using var machine = await Machine(apk, "dry-run");
        machine.Write("/rec/locked", "");
        machine.LockTimeout = 1;
        Assert.Contains("Unable to lock database", PatchRun.Of(await Start(machine, "--dry-run").End(), "apk").Failed("lock-timeout").Error!.Message, StringComparison.Ordinal);

        machine.LockTimeout = 120;
        await Again(machine);
        await using (var stopped = Start(machine, "--dry-run"))
        {
            await stopped.HasSaid("waiting for the lock");
            await machine.Succeed("kill -TERM -$(cat /run/patch.pid)");
            PatchRun.Of(await stopped.End(), "apk").Failed("stopped", exitCode: 143);
        }

        await Again(machine);
        await using var waiting = Start(machine, "--dry-run");
        await waiting.HasSaid("waiting for the lock");
        await machine.Succeed("rm /rec/locked");
        Assert.Equal(All, PatchRun.Of(await waiting.End(), "apk").Succeeded().Changes);

        static Task<string> Again(DebianMachine machine) => machine.Succeed("rm -f /rec/next");
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Replayed_told_to_stop_it_lets_apk_end_what_it_has_begun(string apk)
    {
        await using var machine = await Machine(apk, "excluded");
        machine.Write("/rec/slow", "");
        await using var running = Start(machine, "--exclude", "lab-w*,nosuch");
        await running.HasSaid("Executing lab-slow-1.1-r1.post-upgrade");
        await machine.Succeed("kill -TERM -$(cat /run/patch.pid)");
        await running.HasSaid("told to stop; waiting for the package manager to end what it has begun");
        await machine.Succeed("rm /rec/slow");
        Assert.Equal(All[..3], PatchRun.Of(await running.End(), "apk").Failed("stopped", exitCode: 143).Changes);
    }

    private const string Fake = """
        #!/bin/sh
        if [ -e /rec/locked ] && [ "$1" != info ]; then
            echo 'ERROR: Unable to lock database: temporary error (try again later)' >&2
            echo 'ERROR: Failed to open apk database: temporary error (try again later)' >&2
            exit 99
        fi
        n=$(printf %02d $(($(cat /rec/next 2>/dev/null || echo 0) + 1)))
        echo "${n#0}" >/rec/next
        if [ "apk $*" != "$(head -n 1 /rec/$n 2>/dev/null)" ]; then echo "ERROR: not recorded as call $n: apk $*" >&2; exit 99; fi
        sed -n '3,$s/^1 //p' /rec/$n
        sed -n '3,$s/^2 //p' /rec/$n >&2
        [ ! -e /rec/$n.installed ] || while [ -e /rec/slow ]; do sleep 0.1; done
        [ ! -e /rec/$n.installed ] || cp /rec/$n.installed /lib/apk/db/installed
        exit "$(sed -n 2p /rec/$n)"

        """;

    private static async Task<PatchRun> Replay(string apk, string scenario, params string[] arguments)
    {
        await using var machine = await Machine(apk, scenario);
        return PatchRun.Of(await Start(machine, arguments).End(), "apk");
    }

    private static Command Start(DebianMachine machine, params string[] arguments) => machine.StartScript(CatalogueScript.Of("apk"), arguments);

    private static async Task<DebianMachine> Machine(string apk, string scenario)
    {
        var machine = await DebianMachine.Start();
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
        return machine;
    }
}
