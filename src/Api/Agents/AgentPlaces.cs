using System.Globalization;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using NannyOrleans.Api.Http;

namespace NannyOrleans.Api.Agents;

/// <summary>
/// How many connections of agents this process takes. Each is a file descriptor, and a .NET process that has no descriptor left aborts: all
/// its agents and all it was about to answer are gone with it. One agent too many is sent elsewhere instead, with 503.
/// </summary>
internal sealed partial class AgentPlaces(ILogger<AgentPlaces> logger)
{
    /// <summary>What the process needs for itself: the runtime holds two descriptors for each assembly, some 400; and databases, silos, files.</summary>
    private const int Own = 640;

    /// <summary>And at the least for people, and for agents that are on their way in or about to be refused.</summary>
    private const int LeastOthers = 128;

    /// <summary>WebSockets beyond agents' places: those are refused with a word, and Kestrel has none.</summary>
    private const int Slack = 32;

    private static readonly long? Descriptors = ReadLimit(OperatingSystem.IsLinux() ? File.ReadAllLines("/proc/self/limits") : []);
    private int taken;

    /// <summary>How many agents may be connected at once under a limit of descriptors; null: as many as come.</summary>
    public static int? Most(long? descriptors) => descriptors is { } limit ? (int)Math.Clamp(limit - Reserve(limit), 0, int.MaxValue) : null;

    /// <summary>The process' own limit, from the lines of <c>/proc/self/limits</c>; null when there is none. The runtime has raised it to the hard one by then.</summary>
    public static long? ReadLimit(IEnumerable<string> limits) =>
        limits.FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal))?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, _, _, var soft, ..]
            && long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : null;

    /// <summary>
    /// Bounds what the server accepts below the limit: WebSockets, and all other connections. Kestrel counts a connection among those until it
    /// has become a WebSocket; what comes beyond them is closed without an answer.
    /// </summary>
    public static void Bound(KestrelServerLimits limits)
    {
        limits.MaxConcurrentUpgradedConnections = Most(Descriptors) + Slack;
        limits.MaxConcurrentConnections = Descriptors is { } limit ? Reserve(limit) - Own : null;
    }

    /// <summary>Lets an agent in while there is a place for it. A connection is one request, from its beginning to its end.</summary>
    public async Task LetIn(HttpContext http, RequestDelegate next)
    {
        if (!http.Request.Path.StartsWithSegments(Protocol.AgentHub.Path, StringComparison.Ordinal))
        {
            await next(http);
            return;
        }

        try
        {
            if (Interlocked.Increment(ref taken) > Most(Descriptors))
            {
                Log.Full(logger, http.Connection.RemoteIpAddress, Descriptors);
                http.Response.Headers.RetryAfter = "30";
                await Results.Problem(Problems.Full()).ExecuteAsync(http);
                return;
            }

            http.Features.Get<ConnectionPlaces.Place>()?.Dispose(); // it has one here
            await next(http);
        }
        finally
        {
            Interlocked.Decrement(ref taken);
        }
    }

    private static long Reserve(long limit) => Math.Max(Own + LeastOthers, limit / 10);

    private static partial class Log
    {
        [LoggerMessage(5151, LogLevel.Warning, "Agent at {Address} sent elsewhere: with {Descriptors} file descriptors (LimitNOFILE) this process has no place for more")]
        public static partial void Full(ILogger logger, System.Net.IPAddress? address, long? descriptors);
    }
}
