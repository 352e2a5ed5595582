using Microsoft.Extensions.Logging.Abstractions;
using NannyOrleans.Agent.Configuration;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Inventories;
using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Metrics;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Connection;

/// <summary>The running agent's connection, against a real hub.</summary>
public sealed class HubSessionTests : IAsyncLifetime
{
    private readonly LabHost host = new();
    private ControlPlane server = null!;

    public async ValueTask InitializeAsync()
    {
        server = await ControlPlane.Start();
        RunningAgent.Register(host, server);
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        host.Dispose();
    }

    [Fact]
    public async Task It_says_what_the_host_is()
    {
        host.WriteFacts();
        host.Container(100, Fixture.Read("lxc.everything.conf"));
        host.Runs(100);
        host.Write("etc/pve/ha/manager_status", """{"master_node":"pve1","node_status":{"pve1":"online"},"timestamp":1767700000}""");
        await using var agent = RunningAgent.On(host);
        var inventory = await server.NextInventory();
        Assert.Equal("online", inventory.Cluster!.Ha!.Nodes["pve1"]);
        Assert.Equal(("pve1", "pve-manager/9.2.11/0000000000000000", "5f0cbd1e-9d07-4f6c-8b6d-111111111111"), (inventory.Hostname, inventory.PveVersion, inventory.BootId));
        Assert.Equal("pve1", inventory.Cluster!.Name);
        var guest = Assert.Single(inventory.Guests!);
        Assert.Equal((GuestStatus.Running, "web-01", "snapshot-delete"), (guest.Status, guest.Name, guest.Lock));
        Assert.Equal("debian", guest.Os?.Id);
        Assert.Empty(inventory.Problems);
        Assert.NotNull(inventory.Fingerprint);
        Assert.Equal(0, await agent.Stop());
    }

    [Fact]
    public async Task A_server_that_cannot_build_on_a_report_gets_a_whole_one_at_once()
    {
        host.WriteFacts();
        host.Container(100);
        host.Write("etc/nannyagent/config.yml", $"api_url: {server.Url}\nguest_discovery_interval: 10\n");
        server.OnInventory = report => new(NeedsWhole: report.Since is not null);
        await using var agent = RunningAgent.On(host);
        var first = await server.NextInventory();
        var built = await server.NextInventory();
        Assert.Equal((first.Fingerprint, 0, 0), (built.Since, built.Guests!.Count, built.Gone!.Count));
        Assert.Null(built.Cluster!.GuestsByNode);
        var whole = await server.NextInventory();
        Assert.Equal((null, 1), (whole.Since, whole.Guests!.Count));
        Assert.NotNull(whole.Cluster!.GuestsByNode);
    }

    [Fact]
    public async Task A_look_that_is_asked_for_is_whole_and_reads_the_guest_anew()
    {
        host.WriteFacts();
        host.Container(100);
        host.Container(101);
        host.Runs(100, 101);
        await using var agent = RunningAgent.On(host);
        Assert.Equal("debian", (await server.NextInventory()).Guests![0].Os?.Id);
        host.Write("os-release", Fixture.Read("os-release.rocky"));
        var now = new DateTimeOffset(2026, 11, 26, 2, 0, 0, 123, TimeSpan.Zero);
        await server.Ask(new Discover(null) { HostOnly = true, AskedAt = now });
        var ofHost = await server.NextInventory();
        Assert.Equal((null, "debian", now), (ofHost.Since, ofHost.Guests![0].Os?.Id, ofHost.AskedAt)); // no container is entered for it
        await server.Ask(new Discover(new(100)));
        var anew = await server.NextInventory();
        Assert.Equal((null, "rocky", "debian"), (anew.Since, anew.Guests![0].Os?.Id, anew.Guests[1].Os?.Id));
        await server.Ask(new Discover(null));
        Assert.Equal(["rocky", "rocky"], (await server.NextInventory()).Guests!.Select(guest => guest.Os?.Id));
    }

    [Fact]
    public async Task A_lost_connection_is_made_again_and_everything_said_anew()
    {
        await using var agent = RunningAgent.On(host);
        await server.NextInventory();
        for (var i = 0; i < 2; i++)
        {
            server.Drop();
            await server.NextInventory();
        }
    }

    [Fact]
    public async Task A_server_that_is_away_is_waited_for()
    {
        var port = server.Url.Port;
        await using var agent = RunningAgent.On(host);
        await server.NextInventory();
        await server.DisposeAsync();
        await Eventually.Until(() => agent.Error.Contains("No connection to", StringComparison.Ordinal), "the agent's notice that the server is away");
        server = await ControlPlane.Start(port);
        await server.NextInventory();
    }

