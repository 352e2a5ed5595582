using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace NannyOrleans.Protocol.Ids;

/// <summary>An id that is a short text on the wire and a type everywhere else.</summary>
/// <typeparam name="TSelf">The id type itself.</typeparam>
public interface ITextId<TSelf> : IParsable<TSelf>
    where TSelf : struct, ITextId<TSelf>
{
    /// <summary>The text, exactly as it stands on the wire.</summary>
    string Value { get; }

    /// <summary>What a valid text looks like, for error messages; follows the words "must be".</summary>
    static abstract string Expected { get; }
}

/// <summary>Reads and writes an id as a JSON string (also as a property name). A malformed id is a <see cref="JsonException"/>.</summary>
/// <typeparam name="T">The id type.</typeparam>
public sealed class TextIdJsonConverter<T> : JsonConverter<T>
    where T : struct, ITextId<T>
{
    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType is JsonTokenType.String && T.TryParse(reader.GetString(), null, out var id)
            ? id
            : throw new JsonException($"The value must be {T.Expected}.");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);

    /// <inheritdoc/>
    public override T ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        T.TryParse(reader.GetString(), null, out var id) ? id : throw new JsonException($"The name must be {T.Expected}.");

    /// <inheritdoc/>
    public override void WriteAsPropertyName(Utf8JsonWriter writer, [DisallowNull] T value, JsonSerializerOptions options) =>
        writer.WritePropertyName(value.Value);
}

internal static class TextId
{
    /// <summary>The parse that throws, written once for all ids.</summary>
    public static T Parse<T>(string? text)
        where T : struct, ITextId<T> =>
        T.TryParse(text, null, out var id) ? id : throw new FormatException($"'{text}' is not {T.Expected}.");

    /// <summary>26 characters of Crockford's base 32, upper case; the first at most 7 (128 bits).</summary>
    public static bool IsUlid(string text) =>
        text.Length is 26 && text[0] is >= '0' and <= '7' && text.All(c => c is >= '0' and <= '9' or >= 'A' and <= 'Z' and not ('I' or 'L' or 'O' or 'U'));
}
