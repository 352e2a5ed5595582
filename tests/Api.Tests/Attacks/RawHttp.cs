using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NannyOrleans.Api.Tests.Attacks;

/// <summary>HTTP written by hand, which may be as wrong and as slow as it likes.</summary>
internal sealed class RawHttp : IDisposable
{
    private readonly TcpClient client = new();

    public static async Task<RawHttp> Connect(Uri server)
    {
        var raw = new RawHttp();
        await raw.client.ConnectAsync(IPAddress.Loopback, server.Port).Within("a connection");
        return raw;
    }

    public async Task Send(string text)
    {
        try
        {
            await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(text));
        }
        catch (IOException)
        {
            // Cut off in the middle: who reads learns it.
        }
    }

    /// <summary>All that comes until the server hangs up.</summary>
    public async Task<string> ReadToEnd()
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        try
        {
            while (await client.GetStream().ReadAsync(buffer).AsTask().Within("the server to hang up") is > 0 and var count)
            {
                text.Append(Encoding.Latin1.GetString(buffer, 0, count));
            }
        }
        catch (IOException)
        {
            // reset instead of closed
        }

        return text.ToString();
    }

    public void Dispose() => client.Dispose();
}
