using Microsoft.Extensions.Logging.Abstractions;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Jobs;

/// <summary>A VM's job to its end. The qm here runs what the guest agent would on this machine, with the jobs' directories in the lab's.</summary>
public sealed class PatchVmHandlerTests : IAsyncLifetime
{
    private const string Marker = "echo 'nanny-patch: started' >&2\n";

    // Its files: fails (what it says instead of an answer), fails.SCRIPT (only for that one), hangs (a pipe to wait for), age (the VM's word on it),
    // always (its only answer).
    private const string Qm = """
        while [ "$1" != -- ]; do shift; done
        script=$4 job=$7
        shift 7
        case $script in
          'umask 077'*runner*) kind=start; shift; set -- $root/no-systemd "$@"; echo start >>$root/starts ;;
          'umask 077'*) kind=prevent ;;
          *base64*) kind=look ;;
          *tree*) kind=signal; echo $1 >>$root/signals ;;
          'rm -rf'*) kind=remove; echo remove >>$root/removes ;;
        esac
        [ ! -e $root/hangs ] || cat $root/hangs
        for fails in $root/fails $root/fails.$kind; do [ ! -f $fails ] || { cat $fails >&2; exit 255; }; done
        sh -c "$script" nanny $root/inside "$job" "$@" >$root/out.$$
        code=$?
        printf '{"exited":1,"exitcode":%s,"out-data":"' $code
        [ ! -f $root/age ] || sed -i "s/^runs .*/runs $(cat $root/age)/" $root/out.$$
        [ ! -f $root/always ] || { cat $root/always >$root/out.$$; code=0; }
        sed 's/$/\\n/' $root/out.$$ | tr -d '\n'
        printf '"}'
        """;

    private readonly LabHost host = new();
    private readonly HttpClient http = ServerHttp.Create();
    private readonly CancellationTokenSource stopping = new();
    private ControlPlane server = null!;
    private readonly List<JobRuntime> runtimes = [];
    private AgentTokens tokens = null!;
    private ScriptCache scripts = null!;

    public async ValueTask InitializeAsync()
    {
        server = await ControlPlane.Start();
        host.Vm(201, "agent: 1\nostype: l26\n");
        host.Container(100);
        host.Command("qm", Qm);
        RunningAgent.Register(host, server);
        tokens = new(new TokenEndpoint(server.Servers(http)), host.Host, Credentials.Load(host.Host)!, TimeProvider.System, NullLogger.Instance);
        scripts = new(server.Servers(http), tokens, host.Host, new ScriptTrust(host.Host, customScripts: false));
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await Task.WhenAll(runtimes.Select(jobs => jobs.Stopped())).Within("the end of all that looks at jobs");
        await server.DisposeAsync();
        scripts.Dispose();
        tokens.Dispose();
        http.Dispose();
        stopping.Dispose();
        host.Dispose();
    }

    [Fact]
    public async Task Through_the_connection_it_runs_in_the_VM_and_its_output_comes_back_unharmed_and_nothing_is_left_there()
    {
        await using var agent = RunningAgent.On(host);
        await server.NextInventory();
        var job = Job(Marker + "echo \"args: $* \u00fc\"; head -c 600000 /dev/zero | tr '\\0' x; echo; echo last");
        await server.Send(job);
        var end = await server.NextEnd("the end");
        Assert.Equal((JobOutcome.Succeeded, null, 0), (end.Outcome, end.Detail, end.ExitCode));
        Assert.Equal($"args: --dry-run --exclude nginx \u00fc\n{new string('x', 600000)}\nlast\n", end.StandardOutput);
        Assert.Equal("nanny-patch: started\n", end.StandardError);
        await CleanedUp(job);
    }

    [Theory]
    [InlineData("exit 3", "exit code 3", 3)]
    [InlineData("echo 'E: broken' >&2; exit 100", "exit code 100: E: broken", 100)]
    public async Task A_script_that_fails_fails_with_its_last_words(string script, string detail, int code)
    {
        var jobs = Runtime();
        jobs.Receive(Job(Marker + script));
        var end = await End(jobs);
        Assert.Equal((JobOutcome.Failed, detail, code), (end.Outcome, end.Detail, end.ExitCode));
    }