    [Fact]
    public async Task A_refused_token_is_renewed()
    {
        server.IsGood = token => token is "access-2";
        server.Tokens = _ => (200, """{"access_token":"access-2","expires_in":3600,"refresh_token":"refresh-2"}""");
        await using var agent = RunningAgent.On(host);
        await server.NextInventory();
        Assert.Equal(1, server.Refused);
        Assert.Equal("refresh-2", Credentials.Load(host.Host)!.RefreshToken);
        Assert.DoesNotContain("access-", agent.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("refresh-", agent.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Job_reports_do_not_wait_for_an_inventory_that_takes_its_time()
    {
        var (ended, reported) = (Ended(1), Ended(2));
        new JobJournal(host.Host, TimeProvider.System).Find(reported.Id)!.MarkReported();
        server.Greeting = reported; // its answer is due while the inventory is still being made
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        host.Command("pveversion", $"read line < {gate}; echo pve-manager/9.2.11/0000000000000000");
        await using var agent = RunningAgent.On(host);

        var outcomes = new[] { await server.NextReport("one report"), await server.NextReport("the other report") }.ToDictionary(report => report.Id, report => report.Outcome);
        Assert.Equal((JobOutcome.Succeeded, JobOutcome.AlreadyReported), (outcomes[ended.Id], outcomes[reported.Id]));
        Assert.False(server.Inventories.Reader.TryPeek(out _));
        await File.WriteAllTextAsync(gate, "go on\n");
        await server.NextInventory();
    }

    [Fact]
    public async Task An_inventory_that_cannot_be_made_does_not_end_the_connection()
    {
        using var stopping = new CancellationTokenSource();
        var failed = new BrokenClock();
        using var http = ServerHttp.Create();
        var (credentials, clock) = (Credentials.Load(host.Host)!, TimeProvider.System);
        using var tokens = new AgentTokens(new(server.Servers(http)), host.Host, credentials, clock, NullLogger.Instance);
        using var scripts = new ScriptCache(server.Servers(http), tokens, host.Host, new ScriptTrust(host.Host, customScripts: false));
        var handler = new PatchHandler(host.Host, credentials.Node, new(Eventually.Limit), scripts, clock, NullLogger.Instance);
        var jobs = new JobRuntime(new(host.Host, clock), handler, clock, NullLogger.Instance);
        var config = new AgentConfig([server.Url], null, TimeSpan.FromHours(1), TimeSpan.FromHours(1));
        var inventories = new InventoryReports(new InventoryCollector(host.Host, credentials.Node, new(Eventually.Limit), config, "0.0.0", failed));
        var metrics = new MetricsReports(_ => throw new IOException("no figures"), TimeSpan.FromHours(1), clock, NullLogger.Instance);
        var running = new HubSession(server.Servers(http), tokens, inventories, metrics, jobs, TimeSpan.FromHours(1), clock, NullLoggerFactory.Instance).Run(stopping.Token);

        await Eventually.Until(() => failed.Calls > 0, "the inventory's failure");
        var job = Ended(1);
        await Eventually.Until(() => server.Connected > 0, "the connection");
        await server.Send(job);
        Assert.Equal(job.Id, (await server.NextReport("the report")).Id);
        Assert.Equal(1, server.Connected);
        await stopping.CancelAsync();
        await running.Within("the session's end");
    }

    private PatchGuest Ended(int number)
    {
        var job = RunningAgent.Job(new("apt-update.sh", new string('0', 64)), number);
        new JobJournal(host.Host, TimeProvider.System).Add(job).Finish(JobOutcome.Succeeded, null, 0);
        return job;
    }

    private sealed class BrokenClock : TimeProvider
    {
        private int calls;

        public int Calls => Volatile.Read(ref calls);

        public override DateTimeOffset GetUtcNow()
        {
            Interlocked.Increment(ref calls);
            throw new InvalidOperationException("no time");
        }
    }

    [Fact]
    public async Task Metrics_come_at_once_on_each_connection_and_a_second_one_soon()
    {
        host.Write("proc/loadavg", "0.50 0.25 0.12 1/100 1234\n");
        File.AppendAllText(Path.Combine(host.Directory, "etc/nannyagent/config.yml"), "metrics_interval: 3600\n");
        await using var agent = RunningAgent.On(host);
        for (var connection = 0; connection < 2; connection++)
        {
            var (first, second) = (await server.NextMetrics(), await server.NextMetrics());
            Assert.Equal((0.5, 3600), (first.Load!.One, first.IntervalSeconds));
            Assert.True(second.Quorate);
            server.Drop();
        }

        // This host has no /proc/stat. That is said when it begins, not with each sample.
        Assert.Equal(2, agent.Error.Split("/proc/stat cannot be read").Length);
    }

    [Fact]
    public async Task An_ended_registration_is_said_and_the_agent_stays()
    {
        server.IsGood = _ => false;
        server.Tokens = _ => (400, """{"error":"invalid_grant"}""");
        await using var agent = RunningAgent.On(host);
        await Eventually.Until(() => agent.Error.Contains("Run: nannyagent register", StringComparison.Ordinal), "the agent's word that it must be registered again");
        Assert.False(agent.Exit.IsCompleted);
        Assert.Equal(0, await agent.Stop());
    }
}
