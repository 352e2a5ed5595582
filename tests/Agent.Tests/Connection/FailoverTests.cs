using NannyOrleans.Agent.Commands;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Connection;

/// <summary>The running agent with two servers of one installation.</summary>
public sealed class FailoverTests : IAsyncLifetime
{
    private readonly LabHost host = new();
    private ControlPlane first = null!;
    private ControlPlane second = null!;

    public async ValueTask InitializeAsync()
    {
        ControlPlane[] servers = [await ControlPlane.Start(), await ControlPlane.Start()];
        var order = ServerChoice.Order(RunningAgent.AgentUlid, [.. servers.Select(server => server.Url)]);
        (first, second) = order[0] == servers[0].Url ? (servers[0], servers[1]) : (servers[1], servers[0]);
        RunningAgent.Register(host, second, others: first); // the order in the file means nothing
    }

    public async ValueTask DisposeAsync()
    {
        await first.DisposeAsync();
        await second.DisposeAsync();
        host.Dispose();
    }

    [Theory]
    [InlineData(true)] // told to end
    [InlineData(false)] // killed
    public async Task When_its_server_ends_it_goes_to_another_and_stays_there(bool gracefully)
    {
        await using var agent = RunningAgent.On(host);
        await first.NextInventory();
        var port = first.Url.Port;
        await (gracefully ? first.Stop() : first.DisposeAsync().AsTask());
        Assert.Null((await second.NextInventory()).Since); // whole: another process may have lost what was said

        first = await ControlPlane.Start(port);
        await second.Ask(new Discover(null));
        await second.NextInventory();
        Assert.Equal((1, 0), (second.Connected, first.Connected));
    }

    [Fact]
    public async Task What_one_server_did_not_take_is_said_to_the_other_until_it_is_taken()
    {
        var job = Ended(1);
        var refusals = 0;
        first.OnReport = _ => throw new InvalidOperationException("no database");
        second.OnReport = _ => throw (Interlocked.Increment(ref refusals) < 3 ? new InvalidOperationException("no database") : new TaskCanceledException());
        await using var agent = RunningAgent.On(host);
        Assert.Equal(job.Id, (await first.NextReport("the report")).Id);
        await first.DisposeAsync();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal((job.Id, JobOutcome.Succeeded), await second.NextReport("the report again") is var report ? (report.Id, report.Outcome) : default);
            Assert.Null(Journal.Find(job.Id)!.Reported);
        }

