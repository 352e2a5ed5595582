using System.Security.Cryptography;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Domain.Clusters;

/// <summary>How a host that a person has approved shows that it is a member of the cluster it names.</summary>
/// <param name="Node">The node it says it is.</param>
/// <param name="DeviceCode">What the server had it prove with: made for this registration alone.</param>
/// <param name="Proof">Its <see cref="Membership.Proof"/> in Base64; null when it gave none.</param>
/// <param name="Key">Its <see cref="Membership.KeyOf"/> in Base64; null when it gave none.</param>
public sealed record MembershipClaim(NodeName Node, string DeviceCode, string? Proof, string? Key)
{
    /// <summary>Why a cluster does not take it; null when it is proven, or when the key that is given is to be the cluster's.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="known">The key of the first host that was approved; null before.</param>
    public Refusal? Refused(ClusterId cluster, string? known)
    {
        var key = Read(Key);
        if (known is null)
        {
            return key is null ? new(Membership.KeyRequired, "No host of this cluster is known yet: the first one says the key that the others prove themselves with.") : null;
        }

        var expected = Convert.FromBase64String(known);
        var proven = key is not null && CryptographicOperations.FixedTimeEquals(key, expected);
        return proven || (Read(Proof) is { } proof && CryptographicOperations.FixedTimeEquals(proof, Membership.Proof(expected, DeviceCode, cluster, Node)))
            ? null
            : new(Membership.Unproven, $"This host did not prove that it is a member of cluster {cluster}: its /etc/pve/priv/pve-root-ca.key is not the one of the hosts that are registered.");
    }

    private static byte[]? Read(string? text)
    {
        var bytes = new byte[32];
        return text is not null && Convert.TryFromBase64String(text, bytes, out var length) && length == bytes.Length ? bytes : null;
    }
}
