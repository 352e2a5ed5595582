using CliWrap;
using CliWrap.Buffered;

namespace NannyOrleans.Lab.Tests;

/// <summary>Labs where no container can run: these tests need nothing but a shell.</summary>
public sealed class SimulatedTests
{
    [Fact]
    public async Task Says_plainly_that_guests_are_simulated()
    {
        await using var lab = LabUnderTest.At(LabUnderTest.NewDirectory());
        Assert.Contains("SIMULATED guests: asked for with --simulated", (await lab.Verb("up", "--simulated")).StandardError, StringComparison.Ordinal);
        Assert.StartsWith("SIMULATED guests: ", (await lab.Verb("status")).StandardOutput, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_why_nobody_could_reach_the_guests()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess || Environment.GetEnvironmentVariable("CI") is { Length: > 0 }, "Only root's simulated guests run as somebody else.");
        var closed = LabUnderTest.NewDirectory();
        Directory.CreateDirectory(closed, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await using var lab = LabUnderTest.At(Path.Combine(closed, "lab"));
        var up = await lab.Verb("up", "--simulated");
        Assert.Equal(1, up.ExitCode);
        Assert.Contains($"{closed} is closed to other users", up.StandardError, StringComparison.Ordinal);
        Directory.Delete(closed, recursive: true);
    }

    [Theory]
    [InlineData("true", 0)]
    [InlineData("sh -c 'exit 42'", 42)]
    [InlineData("/etc/passwd", 126)]
    [InlineData("no-such-program", 127)]
    [InlineData("sh -c 'kill -KILL $$'", 137)]
    [InlineData("sh -c 'kill -TERM $$'", 143)]
    public async Task Exec_passes_the_commands_exit_code_through(string command, int code)
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "1", "--containers", "1");
        Assert.Equal(code, (await lab.Run("pve1", $"pct exec 100 -- {command}")).ExitCode);
    }

    [Fact]
    public async Task Upgrades_holds_and_resets()
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "1", "--containers", "1");
        const string script = """
            apt-mark hold lab-db
            apt-get -y upgrade </dev/null >/dev/null
            apt-mark showhold
            dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n'
            cat /etc/hostname
            """;
        var result = await lab.On("pve1", "pct exec 100 -- sh -s").WithStandardInputPipe(PipeSource.FromString(script)).ExecuteBufferedAsync();
        Assert.Equal("""
            lab-db set on hold.
            lab-db
            lab-db 8.0.32 installed
            lab-slow 1.1 installed
            lab-tls 3.0.13 installed
            lab-web 1.24.0 installed
            web-server-01

            """, result.StandardOutput);
        Assert.Equal(0, (await lab.Verb("reset")).ExitCode);
        Assert.Equal("4\n", await lab.Must("pve1", "pct exec 100 -- apt-get -s dist-upgrade | grep -c ^Inst"));
    }

    [Fact]
    public async Task A_stopped_guest_runs_nothing_and_starts_again()
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "1", "--containers", "1");
        await lab.Must("pve1", "pct shutdown 100");
        Assert.Equal("container '100' not running!\n", (await lab.Run("pve1", "pct exec 100 -- true")).StandardError);
        await lab.Must("pve1", "pct start 100 && pct exec 100 -- true");
    }

    [Theory]
    [InlineData("lxc-attach -n 100 -- true", 0)]
    [InlineData("lxc-attach -n 100 -- sh -c 'exit 42'", 42)]
    [InlineData("lxc-attach -n 100 -- /etc/passwd", 126)]
    [InlineData("lxc-attach -n 100 -- no-such-program", 127)]
    [InlineData("lxc-attach -n 100 -- sh -c 'kill -KILL $$'", 137)]
    [InlineData("lxc-attach -n 101 -- true", 1)] // on another host
    [InlineData("lxc-attach -n 999 -- true", 1)]
    public async Task Lxc_attach_is_as_good_as_pct_exec(string line, int code)
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "2", "--containers", "2");
        Assert.Equal(code, (await lab.Run("pve1", line)).ExitCode);
    }

    [Fact]
    public async Task What_runs_shows_in_sockets_control_groups_and_by_a_process()
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "1", "--containers", "1");
        var root = lab.Root("pve1");
        var place = (await lab.Must("pve1", $"readlink -f {root}/var/lib/lxc")).Trim();
        Assert.EndsWith($" @{place}/100/command\n", await File.ReadAllTextAsync($"{root}/proc/net/unix"), StringComparison.Ordinal);
        var pid = (await lab.Must("pve1", "lxc-info -n 100 -pH")).Trim();
        Assert.Equal(pid, (await File.ReadAllTextAsync($"{root}/sys/fs/cgroup/lxc/100/cgroup.procs")).Trim());
        Assert.Equal($"{512L << 20}\n", await File.ReadAllTextAsync($"{root}/sys/fs/cgroup/lxc/100/memory.max"));
        Assert.True(Directory.Exists($"/proc/{pid}"));

        await lab.Must("pve1", "pct stop 100");
        Assert.DoesNotContain("@", await File.ReadAllTextAsync($"{root}/proc/net/unix"), StringComparison.Ordinal);
        Assert.False(Directory.Exists($"{root}/sys/fs/cgroup/lxc/100"));
        Assert.Equal("", await lab.Must("pve1", "lxc-info -n 100 -pH"));
        Assert.Equal("Name:           100\nState:          STOPPED\n", await lab.Must("pve1", "lxc-info -n 100"));
        await lab.Must("pve1", "pct start 100");
        Assert.NotEqual(pid, (await lab.Must("pve1", "lxc-info -n 100 -pH")).Trim());
    }

    [Fact]
    public async Task A_guest_whose_process_was_killed_is_stopped()
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "1", "--containers", "1");
        // A killed process is there until its parent has looked, which takes longer than the next command.
        await lab.Must("pve1", "pid=$(lxc-info -n 100 -pH); kill -KILL $pid; for i in $(seq 200); do grep -q '^State:.[^ZX]' /proc/$pid/status 2>/dev/null || break; sleep 0.05; done");
        Assert.Equal("status: stopped\n", await lab.Must("pve1", "pct status 100"));
        await lab.Must("pve1", "pct start 100 && pct exec 100 -- true");
    }
}
