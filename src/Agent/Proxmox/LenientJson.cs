using System.Globalization;
using System.Text.Json;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>Proxmox VE's JSON is Perl's: a number may be a string, a missing text empty, a flag any of 1, "1" and true.</summary>
internal static class LenientJson
{
    /// <summary>A text; null when it is missing, empty or no text.</summary>
    public static string? Text(JsonElement parent, string name) =>
        Property(parent, name) is { ValueKind: JsonValueKind.String } value && value.GetString() is { Length: > 0 } text ? text : null;

    /// <summary>A whole number; null when it is missing or none.</summary>
    public static long? Number(JsonElement parent, string name) => Property(parent, name) switch
    {
        { ValueKind: JsonValueKind.Number } value when value.TryGetInt64(out var number) => number,
        { ValueKind: JsonValueKind.String } value when long.TryParse(value.GetString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        _ => null,
    };

    /// <summary>A property of an object; null when it is missing, or the parent is no object.</summary>
    public static JsonElement? Property(JsonElement? parent, string name) =>
        parent is { ValueKind: JsonValueKind.Object } some && some.TryGetProperty(name, out var value) ? value : null;

    /// <summary>The members of an object; none when it is no object.</summary>
    public static JsonElement.ObjectEnumerator Members(JsonElement? element) =>
        element is { ValueKind: JsonValueKind.Object } some ? some.EnumerateObject() : default;

    /// <summary>Parses a document that should be an object, and reads from it.</summary>
    /// <exception cref="JsonException">It is none, or <paramref name="read"/> found what it could not use; the message names <paramref name="what"/>.</exception>
    public static T Read<T>(string text, string what, Func<JsonElement, T> read)
        where T : class
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind is JsonValueKind.Object ? read(document.RootElement) : throw new JsonException("is not a JSON object");
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException) // the latter two: half a surrogate pair
        {
            throw new JsonException(PlainText.Of($"{what}: {e.Message}"), e);
        }
    }
}
