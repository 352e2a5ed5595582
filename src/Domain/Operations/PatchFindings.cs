using System.Text.Json;
using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Operations;

/// <summary>The document a patch script writes to standard output.</summary>
/// <param name="Mode">What the script was asked to do.</param>
/// <param name="Packages">Packages that would be, or were, upgraded or newly installed.</param>
/// <param name="KeptBack">Updates the package manager would not take.</param>
/// <param name="Held">Updates left alone on purpose, and why.</param>
/// <param name="Removed">Packages removed.</param>
/// <param name="Failed">Updates still pending although they should have been installed.</param>
/// <param name="RebootRequired">Whether the target asks for a restart; null when the script could not tell.</param>
/// <param name="Warnings">What a person should know.</param>
/// <param name="Error">Why the script could not do it; null when it could.</param>
public sealed record PatchFindings(
    PatchMode Mode,
    IReadOnlyList<PackageChange> Packages,
    IReadOnlyList<string> KeptBack,
    IReadOnlyList<HeldPackage> Held,
    IReadOnlyList<string> Removed,
    IReadOnlyList<string> Failed,
    bool? RebootRequired,
    IReadOnlyList<string> Warnings,
    Refusal? Error)
{
    /// <summary>Services that still run code which has been replaced, and so want a restart; null when the script could not tell.</summary>
    public IReadOnlyList<string>? ServicesToRestart { get; init; }

    /// <summary>Packages a document may name; a longer one is refused as unreadable.</summary>
    public const int MaxPackages = 20_000;

    /// <summary>
    /// Reads what came out of a guest, which nobody vouches for. Anything but one document of the known shape is null: an answer that
    /// can't be read is never "nothing to do".
    /// </summary>
    public static PatchFindings? Read(string standardOutput)
    {
        ScriptDocument? document;
        try
        {
            document = JsonSerializer.Deserialize(standardOutput, ScriptDocumentJson.Default.ScriptDocument);
        }
        catch (JsonException)
        {
            return null;
        }

        if (document is not { Mode: { } mode })
        {
            return null;
        }

        if (document.Error is { } error)
        {
            return error is { Code.Length: > 0, Message: not null }
                ? new(mode, document.Packages ?? [], document.KeptBack ?? [], document.Held ?? [], document.Removed ?? [], document.Failed ?? [], document.RebootRequired, document.Warnings ?? [], error) { ServicesToRestart = document.ServicesToRestart }
                : null;
        }

        var whole = document is { Packages.Count: <= MaxPackages, KeptBack: not null, Held: not null, Removed: not null, Failed: not null }
            && document.Packages.All(package => package is { Name.Length: > 0, To.Length: > 0 })
            && document.Held.All(held => held is { Name.Length: > 0 });
        return whole
            ? new(mode, document.Packages!, document.KeptBack!, document.Held!, document.Removed!, document.Failed!, document.RebootRequired, document.Warnings ?? [], Error: null) { ServicesToRestart = document.ServicesToRestart }
            : null;
    }
}

/// <summary>One package from one version to another.</summary>
/// <param name="Name">Its name.</param>
/// <param name="From">The version before; null when newly installed.</param>
/// <param name="To">The version after.</param>
/// <param name="Security">Whether it comes from a security archive.</param>
/// <param name="Origin">The archive, as the package manager names it; null when it does not say.</param>
public sealed record PackageChange(string Name, string? From, string To, bool Security, string? Origin)
{
    /// <summary>As in the guide: <c>nginx (1.18.0 → 1.24.0)</c>.</summary>
    public override string ToString() => From is null ? $"{Name} (new {To})" : $"{Name} ({From} → {To})";
}

/// <summary>An update left alone on purpose.</summary>
/// <param name="Name">The package.</param>
/// <param name="Reason"><c>excluded</c> by the request, or <c>held-before</c> by a person on the machine.</param>
public sealed record HeldPackage(string Name, string Reason);

/// <summary>The script's document before it is checked: everything may be missing.</summary>
internal sealed record ScriptDocument(
    PatchMode? Mode,
    IReadOnlyList<PackageChange>? Packages,
    IReadOnlyList<string>? KeptBack,
    IReadOnlyList<HeldPackage>? Held,
    IReadOnlyList<string>? Removed,
    IReadOnlyList<string>? Failed,
    bool? RebootRequired,
    IReadOnlyList<string>? Warnings,
    Refusal? Error,
    IReadOnlyList<string>? ServicesToRestart);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ScriptDocument))]
internal sealed partial class ScriptDocumentJson : JsonSerializerContext;
