namespace NannyOrleans.Scripts.Tests;

/// <summary>What <c>apt-update.sh</c> installs, and what it leaves as people made it.</summary>
public sealed class AptApplyTests
{
    [Fact]
    public async Task Installs_what_the_dry_run_listed_and_reports_what_dpkg_then_has()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-web", "1.0"), new("lab-db", "1.0"), new("lab-tls", "1.0"));
        await machine.Publish(new("lab-web", "2.0"), new Package("lab-db", "2.0") { Fields = "Depends: lab-new" }, new("lab-tls", "2.0"), new("lab-new", "2.0"));

        var planned = (await machine.Patch("--dry-run", "--exclude", "lab-tls")).Succeeded();
        var applied = (await machine.Patch("--exclude", "lab-tls")).Succeeded();

        Assert.Equal("apply", applied.Mode);
        Assert.Equal(["lab-db 1.0 2.0", "lab-new - 2.0", "lab-web 1.0 2.0"], applied.Changes);
        Assert.Equal(planned.Changes, applied.Changes);
        Assert.All(applied.Packages, p => Assert.Equal("Odd Label, Inc.:12/stable", p.Origin));
        Assert.Equal([new HeldPackage("lab-tls", "excluded")], applied.Held);
        Assert.Empty(applied.Failed);
        Assert.Equal("2.0 installed", await machine.Version("lab-web"));
        Assert.Equal("1.0 installed", await machine.Version("lab-tls"));
        Assert.Empty((await machine.Patch("--exclude", "lab-tls")).Succeeded().Packages);
        Assert.Equal(["lab-tls 1.0 2.0"], (await machine.Patch()).Succeeded().Changes);
    }

    [Theory]
    [InlineData("--dry-run")]
    [InlineData("--dry-run", "--exclude", "lab-db,lab-web")] // both excluded and held: the hold is the stronger reason
    [InlineData("--exclude", "lab-db")]
    [InlineData]
    public async Task Leaves_a_persons_hold_as_it_was(params string[] arguments)
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-web", "1.0"), new("lab-db", "1.0"), new("lab-tls", "1.0"));
        await machine.Publish(new("lab-web", "2.0"), new("lab-db", "2.0"), new("lab-tls", "2.0"));
        await machine.Succeed("apt-mark hold lab-db");
        var before = await machine.Succeed("apt-mark showhold; dpkg --get-selections");

        var document = (await machine.Patch(arguments)).Succeeded();

        Assert.Equal(before, await machine.Succeed("apt-mark showhold; dpkg --get-selections"));
        Assert.Contains(new HeldPackage("lab-db", "held-before"), document.Held);
        Assert.Empty(document.KeptBack);
        Assert.Equal("1.0 installed", await machine.Version("lab-db"));
    }

    [Fact]
    public async Task Leaves_holds_and_selections_as_they_were_when_all_is_killed_half_way()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-slow", "1.0"), new("lab-db", "1.0"), new("lab-web", "1.0"));
        await machine.Publish(Slow("2.0"), new("lab-db", "2.0"), new("lab-web", "2.0"));
        await machine.Succeed("apt-mark hold lab-db");
        var before = await machine.Succeed("apt-mark showhold; dpkg --get-selections");

        await using (var run = machine.StartPatch("--exclude", "lab-web"))
        {
            await run.HasSaid("postinst is waiting");
            await machine.Succeed("kill -9 -1");
            await run.End();
        }

        Assert.Equal(before, await machine.Succeed("apt-mark showhold; dpkg --get-selections"));
        Assert.Equal("2.0 half-configured", await machine.Version("lab-slow"));
        Assert.Contains("lab-slow", (await machine.Patch("--dry-run")).Failed("dpkg-interrupted").Error!.Message, StringComparison.Ordinal);

        machine.Write("/run/go", "");
        var document = (await machine.Patch("--exclude", "lab-web")).Succeeded();

        Assert.Equal(["dpkg had been interrupted and was repaired first: lab-slow."], document.Warnings);
        Assert.Equal("2.0 installed", await machine.Version("lab-slow"));
        Assert.Equal("1.0 installed", await machine.Version("lab-web"));
        Assert.Equal(before, await machine.Succeed("apt-mark showhold; dpkg --get-selections"));
    }

    [Theory]
    [InlineData("", "before dpkg\n")]
    [InlineData("dpkg::pre-install-pkgs {\"cat >/dev/null; echo saw the packages >>/run/hooks\";};\n", "asked ahead\nsaw the packages\nbefore dpkg\n")]
    [InlineData("DPkg::Pre-Install-Pkgs::own \"cat >/dev/null; echo saw the packages >>/run/hooks\";\n", "asked ahead\nsaw the packages\nbefore dpkg\n")]
    public async Task Runs_what_a_person_hooked_into_apt_and_leaves_out_only_asking_ahead_when_nothing_stands_beside_it(string another, string ran)
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new Package("lab-web", "1.0"));
        await machine.Publish(new Package("lab-web", "2.0"));
        await machine.Succeed("printf '#!/bin/sh\\ncat >/dev/null; echo asked ahead >>/run/hooks\\n' >/usr/sbin/dpkg-preconfigure; chmod +x /usr/sbin/dpkg-preconfigure");
        machine.Write("/etc/apt/apt.conf.d/70debconf", "DPkg::Pre-Install-Pkgs {\"/usr/sbin/dpkg-preconfigure --apt || true\";};\n");
        machine.Write("/etc/apt/apt.conf.d/80before", "DPkg::Pre-Invoke {\"echo before dpkg >>/run/hooks\";};\n");
        machine.Write("/etc/apt/apt.conf.d/80list", another);

        Assert.Equal(["lab-web 1.0 2.0"], (await machine.Patch()).Succeeded().Changes);
        Assert.Equal(ran.Split('\n').Order(), machine.Read("/run/hooks").Split('\n').Order());
        Assert.Equal("history.log\nterm.log\n", await machine.Succeed("cd /var/log/apt; ls *.log*")); // and no eipp.log.xz, the planner's
    }

    [Theory]
    [InlineData("true", "of the package")]
    [InlineData("echo lab-web lab-web/answer string of a person | debconf-set-selections", "of a person")]
    public async Task What_a_package_asks_is_answered_as_always_though_nobody_asks_ahead(string answer, string expected)
    {
        await using var machine = await DebianMachine.Start();
        Package Asking(string version) =>
            new("lab-web", version) { Asks = "of the package", PostInstall = ". /usr/share/debconf/confmodule\ndb_get lab-web/answer\necho \"$RET\" >/run/answer" };
        await machine.Install(new Package("lab-web", "1.0"));
        await machine.Publish(Asking("2.0"));
        await machine.Succeed(answer);

        Assert.Equal(["lab-web 1.0 2.0"], (await machine.Patch()).Succeeded().Changes);
        Assert.Equal(expected, machine.Read("/run/answer").Trim());
    }

    [Theory]
    [InlineData("", "amd64 i386")]
    [InlineData("APT { Architectures { \"amd64\"; }; };", "amd64")]
    public async Task Tells_apt_the_architectures_that_it_would_find_out_by_itself(string configured, string architectures)
    {
        await using var machine = await DebianMachine.Start();
        await machine.Succeed("dpkg --add-architecture i386");
        machine.Write("/etc/apt/apt.conf.d/99own", $"{configured}\nDPkg::Pre-Invoke {{\"cp /tmp/tmp.*/apt.conf /run/used\";}};\n");
        await machine.Install(new Package("lab-web", "1.0"));
        await machine.Publish(new Package("lab-web", "2.0"));

        (await machine.Patch()).Succeeded();

        const string Ask = "dump | sed -n 's/^APT::Architectures:: \"\\(.*\\)\";/\\1/p' | xargs";
        Assert.Equal(architectures, (await machine.Succeed($"apt-config {Ask}")).Trim());
        Assert.Equal(architectures, (await machine.Succeed($"apt-config -c /run/used -o Dir::Bin::dpkg=/nowhere {Ask}")).Trim());
    }

    [Theory]
    [InlineData("--dry-run")]
    [InlineData]
    public async Task A_configuration_that_apt_cannot_read_is_said_and_never_no_updates(params string[] arguments)
    {
        await using var machine = await DebianMachine.Start();
        machine.Write("/etc/apt/apt.conf.d/99broken", "#clear\n");

        Assert.Contains("99broken", (await machine.Patch(arguments)).Failed("apt-failed").Error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keeps_a_configuration_file_that_a_person_changed_and_takes_one_that_nobody_did()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(
            new Package("lab-web", "1.0") { Configuration = "port = 80\n" },
            new Package("lab-db", "1.0") { Configuration = "port = 5432\n" });
        await machine.Publish(
            new Package("lab-web", "2.0") { Configuration = "port = 8080\n" },
            new Package("lab-db", "2.0") { Configuration = "port = 5433\n" });
        machine.Write("/etc/lab-web.conf", "port = 81\n");

        (await machine.Patch()).Succeeded();

        Assert.Equal("port = 81\n", machine.Read("/etc/lab-web.conf"));
        Assert.Equal("port = 8080\n", machine.Read("/etc/lab-web.conf.dpkg-dist"));
        Assert.Equal("port = 5433\n", machine.Read("/etc/lab-db.conf"));
    }

    [Fact]
    public async Task Reports_a_package_that_cannot_be_configured_and_repairs_it_next_time()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-bad", "1.0"), new("lab-web", "1.0"));
        await machine.Publish(new Package("lab-bad", "2.0") { PostInstall = "test -e /run/repaired" }, new("lab-web", "2.0"));

        var first = (await machine.Patch()).Failed("apt-failed");
        Assert.Equal(["lab-web 1.0 2.0"], first.Changes);
        Assert.Equal(["lab-bad"], first.Failed);
        Assert.Contains("lab-bad", first.Error!.Message, StringComparison.Ordinal);

        var again = (await machine.Patch()).Failed("apt-failed");
        Assert.Empty(again.Packages);
        Assert.Equal(["lab-bad"], again.Failed);

        machine.Write("/run/repaired", "");
        var repaired = (await machine.Patch()).Succeeded();
        Assert.Empty(repaired.Failed);
        Assert.Equal("2.0 installed", await machine.Version("lab-bad"));
        Assert.Empty((await machine.Patch("--dry-run")).Succeeded().Warnings);
    }

    [Fact]
    public async Task Takes_a_newer_version_in_place_of_one_that_cannot_be_configured()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new Package("lab-bad", "1.0"));
        await machine.Publish(new Package("lab-bad", "2.0") { PostInstall = "exit 1" });
        (await machine.Patch()).Failed("apt-failed");
        await machine.Publish(new Package("lab-bad", "3.0"));

        var document = (await machine.Patch()).Succeeded();

        Assert.Equal(["lab-bad 2.0 3.0"], document.Changes);
        Assert.Equal("3.0 installed", await machine.Version("lab-bad"));
    }

    [Fact]
    public async Task Ends_what_dpkg_has_begun_when_told_to_stop()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-slow", "1.0"), new("lab-web", "1.0"));
        await machine.Publish(Slow("2.0"), new("lab-web", "2.0"));

        await using var run = machine.StartPatch();
        await run.HasSaid("postinst is waiting");
        await machine.Succeed("kill -TERM -$(cat /run/patch.pid)"); // the group, as timeout(1) does
        await run.HasSaid("told to stop");
        machine.Write("/run/go", "");
        var end = await run.End();
        var document = PatchRun.Of(end).Failed("stopped", exitCode: 143);

        Assert.Contains("postinst has waited", end.Errors[end.Errors.IndexOf("told to stop", StringComparison.Ordinal)..], StringComparison.Ordinal); // what copies its output goes on, too
        Assert.Equal(["lab-slow 1.0 2.0", "lab-web 1.0 2.0"], document.Changes);
        Assert.Empty(document.Failed);
        Assert.Equal("2.0 installed", await machine.Version("lab-slow"));
    }

    [Fact] // As when timeout(1) loses patience: dpkg goes on by itself and leaves nothing half done.
    public async Task Leaves_dpkg_at_work_when_only_the_script_is_killed()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new Package("lab-slow", "1.0"));
        await machine.Publish(Slow("2.0"));

        await using var run = machine.StartPatch();
        await run.HasSaid("postinst is waiting");
        await machine.Succeed("kill -KILL -$(cat /run/patch.pid)");
        machine.Write("/run/go", "");
        var end = await run.End();

        Assert.Equal("", end.Output);
        (await machine.Patch()).Succeeded(); // waits for the other apt-get's lock if it is still there
        Assert.Equal("2.0 installed", await machine.Version("lab-slow"));
    }

    [Fact] // A service that a package starts inherits what its scripts had open.
    public async Task Ends_although_a_package_left_a_process_behind()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new Package("lab-web", "1.0"));
        await machine.Publish(new Package("lab-web", "2.0") { PostInstall = "setsid sleep infinity &" });

        Assert.Equal(["lab-web 1.0 2.0"], (await machine.Patch()).Succeeded().Changes);
    }

    [Fact]
    public async Task Says_when_a_reboot_is_required()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new Package("lab-web", "1.0"));
        await machine.Publish(new Package("lab-web", "2.0") { PostInstall = "touch /var/run/reboot-required" });

        Assert.False((await machine.Patch("--dry-run")).Succeeded().RebootRequired);
        Assert.True((await machine.Patch()).Succeeded().RebootRequired);
        Assert.True((await machine.Patch("--dry-run")).Succeeded().RebootRequired);
    }

    /// <summary>A package whose installation takes until <c>/run/go</c> exists.</summary>
    internal static Package Slow(string version) =>
        new("lab-slow", version) { PostInstall = "echo postinst is waiting; while [ ! -e /run/go ]; do sleep 0.05; done; echo postinst has waited" };
}