    [Theory]
    [InlineData("template: 1\n", "", "VM is a template")]
    [InlineData("ostype: win11\n", "", "VM runs Windows (ostype win11), which is not patched from outside")]
    [InlineData("lock: backup\n", "", "VM is locked (backup)")]
    [InlineData("ostype: l26\n", "VM 201 is not running", "the VM is not running")]
    [InlineData("ostype: l26\n", "QEMU guest agent is not running", "the QEMU guest agent is not running in the VM; install and start qemu-guest-agent there")]
    public async Task A_VM_that_cannot_be_patched_is_not(string conf, string error, string detail)
    {
        host.Vm(201, conf);
        if (error.Length > 0)
        {
            host.Write("fails", error);
        }

        var jobs = Runtime();
        jobs.Receive(Job(Marker));
        var end = await End(jobs);
        Assert.Equal((JobOutcome.Failed, detail), (end.Outcome, end.Detail));
        Assert.Null(end.StartedAt);
        Assert.False(Has("starts"));
    }

    [Fact]
    public async Task A_container_is_no_VM()
    {
        var jobs = Runtime();
        jobs.Receive(Job(Marker) with { Vmid = new(100) });
        Assert.Equal("VM 100 is not on this node", (await End(jobs)).Detail);
    }

    [Fact]
    public async Task An_agent_that_is_restarted_finds_the_run_again_and_does_not_start_another()
    {
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        await Interrupted(Job(Marker + $"echo once >>{host.Directory}/runs; touch {host.Directory}/up; cat {gate}"));
        await File.WriteAllTextAsync(gate, "through\n", TestContext.Current.CancellationToken);
        var end = await End(Runtime());
        Assert.Equal((JobOutcome.Succeeded, "through\n"), (end.Outcome, end.StandardOutput));
        Assert.Equal(("once\n", "start\n"), (host.Read("runs"), host.Read("starts")));
    }

    [Fact]
    public async Task A_job_whose_start_never_reached_the_VM_is_prevented_and_says_why()
    {
        host.Write("fails.start", "VM 201 qga command 'guest-exec' failed - got timeout");
        var jobs = Runtime();
        jobs.Receive(Job(Marker));
        var end = await End(jobs);
        Assert.Equal(
            (JobOutcome.Failed, "could not be started in the VM: the QEMU guest agent in the VM does not answer; after a boot it may take 100 s"), (end.Outcome, end.Detail));
        Assert.True(File.Exists(Inside(end.Id.Value, "prevented")));
    }

    [Fact]
    public async Task A_cancelled_one_is_asked_to_end_in_the_VM()
    {
        var jobs = Runtime();
        var job = Job(Marker + $"trap 'echo told to stop >&2; exit 143' TERM; touch {host.Directory}/up; while :; do sleep 0.1; done");
        jobs.Receive(job);
        await Up();
        jobs.Cancel(job.Id);
        var end = await End(jobs);
        Assert.Equal((JobOutcome.Cancelled, "cancelled while it ran; it ended as asked", 143), (end.Outcome, end.Detail, end.ExitCode));
        Assert.Contains("told to stop", end.StandardError, StringComparison.Ordinal);
        await CleanedUp(job);
    }

    [Theory]
    [InlineData(true, JobOutcome.Cancelled, "cancelled while it ran; it did not end when asked and was killed")]
    [InlineData(false, JobOutcome.Failed, "timed out after 600 s; it did not end when asked and was killed")] // overdue: the timeout inside did not end it
    public async Task One_that_does_not_stop_is_killed_with_what_has_a_session_of_its_own(bool cancelled, JobOutcome outcome, string detail)
    {
        var jobs = Runtime(TimeSpan.FromSeconds(1));
        var job = Job(Marker + $"trap '' TERM; setsid sh -c 'echo $$ >{host.Directory}/own; while :; do sleep 0.1; done' & touch {host.Directory}/up; while :; do sleep 0.1; done");
        jobs.Receive(job);
        await Up();
        await Eventually.Until(() => Has("own") && host.Read("own").EndsWith('\n'), "the child");
        if (cancelled)
        {
            jobs.Cancel(job.Id);
        }
        else
        {
            host.Write("age", "661"); // a minute after its time
        }

        var end = await End(jobs);
        Assert.Equal((outcome, detail), (end.Outcome, end.Detail));
        Assert.StartsWith("TERM\n", host.Read("signals"), StringComparison.Ordinal);
        Assert.EndsWith("KILL\n", host.Read("signals"), StringComparison.Ordinal);
        var child = int.Parse(host.Read("own"), System.Globalization.CultureInfo.InvariantCulture);
        await Eventually.Until(() => !File.Exists($"/proc/{child}/stat") || File.ReadAllText($"/proc/{child}/stat").Contains(") Z", StringComparison.Ordinal), "the child's end");
    }

