using System.Text.Json;
using System.Text.Json.Serialization;

namespace NannyOrleans.Agent.Connection;

/// <summary>
/// Writes long strings piece by piece. Written at once, a megabyte of output needs a buffer for the case that every character has
/// to be escaped, six times its size twice over: more than the agent's whole heap.
/// </summary>
internal sealed class LongTextConverter : JsonConverter<string>
{
    /// <inheritdoc/>
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetString();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options)
    {
        if (value.Length <= Piece)
        {
            writer.WriteStringValue(value);
            return;
        }

        for (var rest = value.AsSpan(); ; rest = rest[Piece..])
        {
            if (rest.Length <= Piece)
            {
                writer.WriteStringValueSegment(rest, isFinalSegment: true);
                return;
            }

            writer.WriteStringValueSegment(rest[..Piece], isFinalSegment: false);
        }
    }

    // A converter for strings is asked for a dictionary's keys, too.

    /// <inheritdoc/>
    public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetString()!;

    /// <inheritdoc/>
    public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WritePropertyName(value);

    private const int Piece = 8 * 1024;
}
