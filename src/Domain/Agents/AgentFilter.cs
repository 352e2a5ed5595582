using System.Globalization;
using Parlot;
using Parlot.Fluent;

namespace NannyOrleans.Domain.Agents;

/// <summary>
/// The guide's filter language: <c>field == 'text'</c>, also <c>=</c>, <c>!=</c>, <c>&lt;</c>, <c>&lt;=</c>, <c>&gt;</c>, <c>&gt;=</c>,
/// <c>~</c> (contains, in any case) and <c>!~</c>, joined by <c>&amp;&amp;</c> and <c>||</c> (which binds weaker), with parentheses. Values
/// are texts in single or double quotes, numbers, <c>true</c>, <c>false</c> and <c>null</c>. A field that a row does not have, or that is
/// not known, equals null alone, and is neither more nor less than anything.
/// </summary>
public static class AgentFilter
{
    /// <summary>The longest filter, in characters.</summary>
    public const int MaxLength = 1000;

    private static readonly Parser<Func<AgentRow, bool>> Grammar = Make();

    /// <summary>The test a filter means, or what is wrong with it and in which column, counted from 1.</summary>
    public static (Func<AgentRow, bool>? Test, string? Problem) Parse(string text)
    {
        if (text.Length > MaxLength)
        {
            return (null, $"It may have {MaxLength} characters at most (column {MaxLength + 1}).");
        }

        return Grammar.TryParse(text, out var test, out var error) ? (test, null)
            : error is null ? (null, "It must look like proxmox_role=='host', joined by && or || (column 1).")
            : (null, $"{error.Message} (column {Column(text, error.Position.Offset)})");
    }

    /// <summary>A text as it stands in a filter, whatever is in it. Control characters, which no name has, are left out.</summary>
    public static string Quote(string text) =>
        $"'{string.Concat(text.Where(letter => !char.IsControl(letter))).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";

    // Spaces belong to what follows them, and so does a mistake.
    private static int Column(string text, int offset)
    {
        while (offset < text.Length && char.IsWhiteSpace(text[offset]))
        {
            offset++;
        }

        return offset + 1;
    }

    private static Parser<Func<AgentRow, bool>> Make()
    {
        var expression = Deferred<Func<AgentRow, bool>>();
        var field = Terms.Identifier().Then(name => AgentField.All.GetValueOrDefault(name.ToString())
            ?? throw new ParseException($"Unknown field '{name}'; known are {string.Join(", ", AgentField.All.Keys)}.", At(name.Offset)));
        var sign = OneOf(Terms.Text("=="), Terms.Text("!="), Terms.Text("!~"), Terms.Text("<="), Terms.Text(">="), Terms.Text("="), Terms.Text("<"), Terms.Text(">"), Terms.Text("~"));
        var value = OneOf(
            Terms.String(StringLiteralQuotes.SingleOrDouble).Then(text => Operand.Of(text.ToString(), quoted: true)),
            Terms.Pattern(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '+').Then(word => Operand.Word(word.ToString())
                ?? throw new ParseException($"A text needs quotes: '{word}'.", At(word.Offset))));
        var here = Always().Then((context, _) => context.Scanner.Cursor.Position);
        var comparison = field.And(sign.ElseError("Expected ==, !=, <, <=, >, >=, ~ or !~.")).And(here).And(value.ElseError("Expected a quoted text, a number, true, false or null."))
            .Then<Func<AgentRow, bool>>(static parts => Test(parts.Item1, parts.Item2, parts.Item4) switch
            {
                ({ } test, _) => test,
                (_, var problem) => throw new ParseException(problem!, parts.Item3),
            });
        var group = Between(Terms.Char('('), expression, Terms.Char(')').ElseError("Expected )."));
        var term = group.Or(comparison).ElseError("Expected a field's name.");
        var all = Separated(Terms.Text("&&"), term).Then<Func<AgentRow, bool>>(tests => row => tests.All(test => test(row)));
        expression.Parser = Separated(Terms.Text("||"), all).Then<Func<AgentRow, bool>>(tests => row => tests.Any(test => test(row)));
        return expression.AndSkip(Terms.WhiteSpace().Optional()).AndSkip(Always().Eof().ElseError("Expected && or || or the end."));
    }

    private static TextPosition At(int offset) => new(offset, 0, 0);

    private static (Func<AgentRow, bool>? Test, string? Problem) Test(AgentField field, string sign, Operand operand)
    {
        var read = field.Read;
        switch (sign)
        {
            case "==" or "=" or "!=" when operand.IsNull:
                var absent = sign is not "!=";
                return (row => read(row) is null == absent, null);
            case "==" or "=" or "!=":
                if (operand.As(field.Kind) is not { } wanted)
                {
                    return (null, $"This field is compared with {Expected(field.Kind)}.");
                }

                var same = sign is not "!=";
                return (row => IsEqual(read(row), wanted) == same, null);
            case "~" or "!~":
                if (operand.IsNull || field.Kind is not (FieldKind.Text or FieldKind.List))
                {
                    return (null, "Only texts and lists can contain something.");
                }

                var contains = sign is "~";
                return (row => Contains(read(row), operand.Text) == contains, null);
            default:
                if (operand.IsNull || field.Kind is FieldKind.Flag or FieldKind.List || operand.As(field.Kind) is not { } limit)
                {
                    return (null, field.Kind is FieldKind.Flag or FieldKind.List ? "This field has no order; use == or !=." : $"This field is compared with {Expected(field.Kind)}.");
                }

                Func<int, bool> holds = sign switch { "<" => order => order < 0, "<=" => order => order <= 0, ">" => order => order > 0, _ => order => order >= 0 };
                return (row => read(row) is { } is_ && holds(AgentField.Compare(is_, limit)), null);
        }
    }

    private static bool IsEqual(object? value, object wanted) => value switch
    {
        null => false,
        IReadOnlyList<string> list => list.Contains((string)wanted, StringComparer.Ordinal),
        _ => value.Equals(wanted),
    };

    private static bool Contains(object? value, string part) => value switch
    {
        string text => text.Contains(part, StringComparison.OrdinalIgnoreCase),
        IReadOnlyList<string> list => list.Any(text => text.Contains(part, StringComparison.OrdinalIgnoreCase)),
        _ => false,
    };

    private static string Expected(FieldKind kind) => kind switch
    {
        FieldKind.Number => "a number",
        FieldKind.Flag => "true, false or null",
        FieldKind.Time => "a time such as '2026-01-31T12:00:00Z'",
        _ => "a text",
    };

    private sealed record Operand(string Text, bool IsNull)
    {
        public static Operand Of(string text, bool quoted) => new(text, !quoted && text is "null");

        /// <summary>What stands without quotes: a number, true, false or null.</summary>
        public static Operand? Word(string word) =>
            word is "null" or "true" or "false" || double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out _) ? Of(word, quoted: false) : null;

        /// <summary>The value to compare a field of this kind with; null when it is none.</summary>
        public object? As(FieldKind kind) => kind switch
        {
            FieldKind.Number => double.TryParse(Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null,
            FieldKind.Flag => Text switch { "true" => true, "false" => false, _ => null },
            FieldKind.Time => InstantText.Parse(Text),
            _ => Text,
        };
    }
}
