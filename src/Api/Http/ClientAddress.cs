using System.Net;
using System.Net.Sockets;

namespace NannyOrleans.Api.Http;

/// <summary>Who asks, as far as an address says it: what limits are counted by. After <see cref="TrustedProxies"/>.</summary>
internal static class ClientAddress
{
    /// <summary>
    /// The address; of IPv6 its network of 64 bits, since whoever has one address there has all of them. For a caller without one, by a Unix socket,
    /// a word that is no address.
    /// </summary>
    public static string Of(IPAddress? address)
    {
        if (address is null)
        {
            return "local";
        }

        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        if (address.AddressFamily is not AddressFamily.InterNetworkV6)
        {
            return address.ToString();
        }

        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return $"{new IPAddress(bytes)}/64";
    }

    /// <summary>That of a request.</summary>
    public static string Of(HttpContext http) => Of(http.Connection.RemoteIpAddress);
}
