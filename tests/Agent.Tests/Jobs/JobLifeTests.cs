using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Jobs;

/// <summary>A job from the server to its end, through a real hub and a pct that runs scripts on this machine.</summary>
public sealed class JobLifeTests : IAsyncLifetime
{
    private const string Marker = "echo 'nanny-patch: started' >&2\n";
    private readonly LabHost host = new();
    private ControlPlane server = null!;

    public async ValueTask InitializeAsync()
    {
        server = await ControlPlane.Start();
        host.Container(100);
        host.RealPct();
        RunningAgent.Register(host, server);
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        host.Dispose();
    }

    [Fact]
    public async Task A_job_is_accepted_runs_and_succeeds()
    {
        await using var agent = await Connected();
        var job = RunningAgent.Job(server.Script("apt-update.sh", Marker + "echo \"args: $*\"; echo working >&2; env; pwd"), mode: PatchMode.DryRun, exclusions: ["nginx", "linux-*"]);
        await server.Send(job);

        Assert.Equal(JobOutcome.Accepted, (await server.NextReport("the acceptance")).Outcome);
        var running = await server.NextReport("the start");
        Assert.Equal(JobOutcome.Running, running.Outcome);
        Assert.NotNull(running.StartedAt);
        var end = await server.NextReport("the end");
        Assert.Equal((JobOutcome.Succeeded, null, 0), (end.Outcome, end.Detail, end.ExitCode));
        Assert.StartsWith("args: --dry-run --exclude nginx,linux-*\n", end.StandardOutput, StringComparison.Ordinal);
        Assert.EndsWith("\n/\n", end.StandardOutput, StringComparison.Ordinal);
        Assert.DoesNotContain("DOTNET", end.StandardOutput, StringComparison.Ordinal);
        Assert.Equal("nanny-patch: started\nworking\n", end.StandardError);
        Assert.True(end.StartedAt <= end.CompletedAt);
        Assert.Contains(
            "exec 100 -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 timeout -k 10 600 sh -s -- --dry-run --exclude nginx,linux-*\n",
            host.Read("pct.calls"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_log_names_a_job_by_its_id_and_its_campaign()
    {
        await using var agent = await Connected();
        var job = RunningAgent.Job(server.Script("apt-update.sh", Marker)) with { Campaign = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GA") };
        await server.Send(job);
        await server.NextEnd("the end");
        Assert.Contains($"Job {job.Id}: PatchGuest accepted for campaign {job.Campaign}\n", agent.Error, StringComparison.Ordinal);
        Assert.Contains($"Job {job.Id}: Succeeded", agent.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("exit 3", "exit code 3", 3)]
    [InlineData("echo 'E: dpkg was interrupted' >&2; exit 100", "exit code 100: E: dpkg was interrupted", 100)]
    [InlineData("printf 'red \\033[31m\\n' >&2; exit 1", "exit code 1: red \uFFFD[31m", 1)] // nothing raw from a container
    public async Task A_script_that_fails_fails_with_its_last_words(string script, string detail, int code)
    {
        await using var agent = await Connected();
        await server.Send(RunningAgent.Job(server.Script("apt-update.sh", Marker + script)));
        var end = await server.NextEnd("the failure");
        Assert.Equal((JobOutcome.Failed, detail, code), (end.Outcome, end.Detail, end.ExitCode));
    }

    [Theory]
    [InlineData("echo \"container '100' not running!\" >&2; exit 255", "container not running")]
    [InlineData("echo 'lxc-attach: 100: Failed to exec \"env\"' >&2; exit 127", "could not start in the container: lxc-attach: 100: Failed to exec \"env\"")]
    [InlineData("exit 0", "could not start in the container: exit code 0, no message")] // success without the marker is none
    public async Task A_run_without_the_marker_never_started(string pct, string detail)
    {
        host.Command("pct", pct);
        await using var agent = await Connected();
        await server.Send(RunningAgent.Job(server.Script("apt-update.sh", Marker)));
        var end = await server.NextEnd("the failure");
        Assert.Equal((JobOutcome.Failed, detail), (end.Outcome, end.Detail));
    }

    [Fact]
    public async Task A_script_with_another_hash_is_never_run()
    {
        await using var agent = await Connected();
        var script = server.Script("apt-update.sh", Marker + "echo hacked");
        server.Script("apt-update.sh", Marker + "echo changed since");
        await server.Send(RunningAgent.Job(script));
        var end = await server.NextEnd("the refusal");
        Assert.Equal((JobOutcome.Failed, "script refused: apt-update.sh does not match its SHA-256", (int?)null), (end.Outcome, end.Detail, end.ExitCode));
        Assert.Null(end.StartedAt);
        Assert.DoesNotContain("sh -s", Calls(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_script_on_disk_is_fetched_again()
    {
        await using var agent = await Connected();
        var script = server.Script("apt-update.sh", Marker);
        host.Write($"var/lib/nannyagent/scripts/{script.Sha256}", "echo damaged");
        await server.Send(RunningAgent.Job(script, number: 1));
        Assert.Equal(JobOutcome.Succeeded, (await server.NextEnd("the end")).Outcome);
        await server.Send(RunningAgent.Job(script, number: 2));
        Assert.Equal(JobOutcome.Succeeded, (await server.NextEnd("the second end")).Outcome);
        Assert.Equal(1, server.ScriptRequests);
    }

    [Theory]
    [InlineData("lock: backup\n", "container is locked (backup)")]
    [InlineData("template: 1\n", "container is a template")]
    [InlineData(null, "container 100 is not on this node")]
    public async Task A_container_that_must_not_be_patched_is_not(string? conf, string detail)
    {
        host.Container(100, conf ?? string.Empty);
        if (conf is null)
        {
            File.Delete(Path.Combine(host.Directory, "etc/pve/nodes/pve1/lxc/100.conf"));
        }

        await using var agent = await Connected();
        await server.Send(RunningAgent.Job(server.Script("apt-update.sh", Marker)));
        var end = await server.NextEnd("the refusal");
        Assert.Equal((JobOutcome.Failed, detail), (end.Outcome, end.Detail));
        Assert.DoesNotContain("sh -s", Calls(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stopped_pmxcfs_is_not_a_container_that_is_elsewhere()
    {
        Directory.Delete(Path.Combine(host.Directory, "etc/pve"), recursive: true);
        Directory.CreateDirectory(Path.Combine(host.Directory, "etc/pve"));
        await using var agent = await Connected();
        await server.Send(RunningAgent.Job(server.Script("apt-update.sh", Marker)));
        var end = await server.NextEnd("the refusal");
        Assert.Equal(JobOutcome.Failed, end.Outcome);
        Assert.Contains("is pmxcfs (service pve-cluster) running?", end.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_job_again_is_answered_and_not_started_again()
    {
        await using var agent = await Connected();
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        var job = RunningAgent.Job(server.Script("apt-update.sh", $"{Marker}echo once >> {host.Directory}/ran; read line < {gate}"));
        await server.Send(job);
        Assert.Equal(JobOutcome.Accepted, (await server.NextReport("the acceptance")).Outcome);
        Assert.Equal(JobOutcome.Running, (await server.NextReport("the start")).Outcome);

        await server.Send(job);
        Assert.Equal(JobOutcome.Running, (await server.NextReport("the answer to the second one")).Outcome);
        await File.WriteAllTextAsync(gate, "go on\n");
        Assert.Equal(JobOutcome.Succeeded, (await server.NextReport("the end")).Outcome);

        await Tombstone(job);
        await server.Send(job);
        Assert.Equal(JobOutcome.AlreadyReported, (await server.NextReport("the answer to the third one")).Outcome);
        Assert.Equal("once\n", host.Read("ran"));
        Assert.False(File.Exists(InJob(job, "stdout")));
    }

    [Fact]
    public async Task A_job_survives_a_restart_of_the_agent()
    {
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        var job = RunningAgent.Job(server.Script("apt-update.sh", $"{Marker}echo once >> {host.Directory}/ran; read line < {gate}; echo \"$line\""));
        await using (await Connected())
        {
            await server.Send(job);
            Assert.Equal(JobOutcome.Accepted, (await server.NextReport("the acceptance")).Outcome);
            Assert.Equal(JobOutcome.Running, (await server.NextReport("the start")).Outcome);
        }

        await using var second = await Connected();
        Assert.Equal(JobOutcome.Running, (await server.NextReport("the second agent's word")).Outcome);
        await File.WriteAllTextAsync(gate, "still here\n");
        var end = await server.NextEnd("the end");
        Assert.Equal((JobOutcome.Succeeded, "still here\n"), (end.Outcome, end.StandardOutput));
        Assert.Equal("once\n", host.Read("ran"));
    }

    [Fact]
    public async Task A_job_that_ended_while_no_agent_ran_is_reported_by_the_next()
    {
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        var job = RunningAgent.Job(server.Script("apt-update.sh", $"{Marker}read line < {gate}; exit 7"));
        await using (await Connected())
        {
            await server.Send(job);
            await server.NextReport("the acceptance");
            await server.NextReport("the start");
        }

        await File.WriteAllTextAsync(gate, "go on\n");
        await Eventually.Until(() => File.Exists(InJob(job, "exit")), "the exit code of the job");
        await using var second = await Connected();
        var end = await server.NextEnd("the end");
        Assert.Equal((JobOutcome.Failed, "exit code 7"), (end.Outcome, end.Detail));
    }

    [Fact]
    public async Task A_killed_runner_is_an_interrupted_job_and_never_a_success()
    {
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        var job = RunningAgent.Job(server.Script("apt-update.sh", $"{Marker}echo once >> {host.Directory}/ran; read line < {gate}"));
        await using var agent = await Connected();
        await server.Send(job);
        await Eventually.Until(() => File.Exists(Path.Combine(host.Directory, "ran")), "the script's first line");
        Posix.KillGroup(int.Parse(File.ReadAllText(InJob(job, "runner")).Split(' ')[0], null));

        var end = await server.NextEnd("the interruption");
        Assert.Equal((JobOutcome.Interrupted, "the job was started, its end is unknown", (int?)null), (end.Outcome, end.Detail, end.ExitCode));
        await Tombstone(job);
        await server.Send(job);
        Assert.Equal(JobOutcome.AlreadyReported, (await server.NextReport("the answer to the second one")).Outcome);
        Assert.Equal("once\n", host.Read("ran"));
    }

    [Fact]
    public async Task After_a_power_loss_a_started_job_is_interrupted_even_if_its_pid_lives()
    {
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        var job = RunningAgent.Job(server.Script("apt-update.sh", $"{Marker}read line < {gate}"));
        await using (await Connected())
        {
            await server.Send(job);
            await server.NextReport("the acceptance");
            await server.NextReport("the start");
            await Eventually.Until(() => File.Exists(InJob(job, "stderr")), "the script's start");
        }

        var runner = int.Parse(File.ReadAllText(InJob(job, "runner")).Split(' ')[0], null);
        host.Write("proc/sys/kernel/random/boot_id", "5f0cbd1e-9d07-4f6c-8b6d-222222222222\n");
        await using var second = await Connected();
        Assert.Equal(JobOutcome.Interrupted, (await server.NextEnd("the interruption")).Outcome);
        await Tombstone(job);
        Posix.KillGroup(runner);
    }

    [Fact]
    public async Task An_exit_code_whose_output_a_power_loss_took_is_an_interrupted_job()
    {
        var job = RunningAgent.Job(server.Script("apt-update.sh", Marker));
        new NannyOrleans.Agent.Journal.JobJournal(host.Host, TimeProvider.System).Add(job).Start("another boot");
        host.Write($"var/lib/nannyagent/jobs/{job.Id.Value}/exit", "0\n");
        await using var agent = await Connected();
        Assert.Equal(JobOutcome.Interrupted, (await server.NextEnd("the interruption")).Outcome);
    }

    [Fact]
    public async Task Nothing_of_the_agents_environment_reaches_pct_and_the_script_comes_through_a_pipe()
    {
        Environment.SetEnvironmentVariable("NANNY_TEST_SECRET", "leaked");
        host.Command("pveversion", "env > $root/env.version; echo pve-manager/9.2.11/0");
        host.Command("pct", "env > $root/env.exec; shift 3; exec \"$@\"");
        await using var agent = await Connected();
        await server.Send(RunningAgent.Job(server.Script("apt-update.sh", Marker + "[ -p /proc/self/fd/0 ] && echo pipe; exit 4")));
        var end = await server.NextEnd("the end");
        Assert.Equal(("pipe\n", 4), (end.StandardOutput, end.ExitCode));
        foreach (var seen in new[] { host.Read("env.version"), host.Read("env.exec") })
        {
            Assert.Contains("HOME=/root\n", seen, StringComparison.Ordinal);
            Assert.DoesNotContain("NANNY_TEST_SECRET", seen, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_report_the_server_could_not_store_is_sent_again()
    {
        var losses = 2;
        server.OnReport = report =>
        {
            if (report.Outcome.IsFinal() && losses-- > 0)
            {
                throw new IOException("the database is away");
            }
        };
        await using var agent = await Connected();
        var job = RunningAgent.Job(server.Script("apt-update.sh", Marker + "echo done"));
        await server.Send(job);
        for (var i = 0; i < 3; i++)
        {
            var end = await server.NextEnd("the end, again");
            Assert.Equal((JobOutcome.Succeeded, "done\n"), (end.Outcome, end.StandardOutput));
        }

        await Tombstone(job);
    }

    [Fact]
    public async Task A_report_whose_acknowledgement_was_lost_is_sent_on_the_next_connection()
    {
        var first = true;
        server.OnReport = report =>
        {
            if (report.Outcome.IsFinal() && first)
            {
                first = false;
                server.Drop();
                throw new IOException("stored, but the connection is gone before the answer");
            }
        };
        await using var agent = await Connected();
        var job = RunningAgent.Job(server.Script("apt-update.sh", Marker + "echo done"));
        await server.Send(job);
        await server.NextEnd("the end");
        Assert.Equal("done\n", (await server.NextEnd("the end on the next connection")).StandardOutput);
        await Tombstone(job);
    }

    [Fact]
    public async Task An_acknowledgement_that_the_disk_does_not_take_leaves_the_connection_up()
    {
        var job = RunningAgent.Job(server.Script("apt-update.sh", Marker + "echo done"), number: 1);
        server.OnReport = report =>
        {
            if (report.Id == job.Id && report.Outcome.IsFinal())
            {
                Directory.CreateDirectory(InJob(job, "reported")); // in the way of the file
            }
        };
        await using var agent = await Connected();
        await server.Send(job);
        Assert.Equal(job.Id, (await server.NextEnd("the end")).Id);

        var next = RunningAgent.Job(server.Script("apt-update.sh", Marker + "echo done"), number: 2);
        await server.Send(next);
        Assert.Equal(next.Id, (await server.NextEnd("the next job's end")).Id);
        Assert.DoesNotContain("No connection to", agent.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Long_output_keeps_its_head_and_its_tail_and_says_what_is_missing()
    {
        await using var agent = await Connected();
        await server.Send(RunningAgent.Job(server.Script("apt-update.sh", Marker + "echo first; yes 0123456789abcde | head -c 3000000; echo last; yes warn | head -c 400000 >&2")));
        var end = await server.NextEnd("the end");
        Assert.Equal(JobOutcome.Succeeded, end.Outcome);
        Assert.StartsWith("first\n", end.StandardOutput, StringComparison.Ordinal);
        Assert.EndsWith("last\n", end.StandardOutput, StringComparison.Ordinal);
        Assert.Equal(3_000_011 - (1024 * 1024), end.StandardOutputCut);
        Assert.Contains($"\n[... {end.StandardOutputCut} bytes left out ...]\n", end.StandardOutput, StringComparison.Ordinal);
        Assert.Equal(400_021 - (256 * 1024), end.StandardErrorCut); // and no "Broken pipe" of yes: PIPE is not ignored
    }

    [Theory]
    [InlineData("printf 'a\\377\\376b\\n'", "a\uFFFD\uFFFDb\n")]
    [InlineData("printf '\\303\\244\\000\\n'", "ä\0\n")]
    public async Task Output_that_is_no_text_still_arrives(string script, string text)
    {
        await using var agent = await Connected();
        await server.Send(RunningAgent.Job(server.Script("apt-update.sh", Marker + script)));
        Assert.Equal(text, (await server.NextEnd("the end")).StandardOutput);
    }

    [Fact]
    public async Task A_megabyte_of_control_characters_passes_through_the_servers_message_limit()
    {
        await using var agent = await Connected();
        await server.Send(RunningAgent.Job(server.Script("apt-update.sh", Marker + "head -c 1048576 /dev/zero; head -c 262144 /dev/zero | tr '\\000' '\\001' >&2")));
        var end = await server.NextEnd("the end");
        Assert.Equal(JobOutcome.Succeeded, end.Outcome);
        Assert.True(end.StandardOutputCut > 0);
    }

    [Fact]
    public async Task Two_jobs_on_one_container_run_one_after_the_other()
    {
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        await using var agent = await Connected();
        var slow = RunningAgent.Job(server.Script("slow.sh", $"{Marker}echo slow begins >> {host.Directory}/ran; read line < {gate}; echo slow ends >> {host.Directory}/ran"), number: 1);
        var quick = RunningAgent.Job(server.Script("quick.sh", $"{Marker}echo quick >> {host.Directory}/ran"), number: 2);
        await server.Send(slow);
        await Eventually.Until(() => File.Exists(Path.Combine(host.Directory, "ran")), "the first job's start");
        await server.Send(quick);
        while ((await server.NextReport("the second job's acceptance")).Id != quick.Id)
        {
        }

        await File.WriteAllTextAsync(gate, "go on\n");
        Assert.Equal(slow.Id, (await server.NextEnd("the first end")).Id);
        Assert.Equal(quick.Id, (await server.NextEnd("the second end")).Id);
        Assert.Equal("slow begins\nslow ends\nquick\n", host.Read("ran"));
    }

    [Fact]
    public async Task Jobs_on_two_containers_run_side_by_side()
    {
        host.Container(101);
        var (first, second) = (Path.Combine(host.Directory, "first"), Path.Combine(host.Directory, "second"));
        Posix.MakePipe(first);
        Posix.MakePipe(second);
        await using var agent = await Connected();

        // Each waits for the other: one after the other they would never end.
        await server.Send(RunningAgent.Job(server.Script("a.sh", $"{Marker}echo go > {first}; read line < {second}"), number: 1, vmid: 100));
        await server.Send(RunningAgent.Job(server.Script("b.sh", $"{Marker}read line < {first}; echo go > {second}"), number: 2, vmid: 101));
        Assert.Equal(JobOutcome.Succeeded, (await server.NextEnd("one end")).Outcome);
        Assert.Equal(JobOutcome.Succeeded, (await server.NextEnd("the other end")).Outcome);
    }

    [Fact]
    public async Task Many_jobs_at_once_fetch_their_script_once()
    {
        await using var agent = await Connected();
        var script = server.Script("apt-update.sh", Marker);
        for (var i = 0; i < 10; i++)
        {
            host.Container(100 + i);
            await server.Send(RunningAgent.Job(script, number: 1 + i, vmid: 100 + i));
        }

        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(JobOutcome.Succeeded, (await server.NextEnd("an end")).Outcome);
        }

        Assert.Equal(1, server.ScriptRequests);
    }

    [Fact]
    public async Task A_job_that_takes_too_long_is_ended()
    {
        await using var agent = await Connected();
        await server.Send(RunningAgent.Job(server.Script("apt-update.sh", Marker + "sleep 1000"), timeoutSeconds: 1));
        var end = await server.NextEnd("the timeout");
        Assert.Equal((JobOutcome.Failed, "timed out after 1 s", 124), (end.Outcome, end.Detail, end.ExitCode));
    }

    private async Task<RunningAgent> Connected()
    {
        var agent = RunningAgent.On(host);
        var first = await Task.WhenAny(server.NextInventory(), agent.Exit);
        Assert.False(first == agent.Exit, agent.Error);
        await first;
        return agent;
    }

    private Task Tombstone(Job job) => Eventually.Until(() => File.Exists(InJob(job, "reported")) && !File.Exists(InJob(job, "exit")), "the job's tombstone");

    private string InJob(Job job, string file) => Path.Combine(host.Directory, "var/lib/nannyagent/jobs", job.Id.Value, file);

    private string Calls() => File.Exists(Path.Combine(host.Directory, "pct.calls")) ? host.Read("pct.calls") : string.Empty;
}
