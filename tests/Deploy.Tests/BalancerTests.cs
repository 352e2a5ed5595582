using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using NannyOrleans.Protocol;

namespace NannyOrleans.Deploy.Tests;

/// <summary>The examples for HAProxy and nginx, in front of the real server.</summary>
public sealed class BalancerTests : IDisposable
{
    private const string Password = "a password for the balancers";
    private readonly DataDirectory data = new();
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 certificate;

    public BalancerTests()
    {
        var now = TimeProvider.System.GetUtcNow();
        certificate = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    public void Dispose()
    {
        data.Dispose();
        certificate.Dispose();
        key.Dispose();
    }

    [Theory]
    [InlineData("haproxy")]
    [InlineData("nginx")]
    public async Task Behind_it_people_are_sent_to_its_address_and_agents_keep_their_connection(string balancer)
    {
        Assert.SkipUnless(Deployment.ToolIs(balancer), $"{balancer} is needed. On Debian: apt-get install {balancer}");
        await using var server = await ServerProcess.Start(data.PathOf("data"), Password);
        var port = FreePort();
        await using var program = new RunningProgram(balancer is "haproxy" ? HAProxy(port, server.Url) : Nginx(port, server.Url), new Dictionary<string, string> { ["NANNY_TLS"] = data.PathOf("tls.pem") });
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, SslOptions = { RemoteCertificateValidationCallback = Ours } }) { BaseAddress = new($"https://127.0.0.1:{port}") };
        await program.WithLog(Waiting.Until(() => StatusOf(client, "/healthz"), status => status is HttpStatusCode.OK, $"{balancer} to have found the server"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusOf(client, "/metrics"));

        var tokens = await Form(client, Registration.TokenEndpoint, ("grant_type", "password"), ("client_id", "nanny-cli"), ("scope", "api"), ("username", "admin"), ("password", Password));
        client.DefaultRequestHeaders.Authorization = new("Bearer", tokens.GetProperty("access_token").GetString());

        // Whoever asks says what he likes of himself, and is not believed.
        client.DefaultRequestHeaders.Add("X-Forwarded-Host", "evil.example");
        client.DefaultRequestHeaders.Add("X-Forwarded-Proto", "http");
        client.DefaultRequestHeaders.Add("X-Forwarded-Prefix", "/evil");
        var code = await Form(client, Registration.DeviceEndpoint, ("client_id", Registration.ClientId), ("scope", $"{Registration.AgentScope} offline_access"),
            (Registration.Cluster, "c0123456789abcdef"), (Registration.Node, "pve1"), (Registration.Hostname, "pve1"), (Registration.ClusterName, "lab"));
        Assert.Equal($"https://127.0.0.1:{port}/device", code.GetProperty("verification_uri").GetString());

        using var approval = new FormUrlEncodedContent(new Dictionary<string, string> { ["user_code"] = code.GetProperty("user_code").GetString()!, ["decision"] = "approve" });
        using var approved = await client.PostAsync("/device", approval);
        Assert.Equal(HttpStatusCode.Found, approved.StatusCode);
        var agent = await Form(client, Registration.TokenEndpoint, ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", code.GetProperty("device_code").GetString()!), ("client_id", Registration.ClientId), (Membership.KeyParameter, Convert.ToBase64String(Membership.KeyOf("the key of a lab"u8))));

        using var socket = new ClientWebSocket { Options = { RemoteCertificateValidationCallback = Ours } };
        socket.Options.SetRequestHeader("Authorization", $"Bearer {agent.GetProperty("access_token").GetString()}");
        await socket.ConnectAsync(new($"wss://127.0.0.1:{port}{AgentHub.Path}"), CancellationToken.None).Within("the WebSocket");
        await socket.SendAsync(Encoding.UTF8.GetBytes("{\"protocol\":\"json\",\"version\":1}\u001e"), WebSocketMessageType.Text, true, CancellationToken.None);
        var answer = new byte[256];
        var got = await socket.ReceiveAsync(answer, CancellationToken.None).Within("the hub's handshake");
        Assert.Equal("{}\u001e", Encoding.UTF8.GetString(answer, 0, got.Count));
    }

    private string[] HAProxy(int port, Uri server)
    {
        var config = File.ReadAllText(Deployment.PathOf("haproxy/haproxy.cfg"))
            .Replace("bind :8443", $"bind 127.0.0.1:{port}", StringComparison.Ordinal)
            .Replace("api1:8090", server.Authority, StringComparison.Ordinal)
            .Replace("api2:8090", $"127.0.0.1:{FreePort()}", StringComparison.Ordinal) // one that is down
            .Replace("maxconn 50000", "maxconn 100", StringComparison.Ordinal); // which takes fewer descriptors than there may be here
        File.WriteAllText(data.PathOf("haproxy.cfg"), config);
        File.WriteAllText(data.PathOf("tls.pem"), $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n");
        return ["/usr/sbin/haproxy", "-db", "-f", data.PathOf("haproxy.cfg")];
    }

    private string[] Nginx(int port, Uri server)
    {
        var config = File.ReadAllText(Deployment.PathOf("nginx/nginx.conf"))
            .Replace("listen 443", $"listen 127.0.0.1:{port}", StringComparison.Ordinal)
            .Replace("192.0.2.11:8090", server.Authority, StringComparison.Ordinal)
            .Replace("192.0.2.12:8090", $"127.0.0.1:{FreePort()}", StringComparison.Ordinal)
            .Replace("/etc/nginx/tls/", $"{data.Path}/", StringComparison.Ordinal)
            .Replace("/var/log/nginx/", $"{data.Path}/", StringComparison.Ordinal)
            .Replace("/run/nginx.pid", data.PathOf("nginx.pid"), StringComparison.Ordinal)
            .Replace("worker_processes auto", "worker_processes 1", StringComparison.Ordinal)
            .Replace("worker_rlimit_nofile 65536", "worker_rlimit_nofile 1024", StringComparison.Ordinal)
            .Replace("worker_connections 32768", "worker_connections 100", StringComparison.Ordinal);
        File.WriteAllText(data.PathOf("nginx.conf"), config);
        File.WriteAllText(data.PathOf("nanny.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(data.PathOf("nanny.key"), key.ExportPkcs8PrivateKeyPem());
        return ["/usr/sbin/nginx", "-c", data.PathOf("nginx.conf"), "-e", "stderr", "-g", "daemon off; master_process off;"];
    }

    private bool Ours(object asked, X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors) =>
        shown?.GetCertHashString(HashAlgorithmName.SHA256) == certificate.GetCertHashString(HashAlgorithmName.SHA256);

    private static async Task<HttpStatusCode?> StatusOf(HttpClient client, string path)
    {
        try
        {
            using var answer = await client.GetAsync(path);
            return answer.StatusCode;
        }
        catch (HttpRequestException) // it does not listen yet
        {
            return null;
        }
    }

    private static async Task<JsonElement> Form(HttpClient client, string path, params (string Name, string Value)[] fields)
    {
        using var content = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
        using var answer = await client.PostAsync(path, content);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonElement.Parse(text);
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