    [Fact]
    public async Task One_that_takes_too_long_is_ended_in_the_VM_itself()
    {
        var jobs = Runtime();
        jobs.Receive(Job(Marker + "sleep 1000") with { TimeoutSeconds = 1 });
        var end = await End(jobs);
        Assert.Equal((JobOutcome.Failed, "timed out after 1 s", 124), (end.Outcome, end.Detail, end.ExitCode));
        Assert.False(Has("signals"));
    }

    [Fact]
    public async Task A_cancel_does_not_wait_for_a_VM_that_does_not_answer_and_nothing_is_started()
    {
        Posix.MakePipe(Path.Combine(host.Directory, "hangs"));
        var jobs = Runtime();
        var job = Job(Marker);
        jobs.Receive(job);
        await Eventually.Until(() => server.ScriptRequests > 0, "the job's begin");
        jobs.Cancel(job.Id);
        var end = await End(jobs);
        Assert.Equal((JobOutcome.Cancelled, "cancelled before it was started"), (end.Outcome, end.Detail));
        Assert.False(Has("starts"));
    }

    [Fact]
    public async Task A_cancelled_one_in_a_VM_that_does_not_answer_any_more_has_an_end_that_nobody_knows()
    {
        var jobs = Runtime(TimeSpan.FromSeconds(1));
        var job = Job(Marker + $"touch {host.Directory}/up; until [ -e {host.Directory}/go ]; do sleep 0.1; done");
        jobs.Receive(job);
        await Up();
        host.Write("fails", "VM 201 is not running");
        jobs.Cancel(job.Id);
        var end = await End(jobs);
        host.Write("go", "");
        Assert.Equal((JobOutcome.Interrupted, "the job was started in the VM, its end is unknown: the VM is not running", null), (end.Outcome, end.Detail, end.ExitCode));
    }

    [Fact]
    public async Task A_VM_that_was_rolled_back_under_a_run_leaves_an_end_that_nobody_knows()
    {
        var jobs = Runtime();
        var job = Job(Marker + $"touch {host.Directory}/up; until [ -e {host.Directory}/go ]; do sleep 0.1; done");
        jobs.Receive(job);
        await Up();
        await Heard(job);
        Directory.Move(Path.Combine(host.Directory, "inside"), Path.Combine(host.Directory, "before"));
        var end = await End(jobs);
        host.Write("go", "");
        Assert.Equal((JobOutcome.Interrupted, "the job was started in the VM, its end is unknown"), (end.Outcome, end.Detail));
    }

    [Fact]
    public async Task A_VM_that_was_restarted_under_a_run_leaves_an_end_that_nobody_knows()
    {
        var jobs = Runtime();
        var job = Job(Marker + $"touch {host.Directory}/up; until [ -e {host.Directory}/go ]; do sleep 0.1; done");
        jobs.Receive(job);
        await Up();
        await File.WriteAllTextAsync(Inside(job.Id.Value, "boot"), "another\n", TestContext.Current.CancellationToken);
        var end = await End(jobs);
        host.Write("go", "");
        Assert.Equal((JobOutcome.Interrupted, "the job was started in the VM, its end is unknown"), (end.Outcome, end.Detail));
    }

    [Theory]
    [InlineData("fails", "VM 201 is not running", "the job was started in the VM, its end is unknown: the VM is not running")]
    [InlineData("fails", "VM 201 qga command 'guest-exec' failed - got timeout", "the job was started in the VM, its end is unknown: the QEMU guest agent in the VM does not answer; after a boot it may take 100 s")]
    [InlineData("always", "runs 5\n0 0\n", "timed out after 600 s, and it does not end, not even killed")] // whatever time has passed
    [InlineData("always", "none\n0 0\n", "the job was started in the VM, its end is unknown")]
    [InlineData("always", "ended 0\n9999999999999999 0\n", "the job was started in the VM, its end is unknown: the VM's answer cannot be read")]
    [InlineData("always", "ended 0\n5000000 0\n", "the job was started in the VM, its end is unknown: the VM's answer cannot be read")] // and nothing of it
    public async Task Whatever_a_VM_says_its_job_ends(string file, string text, string detail)
    {
        var clock = new HurriedClock { Hurried = false };
        var jobs = Runtime(TimeSpan.FromSeconds(1), clock: clock);
        var job = Job(Marker + $"touch {host.Directory}/up; until [ -e {host.Directory}/go ]; do sleep 0.1; done");
        jobs.Receive(job);
        await Up();
        await Heard(job);
        host.Write(file, text);
        clock.Hurried = true;
        var end = await End(jobs);
        host.Write("go", "");
        Assert.Equal((JobOutcome.Interrupted, detail), (end.Outcome, end.Detail));
    }

