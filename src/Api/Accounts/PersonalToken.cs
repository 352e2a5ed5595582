using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace NannyOrleans.Api.Accounts;

/// <summary>
/// A personal access token's row. The token itself is shown once and not kept: what is stolen with the database opens nothing. It is 256 random
/// bits, so a plain hash of it can't be turned round.
/// </summary>
internal sealed class PersonalToken
{
    /// <summary>What every token begins with, so that one that got out is recognized where it lies.</summary>
    public const string Prefix = "nanny_pat_";

    /// <summary>How many a person may have.</summary>
    public const int Most = 100;

    /// <summary>A ULID.</summary>
    public required string Id { get; init; }

    /// <summary>Whose it is.</summary>
    public required string PersonId { get; init; }

    /// <summary>What he calls it.</summary>
    public required string Name { get; init; }

    /// <summary>Its SHA-256 in hex.</summary>
    public required string Hash { get; init; }

    /// <summary>What may be done with it, with blanks between.</summary>
    public required string Scopes { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>From when on it opens nothing.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>When it was last used, give or take a minute; null when never.</summary>
    public DateTimeOffset? LastUsedAt { get; set; }

    /// <summary>A new one.</summary>
    public static string Make() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    /// <summary>What is kept of one.</summary>
    public static string HashOf(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}
