using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace NannyOrleans.Protocol;

/// <summary>
/// Reads and writes an enum by its members' names alone, exactly as <see cref="JsonStringEnumMemberNameAttribute"/> spells them. The
/// framework's converter takes other spellings too, and its code for flags comes once for each enum into the agent's binary.
/// </summary>
/// <typeparam name="T">The enum.</typeparam>
public sealed class WireEnumConverter<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicFields)] T> : JsonConverter<T>, IWireNames
    where T : struct, Enum
{
    private static readonly (T Value, string Name)[] Members =
    [
        .. typeof(T).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => ((T)field.GetValue(null)!, field.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name ?? field.Name)),
    ];

    /// <inheritdoc/>
    public IEnumerable<string> Names => Members.Select(member => member.Name);

    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType is JsonTokenType.String ? Named(ref reader) : throw new JsonException();

    /// <inheritdoc/>
    public override T ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Named(ref reader);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(NameOf(value));

    /// <inheritdoc/>
    public override void WriteAsPropertyName(Utf8JsonWriter writer, [DisallowNull] T value, JsonSerializerOptions options) =>
        writer.WritePropertyName(NameOf(value));

    // Without a message of its own: the serializer then says the type and the place.
    private static T Named(ref Utf8JsonReader reader)
    {
        foreach (var (value, name) in Members)
        {
            if (reader.ValueTextEquals(name))
            {
                return value;
            }
        }

        throw new JsonException();
    }

    private static string NameOf(T value)
    {
        foreach (var member in Members)
        {
            if (EqualityComparer<T>.Default.Equals(member.Value, value))
            {
                return member.Name;
            }
        }

        throw new JsonException($"{typeof(T).Name} has no member {value:D}");
    }
}

/// <summary>A converter of an enum, for whoever describes what may be said.</summary>
public interface IWireNames
{
    /// <summary>What the enum's members are called, in their order.</summary>
    IEnumerable<string> Names { get; }
}
