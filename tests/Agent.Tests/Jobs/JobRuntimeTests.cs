using Microsoft.Extensions.Logging.Abstractions;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Jobs;

/// <summary>The jobs of a host without a connection: what is due to be said is the test's to read.</summary>
public sealed class JobRuntimeTests : IAsyncLifetime
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
    public async Task A_job_that_reached_the_journal_and_nobody_runs_is_run_when_it_comes_again()
    {
        var job = RunningAgent.Job(server.Script("apt-update.sh", Marker));
        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        Journal().Add(job); // as when the directory could not be synced after the file had its name

        jobs.Receive(job);
        Assert.Equal(JobOutcome.Accepted, await Next(jobs));
        Assert.Equal(JobOutcome.Running, await Next(jobs));
        Assert.Equal(JobOutcome.Succeeded, await Next(jobs));
        await jobs.Stopped();
    }

    [Theory]
    [InlineData("job.json", "")] // cut by a full disk
    [InlineData("job.json", "null")]
    [InlineData("job.json", "{}")]
    [InlineData("job.json", """{"job":{"kind":"of-a-newer-agent","id":"01JDMT2Q4N0000000000000001","timeout_seconds":1},"received_at":"2026-01-05T12:00:00Z"}""")]
    [InlineData("started", "{")]
    [InlineData("end.json", "{")]
    public async Task A_job_whose_journal_cannot_be_read_is_interrupted_and_holds_up_no_other(string file, string content)
    {
        var script = server.Script("apt-update.sh", Marker);
        var (damaged, other) = (RunningAgent.Job(script, number: 1), RunningAgent.Job(script, number: 2));
        Journal().Add(damaged);
        Journal().Add(other);
        host.Write($"var/lib/nannyagent/jobs/{damaged.Id.Value}/{file}", content);

        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        Assert.Equal(JobOutcome.Running, await Next(jobs));
        Assert.Equal(JobOutcome.Succeeded, await Next(jobs));
        Assert.Equal([(damaged.Id, JobOutcome.Interrupted), (other.Id, JobOutcome.Succeeded)], jobs.Unacknowledged().Select(due => (due.Job, due.Outcome)));

        var report = jobs.Report(jobs.Unacknowledged()[0])!;
        Assert.Equal((JobOutcome.Interrupted, "its journal cannot be read"), (report.Outcome, report.Detail));
        jobs.Acknowledge(report);
        Assert.Equal([other.Id], jobs.Unacknowledged().Select(due => due.Job));
        jobs.Receive(damaged);
        Assert.Equal(JobOutcome.AlreadyReported, await Next(jobs));
        Assert.Equal(1, host.Read("pct.calls").Split('\n').Count(call => call.StartsWith("exec", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_damaged_word_that_the_server_has_the_end_still_counts()
    {
        var job = RunningAgent.Job(server.Script("apt-update.sh", Marker));
        Journal().Add(job).Finish(JobOutcome.Failed, "refused");
        host.Write($"var/lib/nannyagent/jobs/{job.Id.Value}/reported", string.Empty);
        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        Assert.Empty(jobs.Unacknowledged());
        Journal().Prune();
        Assert.NotNull(Journal().Find(job.Id));
    }

    [Fact]
    public async Task A_clock_that_is_set_ends_no_running_job()
    {
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        var clock = new SetClock();
        var jobs = Runtime(clock);
        jobs.Resume(stopping.Token);
        jobs.Receive(RunningAgent.Job(server.Script("apt-update.sh", $"{Marker}read line < {gate}")));
        Assert.Equal((JobOutcome.Accepted, JobOutcome.Running), (await Next(jobs), await Next(jobs)));

        clock.Offset = TimeSpan.FromDays(1);
        var seen = clock.Waits;
        await Eventually.Until(() => clock.Waits > seen + 2, "the watcher's next looks");
        await File.WriteAllTextAsync(gate, "go on\n");
        Assert.Equal(JobOutcome.Succeeded, await Next(jobs));
    }

    private sealed class SetClock : TimeProvider
    {
        public TimeSpan Offset { get; set; }

        public int Waits { get; private set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Offset;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Waits++;
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }

    private JobJournal Journal() => new(host.Host, TimeProvider.System);

    private JobRuntime Runtime(TimeProvider? clock = null)
    {
        var handler = new PatchHandler(host.Host, Credentials.Load(host.Host)!.Node, new(Eventually.Limit), scripts, clock ?? TimeProvider.System, NullLogger.Instance);
        return new(Journal(), handler, clock ?? TimeProvider.System, NullLogger.Instance);
    }

    private static async Task<JobOutcome> Next(JobRuntime jobs) => (await jobs.Due.ReadAsync().AsTask().Within("something to report")).Outcome;
}
