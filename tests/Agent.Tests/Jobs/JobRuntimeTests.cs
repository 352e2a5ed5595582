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
        tokens = new(new TokenEndpoint(http, server.Url), host.Host, Credentials.Load(host.Host)!, TimeProvider.System, NullLogger.Instance);
        scripts = new(http, server.Url, tokens, host.Host);
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

    private JobJournal Journal() => new(host.Host, TimeProvider.System);

    private JobRuntime Runtime(TimeProvider? clock = null)
    {
        var handler = new PatchGuestHandler(host.Host, Credentials.Load(host.Host)!.Node, new(Eventually.Limit), scripts, clock ?? TimeProvider.System, NullLogger.Instance);
        return new(Journal(), handler, clock ?? TimeProvider.System, NullLogger.Instance);
    }

    private static async Task<JobOutcome> Next(JobRuntime jobs) => (await jobs.Due.ReadAsync().AsTask().Within("something to report")).Outcome;
}
