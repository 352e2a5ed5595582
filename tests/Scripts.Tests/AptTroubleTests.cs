namespace NannyOrleans.Scripts.Tests;

/// <summary>An unknown is not zero updates, and a refusal says why.</summary>
public sealed class AptTroubleTests
{
    [Theory]
    [InlineData("--dry-run")]
    [InlineData]
    public async Task A_repository_that_is_gone_is_an_error(params string[] arguments)
    {
        await using var machine = await OneUpdate();
        await machine.Succeed("rm -r /srv/repo");

        (await machine.Patch(arguments)).Failed("repository-unreachable");
    }

    [Theory]
    [InlineData("deb [trusted=yes] file:/srv/gone ./", "File not found")]
    [InlineData("deb [trusted=yes] http://127.0.0.1:9/debian stable main", "to 127.0.0.1:9 (127.0.0.1). - connect (")] // nobody listens there
    public async Task One_repository_that_is_gone_among_others_is_an_error_with_its_reason(string source, string reason)
    {
        await using var machine = await OneUpdate();
        machine.Write("/etc/apt/sources.list.d/gone.list", source + "\n");

        var error = (await machine.Patch("--dry-run")).Failed("repository-unreachable").Error!;
        Assert.True(error.Message.Contains(reason, StringComparison.Ordinal), error.Message);
        Assert.Equal("1.0 installed", await machine.Version("lab-web"));
    }

    [Fact]
    public async Task A_system_without_repositories_is_an_error()
    {
        await using var machine = await OneUpdate();
        machine.Write("/etc/apt/sources.list", "");

        (await machine.Patch("--dry-run")).Failed("no-repositories");
    }

    [Fact]
    public async Task Sources_that_cannot_be_read_are_an_error()
    {
        await using var machine = await OneUpdate();
        machine.Write("/etc/apt/sources.list.d/bad.list", "nonsense\n");

        (await machine.Patch("--dry-run")).Failed("apt-failed");
    }

    [Fact]
    public async Task A_package_that_cannot_be_fetched_leaves_everything_as_it_was()
    {
        await using var machine = await OneUpdate();
        await machine.Install(new Package("lab-db", "1.0"));
        await machine.Publish(new Package("lab-db", "2.0"));
        await machine.Succeed("rm /srv/repo/lab-db*");

        (await machine.Patch()).Failed("repository-unreachable");

        Assert.Equal("1.0 installed", await machine.Version("lab-web"));
        Assert.Equal("1.0 installed", await machine.Version("lab-db"));
    }

    [Fact]
    public async Task A_full_disk_is_an_error_before_anything_is_done()
    {
        await using var machine = await OneUpdate();
        await machine.Succeed("mkdir /var2 && mount -t tmpfs -o size=30m small /var2 && cp -a /var/. /var2/ && mount --move /var2 /var");

        (await machine.Patch()).Failed("no-space");
        Assert.Equal("1.0 installed", await machine.Version("lab-web"));
    }

    [Theory]
    [InlineData("/var/lib/apt/lists/lock", "--dry-run")]
    [InlineData("/var/lib/dpkg/lock-frontend")]
    [InlineData("/var/cache/apt/archives/lock")]
    public async Task Waits_for_a_lock_that_another_process_holds(string file, params string[] arguments)
    {
        await using var machine = await OneUpdate();
        await using var holder = await Hold(machine, file);

        await using var run = machine.StartPatch(arguments);
        await run.HasSaid("lock");
        await machine.Succeed("kill $(cat /run/holder.pid)");

        Assert.Equal(["lab-web 1.0 2.0"], PatchRun.Of(await run.End()).Succeeded().Changes);
    }

    [Theory]
    [InlineData("/var/lib/apt/lists/lock", "--dry-run")]
    [InlineData("/var/lib/dpkg/lock-frontend")]
    [InlineData("/var/cache/apt/archives/lock")]
    public async Task Gives_up_on_a_lock_that_never_comes_free(string file, params string[] arguments)
    {
        await using var machine = await OneUpdate();
        machine.LockTimeout = 1;
        await using var holder = await Hold(machine, file);

        (await machine.Patch(arguments)).Failed("lock-timeout");
        Assert.Equal("1.0 installed", await machine.Version("lab-web"));
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("HUP")]
    public async Task Stops_at_once_while_nothing_is_changed_yet(string signal)
    {
        await using var machine = await OneUpdate();
        await using var holder = await Hold(machine, "/var/lib/dpkg/lock-frontend");

        await using var run = machine.StartPatch();
        await run.HasSaid("lock"); // apt-get itself waits for this one
        await machine.Succeed($"kill -{signal} -$(cat /run/patch.pid)");

        PatchRun.Of(await run.End()).Failed("stopped", exitCode: 143);
        Assert.Equal("1.0 installed", await machine.Version("lab-web"));
        await machine.Succeed("! ls -d /tmp/tmp.*");
    }

