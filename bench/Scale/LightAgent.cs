using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using NannyOrleans.Bench.Fleet;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Bench.Scale;

/// <summary>
/// An agent that is little more than its connection, so that thousands of them cost the machine little beside the server: SignalR's JSON
/// messages, as its client sends them, over a WebSocket.
/// </summary>
internal sealed class LightAgent(GeneratedAgent host, AgentId id) : IDisposable
{
    private const char End = '\u001e';
    private static readonly byte[] Handshake = Encoding.UTF8.GetBytes($$"""{"protocol":"json","version":1}{{End}}""");
    private static readonly byte[] Ping = Encoding.UTF8.GetBytes($$"""{"type":6}{{End}}""");
    private static readonly byte[] Answered = "\"type\":3"u8.ToArray();
    private static readonly byte[] Failed = "\"error\":"u8.ToArray();
    private static readonly JsonSerializerOptions Json = Options();

    private readonly byte[] buffer = new byte[256];
    private ClientWebSocket? socket;
    private byte[]? sample;
    private TaskCompletionSource? answer;

    public GeneratedAgent Host => host;

    public AgentId Id => id;

    /// <summary>Samples that were handed to the connection.</summary>
    public int Sent { get; private set; }

    /// <summary>Inventories that the server said it has stored.</summary>
    public int Stored { get; private set; }

    /// <summary>Why the connection is gone; null while it is there.</summary>
    public string? Lost { get; private set; }

    /// <summary>Connects and reports all there is.</summary>
    /// <returns>What the server answers: 101 when the agent is in.</returns>
    public async Task<int> Connect(Uri server, string token, HttpMessageInvoker through)
    {
        var opened = new ClientWebSocket { Options = { CollectHttpResponseDetails = true, KeepAliveInterval = TimeSpan.Zero } };
        opened.Options.SetRequestHeader("Authorization", $"Bearer {token}");
        try
        {
            await opened.ConnectAsync(new UriBuilder(server) { Scheme = "ws", Path = AgentHub.Path }.Uri, through, CancellationToken.None);
        }
        catch (WebSocketException)
        {
            var status = (int)opened.HttpStatusCode;
            opened.Dispose();
            return status;
        }

        opened.HttpResponseHeaders = null;
        socket = opened;
        await Send(Handshake);
        _ = Read();
        await Report(host.Whole());
        sample = Call(AgentHub.ReportMetrics, null, host.Sample());
        return 101;
    }

    /// <summary>Reports what has changed, and waits for the answer.</summary>
    public Task ReportChange(bool changed) => Report(host.Change(changed));

    /// <summary>Sends a sample; as with the real agent nobody waits for an answer.</summary>
    public async Task SendSample()
    {
        await Send(sample!);
        Sent += Lost is null ? 1 : 0;
    }

    public Task SendPing() => Send(Ping);

    public void Dispose() => socket?.Dispose();

    private async Task Report(object inventory)
    {
        answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await Send(Call(AgentHub.ReportInventory, "1", inventory));
        await answer.Task.WaitAsync(TimeSpan.FromSeconds(60));
        Stored++;
    }

    private async Task Send(byte[] message)
    {
        try
        {
            await socket!.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        }
        catch (Exception cut) when (cut is WebSocketException or ObjectDisposedException or InvalidOperationException)
        {
            Lost ??= cut.Message;
        }
    }

    private async Task Read()
    {
        try
        {
            while (true)
            {
                var part = await socket!.ReceiveAsync(buffer, CancellationToken.None);
                if (part.MessageType is WebSocketMessageType.Close)
                {
                    throw new WebSocketException("The server has closed the connection.");
                }

                var said = buffer.AsSpan(0, part.Count);
                if (said.IndexOf(Answered) >= 0)
                {
                    _ = said.IndexOf(Failed) < 0 ? answer?.TrySetResult() : answer?.TrySetException(new InvalidOperationException(Encoding.UTF8.GetString(said)));
                }
            }
        }
        catch (Exception cut) when (cut is WebSocketException or ObjectDisposedException or OperationCanceledException)
        {
            Lost ??= cut.Message;
            answer?.TrySetException(new InvalidOperationException($"{host.Node} of {host.ClusterName} lost its connection: {cut.Message}"));
        }
    }

    private static byte[] Call(string method, string? invocation, object argument)
    {
        var header = invocation is null ? "" : $"\"invocationId\":\"{invocation}\",";
        return Encoding.UTF8.GetBytes($$"""{"type":1,{{header}}"target":"{{method}}","arguments":[{{JsonSerializer.Serialize(argument, argument.GetType(), Json)}}]}{{End}}""");
    }

    private static JsonSerializerOptions Options()
    {
        var options = new JsonSerializerOptions();
        ProtocolJson.Configure(options);
        return options;
    }
}
