using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using NannyOrleans.Tests.Postgres;

namespace NannyOrleans.Chaos.Tests;

/// <summary>The HA shape as real processes on loopback: PostgreSQL, three silos, two Api, HAProxy in front of them.</summary>
internal sealed class ControlPlane : IAsyncDisposable
{
    private const string Password = "a password of the tests";
    private const string Up = "Application started";

    private readonly DataDirectory directory;
    private readonly string database;
    private string token = string.Empty;

    private ControlPlane(DataDirectory directory, PrivatePostgres postgres, string database)
    {
        (this.directory, Postgres, this.database) = (directory, postgres, database);
        Silos = [.. Enumerable.Range(1, 3).Select(number => new Supervised($"silo{number}", Program("Silo", Ports(3)), Up))];
        int[] apis = Ports(2);
        Apis = [.. apis.Select((port, index) => new Supervised($"api{index + 1}", Program("Api", [0, 0, port]), Up))];
        ApiUrls = [.. apis.Select(port => $"http://127.0.0.1:{port}")];
        var front = Ports(1)[0];
        Url = $"http://127.0.0.1:{front}";
        File.WriteAllText(directory.PathOf("haproxy.cfg"), Balancer(front, apis));
        Haproxy = new("haproxy", () => new(["haproxy", "-db", "-f", directory.PathOf("haproxy.cfg")], new Dictionary<string, string>()));
    }

    public PrivatePostgres Postgres { get; }

    public IReadOnlyList<Supervised> Silos { get; }

    public IReadOnlyList<Supervised> Apis { get; }

    public Supervised Haproxy { get; }

    /// <summary>The balancer's address.</summary>
    public string Url { get; }

    /// <summary>Those of the Api processes behind it.</summary>
    public IReadOnlyList<string> ApiUrls { get; }

    public string Database => database;

    public IEnumerable<Supervised> All => [.. Silos, .. Apis, Haproxy];

    public static async Task<ControlPlane> Start()
    {
        var postgres = await PrivatePostgres.Start();
        var plane = new ControlPlane(new(), postgres, await postgres.NewDatabase());
        try
        {
            await plane.Haproxy.Start();
            await Task.WhenAll(plane.Silos.Concat(plane.Apis).Select(one => one.Start()));
            await Waiting.Until(plane.SignIn, signedIn => signedIn, "the administrator to sign in");
            return plane;
        }
        catch (Exception failure)
        {
            var said = plane.Said;
            await plane.DisposeAsync();
            throw new InvalidOperationException($"{failure.Message}\n{said}", failure);
        }
    }

    /// <summary>What all processes have said in all their lives.</summary>
    public string Said => string.Join('\n', All.Select(one => $"== {one.Name}\n{one.Log}"));

    /// <summary>A request through the balancer; status 0 when no answer came.</summary>
    public async Task<(int Status, JsonNode? Body)> Send(HttpMethod method, string path, JsonNode? body = null, HttpClient? through = null)
    {
        using var own = through is null ? Client() : null;
        try
        {
            using var ask = new HttpRequestMessage(method, path);
            ask.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            ask.Content = body is null ? null : new StringContent(body.ToJsonString(), System.Text.Encoding.UTF8, "application/json");
            using var answer = await (through ?? own!).SendAsync(ask);
            var text = await answer.Content.ReadAsStringAsync();
            return ((int)answer.StatusCode, text.Length is 0 || text[0] is not ('{' or '[') ? null : JsonNode.Parse(text));
        }
        catch (Exception cut) when (cut is HttpRequestException or IOException or TaskCanceledException)
        {
            return (0, null);
        }
    }

    /// <summary>Asks until there is an answer.</summary>
    public async Task<JsonNode> Get(string path) => (await Waiting.Until(
        () => Send(HttpMethod.Get, path), answer => answer is { Status: 200, Body: not null }, $"an answer to {path}")).Body!;

    /// <summary>Approves a device code as an administrator.</summary>
    public async Task Approve(string code)
    {
        using var client = Client();
        using var ask = new HttpRequestMessage(HttpMethod.Post, "/device") { Content = new FormUrlEncodedContent([new("user_code", code), new("decision", "approve")]) };
        ask.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await client.SendAsync(ask);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Gets a token; an hour is its life.</summary>
    public async Task<bool> SignIn()
    {
        using var client = Client();
        try
        {
            using var answer = await client.PostAsync("/connect/token", new FormUrlEncodedContent(
                [new("grant_type", "password"), new("client_id", "nanny-cli"), new("scope", "api"), new("username", "admin"), new("password", Password)]));
            if (answer.StatusCode is not HttpStatusCode.OK)
            {
                return false;
            }

            token = (string)(await answer.Content.ReadFromJsonAsync<JsonNode>())!["access_token"]!;
            return true;
        }
        catch (Exception cut) when (cut is HttpRequestException or IOException or TaskCanceledException)
        {
            return false;
        }
    }

    /// <summary>A connection that lasts no longer than one request, as of a curl; a minute is more than the server ever takes.</summary>
    public HttpClient Client() => new() { BaseAddress = new(Url), Timeout = TimeSpan.FromMinutes(1) };

    public async ValueTask DisposeAsync()
    {
        foreach (var one in All)
        {
            await one.DisposeAsync();
        }

        await Postgres.DisposeAsync();
        directory.Dispose();
    }

    /// <summary>What <c>nanny-silo audit verify</c> ends with, while everything runs.</summary>
    public async Task<(int Code, string Said)> VerifyAudit()
    {
        await using var verify = new RunningProgram(
            [BuiltProgram.Of("Silo"), "audit", "verify"], new Dictionary<string, string> { ["NANNY_Silo__DataDirectory"] = directory.PathOf("keys"), ["NANNY_Silo__Postgres"] = database });
        return (await verify.Exit(), verify.Log);
    }

    private Func<RunningProgram> Program(string program, int[] ports) => () => new([BuiltProgram.Of(program)], new Dictionary<string, string>
    {
        ["NANNY_Silo__DataDirectory"] = directory.PathOf("keys"),
        ["NANNY_Silo__Postgres"] = database,
        ["NANNY_Silo__Embedded"] = "false",
        ["NANNY_Silo__Port"] = $"{ports[0]}",
        ["NANNY_Silo__GatewayPort"] = program is "Silo" ? $"{ports[1]}" : "30000",
        ["NANNY_ADMIN_PASSWORD"] = Password,
        ["NANNY_Limits__RequestsPerSecond"] = "10000",
        ["NANNY_Limits__RegistrationsPerMinute"] = "10000",
        ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{ports[2]}",
    });

    private static int[] Ports(int count) => [.. Enumerable.Range(0, count).Select(_ => Port.Free())];

    private static string Balancer(int front, int[] apis) => string.Create(CultureInfo.InvariantCulture, $"""
        defaults
            mode http
            timeout connect 2s
            timeout client 1m
            timeout server 1m
            timeout tunnel 1h
            option redispatch
            retries 2
        frontend nanny
            bind 127.0.0.1:{front}
            default_backend api
        backend api
            balance leastconn
            option httpchk GET /readyz
            {string.Join("\n    ", apis.Select((port, index) => $"server api{index + 1} 127.0.0.1:{port} check inter 500ms fall 2 rise 1"))}

        """);
}
