using System.Net;
using System.Text.Json;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>What a QEMU guest agent says through <c>qm guest cmd</c>. It is a guest's word: anything may be in it.</summary>
internal static class QemuAgent
{
    /// <summary>
    /// The addresses of <c>network-get-interfaces</c> without loopback and link-local ones, IPv4 first, in the guest's order, at most
    /// <paramref name="most"/>; null when it is not that.
    /// </summary>
    public static IReadOnlyList<string>? Addresses(string json, int most)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = LenientJson.Property(document.RootElement, "result") ?? document.RootElement;
            if (root.ValueKind is not JsonValueKind.Array)
            {
                return null;
            }

            List<string> v4 = [], v6 = [];
            foreach (var one in root.EnumerateArray())
            {
                if (LenientJson.Property(one, "ip-addresses") is not { ValueKind: JsonValueKind.Array } addresses)
                {
                    continue;
                }

                foreach (var address in addresses.EnumerateArray())
                {
                    if (LenientJson.Text(address, "ip-address") is { Length: < 64 } text && IPAddress.TryParse(text, out var ip) && IsWanted(ip))
                    {
                        var list = ip.AddressFamily is System.Net.Sockets.AddressFamily.InterNetwork ? v4 : v6;
                        if (!list.Contains(ip.ToString()) && list.Count < most)
                        {
                            list.Add(ip.ToString());
                        }
                    }
                }
            }

            v4.AddRange(v6);
            return v4.Count > most ? v4[..most] : v4;
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException) // the last: text that is no Unicode
        {
            return null;
        }
    }

    /// <summary>Whether an address is one to reach a guest by.</summary>
    public static bool IsWanted(IPAddress address) => !IPAddress.IsLoopback(address) && !address.IsIPv6LinkLocal && !address.IsIPv6Multicast
        && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any)
        && address.GetAddressBytes() is not [169, 254, _, _];
}
