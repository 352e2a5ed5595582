using System.Security.Cryptography;
using System.Text;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Support;

/// <summary>The keys a server signs scripts with, the same for all tests.</summary>
internal static class SigningKeys
{
    private static readonly ECDsa Catalogue = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly ECDsa Custom = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>The public keys, as they are pinned.</summary>
    public static (string Catalogue, string Custom) Public { get; } = (Spki(Catalogue), Spki(Custom));

    /// <summary>The public keys as a part of the token endpoint's JSON.</summary>
    public static string Json { get; } = $"\"{Registration.CatalogueKey}\":\"{Public.Catalogue}\",\"{Registration.CustomKey}\":\"{Public.Custom}\"";

    /// <summary>A script with the signature of whom it names as its signer, or of another key.</summary>
    public static ScriptReference Sign(ScriptReference script, ECDsa? other = null)
    {
        var key = other ?? (script.Signer is ScriptSigner.Catalogue ? Catalogue : Custom);
        lock (key)
        {
            return script with { Signature = Convert.ToBase64String(key.SignData(Encoding.UTF8.GetBytes(ScriptSignature.Text(script)), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)) };
        }
    }

    /// <summary>The catalogue key's word for one that takes its place.</summary>
    public static KeyEndorsement Endorse(string newKey)
    {
        lock (Catalogue)
        {
            return KeyEndorsement.Make(Catalogue, newKey);
        }
    }

    private static string Spki(ECDsa key) => Convert.ToBase64String(key.ExportSubjectPublicKeyInfo());
}
