using System.Text.Json;
using NannyOrleans.Api.Audit;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Exceptions;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Exceptions;

/// <summary>What <c>POST /api/packages/exceptions</c> takes, and <c>PATCH</c> without the target.</summary>
internal sealed record ExceptionRequest : IAudited
{
    string? IAudited.AuditTarget => AgentId.ValueKind is JsonValueKind.String ? Text(AgentId)?.Trim() : null;

    /// <summary>The longest reason, in characters.</summary>
    public const int MaxReason = 1000;

    /// <summary>The host, guest or machine, by its id or any short form of it: a text. Only in POST.</summary>
    public JsonElement AgentId { get; init; }

    /// <summary>Names, or globs with <c>*</c>: a list of texts.</summary>
    public JsonElement PackageNames { get; init; }

    /// <summary>Why: a text, or null.</summary>
    public JsonElement Reason { get; init; }

    /// <summary>From when on it does not hold any more: an ISO 8601 time, or null.</summary>
    public JsonElement ExpiresAt { get; init; }

    /// <summary>The target as it was typed and what is asked for, or what is wrong with each field.</summary>
    public (string? AgentId, PackageExceptionChange? Asked, IReadOnlyDictionary<string, string[]> Errors) ReadNew(DateTimeOffset now)
    {
        var (asked, errors) = ReadFields(now);
        var agent = AgentId.ValueKind is JsonValueKind.String ? Text(AgentId)?.Trim() : null;
        if (string.IsNullOrEmpty(agent))
        {
            errors["agent_id"] = ["It must be a text: the id or name of the host or guest it is for."];
        }

        if (PackageNames.ValueKind is JsonValueKind.Undefined)
        {
            errors["package_names"] = ["It is missing: the packages to leave as they are."];
        }

        return errors.Count is 0 ? (agent, asked, errors) : (null, null, errors);
    }

    /// <summary>The change this is, or what is wrong with each field.</summary>
    public (PackageExceptionChange? Change, IReadOnlyDictionary<string, string[]> Errors) ReadChange(DateTimeOffset now)
    {
        var (change, errors) = ReadFields(now);
        if (AgentId.ValueKind is not JsonValueKind.Undefined)
        {
            errors["agent_id"] = ["It can't be changed; delete this exception and make another."];
        }

        if (errors.Count is 0 && change is { PackageNames: null, Reason: null, ExpiresAt: null })
        {
            errors["body"] = ["It changes nothing; it can have package_names, reason and expires_at."];
        }

        return errors.Count is 0 ? (change, errors) : (null, errors);
    }

    private (PackageExceptionChange Asked, Dictionary<string, string[]> Errors) ReadFields(DateTimeOffset now)
    {
        var errors = new Dictionary<string, string[]>();
        return (new(ReadNames(errors), ReadReason(errors), ReadEnd(errors, now)), errors);
    }

    private string[]? ReadNames(Dictionary<string, string[]> errors)
    {
        if (PackageNames.ValueKind is JsonValueKind.Undefined)
        {
            return null;
        }

        if (PackageNames.ValueKind is not JsonValueKind.Array || PackageNames.GetArrayLength() is 0 or > PackagePattern.MaxCount)
        {
            errors["package_names"] = [$"It must be a list of 1 to {PackagePattern.MaxCount} names."];
            return null;
        }

        string?[] names = [.. PackageNames.EnumerateArray().Select(name => name.ValueKind is JsonValueKind.String ? Text(name) : null)];
        for (var i = 0; i < names.Length && errors.Count < 20; i++)
        {
            if (!PackagePattern.IsValid(names[i]))
            {
                errors[$"package_names[{i}]"] = ["It must be a package name, or a glob with *, of letters, digits and + - . _ @ : at most 128 long."];
            }
        }

        return errors.Count is 0 ? [.. names.OfType<string>().Distinct(StringComparer.Ordinal)] : null;
    }

    private Change<string?>? ReadReason(Dictionary<string, string[]> errors)
    {
        switch (Reason.ValueKind)
        {
            case JsonValueKind.Undefined:
                return null;
            case JsonValueKind.Null:
                return new(null);
            case JsonValueKind.String when Text(Reason) is { Length: <= MaxReason } text:
                return new(text.Trim() is { Length: > 0 } said ? said : null);
            default:
                errors["reason"] = [$"It must be a text of {MaxReason} characters at most, or null."];
                return null;
        }
    }

    private Change<DateTimeOffset?>? ReadEnd(Dictionary<string, string[]> errors, DateTimeOffset now)
    {
        switch (ExpiresAt.ValueKind)
        {
            case JsonValueKind.Undefined:
                return null;
            case JsonValueKind.Null:
                return new(null);
            case JsonValueKind.String when Text(ExpiresAt) is { } text && InstantText.Parse(text) is { } end:
                if (end > now)
                {
                    return new(end);
                }

                errors["expires_at"] = ["It is past already."];
                return null;
            default:
                errors["expires_at"] = [$"It must be a time such as {InstantText.Example}, or null."];
                return null;
        }
    }

    // Half of a surrogate pair can be written in JSON and is no text.
    private static string? Text(JsonElement json)
    {
        try
        {
            return json.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
