using System.Globalization;
using NannyOrleans.Domain;

namespace NannyOrleans.Api.Dashboard.Shell;

/// <summary>Times as a person puts them into a field, by the clock on the wall, and as they are in addresses and for the API, in UTC.</summary>
internal static class LocalTime
{
    private const string Field = "yyyy-MM-dd'T'HH:mm";

    /// <summary>What a field holds, as UTC; null when that is nothing or no time. One that the clock skips is as much later as it skips.</summary>
    public static string? ToUtc(string? local, TimeZoneInfo zone)
    {
        if (!DateTime.TryParseExact(local, [Field, "yyyy-MM-dd'T'HH:mm:ss"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
        {
            return null;
        }

        var utc = zone.IsInvalidTime(time) ? time - zone.GetUtcOffset(time.AddDays(-1)) : TimeZoneInfo.ConvertTimeToUtc(time, zone);
        return utc.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
    }

    /// <summary>What stands in an address, for a field; null when that is nothing or no time.</summary>
    public static string? FromUtc(string? utc, TimeZoneInfo zone) =>
        utc is { Length: > 0 } && InstantText.Parse(utc) is { } time ? Write(time, zone) : null;

    /// <summary>A moment, for a field.</summary>
    public static string Write(DateTimeOffset at, TimeZoneInfo zone) => TimeZoneInfo.ConvertTime(at, zone).ToString(Field, CultureInfo.InvariantCulture);

    /// <summary>What a field holds, as the API takes times; what is none stays as it is, and the API says what is wrong with it.</summary>
    public static string Read(string text, TimeZoneInfo zone) => ToUtc(text, zone) ?? text;
}
