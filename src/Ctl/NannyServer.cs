using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NannyOrleans.Ctl.Logins;

namespace NannyOrleans.Ctl;

/// <summary>The server's REST API. What it refuses, and that it does not answer, is a <see cref="CtlFailure"/> in its own words.</summary>
internal sealed class NannyServer : IDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectNullableAnnotations = true,
    };

    private readonly HttpClient http;

    /// <param name="url">Where it is.</param>
    /// <param name="token">An access token; null to ask with what there is of a sign-in.</param>
    public NannyServer(Uri url, string? token)
    {
        Url = url;
        http = new(new BearerToken(url, token, Credentials.OfThisPerson, new SocketsHttpHandler { ConnectCallback = Connect })) { BaseAddress = new(url.AbsoluteUri.TrimEnd('/') + '/'), Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Where it is.</summary>
    public Uri Url { get; }

    /// <summary>How long an answer may take that is not a stream.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public Task<T> Get<T>(string path, CancellationToken cancellation) => Ask<T>(HttpMethod.Get, path, null, cancellation);

    public Task<T> Post<T>(string path, JsonNode? body, CancellationToken cancellation) => Ask<T>(HttpMethod.Post, path, body, cancellation);

    /// <summary>What the server says on a stream, until it or the connection ends. Comments that keep it open are left out.</summary>
    /// <param name="path">The stream.</param>
    /// <param name="after">The id of the last event seen; empty for all.</param>
    /// <param name="cancellation">Ends it.</param>
    public async IAsyncEnumerable<SseItem<string>> Follow(string path, string after, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (after.Length > 0)
        {
            request.Headers.Add("Last-Event-ID", after);
        }

        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        if ((int)response.StatusCode >= 500)
        {
            throw new HttpRequestException($"it answered {(int)response.StatusCode}"); // a proxy before a server that is being restarted, for instance
        }

        await MustBeGood(response, cancellation);
        await foreach (var item in SseParser.Create(await response.Content.ReadAsStreamAsync(cancellation)).EnumerateAsync(cancellation))
        {
            yield return item;
        }
    }

    /// <summary>What a stream's event holds.</summary>
    public static T Read<T>(string json) => JsonSerializer.Deserialize<T>(json, Json) ?? throw new CtlFailure("The server's answer is empty.");

    public void Dispose() => http.Dispose();

    // A server that lost its power sends no end of the stream: the kernel asks after half a minute of silence.
    private static async ValueTask<Stream> Connect(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 30);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 5);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
            await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<T> Ask<T>(HttpMethod method, string path, JsonNode? body, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try
        {
            using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
            using var response = await http.SendAsync(request, patience.Token);
            await MustBeGood(response, patience.Token);
            return Read<T>(await response.Content.ReadAsStringAsync(patience.Token));
        }
        catch (HttpRequestException failure)
        {
            throw new CtlFailure($"{http.BaseAddress} does not answer: {failure.Message}", failure);
        }
        catch (OperationCanceledException failure) when (!cancellation.IsCancellationRequested)
        {
            throw new CtlFailure($"{http.BaseAddress} has not answered within {Patience.TotalSeconds:F0} s. What was asked for may have begun.", failure);
        }
        catch (JsonException failure)
        {
            throw new CtlFailure($"{http.BaseAddress} answered something that is not this server's: {failure.Message}", failure);
        }
    }

    private static async Task MustBeGood(HttpResponseMessage response, CancellationToken cancellation)
    {
        if (response.StatusCode is HttpStatusCode.Unauthorized)
        {
            throw new CtlFailure("The server does not know who asks: the access token is missing or has expired. Sign in with nannyctl login, or set NANNY_TOKEN.");
        }

        if (!response.IsSuccessStatusCode)
        {
            throw new CtlFailure(Words(await response.Content.ReadAsStringAsync(cancellation)) is { Length: > 0 } words ? words : $"The server answered {(int)response.StatusCode}.");
        }
    }

    // Problem details (RFC 9457): the detail, and each field with what is wrong with it.
    private static string Words(string body)
    {
        try
        {
            var problem = Read<Problem>(body);
            var words = new StringBuilder(problem.Errors is null ? problem.Detail ?? problem.Title ?? "" : "");
            foreach (var (field, wrong) in problem.Errors ?? [])
            {
                words.Append(words.Length > 0 ? "\n" : "").Append(field).Append(": ").AppendJoin(' ', wrong);
            }

            return words.ToString();
        }
        catch (JsonException)
        {
            return "";
        }
    }

    private sealed record Problem(string? Title, string? Detail, Dictionary<string, string[]>? Errors);
}
