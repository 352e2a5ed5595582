using NannyOrleans.Api.Dashboard.Shell;
using NannyOrleans.Api.Exceptions;

namespace NannyOrleans.Api.Dashboard.Pages.Exceptions;

/// <summary>A package exception as somebody writes it into the form. What is wrong with it the API says.</summary>
public sealed class ExceptionDraft
{
    /// <summary>The exception that is changed; null for a new one.</summary>
    public string? Id { get; init; }

    /// <summary>The host, guest or machine.</summary>
    public string? Agent { get; set; }

    /// <summary>The packages, with blanks, commas or line ends between.</summary>
    public string? Packages { get; set; }

    /// <summary>Why.</summary>
    public string? Reason { get; set; }

    /// <summary>Until when, as a browser's clock has it: <c>2026-01-31T12:00</c>. Empty: for good.</summary>
    public string? Until { get; set; }

    /// <summary>An exception that is there, for changing it.</summary>
    internal static ExceptionDraft Of(ExceptionView one, TimeZoneInfo zone) => new()
    {
        Id = one.Id,
        Agent = one.AgentId,
        Packages = string.Join(' ', one.PackageNames),
        Reason = one.Reason,
        Until = one.ExpiresAt is { } end ? LocalTime.Write(end, zone) : null,
    };

    /// <summary>What is sent. A time that can't be read is sent as it was typed, for the API to say so.</summary>
    public Dictionary<string, object?> Body(TimeZoneInfo zone)
    {
        var body = new Dictionary<string, object?>
        {
            ["package_names"] = (Packages ?? string.Empty).Split((char[]?)[' ', ',', '\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries),
            ["reason"] = string.IsNullOrWhiteSpace(Reason) ? null : Reason,
            ["expires_at"] = string.IsNullOrWhiteSpace(Until) ? null : LocalTime.Read(Until, zone),
        };
        if (Id is null)
        {
            body["agent_id"] = Agent ?? string.Empty;
        }

        return body;
    }
}