    [Fact]
    public async Task Waits_for_a_dpkg_that_is_at_work()
    {
        await using var machine = await OneUpdate();
        await AptApplyTests.Slow("2.0").Build(machine.Outside("/root"));
        await using var other = machine.StartShell("dpkg -i /root/lab-slow*.deb >&2");
        await other.HasSaid("postinst is waiting");

        await using var run = machine.StartPatch();
        await run.HasSaid("waiting for the lock");
        machine.Write("/run/go", "");

        Assert.Equal(["lab-web 1.0 2.0"], PatchRun.Of(await run.End()).Succeeded().Changes);
        Assert.Equal(0, (await other.End()).ExitCode);
        Assert.Equal("2.0 installed", await machine.Version("lab-slow"));
    }

    [Fact] // What a power cut leaves: a journal entry that dpkg has not merged yet.
    public async Task Repairs_an_interrupted_dpkg_only_when_it_may_change_things()
    {
        await using var machine = await OneUpdate();
        await machine.Succeed("dpkg-query -s lab-web | sed '/^Conffiles/,$d' >/var/lib/dpkg/updates/0001");
        await machine.Succeed("! apt-get -y dist-upgrade 2>&1 | grep -v 'dpkg was interrupted' | grep '^E:'");

        (await machine.Patch("--dry-run")).Failed("dpkg-interrupted");
        await machine.Succeed("test -e /var/lib/dpkg/updates/0001");

        var document = (await machine.Patch()).Succeeded();
        Assert.Equal(["dpkg had been interrupted and was repaired first: its journal was not empty."], document.Warnings);
        Assert.Equal(["lab-web 1.0 2.0"], document.Changes);
    }

    [Fact]
    public async Task Repairs_broken_dependencies_only_when_it_may_change_things()
    {
        await using var machine = await OneUpdate();
        await machine.Publish(new Package("lab-new", "1.0"));
        await new Package("lab-app", "1.0") { Fields = "Depends: lab-new" }.Build(machine.Outside("/root"));
        await machine.Succeed("dpkg --force-depends -i /root/lab-app*.deb");

        (await machine.Patch("--dry-run")).Failed("broken-dependencies");

        var document = (await machine.Patch()).Succeeded();
        Assert.Equal(["Broken dependencies were repaired first."], document.Warnings);
        Assert.Equal(["lab-new - 1.0", "lab-web 1.0 2.0"], document.Changes);
    }

    [Theory]
    [InlineData("--exclude")]
    [InlineData("--exclude", "")]
    [InlineData("--exclude", "a,,b")]
    [InlineData("--exclude", "-o=Dpkg::Pre-Invoke::=touch /pwned")]
    [InlineData("--exclude", "lab-web,$(touch /pwned)")]
    [InlineData("--exclude", "`touch /pwned`")]
    [InlineData("--exclude", "x;touch /pwned")]
    [InlineData("--exclude", "x touch")]
    [InlineData("--exclude", "x\ny")]
    [InlineData("--exclude", "x'y\"\\")]
    [InlineData("--exclude", "lab-[a-z]")]
    [InlineData("--exclude", "lab-?")]
    [InlineData("--exclude", "/etc/passwd")]
    [InlineData("--exclude", ".hidden")]
    [InlineData("--exclude", "läb")]
    [InlineData("--exclude=x|y")]
    [InlineData("--exclude", "x", "-o", "Dpkg::Pre-Invoke::=touch /pwned")]
    [InlineData("-x")]
    [InlineData("lab-web")]
    [InlineData("")]
    public async Task Refuses_arguments_outside_its_grammar(params string[] arguments)
    {
        await using var machine = await DebianMachine.Start();
        machine.Write("/usr/local/bin/apt-get", "#!/bin/sh\ntouch /apt-was-called\n");
        await machine.Succeed("chmod +x /usr/local/bin/apt-get");

        (await machine.Patch(["--dry-run", .. arguments])).Failed("invalid-argument", exitCode: 2);

        await machine.Succeed("! ls /pwned /apt-was-called");
    }

    [Fact]
    public async Task Refuses_a_pattern_longer_than_the_grammar_allows()
    {
        await using var machine = await DebianMachine.Start();

        (await machine.Patch("--dry-run", "--exclude", new string('x', 129))).Failed("invalid-argument", exitCode: 2);
    }

    private static async Task<DebianMachine> OneUpdate()
    {
        var machine = await DebianMachine.Start();
        await machine.Install(new Package("lab-web", "1.0"));
        await machine.Publish(new Package("lab-web", "2.0"));
        return machine;
    }

    /// <summary>Takes the kind of lock that apt and dpkg take.</summary>
    private static async Task<Command> Hold(DebianMachine machine, string file)
    {
        machine.Write("/root/hold.pl", """
            use Fcntl;
            open(my $lock, '>>', $ARGV[0]) or die;
            my $want = pack('s s x4 q q l x4', F_WRLCK, 0, 0, 0, 0);
            fcntl($lock, F_SETLK, $want) or die;
            open(my $pid, '>', '/run/holder.pid'); print $pid $$; close $pid;
            print STDERR "held\n";
            sleep;
            """);
        var holder = machine.StartShell($"exec perl /root/hold.pl {file}");
        await holder.HasSaid("held");
        return holder;
    }
}
