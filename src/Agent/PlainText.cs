using System.Globalization;

namespace NannyOrleans.Agent;

/// <summary>
/// Text that came from a container, a file or the network, made safe for a terminal and a log: what a guest prints must not be
/// able to move a cursor, forge a line or turn the reading direction.
/// </summary>
internal static class PlainText
{
    /// <summary>One line of at most <paramref name="longest"/> characters; blanks for line ends and tabs, U+FFFD for other controls.</summary>
    public static string Of(string text, int longest = 400)
    {
        var cut = text.Length > longest;
        var kept = cut ? text.AsSpan(0, char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest) : text;
        return string.Concat(Clean(kept), cut ? "…" : string.Empty);
    }

    /// <summary>All lines, kept as lines, each without controls.</summary>
    public static string Lines(string text) => string.Join('\n', text.Split('\n').Select(line => Clean(line)));

    private static string Clean(ReadOnlySpan<char> text) => string.Create(text.Length, text, static (to, from) =>
    {
        for (var i = 0; i < from.Length; i++)
        {
            to[i] = from[i] switch
            {
                '\n' or '\r' or '\t' => ' ',
                var c when char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format
                    or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => '\uFFFD',
                var c => c,
            };
        }
    });
}
