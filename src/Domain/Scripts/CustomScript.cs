using System.Text.Json.Serialization;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Scripts;

/// <summary>A patch script that an administrator added. Its content is stored beside it, by its hash.</summary>
/// <param name="Script">Its name, hash and signature by the server's custom key.</param>
/// <param name="Family">The family it patches; unknown where it is for an <see cref="OsId"/>.</param>
/// <param name="OsVersion">The one version of it, as os-release's <c>VERSION_ID</c> has it; null for all.</param>
/// <param name="Size">Its length in bytes.</param>
/// <param name="CreatedBy">Who added it.</param>
/// <param name="CreatedAt">When, by the server's clock.</param>
public sealed record CustomScript(ScriptReference Script, PlatformFamily Family, string? OsVersion, int Size, string CreatedBy, DateTimeOffset CreatedAt)
{
    /// <summary>The distribution it patches that belongs to no known family, as os-release's <c>ID</c>; null where it is for a family.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? OsId { get; init; }

    /// <summary>What it is for, in a person's words.</summary>
    public override string ToString() => $"{OsId ?? PlatformFamilies.Spell(Family)}{(OsVersion is { } version ? $" {version}" : string.Empty)}";
}

/// <summary>The decisions about custom scripts.</summary>
public static class CustomScripts
{
    /// <summary>The most of them.</summary>
    public const int MaxCount = 100;

    /// <summary>Adds one. The same again changes nothing; a name or a target that another one has is refused.</summary>
    public static Outcome<IReadOnlyList<CustomScript>> Add(IReadOnlyList<CustomScript> known, CustomScript added) => known switch
    {
        _ when known.FirstOrDefault(one => one.Script.Name == added.Script.Name) is { } same => (same.Script.Sha256, same.Family, same.OsId, same.OsVersion) == (added.Script.Sha256, added.Family, added.OsId, added.OsVersion)
            ? new Outcome<IReadOnlyList<CustomScript>>(known, null)
            : new Refusal("script-exists", $"There is a custom script '{added.Script.Name}'. Delete it first."),
        _ when known.FirstOrDefault(one => (one.Family, one.OsId, one.OsVersion) == (added.Family, added.OsId, added.OsVersion)) is { } other =>
            new Refusal("script-exists", $"'{other.Script.Name}' is the custom script for {added} already. Delete it first."),
        { Count: >= MaxCount } => new Refusal("too-many-scripts", $"There are {MaxCount} custom scripts, which is the most."),
        _ => new Outcome<IReadOnlyList<CustomScript>>([.. known, added], null),
    };

    /// <summary>Removes one. One that is not there changes nothing.</summary>
    public static IReadOnlyList<CustomScript> Remove(IReadOnlyList<CustomScript> known, string name) =>
        known.Any(one => one.Script.Name == name) ? [.. known.Where(one => one.Script.Name != name)] : known;

    /// <summary>
    /// The custom script of a target: that of exactly its version, else that of its family; null: the catalogue's. A distribution of no known
    /// family has those of its own <c>ID</c>, and none in the catalogue.
    /// </summary>
    public static CustomScript? For(IReadOnlyList<CustomScript> known, PlatformFamily family, string? osId, string? osVersion)
    {
        var own = known.Where(one => one.Family == family && (family is not PlatformFamily.Unknown || (osId is not null && one.OsId == osId))).ToArray();
        return (osVersion is null ? null : own.FirstOrDefault(one => one.OsVersion == osVersion)) ?? own.FirstOrDefault(one => one.OsVersion is null);
    }

    /// <summary>
    /// Why it can't be told which script a target has: there are some for versions of its family, and its system was not read yet, such as just
    /// after its host's agent has started. One that was read and has no version, such as a rolling one, is none of them.
    /// </summary>
    /// <param name="known">All custom scripts.</param>
    /// <param name="family">The target's family.</param>
    /// <param name="osId">Its os-release's <c>ID</c>; null when it was not read.</param>
    /// <param name="name">The target's name.</param>
    public static Refusal? Unclear(IReadOnlyList<CustomScript> known, PlatformFamily family, string? osId, string name) =>
        osId is null && known.Any(one => one.Family == family && one.OsVersion is not null)
            ? new("os-unread", $"There are scripts for single versions of {PlatformFamilies.Spell(family)}, and which version {name} has was not read yet. Try again in a minute.")
            : null;
}
