using System.Globalization;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>The values of Proxmox VE's configuration that hold several: <c>local-zfs:vm-100-disk-0,size=8G</c>. The order is not fixed.</summary>
internal static class SubKeys
{
    /// <summary>One of the values; empty when absent.</summary>
    /// <param name="value">The whole value.</param>
    /// <param name="name">The name wanted.</param>
    /// <param name="bare">Whether it may stand first without its name.</param>
    public static ReadOnlySpan<char> Get(ReadOnlySpan<char> value, ReadOnlySpan<char> name, bool bare = false)
    {
        ReadOnlySpan<char> first = default;
        foreach (var range in value.Split(','))
        {
            var part = value[range];
            var equals = part.IndexOf('=');
            if (equals >= 0 && part[..equals].Trim().SequenceEqual(name))
            {
                return part[(equals + 1)..].Trim();
            }

            first = bare && first.IsEmpty && equals < 0 ? part.Trim() : first;
        }

        return first;
    }

    /// <summary>The hardware address: a CT's <c>hwaddr</c>, a VM's <c>macaddr</c>, or the value of its model. Lower case; null when absent.</summary>
    public static string? Mac(ReadOnlySpan<char> value)
    {
        foreach (var range in value.Split(','))
        {
            var part = value[range];
            var text = part[(part.IndexOf('=') + 1)..].Trim();
            if (Inventories.Mac.Is(text))
            {
                return text.ToString().ToLowerInvariant();
            }
        }

        return null;
    }

    /// <summary>
    /// A size such as <c>8G</c> or <c>1.5T</c>, bytes; null when absent or none. Proxmox VE writes 0 for a volume without a limit of its own.
    /// </summary>
    public static long? Bytes(ReadOnlySpan<char> size)
    {
        var shift = size switch
        {
            [.., 'K'] => 10,
            [.., 'M'] => 20,
            [.., 'G'] => 30,
            [.., 'T'] => 40,
            _ => 0,
        };
        return decimal.TryParse(shift > 0 ? size[..^1] : size, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            && number > 0 && number <= long.MaxValue >> shift
                ? (long)(number * (1L << shift))
                : null;
    }
}
