using System.Net;
using System.Net.Http.Headers;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using NannyOrleans.Silo.Tests.Shapes;

namespace NannyOrleans.Silo.Tests.Telemetry;

/// <summary>What a silo in a process of its own says of itself over HTTP, and to whom.</summary>
public sealed class SiloProcessTests : IDisposable
{
    private const string Listening = "Now listening on: ";
    private const string Token = "a-token-for-scrapers";

    private readonly DataDirectory data = new();

    public void Dispose() => data.Dispose();

    [Fact]
    public async Task A_silo_says_that_it_is_ready_until_its_database_is_gone_and_has_metrics_for_its_own_machine()
    {
        await using var silo = SplitProcesses.StartSilo(data, Port.Free(), "http://*:0");
        var port = await PortOf(silo);
        using var http = new HttpClient { BaseAddress = new($"http://127.0.0.1:{port}") };
        Assert.Equal("ok\n", await http.GetStringAsync("/healthz"));
        Assert.Equal("ready\n", await http.GetStringAsync("/readyz"));
        var metrics = await http.GetStringAsync("/metrics");
        Assert.Contains("orleans_grains{", metrics, StringComparison.Ordinal);
        Assert.Contains("service_name=\"nanny-silo\"", metrics, StringComparison.Ordinal);

        if (Outside() is { } address)
        {
            using var stranger = new HttpClient { BaseAddress = new($"http://{address}:{port}") };
            using var refused = await stranger.GetAsync("/metrics");
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
            Assert.Equal("ready\n", await stranger.GetStringAsync("/readyz"));
        }

        File.Move(data.PathOf("history.db"), data.PathOf("away"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await Waiting.Until(() => Status(http, "/readyz"), status => status is not HttpStatusCode.OK, "the database to be missed"));
        File.Move(data.PathOf("away"), data.PathOf("history.db"));
        await Waiting.Until(() => Status(http, "/readyz"), status => status is HttpStatusCode.OK, "the database to be back");
        Assert.Equal(0, await silo.Terminate());
    }

    [Fact]
    public async Task Where_there_is_a_token_being_on_the_machine_is_not_enough()
    {
        await using var silo = SplitProcesses.StartSilo(data, Port.Free(), more: ("NANNY_Telemetry__MetricsToken", Token));
        using var http = new HttpClient { BaseAddress = new($"http://127.0.0.1:{await PortOf(silo)}") };
        Assert.Equal(HttpStatusCode.Unauthorized, await Status(http, "/metrics"));
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token[..^1]);
        Assert.Equal(HttpStatusCode.Unauthorized, await Status(http, "/metrics"));
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        Assert.Equal(HttpStatusCode.OK, await Status(http, "/metrics"));
    }

    private static async Task<int> PortOf(RunningProgram silo)
    {
        var line = await silo.Line(Listening);
        return new Uri(line[(line.IndexOf(Listening, StringComparison.Ordinal) + Listening.Length)..].Replace("[::]", "localhost", StringComparison.Ordinal)).Port;
    }

    private static async Task<HttpStatusCode> Status(HttpClient http, string path)
    {
        using var answer = await http.GetAsync(path);
        return answer.StatusCode;
    }

    // By any other of its own addresses this machine is no loopback to itself.
    private static IPAddress? Outside() => NetworkInterface.GetAllNetworkInterfaces().Where(one => one.OperationalStatus is OperationalStatus.Up)
        .SelectMany(one => one.GetIPProperties().UnicastAddresses).Select(one => one.Address)
        .FirstOrDefault(address => address.AddressFamily is AddressFamily.InterNetwork && !IPAddress.IsLoopback(address));
}
