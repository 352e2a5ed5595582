using Microsoft.Extensions.Logging.Abstractions;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Tests.Support;

namespace NannyOrleans.Agent.Tests.Connection;

public sealed class AgentTokensTests : IAsyncLifetime
{
    private readonly LabHost host = new();
    private readonly ImpatientClock clock = new();
    private readonly HttpClient http = ServerHttp.Create();
    private ControlPlane server = null!;

    public async ValueTask InitializeAsync() => server = await ControlPlane.Start();

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        http.Dispose();
        host.Dispose();
    }

    [Theory]
    [InlineData(3600, null, "access-1", 0)]
    [InlineData(null, null, "access-1", 0)] // an end that nobody said
    [InlineData(30, null, "access-2", 1)] // so near its end that it might not arrive before it
    [InlineData(-5, null, "access-2", 1)]
    [InlineData(3600, "access-1", "access-2", 1)] // refused with 401
    public async Task A_token_is_renewed_when_it_must_be(int? secondsLeft, string? refused, string token, int requests)
    {
        server.Tokens = _ => (200, """{"access_token":"access-2","expires_in":3600,"refresh_token":"refresh-2"}""");
        using var tokens = Tokens(secondsLeft);
        tokens.Refuse(refused ?? "another");
        Assert.Equal(token, await tokens.Get(default));
        Assert.Equal(token, await tokens.Get(default));
        Assert.Equal(requests, server.TokenRequests.Count);
        Assert.Equal(token, Credentials.Load(host.Host)!.AccessToken);
    }

    [Fact]
    public async Task A_renewal_names_client_and_token_and_may_bring_a_new_one()
    {
        server.Tokens = _ => (200, """{"access_token":"access-2","expires_in":3600,"refresh_token":"refresh-2"}""");
        using var tokens = Tokens(-5);
        await tokens.Get(default);
        var form = server.TokenRequests.Single();
        Assert.Equal(("refresh_token", "refresh-1", "nannyagent"), (form["grant_type"], form["refresh_token"], form["client_id"]));
        Assert.Equal("refresh-2", Credentials.Load(host.Host)!.RefreshToken);
    }

    [Fact]
    public async Task Without_a_new_refresh_token_the_old_one_stays()
    {
        server.Tokens = _ => (200, """{"access_token":"access-2","expires_in":3600}""");
        using var tokens = Tokens(-5);
        await tokens.Get(default);
        Assert.Equal("refresh-1", Credentials.Load(host.Host)!.RefreshToken);
    }

    [Theory]
    [InlineData("""{"access_token":"access-2","expires_in":3600}""")]
    [InlineData("""{"access_token":"access-2","expires_in":3600,"refresh_token":"refresh-2"}""")]
    public async Task A_token_that_the_disk_does_not_take_is_used_all_the_same(string answer)
    {
        server.Tokens = _ => (200, answer);
        using var tokens = Tokens(-5);
        var inTheWay = Directory.CreateDirectory($"{Credentials.PathOn(host.Host)}.{Environment.ProcessId}.tmp");
        Assert.Equal("access-2", await tokens.Get(default));
        Assert.Equal("access-2", await tokens.Get(default)); // what is on disk is older now
        Assert.Single(server.TokenRequests);

        inTheWay.Delete();
        server.Tokens = _ => (200, """{"access_token":"access-3","expires_in":3600}""");
        tokens.Refuse("access-2");
        Assert.Equal("access-3", await tokens.Get(default));
        Assert.Equal("access-3", Credentials.Load(host.Host)!.AccessToken);
    }

    [Fact]
    public async Task An_ended_registration_is_told_from_a_bad_moment()
    {
        using var tokens = Tokens(-5);
        server.Tokens = _ => (503, string.Empty);
        await Assert.ThrowsAsync<HttpRequestException>(() => tokens.Get(default));
        server.Tokens = _ => (400, """{"error":"temporarily_unavailable"}""");
        await Assert.ThrowsAsync<HttpRequestException>(() => tokens.Get(default));
        server.Tokens = _ => (400, """{"error":"invalid_grant"}""");
        await Assert.ThrowsAsync<RegistrationEndedException>(() => tokens.Get(default));

        // A person registers again beside the running agent.
        RunningAgent.Register(host, server, accessToken: "access-3", refreshToken: "refresh-3");
        Assert.Equal("access-3", await tokens.Get(default));
    }

    [Fact]
    public async Task A_registration_that_came_during_a_renewal_wins()
    {
        server.Tokens = _ =>
        {
            RunningAgent.Register(host, server, accessToken: "access-3", refreshToken: "refresh-3");
            return (200, """{"access_token":"access-2","refresh_token":"refresh-2"}""");
        };
        using var tokens = Tokens(-5);
        Assert.Equal("access-3", await tokens.Get(default));
        Assert.Equal("refresh-3", Credentials.Load(host.Host)!.RefreshToken);
    }

    [Fact] // A server that was taken over can renew tokens; it can't have other scripts trusted.
    public async Task A_renewal_brings_no_other_keys()
    {
        server.Tokens = _ => (200, """{"access_token":"access-2","refresh_token":"refresh-2","catalogue_key":"evil","custom_key":"evil"}""");
        using var tokens = Tokens(-5);
        Assert.Equal("access-2", await tokens.Get(default));
        var kept = Credentials.Load(host.Host)!;
        Assert.Equal(("refresh-2", SigningKeys.Public), (kept.RefreshToken, (kept.CatalogueKey, kept.CustomKey)));
    }

    [Fact]
    public async Task A_key_that_took_the_pinned_ones_place_during_a_renewal_stays()
    {
        server.Tokens = _ =>
        {
            (Credentials.Load(host.Host)! with { CatalogueKey = "newer" }).Save(host.Host);
            return (200, """{"access_token":"access-2","refresh_token":"refresh-2"}""");
        };
        using var tokens = Tokens(-5);
        Assert.Equal("access-2", await tokens.Get(default));
        var kept = Credentials.Load(host.Host)!;
        Assert.Equal(("refresh-2", "newer", SigningKeys.Public.Custom), (kept.RefreshToken, kept.CatalogueKey, kept.CustomKey));
    }

    private AgentTokens Tokens(int? secondsLeft)
    {
        RunningAgent.Register(host, server, expires: secondsLeft is { } left ? clock.GetUtcNow().AddSeconds(left) : null);
        return new(new TokenEndpoint(server.Servers(http)), host.Host, Credentials.Load(host.Host)!, clock, NullLogger.Instance);
    }
}
