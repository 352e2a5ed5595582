using System.Reflection;
using System.Text.Json;

namespace NannyOrleans.Grains.Scripts;

/// <summary>Signatures of the catalogue that were made where the release is made, with a key that no server has.</summary>
/// <param name="Key">The public key, a SubjectPublicKeyInfo in Base64.</param>
/// <param name="Signatures">For each script's name its signature: DER in Base64.</param>
public sealed record ReleaseSignatures(string Key, IReadOnlyDictionary<string, string> Signatures)
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, RespectRequiredConstructorParameters = true };

    /// <summary>Those in this build; null when it has none.</summary>
    public static ReleaseSignatures? Embedded()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("signatures.json");
        return stream is null ? null : JsonSerializer.Deserialize<ReleaseSignatures>(stream, Json);
    }
}
