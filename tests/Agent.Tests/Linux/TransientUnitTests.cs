using NannyOrleans.Agent.Linux;

namespace NannyOrleans.Agent.Tests.Linux;

/// <summary>How systemd is asked to run something, and what is made of its answers. A real systemd runs in EndToEnd.Tests.</summary>
public sealed class TransientUnitTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("nanny-unit-").FullName;

    private Host Host => new(root, $"{root}/bin:/usr/bin:/bin");

    private string Job => $"{root}/jobs/01JH0000000000000000000001";

    public TransientUnitTests()
    {
        Directory.CreateDirectory($"{root}/bin");
        Directory.CreateDirectory(Job);
    }

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public void Systemd_runs_where_it_has_made_its_directory()
    {
        Assert.False(TransientUnit.Possible(Host));
        Directory.CreateDirectory($"{root}/run/systemd"); // udev alone makes that one
        Assert.False(TransientUnit.Possible(Host));
        SystemdRuns();
        Assert.True(TransientUnit.Possible(Host));
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("$HOME", "$$HOME")] // systemd would put its own there
    [InlineData("/proc/$$/stat", "/proc/$$$$/stat")]
    [InlineData("${x:-y} $1", "$${x:-y} $$1")]
    [InlineData("%n %%", "%n %%")] // specifiers are for files only
    [InlineData("--property=User=x", "--property=User=x")] // behind --, no option of systemd-run
    [InlineData("a \"b\" 'c'\n;\\", "a \"b\" 'c'\n;\\")]
    [InlineData("", "")]
    public void A_word_reaches_the_program_as_it_is(string word, string given)
    {
        var arguments = new TransientUnit("u", "d").Detached(Host, ["program", word]);
        Assert.Equal(["--", "env", "-i", $"PATH={Host.SearchPath}", "HOME=/root", "LANG=C.UTF-8", "program", given], arguments.SkipWhile(one => one is not "--"));
    }

    [Fact]
    public void A_job_is_named_for_its_id_and_goes_on_when_it_is_told_to_stop()
    {
        var options = new TransientUnit("nannyagent-job-1", "Job 1").Detached(Host, ["true"]).TakeWhile(one => one is not "--").ToArray();
        Assert.Contains("--unit=nannyagent-job-1", options);
        Assert.Contains("--property=KillMode=process", options);
        Assert.Contains("--slice=nannyagent.slice", options);
        Assert.DoesNotContain("--wait", options);
        Assert.All(options, option => Assert.StartsWith("--", option, StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_waited_for_has_an_end_of_its_own()
    {
        var options = new TransientUnit("u", "d").Awaited(Host, TimeSpan.FromMinutes(3), ["true"]).TakeWhile(one => one is not "--").ToArray();
        Assert.Contains("--wait", options);
        Assert.Contains("--pipe", options);
        Assert.Contains("--property=RuntimeMaxSec=180", options);
    }

    [Fact]
    public async Task A_job_that_systemd_refuses_is_not_started_and_never_will_be()
    {
        SystemdRuns();
        Program("systemd-run", "echo 'Failed to connect to bus' >&2; exit 1");
        var run = new DetachedRun(Job);
        Assert.Equal(
            "systemd-run --unit=nannyagent-job-01JH0000000000000000000001: exit code 1: Failed to connect to bus",
            await run.Start(Host, "/dev/null", ["touch", $"{root}/ran"]));
        Assert.False(run.TryPrevent()); // the claim is taken: a unit that comes late ends at it

        // Not tried by setsid instead, as a child of the agent.
        Assert.Null(run.RunnerProcess());
        Assert.Null(run.Ended());
        Assert.False(File.Exists($"{root}/ran"));
    }

    [Fact]
    public async Task A_unit_that_comes_after_its_start_was_given_up_runs_nothing()
    {
        SystemdRuns();
        Program("systemd-run", $"printf '%s\\0' \"$@\" >{root}/asked; exit 1");
        Assert.NotNull(await new DetachedRun(Job).Start(Host, "/dev/null", ["touch", $"{root}/ran"]));

        Assert.Equal(75, await Late());
        Assert.False(File.Exists($"{root}/ran"));
    }

    [Fact]
    public async Task A_job_whose_start_is_not_confirmed_but_that_has_begun_is_started()
    {
        SystemdRuns();
        Program("systemd-run", $"mkdir {Job}/claimed; echo 'Connection timed out' >&2; exit 1");
        Assert.Null(await new DetachedRun(Job).Start(Host, "/dev/null", ["true"]));
    }

    [Fact]
    public async Task A_job_runs_as_systemd_is_asked_to_and_a_second_time_not_at_all()
    {
        SystemdRuns();
        Program("systemd-run", $"printf '%s\\0' \"$@\" >{root}/asked");
        var run = new DetachedRun(Job);
        Assert.Null(await run.Start(Host, "/dev/null", ["sh", "-c", "echo $0 $HOME >&2; echo ran; exit 3", "a$b"]));

        Assert.Equal(0, await Late());
        Assert.Equal(3, run.Ended()?.Code);
        Assert.Equal(("ran\n", "a$b /root\n"), (await File.ReadAllTextAsync(run.StandardOutput), await File.ReadAllTextAsync(run.StandardError)));
        Assert.Equal(75, await Late());
        Assert.Equal("ran\n", await File.ReadAllTextAsync(run.StandardOutput));
    }

    [Fact]
    public async Task Where_systemd_runs_a_missing_systemd_run_is_no_reason_to_do_without()
    {
        SystemdRuns();
        var host = new Host(root, $"{root}/bin");
        Assert.Equal(
            $"systemd-run --unit=nannyagent-job-01JH0000000000000000000001: there is no systemd-run in {root}/bin",
            await new DetachedRun(Job).Start(host, "/dev/null", ["true"]));
    }

    [Fact]
    public async Task A_program_that_changes_the_host_runs_apart_from_the_agent_and_its_end_is_the_programs()
    {
        var programs = new Programs(Host);
        Program("pct", "echo \"pct $*\"");
        Assert.Equal("pct start 100\n", (await Apart()).Output); // without systemd, as any other

        SystemdRuns();
        Program("systemd-run", "while [ \"$1\" != -- ]; do shift; done; shift; \"$@\"; exit 7");
        var end = await Apart();
        Assert.Equal(("pct start 100\n", 7, "pct start 100: exit code 7: "), (end.Output, end.ExitCode, end.Problem));

        Task<ProgramEnd> Apart() => programs.RunApart("pct", ["start", "100"], TimeSpan.FromMinutes(1), 4096, TestContext.Current.CancellationToken);
    }

    /// <summary>Does what systemd would: the words behind --, each $$ a $. Gives the exit code.</summary>
    private async Task<int> Late()
    {
        var asked = (await File.ReadAllTextAsync($"{root}/asked")).Split('\0')[..^1];
        var command = asked.SkipWhile(one => one is not "--").Skip(1).Select(one => one.Replace("$$", "$", StringComparison.Ordinal)).ToArray();
        using var process = System.Diagnostics.Process.Start(command[0], command[1..]);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return process.ExitCode;
    }

    private void SystemdRuns() => Directory.CreateDirectory($"{root}/run/systemd/system");

    private void Program(string name, string script)
    {
        File.WriteAllText($"{root}/bin/{name}", $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode($"{root}/bin/{name}", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
