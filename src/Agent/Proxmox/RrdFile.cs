using System.Globalization;
using System.Text;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>
/// <c>/etc/pve/.rrd</c>: the last figures that every member's pvestatd told pmxcfs, a line each, colons between the fields. Entries older than five
/// minutes are not in it, so what is there is fresh. Releases before 9 begin their keys with <c>pve2-storage/</c> and <c>pve2.3-vm/</c>,
/// later ones with <c>pve-storage-9.0/</c> and <c>pve-vm-9.0/</c> and append fields. A line that is none of these, or broken, is skipped.
/// </summary>
internal static class RrdFile
{
    /// <summary>The storages that <paramref name="node"/> told of, by name. A figure it did not know (<c>U</c>) is null.</summary>
    public static IReadOnlyDictionary<string, RrdStorage> Storages(ReadOnlySpan<byte> text, NodeName node)
    {
        var found = new Dictionary<string, RrdStorage>(StringComparer.Ordinal);
        var start = Encoding.ASCII.GetBytes($"{node}/");
        foreach (var range in text.Split((byte)'\n'))
        {
            var key = Key(text[range], "storage"u8, out var values);
            if (key.Length > start.Length && key.Length < LongestText && key.StartsWith(start) && Number(Field(values, 0)) is { } at)
            {
                var name = Text(key[start.Length..]);
                if (!found.TryGetValue(name, out var earlier) || earlier.At <= at)
                {
                    found[name] = new(at, Number(Field(values, 1)), Number(Field(values, 2)));
                }
            }
        }

        return found;
    }

    /// <summary>The guests of the whole cluster by vmid: a node tells of its own, and the line does not say which node.</summary>
    public static IReadOnlyDictionary<Vmid, RrdGuest> Guests(ReadOnlySpan<byte> text)
    {
        var found = new Dictionary<Vmid, RrdGuest>();
        foreach (var range in text.Split((byte)'\n'))
        {
            var key = Key(text[range], "vm"u8, out var values);
            if (key.Length is > 0 and <= 9 && Vmid.TryParse(Text(key), null, out var vmid) && Number(Field(values, 4)) is { } at)
            {
                // A guest that moved from a node of one release to one of another has a line of each for a while.
                if (!found.TryGetValue(vmid, out var earlier) || earlier.At <= at)
                {
                    found[vmid] = new(at, Number(Field(values, 0)), Word(Field(values, 2)), Number(Field(values, 7)), Number(Field(values, 8)));
                }
            }
        }

        return found;
    }

    /// <summary>What follows <c>/</c> in a key of this kind, up to the first colon; empty when it is none. <paramref name="values"/> follow the colon.</summary>
    private static ReadOnlySpan<byte> Key(ReadOnlySpan<byte> line, ReadOnlySpan<byte> kind, out ReadOnlySpan<byte> values)
    {
        values = default;
        var slash = line.IndexOf((byte)'/');
        if (slash < 0 || !line.StartsWith("pve"u8))
        {
            return default;
        }

        // pve2-storage, pve2.3-vm, pve-storage-9.0: the kind stands between hyphens, the release before or after it.
        var generation = line["pve"u8.Length..slash];
        var hyphen = generation.IndexOf((byte)'-');
        if (hyphen < 0 || !generation[(hyphen + 1)..].StartsWith(kind))
        {
            return default;
        }

        var after = generation[(hyphen + 1 + kind.Length)..];
        var colon = line[slash..].IndexOf((byte)':');
        if (colon < 0 || !IsRelease(generation[..hyphen]) || (after.Length > 0 && (after[0] is not (byte)'-' || !IsRelease(after[1..]))))
        {
            return default;
        }

        values = line[(slash + colon + 1)..];
        return line[(slash + 1)..(slash + colon)];
    }

    private static bool IsRelease(ReadOnlySpan<byte> text) => text.TrimStart("0123456789."u8).IsEmpty;

    private static ReadOnlySpan<byte> Field(ReadOnlySpan<byte> values, int index)
    {
        for (; index > 0; index--)
        {
            var colon = values.IndexOf((byte)':');
            if (colon < 0)
            {
                return default;
            }

            values = values[(colon + 1)..];
        }

        var end = values.IndexOf((byte)':');
        return end < 0 ? values : values[..end];
    }

    /// <summary>A whole number; null for <c>U</c>, for what is none and for what is below zero. Perl writes large ones as 1.5e+15.</summary>
    private static long? Number(ReadOnlySpan<byte> field) =>
        field.Length is > 0 and < 32
        && double.TryParse(field, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var number)
        && number is >= 0 and < long.MaxValue
            ? long.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out var exact) ? exact : (long)number
            : null;

    private static string? Word(ReadOnlySpan<byte> field) => field.Length is > 0 and < LongestText ? Text(field) : null;

    private static string Text(ReadOnlySpan<byte> bytes) => PlainText.Of(Encoding.UTF8.GetString(bytes));

    private const int LongestText = 200;
}

/// <summary>A storage's line.</summary>
/// <param name="At">When its node told of it, Unix seconds of that node's clock.</param>
/// <param name="TotalBytes">Its size; null when its node did not know it.</param>
/// <param name="UsedBytes">How much of it is used; null when its node did not know it.</param>
internal sealed record RrdStorage(long At, long? TotalBytes, long? UsedBytes);

/// <summary>A guest's line.</summary>
/// <param name="At">When its node told of it, Unix seconds of that node's clock.</param>
/// <param name="UptimeSeconds">Since when it runs; 0 when it does not; null when its node did not know.</param>
/// <param name="Status"><c>running</c>, <c>stopped</c>, <c>paused</c>, <c>prelaunch</c>, … for a VM as QEMU has it; null when broken.</param>
/// <param name="MaxMemoryBytes">The memory it may use; null when its node did not know.</param>
/// <param name="MemoryBytes">The memory it uses; null when its node did not know.</param>
internal sealed record RrdGuest(long At, long? UptimeSeconds, string? Status, long? MaxMemoryBytes, long? MemoryBytes);
