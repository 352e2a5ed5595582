using System.Diagnostics;
using System.Text;
using CliWrap;
using CliWrap.Buffered;

namespace NannyOrleans.Lab.Tests;

/// <summary>One lab of real containers for all tests that leave it as it was.</summary>
public sealed class ContainerLab : IAsyncLifetime
{
    internal LabUnderTest Lab { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        if (LabUnderTest.Missing is not null) { return; } // each test says so itself
        var clock = Stopwatch.StartNew();
        Lab = await LabUnderTest.Up();
        TestContext.Current.SendDiagnosticMessage($"three hosts and six containers after {clock.Elapsed.TotalSeconds:0.0} s");
    }

    public async ValueTask DisposeAsync()
    {
        if (Lab is not null) { await Lab.DisposeAsync(); }
    }
}

public sealed class ContainerTests : IClassFixture<ContainerLab>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly ContainerLab shared;

    public ContainerTests(ContainerLab shared)
    {
        LabUnderTest.NeedsContainers();
        this.shared = shared;
    }

    private LabUnderTest Lab => shared.Lab;

    [Theory]
    [InlineData("true", 0)]
    [InlineData("false", 1)]
    [InlineData("sh -c 'exit 42'", 42)]
    [InlineData("/etc/hostname", 126)]
    [InlineData("no-such-program", 127)]
    [InlineData("sh -c 'kill -KILL $$'", 137)]
    [InlineData("sh -c 'kill -TERM $$'", 143)]
    public async Task Exec_passes_the_commands_exit_code_through(string command, int code) =>
        Assert.Equal(code, (await Lab.Run("pve1", $"pct exec 100 -- {command}")).ExitCode);

    [Fact]
    public async Task Exec_runs_a_script_from_standard_input_with_both_streams_apart()
    {
        var result = await Lab.On("pve1", "pct exec 100 -- sh -s -- one 'two words'")
            .WithStandardInputPipe(PipeSource.FromString("cat /etc/hostname\necho \"$2\" >&2\n")).ExecuteBufferedAsync();
        Assert.Equal("web-server-01\n", result.StandardOutput);
        Assert.Equal("two words\n", result.StandardError);
    }

    [Fact]
    public async Task Exec_leaves_arguments_output_and_signals_as_they_are()
    {
        // Bytes that are no UTF-8 go in as an argument and come out again.
        Assert.Equal(" ff fe 78\n", await Lab.Must("pve1", "pct exec 100 -- printf %s $'\\xff\\xfex' | od -An -tx1"));
        // .NET ignores SIGPIPE; a command that inherited that would write on for ever.
        Assert.Equal("0000000000000000\n", await Lab.Must("pve1", "pct exec 100 -- sed -n 's/SigIgn:.//p' /proc/self/status"));
        Assert.Equal("y\n", await Lab.Must("pve1", "timeout 20 pct exec 100 -- yes | head -n 1"));
        // .NET raises this limit.
        Assert.Equal("512\n", await Lab.Must("pve1", "ulimit -Sn 512; pct exec 100 -- sh -c 'ulimit -Sn'"));
    }

    [Theory]
    [InlineData("kill -TERM $!", true)]
    [InlineData("kill -KILL $!", true)]
    [InlineData("kill -TERM -- -$!", false)] // as timeout(1) does
    [InlineData("kill -KILL -- -$!", false)]
    public async Task Killing_pct_alone_leaves_its_command_and_killing_the_group_does_not(string kill, bool survives)
    {
        var seconds = 7000 + Random.Shared.Next(1000); // what the process is known by
        await Lab.Must("pve1", $"""
            set -m
            pct exec 101 -- sh -c 'touch /tmp/started-{seconds}; exec sleep {seconds}' </dev/null >/dev/null 2>&1 &
            until pct exec 101 -- test -e /tmp/started-{seconds}; do :; done
            {kill}
            wait $! || true
            """);
        var script = $$"""
            exec 2>/dev/null # processes that end meanwhile
            for process in /proc/[0-9]*; do
                ! tr '\0' ' ' < $process/cmdline | grep -q '^sleep {{seconds}} ' || { cat $process/comm; kill -KILL ${process#/proc/}; }
            done
            """;
        var seen = await Lab.On("pve1", "pct exec 101 -- sh -s").WithStandardInputPipe(PipeSource.FromString(script)).ExecuteBufferedAsync();
        Assert.Equal(survives ? "sleep\n" : "", seen.StandardOutput);
    }

    [Fact]
    public async Task Exec_leaves_nothing_in_the_temporary_directory()
    {
        var before = Directory.GetFiles("/tmp"); // of killed processes, whose numbers come again
        var pid = (await Lab.Must("pve1", "pct exec 100 -- true & pid=$!; wait $pid; echo $pid")).Trim();
        Assert.Empty(Directory.GetFiles("/tmp", $"*-{pid}-*").Except(before));
    }

    [Fact]
    public async Task A_guests_lock_makes_the_second_command_wait_and_then_fail()
    {
        var result = await Lab.Run("pve3", $"""
            exec 9>{Lab.Root("pve3")}/run/lock/lxc/pve-config-104.lock
            flock 9
            pct set 104 --tags x
            """);
        Assert.Equal(255, result.ExitCode);
        Assert.Equal("trying to acquire lock...can't lock file '/run/lock/lxc/pve-config-104.lock' - got timeout\n", result.StandardError);
    }

    [Fact]
    public async Task A_real_upgrade_runs_without_a_network_and_reset_brings_the_updates_back()
    {
        await using var lab = await LabUnderTest.Up("--hosts", "1", "--containers", "1");
        const string pending = "pct exec 100 -- sh -c 'apt-get update >/dev/null && apt-get -s dist-upgrade' | grep ^Inst";
        const string four = """
            Inst lab-db [8.0.32] (8.0.35 Lab:1.0/stable [all])
            Inst lab-slow [1.0] (1.1 Lab:1.0/stable [all])
            Inst lab-tls [3.0.2] (3.0.13 Lab:1.0/stable [all])
            Inst lab-web [1.18.0] (1.24.0 Lab:1.0/stable [all])

            """;
        Assert.Equal(four, await lab.Must("pve1", pending));
        await lab.Must("pve1", "pct exec 100 -- sh -c 'DEBIAN_FRONTEND=noninteractive apt-get -y upgrade </dev/null'");
        Assert.Equal("workers 4\n", await lab.Must("pve1", "pct exec 100 -- grep workers /etc/lab-web.conf"));
        Assert.Equal("", (await lab.Run("pve1", pending)).StandardOutput);
        Assert.Equal(0, (await lab.Verb("reset")).ExitCode);
        Assert.Equal(four, await lab.Must("pve1", pending));
    }

    [Fact]
    public async Task An_upgrade_can_be_stretched_and_is_cut_off_by_the_hosts_power()
    {
        await using var lab = await LabUnderTest.Up("--hosts", "1", "--containers", "1");
        await lab.Must("pve1", "pct exec 100 -- sh -c 'echo 3600 > /etc/lab-slow.seconds'");
        var upgrade = lab.Run("pve1", "pct exec 100 -- sh -c 'DEBIAN_FRONTEND=noninteractive apt-get -y upgrade </dev/null'");
        await lab.Must("pve1", "until pct exec 100 -- pidof -x lab-slow.postinst; do :; done").WaitAsync(Patience);
        Assert.Equal(0, (await lab.Verb("host", "pve1", "off")).ExitCode);
        Assert.NotEqual(0, (await upgrade.WaitAsync(Patience)).ExitCode);
        Assert.Equal(0, (await lab.Verb("host", "pve1", "on")).ExitCode);
        Assert.Contains("lab-slow", await lab.Must("pve1", "pct exec 100 -- dpkg --audit"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_has_a_boot_id_of_its_own_and_a_new_one_after_each_boot()
    {
        await using var lab = await LabUnderTest.Up("--containers", "0");
        var files = new[] { "pve1", "pve2", "pve3" }.Select(h => $"{lab.Root(h)}/proc/sys/kernel/random/boot_id").ToList();
        var before = files.Select(File.ReadAllText).ToList();
        Assert.Equal(3, before.Distinct().Count());
        Assert.All(before, id => Assert.True(Guid.TryParse(id.Trim(), out _)));
        await lab.Verb("host", "pve2", "off");
        var refused = await lab.Run("pve2", "pct list");
        Assert.Equal((255, "nanny-lab: host pve2 is switched off, nothing runs on it\n"), (refused.ExitCode, refused.StandardError));
        await lab.Verb("host", "pve2", "on");
        Assert.Equal([before[0], before[2]], new[] { files[0], files[2] }.Select(File.ReadAllText));
        Assert.NotEqual(before[1], File.ReadAllText(files[1]));
    }

    [Fact]
    public async Task A_host_that_was_away_takes_over_what_the_majority_wrote()
    {
        await using var lab = await LabUnderTest.Up("--containers", "3");
        await lab.Verb("host", "pve3", "off");
        await lab.Must("pve1", "pct set 100 --tags 'Late;early'");
        await lab.Verb("host", "pve3", "on");
        Assert.Contains("tags: early;late\n", await File.ReadAllTextAsync($"{lab.Root("pve3")}/etc/pve/nodes/pve1/lxc/100.conf"), StringComparison.Ordinal);
        Assert.Contains("running", await lab.Must("pve3", "pct status 102"), StringComparison.Ordinal);
        Assert.Equal(0, (await lab.Verb("status")).ExitCode);
    }

    [Fact]
    public async Task Up_twice_changes_nothing_and_mends_what_was_broken()
    {
        await using var lab = await LabUnderTest.Up("--containers", "2");
        var boot = await File.ReadAllTextAsync($"{lab.Root("pve1")}/proc/sys/kernel/random/boot_id");
        var init = await lab.Must("pve1", "pct exec 100 -- stat -c %Y /proc/1");
        Assert.Equal(0, (await lab.Verb("up", "--containers", "2")).ExitCode);
        Assert.Equal(boot, await File.ReadAllTextAsync($"{lab.Root("pve1")}/proc/sys/kernel/random/boot_id"));
        Assert.Equal(init, await lab.Must("pve1", "pct exec 100 -- stat -c %Y /proc/1"));
        await lab.Must("pve1", "pct stop 100");
        await lab.Verb("host", "pve2", "off");
        Assert.Equal(3, (await lab.Verb("status")).ExitCode);
        Assert.Equal(0, (await lab.Verb("up", "--containers", "2")).ExitCode);
        Assert.Equal(0, (await lab.Verb("status")).ExitCode);
        Assert.Equal(1, (await lab.Verb("up", "--containers", "3")).ExitCode);
    }

    [Theory]
    [InlineData(60, "up")]
    [InlineData(120, "down")]
    [InlineData(180, "up")]
    [InlineData(240, "down")]
    [InlineData(300, "up")]
    [InlineData(400, "down")]
    public async Task A_killed_up_is_mended_by_up_and_removed_by_down(int milliseconds, string after)
    {
        await using var lab = LabUnderTest.At(LabUnderTest.NewDirectory());
        using var killed = new CancellationTokenSource(); // CliWrap's cancellation is SIGKILL
        var up = lab.VerbCommand("up").ExecuteAsync(killed.Token);
        await Task.Delay(milliseconds, TestContext.Current.CancellationToken);
        await killed.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => up.Task).WaitAsync(Patience).ContinueWith(_ => { }, TaskScheduler.Default); // it may have been done
        var result = await lab.Verb(after);
        Assert.True(result.ExitCode is 0, result.StandardError);
        if (after is "up")
        {
            Assert.Equal(0, (await lab.Verb("status")).ExitCode);
            await lab.Verb("down");
        }

        AssertNothingLeft(lab.Directory);
    }

    [Fact]
    public async Task Down_leaves_no_process_mount_control_group_or_file_and_spares_other_labs()
    {
        await using var lab = await LabUnderTest.Up("--containers", "2");
        await lab.Verb("pmxcfs", "pve1", "kill"); // the one thing in a lab that is mounted
        File.Delete($"{lab.Directory}/state/pve2"); // and a state somebody took half of away
        var down = await lab.Verb("down");
        Assert.True(down.ExitCode is 0, down.StandardError);
        AssertNothingLeft(lab.Directory);
        Assert.Equal(0, (await lab.Verb("down")).ExitCode);
        Assert.Equal(0, (await Lab.Verb("status")).ExitCode);
    }

    [Fact]
    public async Task Down_does_not_touch_a_directory_that_is_no_lab()
    {
        var directory = Directory.CreateTempSubdirectory("nanny-lab-test-").FullName;
        await File.WriteAllTextAsync($"{directory}/dear", "");
        Assert.Equal(1, (await LabUnderTest.At(directory).Verb("down")).ExitCode);
        Assert.True(File.Exists($"{directory}/dear"));
        Directory.Delete(directory, recursive: true);
    }

    private static void AssertNothingLeft(string directory)
    {
        Assert.False(Directory.Exists(directory));
        Assert.DoesNotContain(directory, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
        Assert.DoesNotContain(directory, File.ReadAllText("/proc/net/unix"), StringComparison.Ordinal);
        var tag = new LabDirectory(directory).Tag;
        Assert.DoesNotContain(Directory.GetDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup"), top => Directory.Exists($"{top}/{tag}"));
        foreach (var process in Directory.GetDirectories("/proc").Where(p => int.TryParse(Path.GetFileName(p), out _)))
        {
            Assert.DoesNotContain(directory, CommandLineOf(process), StringComparison.Ordinal);
        }
    }

    private static string CommandLineOf(string process)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes($"{process}/cmdline"));
        }
        catch (IOException)
        {
            return ""; // it has ended meanwhile
        }
    }
}