        second.OnReport = _ => { };
        Assert.Equal(job.Id, (await second.NextReport("the report that is taken")).Id);
        await Eventually.Until(() => Journal.Find(job.Id)!.Reported is not null, "the journal's note that it is reported");
    }

    [Fact]
    public async Task A_server_that_asks_to_be_left_alone_is_not_gone_back_to_when_the_other_drops_the_connection()
    {
        first.OutOfOrder = _ => (503, 3600);
        await using var agent = RunningAgent.On(host);
        await second.NextInventory();
        second.Drop();
        await second.NextInventory();
        Assert.Equal((1, 2), (first.TurnedAway, second.Connected));
    }

    [Fact]
    public async Task A_script_comes_from_the_other_server_and_the_connection_stays_where_it_is()
    {
        host.Container(100);
        host.Runs(100);
        var script = first.Script("apt-update.sh", "exit 0\n");
        second.Script("apt-update.sh", "exit 0\n");
        first.OutOfOrder = path => path.StartsWith("/api/scripts", StringComparison.Ordinal) ? (502, null) : null;
        first.Greeting = RunningAgent.Job(script);
        await using var agent = RunningAgent.On(host);
        await first.NextEnd("the job's end");
        Assert.Equal((1, 1), (first.TurnedAway, second.ScriptRequests));
        Assert.Equal((1, 0), (first.Connected, second.Connected));
    }

    [Fact]
    public async Task A_token_is_renewed_by_whoever_answers()
    {
        RunningAgent.Register(host, second, expires: DateTimeOffset.UtcNow.AddMinutes(-1), others: first);
        first.OutOfOrder = _ => (503, null);
        second.Tokens = _ => (200, """{"access_token":"access-2","expires_in":3600}""");
        await using var agent = RunningAgent.On(host);
        await second.NextInventory();
        Assert.Single(second.TokenRequests);
        Assert.Equal(("access-2", 1), (Credentials.Load(host.Host)!.AccessToken, first.TurnedAway));
    }

    [Theory]
    [InlineData(true)] // the hub is away, and the token has ended meanwhile
    [InlineData(false)]
    public async Task An_outage_of_all_servers_ends_nothing_and_loses_nothing(bool expired)
    {
        (int, int?)? Away(string path) => (503, null);
        await using var agent = RunningAgent.On(host);
        await first.NextInventory();
        (first.OutOfOrder, second.OutOfOrder) = (Away, Away);
        if (expired)
        {
            (first.IsGood, second.IsGood) = (token => token is "access-2", token => token is "access-2");
            RunningAgent.Register(host, second, expires: DateTimeOffset.UtcNow.AddMinutes(-1), others: first);
        }

        var job = Ended(1);
        first.Drop();
        await Eventually.Until(() => first.TurnedAway + second.TurnedAway >= 4, "the agent's attempts");
        Assert.False(agent.Exit.IsCompleted);
        first.Tokens = second.Tokens = _ => (200, """{"access_token":"access-2","expires_in":3600}""");
        second.OutOfOrder = _ => null; // one of them is enough
        Assert.Equal((job.Id, JobOutcome.Succeeded), await second.NextReport("the result") is var report ? (report.Id, report.Outcome) : default);
        await second.NextInventory();
        await second.NextMetrics();
        Assert.Equal(0, await agent.Stop());
    }

    [Fact]
    public async Task A_part_that_fails_ends_the_connection_and_starts_again_with_the_next()
    {
        var (one, other) = (Ended(1), Ended(2));
        var end = Path.Combine(host.Host.State, "jobs", other.Id.Value, "end.json");
        first.OnReport = _ =>
        {
            // The second report is due by now, and can't be read any more when it is made.
            File.Move(end, $"{end}.away");
            Directory.CreateDirectory(end);
        };
        await using var agent = RunningAgent.On(host);
        Assert.Equal(one.Id, (await first.NextReport("the first report")).Id);
        await second.NextInventory(); // it has noticed
        Directory.Delete(end);
        File.Move($"{end}.away", end);
        first.OnReport = _ => { };
        second.Drop();
        Assert.Equal(other.Id, (await first.NextReport("the second report")).Id);
    }

    [Theory]
    [InlineData("https://nanny.example.com", 1)] // strangers get no token
    [InlineData("{0} https://nanny.example.com", 0)]
    public async Task The_list_of_servers_may_change_but_not_wholly(string list, int exit)
    {
        await using (var before = RunningAgent.On(host))
        {
            await first.NextInventory(); // keeps the whole list
        }

        var config = Path.Combine(host.Directory, "etc/nannyagent/config.yml");
        File.WriteAllText(config, $"api_url: {string.Format(System.Globalization.CultureInfo.InvariantCulture, list, first.Url)}\n");
        await using var agent = RunningAgent.On(host);
        if (exit is 0)
        {
            await first.NextInventory();
            Assert.Equal(0, await agent.Stop());
            Assert.Equal(["nanny.example.com", "127.0.0.1"], Credentials.Load(host.Host)!.Known().Select(server => server.Host).Reverse());
        }
        else
        {
            Assert.Equal(exit, await agent.Exit.Within("the agent's end"));
            Assert.Contains("the configuration says https://nanny.example.com/", agent.Error, StringComparison.Ordinal);
            Assert.Contains(first.Url.AbsoluteUri, agent.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task It_registers_with_whichever_server_answers()
    {
        File.Delete(Credentials.PathOn(host.Host));
        first.OutOfOrder = second.OutOfOrder = path => (503, null);
        Assert.Equal(1, await Register());
        second.OutOfOrder = _ => null;
        second.DeviceAnswer = second.DeviceAnswer.Replace("\"interval\":5", "\"interval\":1", StringComparison.Ordinal);
        second.Tokens = _ => (200, $$"""{"access_token":"access-1","refresh_token":"refresh-1","agent_id":"{{RunningAgent.AgentUlid}}",{{SigningKeys.Json}}}""");
        Assert.Equal(0, await Register());
        first.OutOfOrder = _ => null;
        await using var agent = RunningAgent.On(host);
        await first.NextInventory();
    }

    private Task<int> Register() =>
        AgentCommands.Run(["--root", host.Directory, "register"], host.SearchPath, TextWriter.Null, TextWriter.Null, default).Within("the registration");

    private JobJournal Journal => new(host.Host, TimeProvider.System);

    private PatchGuest Ended(int number)
    {
        var job = RunningAgent.Job(new("apt-update.sh", new string('0', 64)), number);
        Journal.Add(job).Finish(JobOutcome.Succeeded, null, 0);
        return job;
    }
}
