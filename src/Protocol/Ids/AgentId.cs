using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace NannyOrleans.Protocol.Ids;

/// <summary>An agent: a ULID given when a person approves its registration.</summary>
[JsonConverter(typeof(TextIdJsonConverter<AgentId>))]
public readonly record struct AgentId : ITextId<AgentId>
{
    private readonly string? value;

    private AgentId(string value) => this.value = value;

    /// <inheritdoc/>
    public string Value => value ?? throw new InvalidOperationException("A AgentId that was never set.");

    /// <inheritdoc/>
    public static string Expected => "a ULID (26 characters)";

    /// <inheritdoc/>
    public static AgentId Parse(string s, IFormatProvider? provider = null) => TextId.Parse<AgentId>(s);

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out AgentId result)
    {
        var text = s?.Trim() ?? string.Empty;
        var valid = TextId.IsUlid(text);
        result = valid ? new(text) : default;
        return valid;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
