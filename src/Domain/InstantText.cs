using System.Globalization;

namespace NannyOrleans.Domain;

/// <summary>Times as people and scripts write them in queries.</summary>
public static class InstantText
{
    /// <summary>What is expected, for error messages.</summary>
    public const string Example = "2026-01-31T12:00:00Z";

    // ISO 8601 alone: the framework's own parser takes "10:30" for today's.
    private static readonly string[] Formats = ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    /// <summary>The time a text means; null when it means none. Without an offset it is UTC.</summary>
    public static DateTimeOffset? Parse(string text) =>
        DateTimeOffset.TryParseExact(text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
}
