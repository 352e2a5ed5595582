using NannyOrleans.Domain;

namespace NannyOrleans.Api.Accounts;

/// <summary>What <c>POST /api/tokens</c> takes.</summary>
internal sealed record PersonalTokenRequest
{
    /// <summary>The longest name, in characters.</summary>
    public const int MaxName = 100;

    /// <summary>What it is called: what it is for, or where it lies.</summary>
    public string? Name { get; init; }

    /// <summary>What may be done with it, at most what its owner may: view, operate, approve, administer.</summary>
    public IReadOnlyList<string?>? Scopes { get; init; }

    /// <summary>From when on it opens nothing: an ISO 8601 time, a year from now at most.</summary>
    public string? ExpiresAt { get; init; }

    /// <summary>The token, or what is wrong with each field.</summary>
    public (PersonalToken? Row, string Token, IReadOnlyDictionary<string, string[]> Errors) Read(string personId, DateTimeOffset now)
    {
        var errors = new Dictionary<string, string[]>();
        var name = Name?.Trim();
        if (name is not { Length: > 0 and <= MaxName } || name.Any(char.IsControl))
        {
            errors["name"] = [$"It must be a text of 1 to {MaxName} characters on one line: what the token is for."];
        }

        if (Scopes is not { Count: > 0 } || Scopes.Any(scope => (scope is null || !TokenSetup.Scopes.ContainsKey(scope))))
        {
            errors["scopes"] = [$"It must be a list of one or more of {string.Join(", ", TokenSetup.Scopes.Keys)}."];
        }

        var end = InstantText.Parse(ExpiresAt ?? string.Empty);
        if (end is null)
        {
            errors["expires_at"] = [$"It must be a time such as {InstantText.Example}."];
        }
        else if (end <= now || end > now.AddYears(1))
        {
            errors["expires_at"] = ["It must be in the future, and in a year at the latest."];
        }

        var token = PersonalToken.Make();
        return errors.Count > 0 ? (null, string.Empty, errors) : (new()
        {
            Id = Ulid.NewUlid(now).ToString(),
            PersonId = personId,
            Name = name!,
            Hash = PersonalToken.HashOf(token),
            Scopes = string.Join(' ', TokenSetup.Scopes.Keys.Where(scope => Scopes!.Contains(scope))),
            CreatedAt = now,
            ExpiresAt = end!.Value,
        }, token, errors);
    }
}
