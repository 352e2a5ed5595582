using NannyOrleans.Api.Dashboard.Shell;

namespace NannyOrleans.Api.Dashboard.Pages.Audit;

/// <summary>Which entries somebody wants to see, as the page's address has it. Times are by the clock of whoever looks.</summary>
internal sealed record AuditQuestion
{
    /// <summary>Who.</summary>
    public string? Actor { get; init; }

    /// <summary>What was done.</summary>
    public string? Action { get; init; }

    /// <summary>To what.</summary>
    public string? Target { get; init; }

    /// <summary>On which cluster.</summary>
    public string? Cluster { get; init; }

    /// <summary>What came of it.</summary>
    public string? Result { get; init; }

    /// <summary>From when on.</summary>
    public string? From { get; init; }

    /// <summary>Until when.</summary>
    public string? To { get; init; }

    /// <summary>Before which entry: a later page.</summary>
    public string? Before { get; init; }

    /// <summary>Whether it leaves anything out.</summary>
    public bool IsNarrow => new[] { Actor, Action, Target, Cluster, Result, From, To }.Any(one => !string.IsNullOrWhiteSpace(one));

    /// <summary>Its fields by the names that the address and the API have for them; null: left out.</summary>
    public Dictionary<string, object?> Fields() => new()
    {
        ["actor"] = Clean(Actor),
        ["action"] = Clean(Action),
        ["target"] = Clean(Target),
        ["cluster"] = Clean(Cluster),
        ["result"] = Clean(Result),
        ["from"] = Clean(From),
        ["to"] = Clean(To),
        ["before"] = Clean(Before),
    };

    /// <summary>The question as the API takes it.</summary>
    public string Path(int limit, TimeZoneInfo zone) => Ask("/api/audit", zone, Fields().Append(new("limit", limit)));

    /// <summary>The entries of its time as a file: the API exports times, and nothing narrower.</summary>
    public string Export(string format, TimeZoneInfo zone) => Ask("/api/audit/export", zone, Fields().Where(one => one.Key is "from" or "to").Append(new("format", format)));

    private static string Ask(string path, TimeZoneInfo zone, IEnumerable<KeyValuePair<string, object?>> fields) =>
        path + QueryString.Create(fields.Where(one => one.Value is not null)
            .Select(one => new KeyValuePair<string, string?>(one.Key, one.Key is "from" or "to" ? LocalTime.Read($"{one.Value}", zone) : $"{one.Value}")));

    private static string? Clean(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
