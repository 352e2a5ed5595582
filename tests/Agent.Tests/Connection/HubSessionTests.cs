using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Inventories;

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
        host.Container(100, Fixture.Read("lxc.everything.conf"));
        host.RealPct();
        await using var agent = RunningAgent.On(host);
        var inventory = await server.NextInventory();
        Assert.Equal(("pve1", "pve-manager/9.2.11/0000000000000000", "5f0cbd1e-9d07-4f6c-8b6d-111111111111"), (inventory.Hostname, inventory.PveVersion, inventory.BootId));
        Assert.Equal("pve1", inventory.Cluster!.Name);
        var guest = Assert.Single(inventory.Guests!);
        Assert.Equal((GuestStatus.Running, "web-01", "snapshot-delete"), (guest.Status, guest.Name, guest.Lock));
        Assert.NotNull(guest.Os); // this machine's, through the pct of the test
        Assert.Empty(inventory.Problems);
        Assert.Equal(0, await agent.Stop());
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
