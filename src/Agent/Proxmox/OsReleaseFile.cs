using System.Text;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>Reads <c>os-release</c>(5): assignments in the shell's syntax, without its expansions.</summary>
internal static class OsReleaseFile
{
    /// <summary>Null when not one line is an assignment: then it is some other file, and nothing is guessed.</summary>
    public static OsRelease? Parse(string text)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var raw in text.Split('\n'))
        {
            var line = raw.Trim();
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && line[0] is not '#' && line.AsSpan(0, equals).IndexOfAnyExcept(NameCharacters) < 0 && Unquote(line[(equals + 1)..]) is { } value)
            {
                fields[line[..equals]] = PlainText.Of(value);
            }
        }

        if (fields.Count is 0)
        {
            return null;
        }

        return new(
            NotEmpty("ID") ?? "linux",
            NotEmpty("ID_LIKE")?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [],
            NotEmpty("VERSION_ID"),
            NotEmpty("PRETTY_NAME"));

        string? NotEmpty(string key) => fields.GetValueOrDefault(key) is { Length: > 0 } value ? value : null;
    }

    /// <summary>A value as the shell would read it; null when a quote is not closed or something follows the value.</summary>
    private static string? Unquote(string text)
    {
        var value = new StringBuilder();
        var quote = '\0';
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c is '\\' && quote is not '\'')
            {
                if (++i == text.Length)
                {
                    return null;
                }

                // Inside double quotes a backslash is only special before these four; before anything else it stays.
                value.Append(quote is '"' && text[i] is not ('"' or '\\' or '$' or '`') ? $"\\{text[i]}" : text[i]);
            }
            else if (quote is '\0' && c is ('"' or '\''))
            {
                quote = c;
            }
            else if (quote is not '\0' && c == quote)
            {
                quote = '\0';
            }
            else if (quote is '\0' && char.IsWhiteSpace(c))
            {
                return null;
            }
            else
            {
                value.Append(c);
            }
        }

        return quote is '\0' ? value.ToString() : null;
    }

    private static readonly System.Buffers.SearchValues<char> NameCharacters =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
}
