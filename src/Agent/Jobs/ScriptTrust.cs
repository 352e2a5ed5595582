using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>
/// Which scripts may run here: those signed with a key that was pinned when a person approved this host. Whoever takes the server over
/// later has its scripts' names and hashes to choose from, and no others.
/// </summary>
/// <param name="host">Where the pins are.</param>
/// <param name="customScripts">Whether this host's own configuration admits scripts that the server's administrators added.</param>
internal sealed class ScriptTrust(Host host, bool customScripts)
{
    /// <summary>Lets a script pass that may run.</summary>
    /// <exception cref="ScriptException">It may not; the message says why.</exception>
    public void Check(ScriptReference script)
    {
        var pins = Pins();
        if (Refusal(script, pins, customScripts) is { } why)
        {
            throw new ScriptException($"{ScriptSignature.Refused}{why}");
        }

        Follow(script, pins!);
    }

    /// <summary>Why a script may not run; null when it may.</summary>
    public static string? Refusal(ScriptReference script, Credentials? pins, bool customScripts) => script switch
    {
        // The signed text is taken apart by its lines.
        _ when script.Name.AsSpan().ContainsAny('\n', '\r') || script.Sha256 is not { Length: 64 } hash || !hash.All(char.IsAsciiHexDigitLower) => "its name or SHA-256 is not one",
        { Signature: null } => $"{script.Name} is not signed",
        { Signer: ScriptSigner.Catalogue } => Verify(script, pins?.CatalogueKey),
        { Signer: ScriptSigner.Custom } when !customScripts => $"{script.Name} is a custom script; they run here only with custom_scripts: true in config.yml",
        { Signer: ScriptSigner.Custom } => Verify(script, pins?.CustomKey),
        _ => $"{script.Name} is signed by somebody this agent does not know",
    };

    /// <summary>What is wrong with a key that is to be pinned; null when it can be used.</summary>
    public static string? WrongKey(string? key)
    {
        if (key is null)
        {
            return "a key is missing; update the server";
        }

        try
        {
            Import(key).Dispose();
            return null;
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return "a key is no ECDSA P-256 public key";
        }
    }

    private static string? Verify(ScriptReference script, string? pinned)
    {
        if (pinned is null)
        {
            return "no key is pinned for it; register this host again";
        }

        try
        {
            return SignedBy(script, pinned) is not null
                ? null
                : $"the signature of {script.Name} is not that of the key pinned when this host was registered; if the server has a new key, register this host again";
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return $"the signature of {script.Name} or the pinned key can't be read";
        }
    }

    // The key pinned, or one that it vouches for.
    private static string? SignedBy(ScriptReference script, string pinned)
    {
        var signed = Encoding.UTF8.GetBytes(ScriptSignature.Text(script));
        var signature = Convert.FromBase64String(script.Signature!);
        return KeyEndorsement.From(pinned, KeyEndorsement.Read(script.Endorsements)).FirstOrDefault(text =>
        {
            using var key = Import(text);
            return key.VerifyData(signed, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        });
    }

    // From the first script that a newer key has signed on, the older one counts no more. Where the disk does not take it, the next one says it again.
    private void Follow(ScriptReference script, Credentials pins)
    {
        var isCustom = script.Signer is ScriptSigner.Custom;
        if (SignedBy(script, (isCustom ? pins.CustomKey : pins.CatalogueKey)!) is not { } key || key == (isCustom ? pins.CustomKey : pins.CatalogueKey))
        {
            return;
        }

        try
        {
            // register may have been run beside us: what it pinned stays.
            if (Credentials.Load(host) == pins)
            {
                (isCustom ? pins with { CustomKey = key } : pins with { CatalogueKey = key }).Save(host);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            // It was good all the same.
        }
    }

    private static ECDsa Import(string text)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(text), out _);
            return key.ExportParameters(includePrivateParameters: false).Curve.Oid.Value is P256 ? key : throw new CryptographicException("Another curve.");
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    private const string P256 = "1.2.840.10045.3.1.7";

    // Each time: register may have been run beside us, and what it pinned counts. What can't be read pins nothing.
    private Credentials? Pins()
    {
        try
        {
            return Credentials.Load(host);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }
}
