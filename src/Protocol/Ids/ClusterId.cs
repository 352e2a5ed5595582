using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace NannyOrleans.Protocol.Ids;

/// <summary>
/// A cluster: <c>c</c> and the first 16 hex digits of the SHA-256 over the public key in <c>/etc/pve/pve-root-ca.pem</c>. The same on every
/// member and after a rename. A machine outside Proxmox VE is one of its own, as a standalone host is: <c>m</c> and 16 hex digits made of
/// what tells the machine from all others.
/// </summary>
[JsonConverter(typeof(TextIdJsonConverter<ClusterId>))]
public readonly record struct ClusterId : ITextId<ClusterId>
{
    private readonly string? value;

    private ClusterId(string value) => this.value = value;

    /// <inheritdoc/>
    public string Value => value ?? throw new InvalidOperationException("A ClusterId that was never set.");

    /// <inheritdoc/>
    public static string Expected => "a cluster id ('c' or, for a machine outside Proxmox VE, 'm' and 16 hex digits)";

    /// <summary>Whether this is a single machine outside Proxmox VE.</summary>
    public bool IsMachine => Value[0] is 'm';

    /// <inheritdoc/>
    public static ClusterId Parse(string s, IFormatProvider? provider = null) => TextId.Parse<ClusterId>(s);

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out ClusterId result)
    {
        var text = s?.Trim() ?? string.Empty;
        var valid = text.Length is 17 && text[0] is 'c' or 'm' && text.Skip(1).All(char.IsAsciiHexDigitLower);
        result = valid ? new(text) : default;
        return valid;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
