using System.Globalization;

namespace NannyOrleans.Api.Dashboard.Shell;

/// <summary>Times as a browser's own field for them has them: by the clock of whoever looks, without a zone.</summary>
internal static class LocalTime
{
    private const string Shape = "yyyy-MM-dd'T'HH:mm";

    /// <summary>A moment for such a field.</summary>
    public static string Write(DateTimeOffset at, TimeZoneInfo zone) => TimeZoneInfo.ConvertTime(at, zone).ToString(Shape, CultureInfo.InvariantCulture);

    /// <summary>What such a field says, as the API takes times. What can't be read, and an hour that the clocks left out, stays as it is: the API says what is wrong.</summary>
    public static string Read(string text, TimeZoneInfo zone) =>
        DateTime.TryParseExact(text, [Shape, "yyyy-MM-dd'T'HH:mm:ss"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var local) && !zone.IsInvalidTime(local)
            ? new DateTimeOffset(local, zone.GetUtcOffset(local)).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)
            : text;
}
