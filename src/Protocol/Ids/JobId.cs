using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace NannyOrleans.Protocol.Ids;

/// <summary>A job sent to one agent, and the operation it carries out: a ULID, so it sorts by the time it was made.</summary>
[JsonConverter(typeof(TextIdJsonConverter<JobId>))]
public readonly record struct JobId : ITextId<JobId>
{
    private readonly string? value;

    private JobId(string value) => this.value = value;

    /// <inheritdoc/>
    public string Value => value ?? throw new InvalidOperationException("A JobId that was never set.");

    /// <inheritdoc/>
    public static string Expected => "a ULID (26 characters)";

    /// <inheritdoc/>
    public static JobId Parse(string s, IFormatProvider? provider = null) => TextId.Parse<JobId>(s);

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out JobId result)
    {
        var text = s?.Trim() ?? string.Empty;
        var valid = TextId.IsUlid(text);
        result = valid ? new(text) : default;
        return valid;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