    [Fact]
    public async Task What_could_not_be_removed_from_the_VM_is_later()
    {
        host.Write("fails.remove", "QEMU guest agent is not running");
        var clock = new HurriedClock { Hurried = false };
        clock.OnWait = () =>
        {
            if (Has("removes"))
            {
                File.Delete(Path.Combine(host.Directory, "fails.remove"));
                clock.Hurried = true;
            }
        };
        var jobs = Runtime(clock: clock);
        var job = Job(Marker);
        jobs.Receive(job);
        Assert.Equal(JobOutcome.Succeeded, (await End(jobs)).Outcome);
        await CleanedUp(job);
        Assert.Equal("remove\nremove\n", host.Read("removes"));
    }

    [Fact]
    public async Task Of_a_flood_the_beginning_and_the_end_are_fetched()
    {
        var jobs = Runtime();
        jobs.Receive(Job(Marker + "echo first; head -c 9000000 /dev/zero | tr '\\0' x; echo; echo last"));
        var end = await End(jobs);
        Assert.Equal((JobOutcome.Succeeded, null), (end.Outcome, end.Detail));
        Assert.True(end.StandardOutputCut > 7_000_000, $"{end.StandardOutputCut}");
        Assert.StartsWith("first\nxxx", end.StandardOutput, StringComparison.Ordinal);
        Assert.EndsWith("xxx\nlast\n", end.StandardOutput, StringComparison.Ordinal);
        Assert.DoesNotContain('\0', end.StandardOutput!);
    }

    [Fact]
    public async Task What_could_not_be_removed_from_the_VM_is_by_the_next_agent_even_when_the_server_has_the_end()
    {
        host.Write("fails.remove", "QEMU guest agent is not running");
        var job = Job(Marker);
        using (var ending = new CancellationTokenSource())
        {
            var first = Runtime(until: ending.Token);
            first.Receive(job);
            first.Acknowledge(await End(first));
            await ending.CancelAsync();
            await first.Stopped();
        }

        Assert.True(Directory.Exists(Inside(job.Id.Value)));
        Assert.Equal(JobOutcome.AlreadyReported, Journal().Find(job.Id)!.Outcome);
        File.Delete(Path.Combine(host.Directory, "fails.remove"));
        Runtime();
        await CleanedUp(job);
        Assert.Equal("start\n", host.Read("starts"));
    }

    private PatchVm Job(string script)
    {
        var like = RunningAgent.Job(server.Script("apt-update.sh", script));
        return new(like.Id, 600, new(201), PatchMode.DryRun, ["nginx"], like.Script);
    }

    private async Task Interrupted(PatchVm job)
    {
        using var ending = new CancellationTokenSource();
        var first = Runtime(until: ending.Token);
        first.Receive(job);
        await Up();
        await ending.CancelAsync();
        await first.Stopped();
    }

    private Task Up() => Eventually.Until(() => Has("up"), "the script's start");

    private Task Heard(PatchVm job) => Eventually.Until(
        () => Journal().Find(job.Id) is { } entry && File.Exists(entry.Run.StandardError) && new FileInfo(entry.Run.StandardError).Length > 0, "the first output");

    private Task CleanedUp(PatchVm job) => Eventually.Until(() => !Directory.Exists(Inside(job.Id.Value)) && Journal().Find(job.Id) is { IsInVm: false }, "the removal of its files");

    private bool Has(string file) => File.Exists(Path.Combine(host.Directory, file));

    private string Inside(params string[] path) => Path.Combine([host.Directory, "inside", .. path]);

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

    private JobJournal Journal() => new(host.Host, TimeProvider.System);

    private JobRuntime Runtime(TimeSpan? grace = null, CancellationToken? until = null, TimeProvider? clock = null)
    {
        var patches = new PatchHandler(host.Host, Credentials.Load(host.Host)!.Node, new(Eventually.Limit), scripts, TimeProvider.System, NullLogger.Instance) { Grace = grace ?? TimeSpan.FromSeconds(60) };
        var jobs = new JobRuntime(Journal(), patches, TimeProvider.System, NullLogger.Instance)
        {
            Vms = new PatchVmHandler(host.Host, patches, clock ?? TimeProvider.System, NullLogger.Instance) { FirstPoll = TimeSpan.FromMilliseconds(50) },
        };
        runtimes.Add(jobs);
        jobs.Resume(until ?? stopping.Token);
        return jobs;
    }
}
