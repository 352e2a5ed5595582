using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Jobs;

/// <summary>Jobs that are cancelled, that wait, and that run alone, with real processes.</summary>
public sealed class CancelTests : IAsyncLifetime
{
    private const string Marker = "echo 'nanny-patch: started' >&2\n";
    private readonly LabHost host = new();
    private readonly HttpClient http = ServerHttp.Create();
    private readonly CancellationTokenSource stopping = new();
    private ControlPlane server = null!;
    private AgentTokens tokens = null!;
    private ScriptCache scripts = null!;

    public async ValueTask InitializeAsync()
    {
        server = await ControlPlane.Start();
        host.Container(100);
        host.RealPct();
        RunningAgent.Register(host, server);
        tokens = new(new TokenEndpoint(server.Servers(http)), host.Host, Credentials.Load(host.Host)!, TimeProvider.System, NullLogger.Instance);
        scripts = new(server.Servers(http), tokens, host.Host, new ScriptTrust(host.Host, customScripts: false));
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await server.DisposeAsync();
        scripts.Dispose();
        tokens.Dispose();
        http.Dispose();
        stopping.Dispose();
        host.Dispose();
    }

    [Fact]
    public async Task A_running_job_is_told_to_stop_and_may_end_what_it_has_begun()
    {
        var jobs = Runtime(TimeSpan.FromMinutes(10));
        var job = Running(jobs, "trap 'echo told to stop >&2; exit 143' TERM; echo up > $0.up; while :; do sleep 0.1; done");
        await Started(jobs);
        jobs.Cancel(job.Id);
        jobs.Cancel(job.Id); // twice is harmless
        var end = await End(jobs);
        Assert.Equal((JobOutcome.Cancelled, 143), (end.Outcome, end.ExitCode));
        Assert.Contains("told to stop", end.StandardError, StringComparison.Ordinal);
        Assert.Equal("cancelled while it ran; it ended as asked", end.Detail);
    }

