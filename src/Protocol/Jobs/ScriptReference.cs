using System.Text.Json.Serialization;

namespace NannyOrleans.Protocol.Jobs;

/// <summary>A catalogue script, by name and content.</summary>
/// <param name="Name">Its file name, such as <c>apt-update.sh</c>; served at <c>/api/scripts/{name}/content</c>.</param>
/// <param name="Sha256">The SHA-256 of its bytes, 64 lower-case hex digits.</param>
public sealed record ScriptReference(string Name, string Sha256)
{
    /// <summary>
    /// ECDSA P-256 over <see cref="ScriptSignature.Text"/>, DER (RFC 3279) in Base64, by the key that <see cref="Signer"/> says. Null on
    /// operations of before there were signatures; an agent runs nothing without one.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Signature { get; init; }

    /// <summary>Whose key signed it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ScriptSigner Signer { get; init; }

    /// <summary>What earlier keys of the signer have said of those that took their place, as <see cref="KeyEndorsement.Write"/> has it; null where none was replaced.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Endorsements { get; init; }
}

/// <summary>Whose key signed a script.</summary>
[JsonConverter(typeof(WireEnumConverter<ScriptSigner>))]
public enum ScriptSigner
{
    /// <summary>The key of the release catalogue, which every agent pins when it registers.</summary>
    [JsonStringEnumMemberName("catalogue")]
    Catalogue,

    /// <summary>The server's own key, for scripts that an administrator added. Agents trust it only if their configuration says so.</summary>
    [JsonStringEnumMemberName("custom")]
    Custom,
}

/// <summary>What is signed of a script.</summary>
public static class ScriptSignature
{
    /// <summary>How the detail of a job begins whose script was not trusted. Nothing of it ran.</summary>
    public const string Refused = "script refused: ";

    /// <summary>The signed text. Names have no line feeds, so no two scripts have the same.</summary>
    public static string Text(ScriptReference script) => $"nannyorleans script\n{script.Name}\n{script.Sha256}\n";
}
