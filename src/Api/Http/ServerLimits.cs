using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.SignalR;

namespace NannyOrleans.Api.Http;

/// <summary>
/// How large and how slow what comes in may be. Answers to what goes beyond are problems like all others where a request could be read: 413 for a body, 400
/// for a form. What is too long before that (431, 414) or too slow (408) is Kestrel's to answer, and has no body.
/// </summary>
internal static class ServerLimits
{
    /// <summary>For requests.</summary>
    public static void Bound(KestrelServerLimits limits)
    {
        limits.MaxRequestBodySize = 1024 * 1024;
        limits.MaxRequestLineSize = 8 * 1024;
        limits.MaxRequestHeadersTotalSize = 32 * 1024;
        limits.MaxRequestHeaderCount = 64;

        // Who sends slowly so as to hold a connection ("slow loris") holds it no longer than this; the grace is for a network that pauses.
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        limits.MinRequestBodyDataRate = new(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromSeconds(5));
        limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
    }

    /// <summary>For agents' messages: the largest inventory has 3,000 guests in 1.5 MB.</summary>
    public static void Bound(HubOptions hub)
    {
        hub.MaximumReceiveMessageSize = 4 * 1024 * 1024;

        // One after the other: what an agent says has an order, and one agent is no flood. Said here since all of it is defence.
        hub.MaximumParallelInvocationsPerClient = 1;
        hub.HandshakeTimeout = TimeSpan.FromSeconds(10);
        hub.StreamBufferCapacity = 1;
        hub.EnableDetailedErrors = false;
    }

    /// <summary>For agents' connections: WebSockets alone. The other ways keep a connection's state for who is not connected.</summary>
    public static void Bound(HttpConnectionDispatcherOptions connections)
    {
        connections.Transports = HttpTransportType.WebSockets;
        connections.AllowStatefulReconnects = false;
    }
}
