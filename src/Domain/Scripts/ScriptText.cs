using System.Text;
using System.Text.RegularExpressions;

namespace NannyOrleans.Domain.Scripts;

/// <summary>What a script's text must be, whatever it does.</summary>
public static partial class ScriptText
{
    /// <summary>The longest script, in bytes.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>What a script prints to standard error before anything else: without it a run counts as never started.</summary>
    public const string Marker = "nanny-patch: started";

    /// <summary>What is wrong with it; null when nothing is.</summary>
    public static string? Problem(ReadOnlySpan<byte> content)
    {
        if (content.Length is 0 or > MaxBytes)
        {
            return $"It must have 1 to {MaxBytes} bytes.";
        }

        string text;
        try
        {
            text = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(content);
        }
        catch (DecoderFallbackException)
        {
            return "It must be UTF-8.";
        }

        return text.AsSpan().ContainsAny('\0', '\r', '\uFEFF')
            ? "It must have no NUL, no carriage return and no byte order mark: a shell takes them for a part of a command."
            : MarksItsStart(text) ? null : $"Its first command must be: printf '{Marker}\\n' >&2";
    }

    // All of a script may be one function, so that half of it does nothing.
    private static bool MarksItsStart(string text)
    {
        var commands = text.Split('\n', StringSplitOptions.TrimEntries).Where(line => line is not "" and not ['#', ..]).Take(2).ToArray();
        return commands is [var first, ..] && (MarkerCommand().IsMatch(first) || (FunctionHead().IsMatch(first) && commands is [_, var second] && MarkerCommand().IsMatch(second)));
    }

    [GeneratedRegex(@"^(printf|echo)\s+['""]?nanny-patch: started(\\n)?['""]?\s*>&2$")]
    private static partial Regex MarkerCommand();

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_]*\s*\(\)\s*\{$")]
    private static partial Regex FunctionHead();
}
