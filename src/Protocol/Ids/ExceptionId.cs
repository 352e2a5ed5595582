using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace NannyOrleans.Protocol.Ids;

/// <summary>A persistent package exception: a ULID, so it sorts by the time it was made.</summary>
[JsonConverter(typeof(TextIdJsonConverter<ExceptionId>))]
public readonly record struct ExceptionId : ITextId<ExceptionId>
{
    private readonly string? value;

    private ExceptionId(string value) => this.value = value;

    /// <inheritdoc/>
    public string Value => value ?? throw new InvalidOperationException("An ExceptionId that was never set.");

    /// <inheritdoc/>
    public static string Expected => "a ULID (26 characters)";

    /// <inheritdoc/>
    public static ExceptionId Parse(string s, IFormatProvider? provider = null) => TextId.Parse<ExceptionId>(s);

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out ExceptionId result)
    {
        var text = s?.Trim() ?? string.Empty;
        var valid = TextId.IsUlid(text);
        result = valid ? new(text) : default;
        return valid;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
