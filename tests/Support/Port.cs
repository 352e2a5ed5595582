using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace NannyOrleans.Tests.Support;

/// <summary>Ports for processes that are told theirs.</summary>
internal static class Port
{
    /// <summary>One that nobody listens at, below those that outgoing connections get: one of those could have it when a process is started again.</summary>
    public static int Free()
    {
        while (true)
        {
            using var probe = new TcpListener(IPAddress.Loopback, RandomNumberGenerator.GetInt32(15000, 32000));
            try
            {
                probe.Start();
                return ((IPEndPoint)probe.LocalEndpoint).Port;
            }
            catch (SocketException)
            {
                // somebody has it
            }
        }
    }
}
