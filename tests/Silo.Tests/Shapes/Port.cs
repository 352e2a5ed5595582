using System.Net;
using System.Net.Sockets;

namespace NannyOrleans.Silo.Tests.Shapes;

internal static class Port
{
    /// <summary>A port that nobody listens on at this moment.</summary>
    public static int Free()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
