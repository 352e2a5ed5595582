using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol;

namespace NannyOrleans.Api.Tests.Attacks;

/// <summary>What is secret is neither in logs nor in files that others may read.</summary>
public sealed class SecretsTests(TalkativeServer talkative) : IClassFixture<TalkativeServer>
{
    [Fact]
    public async Task No_secret_is_logged_whatever_is_logged_and_no_file_is_for_others()
    {
        var (server, data) = (talkative.Server, talkative.Data);
        var caller = new Caller(server.Url);
        var signedIn = (await caller.AskForToken("admin", TalkativeServer.Password)).Is(200);
        (await caller.AskForToken("admin", "a wrong password, but nearly the right one")).IsOAuthError("invalid_grant");
        (await caller.AskForToken("a password typed as the name", "x")).IsOAuthError("invalid_grant");
        var admin = caller.With(signedIn.Text("access_token"));
        var renewed = (await caller.Refresh(TokenSetup.CommandLineClient, signedIn.Text("refresh_token"))).Is(200);
        var code = (await HostPeer.AskForCode(caller, Some.Cluster().Value, "pve1", "pve1", "lab")).Is(200);
        (await caller.PostForm("/device", ("user_code", code.Text("user_code")), ("username", "admin"), ("password", TalkativeServer.Password), ("decision", "approve"))).Is(302);
        var agent = (await HostPeer.Poll(caller, code.Text("device_code"))).Is(200);
        var agentRenewed = (await caller.Refresh(Registration.ClientId, agent.Text("refresh_token"))).Is(200);
        (await admin.With(agent.Text("access_token")).Get("/api/scripts/apt-update.sh/content")).Is(200);
        (await admin.With("not-a-token-but-meant-as-one").Get("/api/agents")).Is(401);
        await using var host = await HostPeer.Register(admin, Some.Cluster());
        await host.ConnectWith(server.Url, Some.Container());

        // While it runs: SQLite's logs lie beside their databases.
        Assert.Contains(Directory.GetFiles(data.Path), file => file.EndsWith("-wal", StringComparison.Ordinal));
        foreach (var path in Directory.EnumerateFileSystemEntries(data.Path, "*", SearchOption.AllDirectories))
        {
            Assert.Equal(Directory.Exists(path) ? "700" : "600", Convert.ToString((int)File.GetUnixFileMode(path), 8));
        }

        var log = server.Program.Log;
        Assert.Contains("trce: ", log, StringComparison.Ordinal); // it does say all it can
        Assert.Contains("dbug: Microsoft.EntityFrameworkCore", log, StringComparison.Ordinal);
        (string What, string Secret)[] secrets =
        [
            ("a password", TalkativeServer.Password), ("a wrong password", "but nearly the right one"), ("a password in the wrong field", "a password typed as the name"),
            ("a person's token", signedIn.Text("access_token")), ("a refresh token", signedIn.Text("refresh_token")), ("a renewed token", renewed.Text("access_token")),
            ("an agent's token", agent.Text("access_token")), ("an agent's refresh token", agent.Text("refresh_token")), ("an agent's renewed token", agentRenewed.Text("access_token")),
            ("a connected agent's token", host.AccessToken), ("its refresh token", host.RefreshToken),
            ("a device code", code.Text("device_code")), ("what was meant as a token", "not-a-token-but-meant-as-one"),
            ("the key of tokens", (await File.ReadAllTextAsync(data.PathOf("token-encryption.key"))).Trim()),
            .. Directory.GetFiles(data.Path, "*.pem").Select(file => (file, File.ReadLines(file).Skip(1).First())),
            ("the key of the certificate", File.ReadLines(talkative.KeyFile).Skip(1).First()),
        ];
        var told = secrets.Where(secret => log.Contains(secret.Secret, StringComparison.Ordinal))
            .Select(secret => $"{secret.What}: {server.Program.Lines.First(line => line.Contains(secret.Secret, StringComparison.Ordinal))}").ToArray();
        Assert.True(told.Length is 0, string.Join('\n', told.Select(line => line.Length > 500 ? line[..500] : line)));
    }

    [Fact]
    public async Task A_certificate_that_is_renewed_is_shown_without_a_restart_and_one_that_is_broken_is_not()
    {
        var port = new Uri((await talkative.Server.Program.Line("Now listening on: https")).Split("Now listening on: ")[1]).Port;
        Assert.Equal("CN=first", (await Handshake(port)).Subject);

        talkative.Certify("second");
        await Waiting.Until(() => Handshake(port), shown => shown.Subject is "CN=second", "the renewed certificate");

        await File.WriteAllTextAsync(talkative.CertificateFile, "half of one");
        await Waiting.Until(() => Handshake(port), _ => talkative.Server.Program.Lines.Any(line => line.Contains("can't be used, so the one before stays", StringComparison.Ordinal)), "the server to say that it is broken");
        Assert.Equal(("CN=second", SslProtocols.Tls12), await Handshake(port, SslProtocols.Tls12));
#pragma warning disable SYSLIB0039, CA5397 // that it is refused is what is asked
        await Assert.ThrowsAnyAsync<Exception>(() => Handshake(port, SslProtocols.Tls11));
#pragma warning restore SYSLIB0039, CA5397
    }

    private static async Task<(string Subject, SslProtocols Protocol)> Handshake(int port, SslProtocols protocols = SslProtocols.None)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port).Within("a connection");
        await using var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = protocols,
            RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null, // nobody has signed it; which one it is, the test looks at
        }).Within("a handshake");
        return (tls.RemoteCertificate!.Subject, tls.SslProtocol);
    }
}