    [Theory] // BusyBox' timeout is no parent of what it runs; another timeout further down must not be taken for it
    [InlineData("exec env")] // a machine
    [InlineData("unshare --pid --fork env")] // a container, below processes of whatever name
    public async Task In_BusyBox_a_running_job_is_told_to_stop_too(string attach)
    {
        Assert.SkipUnless(attach is "exec env" || Environment.IsPrivilegedProcess, "A process namespace needs root.");
        var busybox = new[] { "/usr/bin/busybox", "/bin/busybox" }.FirstOrDefault(File.Exists);
        if (busybox is null)
        {
            Assert.SkipWhen(Environment.GetEnvironmentVariable("CI") is null or "", "The Debian package busybox is not installed.");
            Assert.Fail("The Debian package busybox is not installed.");
        }

        Directory.CreateDirectory(Path.Combine(host.Directory, "busybox"));
        foreach (var name in (string[])["sh", "timeout"])
        {
            File.CreateSymbolicLink(Path.Combine(host.Directory, "busybox", name), busybox);
        }

        host.Command("pct", $"shift 6; {attach} -i \"PATH=$root/busybox:/usr/bin:/bin\" \"$@\"");
        var jobs = Runtime(TimeSpan.FromMinutes(10));
        var job = Running(jobs, $"trap 'echo told to stop >&2; exit 143' TERM; /usr/bin/timeout 600 sleep 600 & echo up > up; while :; do sleep 0.1; done");
        await Started(jobs);
        Assert.Contains(
            Directory.EnumerateDirectories("/proc").Where(process => new FileInfo($"{process}/exe").LinkTarget == busybox),
            process => File.ReadAllText($"{process}/environ").Contains($"PATH={host.Directory}/busybox:", StringComparison.Ordinal));
        jobs.Cancel(job.Id);
        var end = await End(jobs);
        Assert.Equal((JobOutcome.Cancelled, 143, "cancelled while it ran; it ended as asked"), (end.Outcome, end.ExitCode, end.Detail));
        Assert.Contains("told to stop", end.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_does_not_stop_is_killed_with_all_that_it_started_but_not_what_has_left_it()
    {
        var jobs = Runtime(TimeSpan.FromSeconds(1));
        var job = Running(jobs, $"trap '' TERM; (setsid sleep 1000 & echo $! > {host.Directory}/left) ; setsid sh -c 'echo $$ > {host.Directory}/own; sleep 1000; :' & echo up > up; while :; do sleep 0.1; done");
        await Started(jobs);
        var (left, own) = (Process("left"), Process("own"));
        jobs.Cancel(job.Id);
        var end = await End(jobs);
        Assert.Equal(JobOutcome.Cancelled, end.Outcome);
        Assert.Equal("cancelled while it ran; it did not end when asked and was killed", end.Detail);
        await Eventually.Until(() => !Alive(own), "the end of the child with a session of its own");
        Assert.True(Alive(left), "A process that left the tree was killed.");
        using var process = System.Diagnostics.Process.GetProcessById(left);
        process.Kill();
    }

    [Fact]
    public async Task An_accepted_job_is_cancelled_at_once_and_lets_nobody_overtake()
    {
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        var script = server.Script("apt-update.sh", $"{Marker}echo run >> {host.Directory}/ran; touch {host.Directory}/up; read line < {gate}");
        var (first, second, third) = (RunningAgent.Job(script, number: 1), RunningAgent.Job(script, number: 2), RunningAgent.Job(script, number: 3));
        jobs.Receive(first);
        await Started(jobs);
        jobs.Receive(second);
        jobs.Receive(third);
        jobs.Cancel(second.Id);
        var end = await End(jobs);
        Assert.Equal((second.Id, JobOutcome.Cancelled, "cancelled before it was started"), (end.Id, end.Outcome, end.Detail));
        Assert.Null(end.StartedAt);
        Assert.Equal("run\n", host.Read("ran"));
        jobs.Cancel(third.Id);
        Assert.Equal(third.Id, (await End(jobs)).Id);
        await File.WriteAllTextAsync(gate, "go on\n");
        Assert.Equal((first.Id, JobOutcome.Succeeded), (await End(jobs)) is var last ? (last.Id, last.Outcome) : default);
        jobs.Cancel(first.Id); // after the end it changes nothing
        Assert.Equal(JobOutcome.Succeeded, Journal().Find(first.Id)!.Outcome);
        jobs.Cancel(JobId.Parse("01JDMT2Q4N0000000000000099")); // nobody knows it
        Assert.Equal("run\n", host.Read("ran"));
    }

    [Fact]
    public async Task A_cancellation_outlives_the_agent()
    {
        var job = RunningAgent.Job(server.Script("apt-update.sh", Marker));
        Journal().Add(job).Cancel();
        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        Assert.Equal(JobOutcome.Cancelled, (await End(jobs)).Outcome);
        Assert.False(File.Exists(Path.Combine(host.Directory, "pct.calls")) && host.Read("pct.calls").Contains("sh -s", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_cancellation_comes_through_the_connection()
    {
        await using var agent = RunningAgent.On(host);
        await server.NextInventory();
        var job = RunningAgent.Job(server.Script("apt-update.sh", $"trap 'exit 143' TERM; {Marker}touch {host.Directory}/up; while :; do sleep 0.1; done"));
        await server.Send(job);
        await Eventually.Until(() => File.Exists(Path.Combine(host.Directory, "up")), "the script's start");
        var piece = await server.Outputs.Reader.ReadAsync().AsTask().Within("live output");
        Assert.Equal(new JobOutput(job.Id, OutputChannel.StandardError, 0, 21, "nanny-patch: started\n"), piece);
        await server.Cancel(job);
        Assert.Equal(JobOutcome.Cancelled, (await server.NextEnd("the end")).Outcome);
    }

    [Fact]
    public async Task A_locked_container_is_waited_for_and_the_reason_is_said()
    {
        host.Container(100, "lock: backup\n");
        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        var job = RunningAgent.Job(server.Script("apt-update.sh", Marker)) with { WaitSeconds = 600 };
        jobs.Receive(job);
        JobReport? report = null;
        while (report?.Detail is null)
        {
            report = jobs.Report(await jobs.Due.ReadAsync().AsTask().Within("the reason"));
        }

        Assert.Equal((JobOutcome.Accepted, "waiting: container is locked (backup)"), (report.Outcome, report.Detail));
        host.Container(100);
        Assert.Equal(JobOutcome.Succeeded, (await End(jobs)).Outcome);
    }

    [Fact]
    public async Task A_job_on_the_machine_itself_runs_alone()
    {
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        host.Container(101);
        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        var slow = server.Script("slow.sh", $"{Marker}touch {host.Directory}/up; read line < {gate}; echo guest >> {host.Directory}/ran");
        var first = RunningAgent.Job(slow, number: 1);
        var alone = new PatchHost(RunningAgent.Job(slow, number: 2).Id, 600, PatchMode.Apply, [], server.Script("host.sh", $"{Marker}echo \"host $*\" >> {host.Directory}/ran"));
        var after = RunningAgent.Job(server.Script("after.sh", $"{Marker}echo after >> {host.Directory}/ran"), number: 3, vmid: 101);
        jobs.Receive(first);
        await Started(jobs);
        jobs.Receive(alone);
        jobs.Receive(after);
        await File.WriteAllTextAsync(gate, "go on\n");
        foreach (var id in new[] { first.Id, alone.Id, after.Id })
        {
            var end = await End(jobs);
            Assert.Equal((id, JobOutcome.Succeeded, null), (end.Id, end.Outcome, end.Detail));
        }

        Assert.Equal("guest\nhost --host\nafter\n", host.Read("ran"));
    }

    [Fact]
    public async Task A_stopped_container_is_started_for_its_patch_and_stopped_again_even_by_the_next_agent()
    {
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        Stoppable();
        var first = Runtime();
        using (var ending = new CancellationTokenSource())
        {
            first.Resume(ending.Token);
            first.Receive(RunningAgent.Job(server.Script("apt-update.sh", $"{Marker}touch {host.Directory}/up; read line < {gate}")) with { StartStopped = true });
            await Started(first);
            await ending.CancelAsync();
            await first.Stopped();
        }

        await File.WriteAllTextAsync(gate, "go on\n");
        Assert.Equal("start\n", host.Read("life"));
        var second = Runtime();
        second.Resume(stopping.Token);
        Assert.Equal(JobOutcome.Succeeded, (await End(second)).Outcome);
        Assert.Equal("start\nshutdown\n", host.Read("life"));
    }

    [Fact]
    public async Task That_a_container_could_not_be_stopped_again_is_part_of_the_result()
    {
        Stoppable(stops: false);
        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        jobs.Receive(RunningAgent.Job(server.Script("apt-update.sh", Marker)) with { StartStopped = true });
        var end = await End(jobs);
        Assert.Equal(JobOutcome.Succeeded, end.Outcome);
        Assert.StartsWith("the container was stopped before and could not be stopped again: ", end.Warning, StringComparison.Ordinal);
        Assert.Contains("CT is busy", end.Warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_container_that_an_ended_agent_had_started_is_stopped_again_though_the_job_is_cancelled_before_its_turn()
    {
        Stoppable();
        var entry = Journal().Add(RunningAgent.Job(server.Script("apt-update.sh", Marker)) with { StartStopped = true });
        entry.NoteStopped(); // and then started by an agent that ended before the script began
        entry.Cancel();
        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        var end = await End(jobs);
        Assert.Equal((JobOutcome.Cancelled, null), (end.Outcome, end.StartedAt));
        Assert.Equal("shutdown\n", host.Read("life"));
    }

    [Fact]
    public async Task Whether_HA_manages_a_container_is_not_waited_for_when_pmxcfs_hangs()
    {
        Stoppable();
        Directory.CreateDirectory(Path.Combine(host.Directory, "etc/pve/ha"));
        Posix.MakePipe(Path.Combine(host.Directory, "etc/pve/ha/resources.cfg")); // nobody writes into it
        var jobs = Runtime(readLimit: TimeSpan.FromSeconds(3));
        jobs.Resume(stopping.Token);
        jobs.Receive(RunningAgent.Job(server.Script("apt-update.sh", Marker)) with { StartStopped = true });
        var end = await End(jobs);
        Assert.Equal(JobOutcome.Failed, end.Outcome);
        Assert.Contains("did not answer within", end.Detail, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(host.Directory, "life")));
    }

    [Fact]
    public async Task Without_being_asked_to_a_stopped_container_is_left_alone_and_HA_starts_its_own()
    {
        Stoppable();
        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        var job = RunningAgent.Job(server.Script("apt-update.sh", Marker), number: 1);
        jobs.Receive(job);
        Assert.Equal((JobOutcome.Failed, "container not running"), (await End(jobs)) is var left ? (left.Outcome, left.Detail) : default);

        host.Write("etc/pve/ha/resources.cfg", "ct: 100\n\tstate stopped\n");
        jobs.Receive(RunningAgent.Job(server.Script("apt-update.sh", Marker), number: 2) with { StartStopped = true });
        var managed = await End(jobs);
        Assert.Equal((JobOutcome.Failed, "the container is stopped and managed by HA, which decides when it runs; start it through HA first"), (managed.Outcome, managed.Detail));
        Assert.False(File.Exists(Path.Combine(host.Directory, "life")));
    }

    [Fact]
    public async Task A_kind_that_nobody_carries_out_fails_with_its_name()
    {
        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        jobs.Receive(new RebootHost(JobId.Parse("01JDMT2Q4N0000000000000001"), 60));
        var end = await End(jobs);
        Assert.Equal((JobOutcome.Failed, "this agent cannot carry out a job of the kind RebootHost"), (end.Outcome, end.Detail));
    }

    private PatchGuest Running(JobRuntime jobs, string script)
    {
        jobs.Resume(stopping.Token);
        var job = RunningAgent.Job(server.Script("apt-update.sh", Marker + script.Replace("echo up > $0.up", $"touch {host.Directory}/up", StringComparison.Ordinal).Replace("echo up > up", $"touch {host.Directory}/up", StringComparison.Ordinal)));
        jobs.Receive(job);
        return job;
    }

    // A container that is stopped until pct starts it: its command socket says which.
    private void Stoppable(bool stops = true)
    {
        host.Write("proc/net/unix", "Num       RefCount Protocol Flags    Type St Inode Path\n");
        host.Command("pct", $$"""
            case $1 in
              shutdown) {{(stops ? ":" : "echo 'CT is busy' >&2; exit 1")}} ;;
            esac
            case $1 in
              start) echo start >> $root/life; printf '%s\n' 'Num       RefCount Protocol Flags    Type St Inode Path' "0000000000000000: 00000002 00000000 00010000 0001 01 1001 @$root/var/lib/lxc/100/command" > $root/proc/net/unix ;;
              shutdown) echo shutdown >> $root/life; printf '%s\n' 'Num       RefCount Protocol Flags    Type St Inode Path' > $root/proc/net/unix ;;
              exec) grep -q '/100/command' $root/proc/net/unix || { echo "container '100' not running!" >&2; exit 255; }
                    shift 3; exec "$@" ;;
            esac
            """);
    }

    private async Task Started(JobRuntime jobs)
    {
        while ((await jobs.Due.ReadAsync().AsTask().Within("the start")).Outcome is not JobOutcome.Running)
        {
        }

        await Eventually.Until(() => File.Exists(Path.Combine(host.Directory, "up")), "the script's start");
    }

    private static async Task<JobReport> End(JobRuntime jobs)
    {
        while (true)
        {
            if (await jobs.Due.ReadAsync().AsTask().Within("the end") is { Outcome: var outcome } due && outcome.IsFinal())
            {
                return jobs.Report(due)!;
            }
        }
    }

    private int Process(string file)
    {
        var pid = 0;
        Eventually.Until(() => File.Exists(Path.Combine(host.Directory, file)) && int.TryParse(host.Read(file), CultureInfo.InvariantCulture, out pid), file).GetAwaiter().GetResult();
        return pid;
    }

    private static bool Alive(int pid) =>
        File.Exists($"/proc/{pid}/stat") && !File.ReadAllText($"/proc/{pid}/stat").Contains(") Z", StringComparison.Ordinal);

    private JobJournal Journal() => new(host.Host, TimeProvider.System);

    private JobRuntime Runtime(TimeSpan? grace = null, TimeSpan? readLimit = null)
    {
        var handler = new PatchHandler(host.Host, Credentials.Load(host.Host)!.Node, new(readLimit ?? Eventually.Limit), scripts, TimeProvider.System, NullLogger.Instance) { Grace = grace ?? TimeSpan.FromSeconds(60) };
        return new(Journal(), handler, TimeProvider.System, NullLogger.Instance);
    }
}
