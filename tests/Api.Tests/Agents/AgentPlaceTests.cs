using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using NannyOrleans.Api.Agents;
using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Agents;

/// <summary>A server whose file descriptors run out: .NET ends a process that has none left.</summary>
public sealed class AgentPlaceTests : IDisposable
{
    private const int Descriptors = 900;
    private const int Reserve = 768;

    private readonly DataDirectory data = new();
    private readonly List<IDisposable> open = [];

    public void Dispose()
    {
        open.ForEach(one => one.Dispose());
        data.Dispose();
    }

    [Theory]
    [InlineData(65536L, 58983)] // what the units set
    [InlineData(20_000L, 18_000)] // nine tenths
    [InlineData(1024L, 256)] // the runtime alone needs some 400
    [InlineData(600L, 0)] // too few for anybody, and not fewer than nobody
    [InlineData(1L << 40, int.MaxValue)] // more than can be counted
    [InlineData(null, null)] // no limit
    public void Nine_tenths_of_the_descriptors_are_for_agents_less_what_the_process_needs_itself(long? descriptors, int? agents) =>
        Assert.Equal(agents, AgentPlaces.Most(descriptors));

    [Theory]
    [InlineData("Max open files            20000                524288               files     ", 20_000L)] // the soft one counts
    [InlineData("Max open files            unlimited            unlimited            files     ", null)]
    [InlineData("Max processes             96000                96000                processes ", null)] // another limit
    [InlineData("", null)]
    public void The_limit_is_the_soft_one_of_open_files(string line, long? limit) =>
        Assert.Equal(limit, AgentPlaces.ReadLimit(["Limit                     Soft Limit           Hard Limit           Units     ", line]));

    [Fact]
    public async Task A_server_without_a_place_for_an_agent_sends_it_elsewhere_and_goes_on()
    {
        await using var server = await ServerProcess.Start(data.Path, SharedServer.Password, before: ["prlimit", $"--nofile={Descriptors}:{Descriptors}"]);
        var admin = await new Caller(server.Url).SignIn("admin", SharedServer.Password);
        await using var host = await HostPeer.Register(admin, Some.Cluster());
        await using var other = await HostPeer.Register(admin, Some.Cluster());
        await host.ConnectWith(server.Url);

        // Those that say nothing hold a place as well, until the server has waited long enough for their first word.
        var (taken, refused) = (1, 0);
        while (refused is 0)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(_ => Open(server.Url, other)));
            Assert.All(answers, answer => Assert.Contains(answer, new[] { HttpStatusCode.SwitchingProtocols, HttpStatusCode.ServiceUnavailable }));
            taken += answers.Count(answer => answer is HttpStatusCode.SwitchingProtocols);
            refused += answers.Count(answer => answer is HttpStatusCode.ServiceUnavailable);
            Assert.True(taken <= Descriptors, "More agents are connected than there are descriptors.");
        }

        Assert.True(taken >= Descriptors - Reserve, $"Only {taken} were let in.");
        (await admin.Get($"/api/agents/{host.Id}")).Is(200);
        await host.ReportInventory(Some.Inventory(host));

        // And whoever is no agent: more than there are descriptors, all at once.
        var strangers = Enumerable.Range(0, 2 * Descriptors).Select(_ => new TcpClient()).ToArray();
        open.AddRange(strangers);
        await Task.WhenAll(strangers.Select(one => one.ConnectAsync(IPAddress.Loopback, server.Url.Port))).Within("strangers to connect");
        await host.ReportInventory(Some.Inventory(host));

        open.ForEach(one => one.Dispose());
        await Waiting.Until(() => Open(server.Url, other), answer => answer is HttpStatusCode.SwitchingProtocols, "a place that is free again");
        (await admin.Get($"/api/agents/{host.Id}")).Is(200);
        Assert.False(server.Program.HasExited);
    }

    /// <summary>Opens an agent's connection and says nothing; what the server answers, 0 when it is nothing.</summary>
    private async Task<HttpStatusCode> Open(Uri server, HostPeer agent)
    {
        var socket = new ClientWebSocket { Options = { CollectHttpResponseDetails = true } };
        open.Add(socket);
        socket.Options.SetRequestHeader("Authorization", $"Bearer {agent.AccessToken}");
        try
        {
            await socket.ConnectAsync(new UriBuilder(server) { Scheme = "ws", Path = Protocol.AgentHub.Path }.Uri, CancellationToken.None).Within("an answer");
        }
        catch (WebSocketException)
        {
            // what was answered is in the status
        }

        return socket.HttpStatusCode;
    }
}
