using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NannyOrleans.Agent.Linux;

/// <summary>
/// The addresses of a network namespace, from the kernel's files in its <c>/proc/…/net</c>: no program is run and the namespace is not
/// entered. Not for use from two places at once.
/// </summary>
internal sealed class NetworkFiles
{
    private readonly FileBytes file = new();

    /// <summary>
    /// All addresses but loopback and link-local ones: IPv4 before IPv6, first those of the interface that the default route leaves by.
    /// </summary>
    /// <param name="directory">The namespace's directory, such as <c>/proc/net</c>.</param>
    /// <param name="problem">Why it cannot be told, in a person's words; null when it can.</param>
    /// <returns>Null when it cannot be told.</returns>
    public IReadOnlyList<string>? Addresses(string directory, out string? problem)
    {
        problem = null;
        var trie = $"{directory}/fib_trie";
        if (file.Read(trie) is not 0 and var error)
        {
            problem = FileBytes.Problem(trie, error);
            return null;
        }

        var v4 = LocalAddresses(file.Content);
        var routed = file.Read($"{directory}/route") is 0 ? DefaultNetworks(file.Content) : [];
        var inet6 = $"{directory}/if_inet6";
        error = file.Read(inet6);
        if (error is not (0 or FileBytes.NotThere)) // a kernel without IPv6 has no such file
        {
            problem = FileBytes.Problem(inet6, error);
            return null;
        }

        var v6 = error is 0 ? Inet6Addresses(file.Content) : [];
        var defaultInterface = file.Read($"{directory}/ipv6_route") is 0 ? DefaultInterface6(file.Content) : null;
        var order = new List<long>(); // sorted as the numbers they are, the default route's in front
        foreach (var address in v4)
        {
            order.Add((routed.Exists(network => network.Contains(address)) ? 0 : 1L << 32) | BinaryPrimitives.ReverseEndianness(address));
        }

        order.Sort();
        v6.Sort((one, other) => (one.Interface == defaultInterface, other.Interface == defaultInterface) switch
        {
            (true, false) => -1,
            (false, true) => 1,
            _ => string.CompareOrdinal(one.Address, other.Address),
        });
        var found = new List<string>();
        foreach (var one in order)
        {
            found.Add(new IPAddress(BinaryPrimitives.ReverseEndianness((uint)one)).ToString());
        }

        foreach (var one in v6)
        {
            if (!found.Contains(one.Address))
            {
                found.Add(one.Address);
            }
        }

        return found;
    }

    /// <summary>The <c>host LOCAL</c> leaves of <c>fib_trie</c>, as the kernel numbers addresses.</summary>
    internal static HashSet<uint> LocalAddresses(ReadOnlySpan<byte> trie)
    {
        var found = new HashSet<uint>();
        ReadOnlySpan<byte> leaf = default;
        foreach (var range in trie.Split((byte)'\n'))
        {
            var line = trie[range].Trim(" \t\r"u8);
            if (line.StartsWith("|-- "u8))
            {
                leaf = line["|-- "u8.Length..];
            }
            else if (line.SequenceEqual("/32 host LOCAL"u8) && leaf.Length is > 0 and <= 15
                && IPAddress.TryParse(Encoding.ASCII.GetString(leaf), out var address) && address.AddressFamily is AddressFamily.InterNetwork
                && IsWanted(address.GetAddressBytes()))
            {
                found.Add(BinaryPrimitives.ReadUInt32LittleEndian(address.GetAddressBytes()));
            }
        }

        return found;
    }

    /// <summary>The addresses of <c>if_inet6</c> with a scope beyond the link.</summary>
    internal static List<Inet6Address> Inet6Addresses(ReadOnlySpan<byte> text)
    {
        var found = new List<Inet6Address>();
        foreach (var fields in Lines(text))
        {
            // address, interface number, prefix length, scope, flags, name; the scope of loopback is 10, of link-local ones 20
            if (fields is [{ Length: 32 } hex, _, _, not ("10" or "20"), _, var name, ..] && Bytes(hex) is { } bytes)
            {
                found.Add(new(new IPAddress(bytes).ToString(), name));
            }
        }

        return found;
    }

    // Only IPv4: the trie does not name interfaces, so the networks of the default route's interface tell which addresses are its own.
    private static List<Network> DefaultNetworks(ReadOnlySpan<byte> text)
    {
        string? name = null;
        var networks = new List<Network>();
        foreach (var fields in Lines(text))
        {
            if (fields.Length >= 8 && Hex(fields[1]) is { } destination && Hex(fields[7]) is { } mask)
            {
                if (mask is 0)
                {
                    name ??= fields[0];
                }
                else
                {
                    networks.Add(new(fields[0], destination, mask));
                }
            }
        }

        networks.RemoveAll(one => one.Interface != name);
        return networks;
    }

    private static string? DefaultInterface6(ReadOnlySpan<byte> text)
    {
        foreach (var fields in Lines(text))
        {
            if (fields is [_, "00", ..] && fields[0].AsSpan().TrimStart('0').IsEmpty && fields[^1] is not "lo")
            {
                return fields[^1];
            }
        }

        return null;
    }

    private static List<string[]> Lines(ReadOnlySpan<byte> text)
    {
        var lines = new List<string[]>();
        foreach (var range in text.Split((byte)'\n'))
        {
            if (text[range] is { Length: > 0 and < 400 } line && lines.Count < MostLines)
            {
                lines.Add(Encoding.UTF8.GetString(line).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            }
        }

        return lines;
    }

    private static bool IsWanted(ReadOnlySpan<byte> address) => address is not ([127, ..] or [169, 254, ..] or [0, 0, 0, 0]);

    private static uint? Hex(string text) => uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static byte[]? Bytes(string hex)
    {
        var bytes = new byte[hex.Length / 2];
        return Convert.FromHexString(hex, bytes, out _, out _) is System.Buffers.OperationStatus.Done ? bytes : null;
    }

    // A router may hold a million routes; the default one and the interfaces' own are among the first.
    private const int MostLines = 20_000;

    /// <summary>An address with its interface.</summary>
    internal sealed record Inet6Address(string Address, string Interface);

    private sealed record Network(string Interface, uint Destination, uint Mask)
    {
        public bool Contains(uint address) => (address & Mask) == Destination;
    }
}
