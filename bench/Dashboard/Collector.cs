using System.Net.Sockets;
using System.Text;

namespace NannyOrleans.Bench.Dashboard;

/// <summary>
/// Has another .NET process collect its garbage, so that what is left is what it needs: a trace with the keyword that asks for it is begun, by the
/// runtime's diagnostics protocol (dotnet/diagnostics, documentation/design-docs/ipc-protocol.md), and ends with the connection.
/// </summary>
internal static class Collector
{
    private const ulong CollectKeyword = 0x800000; // GCHeapCollectKeyword
    private const string Provider = "Microsoft-Windows-DotNETRuntime";

    /// <summary>Returns once the trace has begun to come, which is after the collection.</summary>
    public static async Task Collect(int pid)
    {
        var path = Directory.EnumerateFiles(Path.GetTempPath(), $"dotnet-diagnostic-{pid}-*-socket").Single();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        await socket.SendAsync(Ask());
        var answer = new byte[20 + 8]; // a header, and the session's id
        await using var stream = new NetworkStream(socket);
        await stream.ReadExactlyAsync(answer);
        if (answer[16..18] is not [0xFF, 0x00])
        {
            throw new InvalidOperationException($"The process {pid} refused the trace: {Convert.ToHexString(answer)}.");
        }

        await stream.ReadExactlyAsync(new byte[1]);
    }

    private static byte[] Ask()
    {
        var payload = new MemoryStream();
        using (var to = new BinaryWriter(payload, Encoding.Unicode, leaveOpen: true))
        {
            to.Write(16u); // MiB of buffer
            to.Write(1u); // NetTrace
            to.Write(1u); // providers
            to.Write(CollectKeyword);
            to.Write(4u); // informational
            to.Write((uint)Provider.Length + 1);
            to.Write(Encoding.Unicode.GetBytes(Provider + '\0'));
            to.Write(0u); // no filter
        }

        var message = new MemoryStream();
        using var whole = new BinaryWriter(message);
        whole.Write("DOTNET_IPC_V1\0"u8);
        whole.Write((ushort)(20 + payload.Length));
        whole.Write((byte)2); // EventPipe
        whole.Write((byte)2); // CollectTracing
        whole.Write((ushort)0);
        whole.Write(payload.ToArray());
        return message.ToArray();
    }
}
