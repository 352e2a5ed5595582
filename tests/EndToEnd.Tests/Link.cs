using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>
/// The line between an agent and its server. It can be cut, and it can stop in the middle of a long message: what was passed on by then
/// has arrived, the rest never does. It reads WebSocket's frame lengths, which are not masked, and never what is said.
/// </summary>
internal sealed class Link : IAsyncDisposable
{
    /// <summary>Longer than any message but a report with much output: a piece of live output has 32 KiB of text at most.</summary>
    public const int Long = 128 * 1024;

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly IPEndPoint server;
    private readonly Lock gate = new();
    private readonly List<TcpClient> open = [];
    private readonly CancellationTokenSource stopped = new();
    private readonly Task accepting;
    private TaskCompletionSource? caught;
    private bool isCut;

    public Link(string serverUrl)
    {
        server = IPEndPoint.Parse(new Uri(serverUrl).Authority);
        listener.Start();
        accepting = Accept();
    }

    public string Url => $"http://{listener.LocalEndpoint}";

    /// <summary>Ends every connection and lets none through until <see cref="Mend"/>.</summary>
    public void Cut()
    {
        lock (gate)
        {
            isCut = true;
            caught = null;
            open.ForEach(client => client.Dispose());
            open.Clear();
        }
    }

    /// <summary>Lets everything through; what was stopped in the middle is lost with its connection.</summary>
    public void Mend()
    {
        Cut();
        lock (gate)
        {
            isCut = false;
        }
    }

    /// <summary>Stops the agent's next long message in its middle. The task ends when it is there.</summary>
    public Task Catch()
    {
        lock (gate)
        {
            caught = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return caught.Task;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Cut();
        await stopped.CancelAsync();
        listener.Stop();
        await accepting;
        stopped.Dispose();
    }

    private async Task Accept()
    {
        while (true)
        {
            TcpClient agent;
            try
            {
                agent = await listener.AcceptTcpClientAsync();
            }
            catch (SocketException) when (!stopped.IsCancellationRequested)
            {
                continue; // an agent that was killed before it was let in: the next one is let in all the same
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }

            _ = Join(agent); // ends with its connection, whatever ends that
        }
    }

    private async Task Join(TcpClient agent)
    {
        using var near = agent;
        using var far = new TcpClient();
        lock (gate)
        {
            if (isCut)
            {
                return;
            }

            open.AddRange([near, far]);
        }

        try
        {
            await far.ConnectAsync(server);
            var (up, down) = (Up(near.GetStream(), far.GetStream()), far.GetStream().CopyToAsync(near.GetStream()));
            await await Task.WhenAny(up, down);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // One of the two is gone, or the line was cut.
        }
    }

    private async Task Up(NetworkStream agent, NetworkStream far)
    {
        var buffer = new byte[4096];
        var frames = new Frames();
        for (int length; (length = await agent.ReadAsync(buffer)) > 0;)
        {
            frames.Take(buffer.AsSpan(0, length));
            await far.WriteAsync(buffer.AsMemory(0, length));
            TaskCompletionSource? stop;
            lock (gate)
            {
                stop = frames.Message > Long ? caught : null;
            }

            if (stop is not null)
            {
                stop.TrySetResult();
                await new TaskCompletionSource().Task; // nothing more is passed on; the other direction ends when the line is cut
            }
        }
    }

    /// <summary>How much of the present message has passed (RFC 6455, section 5.2). Before it come the lines that ask for a WebSocket.</summary>
    private sealed class Frames
    {
        private readonly List<byte> head = [];
        private bool inFrames;
        private long left;
        private bool isFinal;

        /// <summary>Bytes of the message so far; 0 between two.</summary>
        public long Message { get; private set; }

        public void Take(ReadOnlySpan<byte> bytes)
        {
            while (bytes.Length > 0)
            {
                if (left > 0)
                {
                    var now = (int)Math.Min(left, bytes.Length);
                    (left, Message) = (left - now, Message + now);
                    bytes = bytes[now..];
                    EndIfDue();
                    continue;
                }

                head.Add(bytes[0]);
                bytes = bytes[1..];
                if (!inFrames)
                {
                    EndOfRequest();
                }
                else if (LengthOf(head) is { } length)
                {
                    (isFinal, left) = ((head[0] & 0x80) != 0, length);
                    head.Clear();
                    EndIfDue();
                }
            }
        }

        private void EndIfDue() => Message = left is 0 && isFinal ? 0 : Message;

        private void EndOfRequest()
        {
            if (head is [.., (byte)'\r', (byte)'\n', (byte)'\r', (byte)'\n'])
            {
                inFrames = Encoding.ASCII.GetString([.. head]).Contains("Upgrade: websocket", StringComparison.OrdinalIgnoreCase);
                head.Clear();
            }
        }

        private static long? LengthOf(List<byte> head)
        {
            const int Mask = 4;
            if (head.Count < 2)
            {
                return null;
            }

            var more = (head[1] & 0x7F) switch { 126 => 2, 127 => 8, _ => 0 };
            return head.Count < 2 + more + Mask ? null : more switch
            {
                0 => head[1] & 0x7F,
                2 => BinaryPrimitives.ReadUInt16BigEndian([.. head[2..4]]),
                _ => BinaryPrimitives.ReadInt64BigEndian([.. head[2..10]]),
            };
        }
    }
}
