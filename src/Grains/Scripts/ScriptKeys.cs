using System.Security.Cryptography;
using System.Text;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Grains.Scripts;

/// <summary>
/// Signs scripts. The catalogue is signed by the release where the build has its signatures, else by this server's own key; custom
/// scripts always by this server's other key. What an agent has pinned decides what it runs.
/// </summary>
public sealed class ScriptKeys : IDisposable
{
    private readonly ECDsa catalogue;
    private readonly ECDsa custom;
    private readonly ReleaseSignatures? release;
    private readonly IReadOnlyList<KeyEndorsement> endorsements;
    private readonly Lock signing = new();
    private readonly Dictionary<(string Name, string Sha256, ScriptSigner Signer), string> signed = [];

    /// <param name="catalogue">The server's catalogue key; unused where the release has signatures.</param>
    /// <param name="custom">The server's key for custom scripts.</param>
    /// <param name="release">The release's signatures; null when it has none.</param>
    /// <param name="endorsements">What earlier keys of the server have said of those that took their place.</param>
    /// <exception cref="InvalidOperationException">The release's signatures are not those of its scripts.</exception>
    public ScriptKeys(ECDsa catalogue, ECDsa custom, ReleaseSignatures? release, IReadOnlyList<KeyEndorsement>? endorsements = null)
    {
        (this.catalogue, this.custom, this.release, this.endorsements) = (catalogue, custom, release, endorsements ?? []);
        CatalogueKey = release?.Key ?? Convert.ToBase64String(catalogue.ExportSubjectPublicKeyInfo());
        CustomKey = Convert.ToBase64String(custom.ExportSubjectPublicKeyInfo());
        if (release is not null)
        {
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(release.Key), out _);
            foreach (var script in ScriptCatalogue.All)
            {
                // Now and not on every host: each would refuse it.
                if (!IsGood(key, Of(script.Reference, ScriptSigner.Catalogue, release.Signatures.GetValueOrDefault(script.Reference.Name))))
                {
                    throw new InvalidOperationException($"The release's signature of {script.Reference.Name} is missing or is not that of its content. Build it again after: ./nanny sign KEYFILE");
                }
            }
        }
    }

    /// <summary>Who signed the catalogue: <c>release</c> or <c>server</c>.</summary>
    public string SignedBy => release is null ? "server" : "release";

    /// <summary>The public key of the catalogue, a SubjectPublicKeyInfo in Base64.</summary>
    public string CatalogueKey { get; }

    /// <summary>The public key of custom scripts, a SubjectPublicKeyInfo in Base64.</summary>
    public string CustomKey { get; }

    /// <summary>A script with its signature.</summary>
    public ScriptReference Sign(ScriptReference script, ScriptSigner signer)
    {
        if (signer is ScriptSigner.Catalogue && release is not null)
        {
            return Of(script, signer, release.Signatures[script.Name]);
        }

        lock (signing) // a key object is not for several threads at once
        {
            // Each operation asks for one of the same few.
            if (!signed.TryGetValue((script.Name, script.Sha256, signer), out var signature))
            {
                signature = Convert.ToBase64String((signer is ScriptSigner.Catalogue ? catalogue : custom)
                    .SignData(Encoding.UTF8.GetBytes(ScriptSignature.Text(script)), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
                if (signed.Count >= MostSigned)
                {
                    signed.Clear();
                }

                signed[(script.Name, script.Sha256, signer)] = signature;
            }

            return Of(script, signer, signature);
        }
    }

    /// <summary>Whether a script's signature is that of its signer.</summary>
    public bool IsGood(ScriptReference script)
    {
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(script.Signer is ScriptSigner.Catalogue ? CatalogueKey : CustomKey), out _);
        return IsGood(key, script);
    }

    /// <summary>A script that an earlier key of the server has signed, signed by the present one; the script as it is when none has.</summary>
    public ScriptReference Renew(ScriptReference script)
    {
        if (IsGood(script))
        {
            return script;
        }

        var present = script.Signer is ScriptSigner.Catalogue ? CatalogueKey : CustomKey;
        foreach (var earlier in endorsements.Select(one => one.OldKey).Distinct().Where(key => KeyEndorsement.From(key, endorsements).Contains(present)))
        {
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(earlier), out _);
            if (IsGood(key, script))
            {
                return Sign(script, script.Signer);
            }
        }

        return script;
    }

    private const int MostSigned = 1000; // custom scripts come and go

    /// <inheritdoc/>
    public void Dispose()
    {
        catalogue.Dispose();
        custom.Dispose();
    }

    private ScriptReference Of(ScriptReference script, ScriptSigner signer, string? signature) => script with { Signer = signer, Signature = signature, Endorsements = KeyEndorsement.Write(endorsements) };

    private static bool IsGood(ECDsa key, ScriptReference script)
    {
        var signature = new byte[256];
        return script.Signature is { } text && Convert.TryFromBase64String(text, signature, out var length)
            && key.VerifyData(Encoding.UTF8.GetBytes(ScriptSignature.Text(script)), signature.AsSpan(0, length), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }
}
