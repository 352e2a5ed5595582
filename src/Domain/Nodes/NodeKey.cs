using System.Diagnostics.CodeAnalysis;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Domain.Nodes;

/// <summary>A node's key: <c>{cluster}/{node}</c>.</summary>
/// <param name="Cluster">Its cluster.</param>
/// <param name="Node">Its name there.</param>
public sealed record NodeKey(ClusterId Cluster, NodeName Node) : IParsable<NodeKey>
{
    /// <inheritdoc/>
    public static NodeKey Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var key) ? key : throw new FormatException($"'{s}' is not a node key (cluster/node).");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [NotNullWhen(true)] out NodeKey? result)
    {
        var parts = s?.Split('/') ?? [];
        result = parts.Length is 2 && ClusterId.TryParse(parts[0], provider, out var cluster) && NodeName.TryParse(parts[1], provider, out var node)
            ? new(cluster, node)
            : null;
        return result is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Cluster}/{Node}";
}
