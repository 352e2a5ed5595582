using System.Net.WebSockets;
using System.Text;
using NannyOrleans.Protocol;

namespace NannyOrleans.Api.Tests.Support;

/// <summary>The agent's side of the hub without a client library: it can say what no library would.</summary>
internal sealed class RawPeer(ClientWebSocket socket) : IDisposable
{
    /// <summary>Ends a message of SignalR's JSON protocol.</summary>
    public const char End = '\u001e';

    private readonly StringBuilder read = new();

    public static async Task<RawPeer> Connect(Uri server, string token)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", $"Bearer {token}");
        await socket.ConnectAsync(new UriBuilder(server) { Scheme = "ws", Path = AgentHub.Path }.Uri, CancellationToken.None).Within("a raw connection");
        var peer = new RawPeer(socket);
        await peer.Send(Encoding.UTF8.GetBytes($$"""{"protocol":"json","version":1}{{End}}"""));
        Assert.Equal("{}", await peer.Next(_ => true));
        return peer;
    }

    /// <summary>A call whose argument is written as it stands.</summary>
    public static string Call(string method, string arguments) => $$"""{"type":1,"invocationId":"1","target":"{{method}}","arguments":[{{arguments}}]}{{End}}""";

    public async Task Send(byte[] bytes, bool binary = false)
    {
        try
        {
            await socket.SendAsync(bytes, binary ? WebSocketMessageType.Binary : WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None).Within("the server to read");
        }
        catch (WebSocketException)
        {
            // Cut off in the middle: whoever asks what came next learns that it was closed.
        }
    }

    /// <summary>What the server made of it: the answer to a call, or null when it cut the connection.</summary>
    public Task<string?> Answer() => Next(message => message.Contains("\"type\":3", StringComparison.Ordinal) || message.Contains("\"type\":7", StringComparison.Ordinal));

    /// <summary>All that the server has answered up to its answer to a call with this id; null when it cut the connection.</summary>
    public async Task<string?> AnswerTo(string id)
    {
        var all = new StringBuilder();
        var last = await Next(message =>
        {
            all.Append(message).Append('\n');
            return message.Contains("\"type\":7", StringComparison.Ordinal) || message.Contains($"\"invocationId\":\"{id}\"", StringComparison.Ordinal);
        });
        return last is null || last.Contains("\"type\":7", StringComparison.Ordinal) ? null : all.ToString();
    }

    public void Dispose() => socket.Dispose();

    private async Task<string?> Next(Func<string, bool> isWanted)
    {
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var text = read.ToString();
            if (text.IndexOf(End, StringComparison.Ordinal) is >= 0 and var end)
            {
                read.Remove(0, end + 1);
                if (isWanted(text[..end]))
                {
                    return text[..end];
                }

                continue;
            }

            try
            {
                var part = await socket.ReceiveAsync(buffer, CancellationToken.None).Within("the server to answer or to cut the connection");
                if (part.MessageType is WebSocketMessageType.Close)
                {
                    return null;
                }

                read.Append(Encoding.UTF8.GetString(buffer, 0, part.Count));
            }
            catch (WebSocketException)
            {
                return null;
            }
        }
    }
}
