using System.Globalization;
using NannyOrleans.Domain;

namespace NannyOrleans.Api.Dashboard.Shell;

/// <summary>Figures and texts for people. What is not known is a word, never a number.</summary>
internal static class Show
{
    /// <summary>What stands where nothing is known.</summary>
    public const string Unknown = "unknown";

    /// <summary>A number; unknown where there is none.</summary>
    public static string Number(long? number) => number?.ToString("N0", CultureInfo.InvariantCulture) ?? Unknown;

    /// <summary>A number and what it counts.</summary>
    public static string Count(long number, string one, string? many = null) => $"{Number(number)} {(number is 1 ? one : many ?? one + "s")}";

    /// <summary>Bytes in binary units.</summary>
    public static string Bytes(double? bytes)
    {
        if (bytes is not { } rest)
        {
            return Unknown;
        }

        var unit = 0;
        for (; rest >= 1024 && unit < Units.Length - 1; unit++)
        {
            rest /= 1024;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{rest.ToString(unit is 0 || rest >= 100 ? "0" : "0.0", CultureInfo.InvariantCulture)} {Units[unit]}");
    }

    /// <summary>Bytes a second.</summary>
    public static string Rate(double? bytes) => bytes is null ? Unknown : $"{Bytes(bytes)}/s";

    /// <summary>Percent, 0 to 100.</summary>
    public static string Percent(double? percent) => percent is { } known ? $"{known.ToString("0", CultureInfo.InvariantCulture)} %" : Unknown;

    /// <summary>A span of time in its two largest units.</summary>
    public static string Span(TimeSpan? span) => span switch
    {
        null => Unknown,
        { TotalSeconds: < 0 } => "0 s",
        { TotalMinutes: < 1 } short_ => $"{(int)short_.TotalSeconds} s",
        { TotalHours: < 1 } minutes => $"{minutes.Minutes} min {minutes.Seconds} s",
        { TotalDays: < 1 } hours => $"{hours.Hours} h {hours.Minutes} min",
        { } days => $"{(int)days.TotalDays} d {days.Hours} h",
    };

    /// <summary>A text on one line, harmless whatever is in it, and no longer than people read.</summary>
    public static string Line(string? text, int most = 500) => PrintableText.Of(text is { } all && all.Length > most ? all[..most] + "…" : text);

    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
}
