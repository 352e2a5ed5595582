using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace NannyOrleans.Protocol.Ids;

/// <summary>A Proxmox VE node's name: the short host name, case kept, as in <c>/etc/pve/nodes/</c>.</summary>
[JsonConverter(typeof(TextIdJsonConverter<NodeName>))]
public readonly record struct NodeName : ITextId<NodeName>
{
    private readonly string? value;

    private NodeName(string value) => this.value = value;

    /// <inheritdoc/>
    public string Value => value ?? throw new InvalidOperationException("A NodeName that was never set.");

    /// <inheritdoc/>
    public static string Expected => "a Proxmox node name (letters, digits and hyphens, at most 63)";

    /// <inheritdoc/>
    public static NodeName Parse(string s, IFormatProvider? provider = null) => TextId.Parse<NodeName>(s);

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out NodeName result)
    {
        var text = s?.Trim() ?? string.Empty;
        var valid = text.Length is > 0 and <= 63 && text[0] is not '-' && text[^1] is not '-' && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-');
        result = valid ? new(text) : default;
        return valid;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
