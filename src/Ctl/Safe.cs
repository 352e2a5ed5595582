using System.Text;

namespace NannyOrleans.Ctl;

/// <summary>Words from elsewhere on a person's terminal: names and reasons may hold what a terminal would obey.</summary>
internal static class Safe
{
    /// <summary>The text on one line, its control characters (and those that turn the direction of writing) as <c>?</c>.</summary>
    public static string Line(string? text) => string.Concat((text ?? "").EnumerateRunes().Select(rune => Rune.GetUnicodeCategory(rune) switch
    {
        System.Globalization.UnicodeCategory.Control or System.Globalization.UnicodeCategory.Format or System.Globalization.UnicodeCategory.LineSeparator
            or System.Globalization.UnicodeCategory.ParagraphSeparator => "?",
        _ => rune.ToString(),
    }));
}
