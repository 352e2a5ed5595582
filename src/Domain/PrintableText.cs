using System.Globalization;
using System.Text;

namespace NannyOrleans.Domain;

/// <summary>Names and output as people may see them: what turns the direction of text, moves a cursor or is not to be seen shows as <c>?</c>.</summary>
public static class PrintableText
{
    /// <summary>A text that is harmless where it is shown.</summary>
    /// <param name="text">The text; null is an empty one.</param>
    /// <param name="lines">Whether line ends and tabs stay.</param>
    public static string Of(string? text, bool lines = false)
    {
        if (string.IsNullOrEmpty(text))
        {
            return string.Empty;
        }

        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            clean.Append(lines && rune.Value is ('\n' or '\t') ? rune.ToString()
                : Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ? "?"
                : rune.ToString());
        }

        return clean.ToString();
    }
}
