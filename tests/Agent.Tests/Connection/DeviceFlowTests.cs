using System.Globalization;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Tests.Connection;

public sealed class DeviceFlowTests : IAsyncLifetime
{
    private static readonly string Tokens = $$"""{"access_token":"access","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh","agent_id":"{{RunningAgent.AgentUlid}}",{{SigningKeys.Json}}}""";
    private readonly LabHost host = new();
    private readonly ImpatientClock clock = new();
    private readonly StringWriter output = new(CultureInfo.InvariantCulture);
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
    [InlineData("")] // a server of before there were any
    [InlineData(",\"catalogue_key\":\"AAAA\",\"custom_key\":\"AAAA\"")]
    public async Task Without_keys_to_pin_the_host_is_not_registered(string keys)
    {
        server.Tokens = _ => (200, $$"""{"access_token":"access","refresh_token":"refresh","agent_id":"{{RunningAgent.AgentUlid}}"{{keys}}}""");
        Assert.StartsWith("The server approved, but the keys it signs scripts with can't be used: ", await Register(), StringComparison.Ordinal);
        Assert.Null(Credentials.Load(host.Host));
    }

    [Fact]
    public async Task A_person_approves_and_the_host_has_its_tokens()
    {
        var answers = new Queue<(int, string)>([Error("authorization_pending"), Error("slow_down"), (503, "try later"), (200, "<html>"), Error("authorization_pending"), (200, Tokens)]);
        server.Tokens = _ => answers.Dequeue();

        Assert.Null(await Register());

        Assert.Equal(["5", "5", "10", "10", "10", "10"], clock.Waits.Select(wait => wait.TotalSeconds.ToString(CultureInfo.InvariantCulture)));
        var asked = server.DeviceRequest!;
        Assert.Equal(("nannyagent", "agent offline_access", "pve1", "pve1", "pve1"), (asked["client_id"], asked["scope"], asked["hostname"], asked["node"], asked["cluster_name"]));
        Assert.Matches("^c[0-9a-f]{16}$", asked["cluster"]);
        Assert.Equal(("urn:ietf:params:oauth:grant-type:device_code", "secret-device-code"), (server.TokenRequests.First()["grant_type"], server.TokenRequests.First()["device_code"]));

        var text = output.ToString();
        Assert.Contains("http://here/device", text, StringComparison.Ordinal);
        Assert.Contains("WDJB-MJHT", text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-device-code", text, StringComparison.Ordinal);

        var kept = Credentials.Load(host.Host)!;
        Assert.Equal((RunningAgent.AgentUlid, "access", "refresh", "pve1"), (kept.AgentId.Value, kept.AccessToken, kept.RefreshToken, kept.Node.Value));
        Assert.Equal(SigningKeys.Public, (kept.CatalogueKey, kept.CustomKey));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Credentials.PathOn(host.Host)));
        Assert.Equal(["credentials.json"], Directory.GetFileSystemEntries(host.Host.State).Select(Path.GetFileName));
    }

    [Fact]
    public async Task The_key_of_the_cluster_is_said_when_the_server_asks_for_it_and_else_a_proof_with_it()
    {
        var answers = new Queue<(int, string)>([Error("authorization_pending"), Error(Membership.KeyRequired), (200, Tokens)]);
        server.Tokens = _ => answers.Dequeue();
        Assert.Null(await Register());
        var asked = server.TokenRequests.ToArray();
        var cluster = ClusterId.Parse(server.DeviceRequest!["cluster"]);
        var key = Membership.KeyOf("the key of a lab"u8);
        var proof = Convert.ToBase64String(Membership.Proof(key, "secret-device-code", cluster, NodeName.Parse("pve1")));
        Assert.All(asked, request => Assert.Equal(proof, request[Membership.ProofParameter]));
        Assert.Equal([false, false, true], asked.Select(request => request.ContainsKey(Membership.KeyParameter)));
        Assert.Equal(Convert.ToBase64String(key), asked[2][Membership.KeyParameter]);
        Assert.DoesNotContain(proof, output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("membership_unproven", "The server refused the registration: membership_unproven")]
    [InlineData("membership_key_required", "The server refused the registration: membership_key_required")] // again, though it has it
    public async Task A_proof_that_is_not_taken_ends_it(string error, string message)
    {
        server.Tokens = _ => Error(error);
        Assert.Equal(message, await Register());
        Assert.Null(Credentials.Load(host.Host));
    }

    [Theory]
    [InlineData("access_denied", "The registration was refused by the person who looked at it.")]
    [InlineData("expired_token", "The code expired before anybody approved it. Run register again.")]
    [InlineData("invalid_client", "The server refused the registration: invalid_client")]
    public async Task A_refusal_is_said_and_leaves_the_earlier_registration(string error, string message)
    {
        RunningAgent.Register(host, server, accessToken: "earlier");
        server.Tokens = _ => Error(error);
        Assert.Equal(message, await Register());
        Assert.Equal("earlier", Credentials.Load(host.Host)!.AccessToken);
    }

    [Fact]
    public async Task Nobody_approves_until_the_code_expires()
    {
        server.Tokens = _ => Error("authorization_pending");
        Assert.Equal("The code expired before anybody approved it. Run register again.", await Register());
        Assert.Equal(119, server.TokenRequests.Count); // every 5 s for less than 600 s
    }

    [Fact]
    public async Task An_answer_without_an_agents_id_is_no_registration()
    {
        server.Tokens = _ => (200, """{"access_token":"a","refresh_token":"r"}""");
        Assert.Equal("The server approved, but its answer lacks a token or the agent's id.", await Register());
        Assert.Null(Credentials.Load(host.Host));
    }

    [Fact]
    public async Task Another_kind_of_server_is_told_from_ours()
    {
        server.DeviceAnswer = "{}";
        Assert.Equal("The server's answer has no device code; is this the URL of a NannyOrleans server?", await Register());
    }

    private async Task<string?> Register()
    {
        var pve = new PveHost(host.Host, new BoundedReads(Eventually.Limit));
        var identity = await pve.Identity(default);
        return await new DeviceFlow(new TokenEndpoint(server.Servers(http)), [server.Url], host.Host, clock, output).Register(identity, await pve.MembershipKey(default), default).Within("the registration");
    }

    private static (int, string) Error(string error) => (400, $$"""{"error":"{{error}}"}""");
}
