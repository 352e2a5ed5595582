using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace NannyOrleans.Protocol.Ids;

/// <summary>A guest's number: 100 to 999999999, one space for CTs and VMs of a cluster. A JSON number on the wire.</summary>
[JsonConverter(typeof(VmidJsonConverter))]
public readonly record struct Vmid(int Value) : IParsable<Vmid>, IComparable<Vmid>
{
    /// <summary>The smallest vmid Proxmox accepts.</summary>
    public const int Smallest = 100;

    /// <summary>The largest vmid Proxmox accepts.</summary>
    public const int Largest = 999_999_999;

    /// <inheritdoc/>
    public static Vmid Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var id) ? id : throw new FormatException($"'{s}' is not a vmid ({Smallest} to {Largest}).");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out Vmid result)
    {
        var valid = int.TryParse(s, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= Smallest and <= Largest;
        result = valid ? new(number) : default;
        return valid;
    }

    /// <inheritdoc/>
    public int CompareTo(Vmid other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Orders by number.</summary>
    public static bool operator <(Vmid left, Vmid right) => left.Value < right.Value;

    /// <summary>Orders by number.</summary>
    public static bool operator >(Vmid left, Vmid right) => left.Value > right.Value;

    /// <summary>Orders by number.</summary>
    public static bool operator <=(Vmid left, Vmid right) => left.Value <= right.Value;

    /// <summary>Orders by number.</summary>
    public static bool operator >=(Vmid left, Vmid right) => left.Value >= right.Value;
}

/// <summary>Reads a vmid from a JSON number and refuses one outside Proxmox's range.</summary>
public sealed class VmidJsonConverter : JsonConverter<Vmid>
{
    /// <inheritdoc/>
    public override Vmid Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType is JsonTokenType.Number && reader.TryGetInt32(out var number) && number is >= Vmid.Smallest and <= Vmid.Largest
            ? new(number)
            : throw new JsonException($"The value must be a vmid ({Vmid.Smallest} to {Vmid.Largest}).");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Vmid value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
}
