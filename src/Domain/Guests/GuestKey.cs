using System.Diagnostics.CodeAnalysis;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Domain.Guests;

/// <summary>A guest's key: <c>{cluster}/{vmid}</c>. A guest that migrates keeps it.</summary>
/// <param name="Cluster">Its cluster.</param>
/// <param name="Vmid">Its number there.</param>
public sealed record GuestKey(ClusterId Cluster, Vmid Vmid) : IParsable<GuestKey>
{
    /// <inheritdoc/>
    public static GuestKey Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var key) ? key : throw new FormatException($"'{s}' is not a guest key (cluster/vmid).");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [NotNullWhen(true)] out GuestKey? result)
    {
        var parts = s?.Split('/') ?? [];
        result = parts.Length is 2 && ClusterId.TryParse(parts[0], provider, out var cluster) && Vmid.TryParse(parts[1], provider, out var vmid)
            ? new(cluster, vmid)
            : null;
        return result is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Cluster}/{Vmid}";
}
