using System.Security.Cryptography;
using System.Text;

namespace NannyOrleans.Protocol.Jobs;

/// <summary>
/// An old signing key's word for the one that takes its place, so that hosts which have pinned the old one need not be registered anew. Whoever has
/// stolen the old key can give such a word too: after that only registering anew helps.
/// </summary>
/// <param name="OldKey">The key that says it, a SubjectPublicKeyInfo in Base64.</param>
/// <param name="NewKey">The key it is said of, likewise.</param>
/// <param name="Signature">ECDSA with SHA-256 by the old key, in Base64.</param>
public sealed record KeyEndorsement(string OldKey, string NewKey, string Signature)
{
    /// <summary>The most that are looked at.</summary>
    public const int MaxCount = 32;

    /// <summary>Says it.</summary>
    public static KeyEndorsement Make(ECDsa oldKey, string newKey) => new(
        Convert.ToBase64String(oldKey.ExportSubjectPublicKeyInfo()), newKey, Convert.ToBase64String(oldKey.SignData(Text(newKey), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)));

    /// <summary>Several as one text; null for none.</summary>
    public static string? Write(IReadOnlyList<KeyEndorsement> endorsements) =>
        endorsements.Count is 0 ? null : string.Join(';', endorsements.Select(one => $"{one.OldKey} {one.NewKey} {one.Signature}"));

    /// <summary>Reads what <see cref="Write"/> wrote; what is none of it is left out.</summary>
    public static IReadOnlyList<KeyEndorsement> Read(string? text) => text is null ? []
        : [.. text.Split(';', MaxCount + 1).Take(MaxCount).Select(one => one.Split(' ')).Where(parts => parts.Length is 3).Select(parts => new KeyEndorsement(parts[0], parts[1], parts[2]))];

    /// <summary>The keys that a trusted key vouches for, by one step or several; itself first.</summary>
    public static IReadOnlyList<string> From(string trusted, IReadOnlyList<KeyEndorsement> endorsements)
    {
        var keys = new List<string> { trusted };
        for (var i = 0; i < keys.Count; i++)
        {
            keys.AddRange(endorsements.Take(MaxCount).Where(one => one.OldKey == keys[i] && !keys.Contains(one.NewKey) && one.IsGood()).Select(one => one.NewKey).Distinct().ToArray());
        }

        return keys;
    }

    private bool IsGood()
    {
        try
        {
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(OldKey), out _);
            return key.VerifyData(Text(NewKey), Convert.FromBase64String(Signature), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return false;
        }
    }

    // Begins otherwise than what is signed of a script: neither can be taken for the other.
    private static byte[] Text(string newKey) => Encoding.UTF8.GetBytes($"nannyorleans key\n{newKey}\n");
}
