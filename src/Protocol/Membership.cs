using System.Security.Cryptography;
using System.Text;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Protocol;

/// <summary>
/// How a host proves that it is a member of its cluster when it registers: by an HMAC over the device code that the server has made for this one
/// registration, with a key that only root on a real member can make.
/// </summary>
public static class Membership
{
    /// <summary>Request parameter of the token endpoint: the <see cref="Proof"/>, in Base64.</summary>
    public const string ProofParameter = "membership_proof";

    /// <summary>Request parameter of the token endpoint: the <see cref="KeyOf"/> in Base64, for the first host of a cluster, when the server asks for it.</summary>
    public const string KeyParameter = "membership_key";

    /// <summary>OAuth error of the token endpoint: nobody of this cluster is known yet; ask again with the <see cref="KeyParameter"/>.</summary>
    public const string KeyRequired = "membership_key_required";

    /// <summary>OAuth error of the token endpoint: the proof is missing or wrong.</summary>
    public const string Unproven = "membership_unproven";

    /// <summary>The key, made of <c>/etc/pve/priv/pve-root-ca.key</c>, which pmxcfs shows to root on members alone and which never leaves the host.</summary>
    public static byte[] KeyOf(ReadOnlySpan<byte> caKeyFile)
    {
        var key = new byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, caKeyFile, key, salt: [], info: "nannyorleans cluster membership v1"u8);
        return key;
    }

    /// <summary>What a member answers to a device code.</summary>
    public static byte[] Proof(byte[] key, string deviceCode, ClusterId cluster, NodeName node) =>
        HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{cluster}\n{node}\n{deviceCode}"));
}
