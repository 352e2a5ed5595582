using System.Globalization;
using System.Net.WebSockets;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol;

namespace NannyOrleans.Api.Tests.Attacks;

/// <summary>Connections that are held, and requests beyond all bounds. (Oversized hub messages: <c>HostileReportTests</c>; more connections than descriptors: <c>AgentPlaceTests</c>.)</summary>
public sealed class ConnectionTests(SharedServer shared)
{
    [Fact]
    public async Task Who_sends_slowly_so_as_to_hold_connections_loses_them_and_nobody_waits_for_it()
    {
        // A header that never ends, a body that never comes, a word now and then, and nothing at all after a good request.
        string[] begins =
        [
            "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ",
            "POST /connect/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\ngrant_type=",
            "POST /api/patches HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nAuthorization: Bearer " + shared.Admin.Token + "\r\n\r\n5\r\n{\"age",
            $"GET {AgentHub.Path} HTTP/1.1\r\nHost: x\r\nUpgrade: ",
        ];
        var slow = await Task.WhenAll(Enumerable.Range(0, 200).Select(async i =>
        {
            var one = await RawHttp.Connect(shared.Server.Url);
            await one.Send(begins[i % begins.Length]);
            return one;
        }));
        var ends = slow.Select(one => one.ReadToEnd()).ToArray();
        var silent = ConnectAsAgentAndSayNothing();
        using var dripping = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        var answered = 0;
        while (!ends.All(end => end.IsCompleted))
        {
            await dripping.WaitForNextTickAsync();
            await Task.WhenAll(slow.Zip(ends).Where(one => !one.Second.IsCompleted).Select(one => one.First.Send("x")));
            (await shared.Anonymous.Get("/healthz")).Is(200);
            (await shared.Admin.Get("/api/clusters")).Is(200);
            answered++;
        }

        Assert.True(answered > 1, "They were cut at once, and so for another reason.");
        Assert.All(await Task.WhenAll(ends), end => Assert.True(end is "" || end.StartsWith("HTTP/1.1 408 ", StringComparison.Ordinal) || end.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal), end));
        Array.ForEach(slow, one => one.Dispose());
        await silent;
    }

    public static TheoryData<string, string, string> Oversized => new()
    {
        { "a header of 100 kB", $"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: {new string('x', 100_000)}\r\n\r\n", "431" },
        { "a thousand headers", $"GET /healthz HTTP/1.1\r\nHost: x\r\n{string.Concat(Enumerable.Range(0, 1000).Select(i => string.Create(CultureInfo.InvariantCulture, $"X-{i}: y\r\n")))}\r\n", "431" },
        { "an address of 100 kB", $"GET /{new string('x', 100_000)} HTTP/1.1\r\nHost: x\r\n\r\n", "414" },
        { "a body of 5 GB, it says", "POST /connect/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000000000\r\n\r\n", "413" },
        { "a body of less than nothing", "POST /connect/token HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400" },
        { "two lengths", "POST /connect/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "400" }, // what a proxy may read otherwise than we do
        { "a length and chunks", "POST /connect/token HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: gzip, chunked, x\r\n\r\n0\r\n\r\n", "400" },
        { "a chunk of more than there is", "POST /connect/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n", "400" },
        { "no host", "GET /healthz HTTP/1.1\r\n\r\n", "400" },
        { "a host with a line break", "GET /healthz HTTP/1.1\r\nHost: x\r\n\tx: y\r\n\r\n", "400" },
        { "no HTTP", "\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003", "400" }, // TLS where there is none
        { "a path with a NUL", "GET /api/agents/%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "400" },
    };

    [Theory]
    [MemberData(nameof(Oversized))]
    public async Task A_request_beyond_all_bounds_is_refused_and_its_connection_closed(string what, string request, string status)
    {
        using var raw = await RawHttp.Connect(shared.Server.Url);
        await raw.Send(request);
        var answer = await raw.ReadToEnd();
        Assert.True(answer is "" || answer.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal), $"{what}: {answer}");
        (await shared.Anonymous.Get("/healthz")).Is(200);
    }

    [Fact] // Kept states of who is not connected, and long answers that are no connections.
    public async Task Agents_have_no_other_way_in_than_a_websocket()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var agent = shared.Admin.With(host.AccessToken);
        var offered = (await agent.Send("POST", $"{AgentHub.Path}/negotiate?negotiateVersion=1")).Is(200).Json.GetProperty("availableTransports");
        Assert.Equal("WebSockets", Assert.Single(offered.EnumerateArray()).GetProperty("transport").GetString());
        Assert.InRange((await agent.Get($"{AgentHub.Path}?id=x")).Status, 400, 499);
        Assert.InRange((await agent.Send("POST", $"{AgentHub.Path}?id=x")).Status, 400, 499);
    }

    /// <summary>Until the server hangs up.</summary>
    private async Task ConnectAsAgentAndSayNothing()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", $"Bearer {host.AccessToken}");
        await socket.ConnectAsync(new UriBuilder(shared.Server.Url) { Scheme = "ws", Path = AgentHub.Path }.Uri, CancellationToken.None).Within("a connection");
        var buffer = new byte[1024];
        try
        {
            while ((await socket.ReceiveAsync(buffer, CancellationToken.None).Within("the server to hang up")).MessageType is not WebSocketMessageType.Close)
            {
                // it may say why
            }
        }
        catch (WebSocketException)
        {
            // without a close frame
        }

        await host.ConnectWith(shared.Server.Url);
    }
}
