using System.Globalization;
using NannyOrleans.Domain;

namespace NannyOrleans.Api.Http;

/// <summary>Reads what an address asks for. What can't be read is an error of its field; what is empty was not asked for.</summary>
internal static class QueryFields
{
    /// <summary>An error for each parameter that there is none of: a misspelled one would list everything.</summary>
    public static Dictionary<string, string[]> Odd(IEnumerable<string> asked, IReadOnlyList<string> known) =>
        asked.Except(known, StringComparer.Ordinal).ToDictionary(name => name, _ => new[] { $"There is no such parameter; there are {string.Join(", ", known)}." });

    /// <summary>A whole number; null when there is none, or none that can be read.</summary>
    public static long? Number(this Dictionary<string, string[]> errors, string field, string? text, long least, long most)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
        {
            return number;
        }

        errors[field] = [$"It must be a whole number from {least} to {most}."];
        return null;
    }

    /// <inheritdoc cref="Number(Dictionary{string, string[]}, string, string?, long, long)"/>
    public static int? Number(this Dictionary<string, string[]> errors, string field, string? text, int least, int most) => (int?)errors.Number(field, text, (long)least, most);

    /// <summary>A time; null when there is none, or none that can be read.</summary>
    public static DateTimeOffset? Time(this Dictionary<string, string[]> errors, string field, string? text)
    {
        var time = string.IsNullOrEmpty(text) ? null : InstantText.Parse(text);
        if (time is null && !string.IsNullOrEmpty(text))
        {
            errors[field] = [$"It must be a time such as {InstantText.Example}."];
        }

        return time;
    }
}
