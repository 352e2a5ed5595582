using System.Text.Json;
using System.Text.RegularExpressions;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Domain.Access;

namespace NannyOrleans.Api.People;

/// <summary>What <c>POST /api/people</c> takes, and <c>PATCH</c> without the name.</summary>
internal sealed partial record PersonRequest
{
    /// <summary>The most roles of one person.</summary>
    public const int MaxRoles = 200;

    /// <summary>How the person signs in: 1 to 64 letters, digits and <c>- . _ @ +</c>. Only in POST.</summary>
    public string? UserName { get; init; }

    /// <summary>The password, of 12 to 256 characters; null or, in POST, absent: one is made and said in the answer, once.</summary>
    public JsonElement Password { get; init; }

    /// <summary>All of the person's roles.</summary>
    public IReadOnlyList<RoleRequest?>? Roles { get; init; }

    /// <summary>Whether the person may not sign in, and is not heard any more. Only in PATCH.</summary>
    public bool? Disabled { get; init; }

    /// <summary>Whether a password is to be set.</summary>
    public bool SetsPassword => Password.ValueKind is not JsonValueKind.Undefined;

    /// <summary>The password that is asked for; null: one is to be made.</summary>
    public string? PasswordText => Password.ValueKind is JsonValueKind.String ? Password.GetString() : null;

    /// <summary>What is wrong with each field.</summary>
    public Dictionary<string, string[]> Problems(bool isNew)
    {
        var errors = new Dictionary<string, string[]>();
        if (isNew ? UserName is null || !Names().IsMatch(UserName) : UserName is not null)
        {
            errors["user_name"] = [isNew ? "It must be 1 to 64 letters, digits and - . _ @ +" : "It can't be changed; operations and the audit log name people by it."];
        }

        if (Password.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null) && (Password.ValueKind is not JsonValueKind.String || IsOdd(Password) || PasswordText!.Length is < TokenSetup.LeastPassword or > TokenSetup.MostPassword))
        {
            errors["password"] = [$"It must be a text of {TokenSetup.LeastPassword} to {TokenSetup.MostPassword} characters; or null, and one is made."];
        }

        if (Roles?.Count > MaxRoles)
        {
            errors["roles"] = [$"There can be {MaxRoles} at most."];
        }

        for (var i = 0; i < Roles?.Count && errors.Count < 20; i++)
        {
            if (Roles[i]?.Role is not { } role || !Grant.Roles.Contains(role))
            {
                errors[$"roles[{i}].role"] = [$"It must be one of {string.Join(", ", Grant.Roles)}."];
            }
        }

        if (isNew && Disabled is not null)
        {
            errors["disabled"] = ["A new account is not."];
        }
        else if (!isNew && errors.Count is 0 && !SetsPassword && Roles is null && Disabled is null)
        {
            errors["body"] = ["It changes nothing; it can have password, roles and disabled."];
        }

        return errors;
    }

    // Half of a surrogate pair can be written in JSON and is no text.
    private static bool IsOdd(JsonElement json)
    {
        try
        {
            return json.GetString() is null;
        }
        catch (InvalidOperationException)
        {
            return true;
        }
    }

    [GeneratedRegex(@"^[A-Za-z0-9\-._@+]{1,64}\z")]
    private static partial Regex Names();
}

/// <summary>One role of a request.</summary>
internal sealed record RoleRequest
{
    /// <summary>viewer, operator, approver or administrator.</summary>
    public string? Role { get; init; }

    /// <summary>The cluster it is for, by its id, or its name where only one has it; or a machine's id. Null or absent: all.</summary>
    public string? Cluster { get; init; }
}
