namespace NannyOrleans.Api.Accounts;

/// <summary>A person's second factor: an authenticator program's six digits (RFC 6238). The account says whether it is asked for: not before a code was shown.</summary>
internal sealed class SecondFactor
{
    /// <summary>Whose it is.</summary>
    public required string PersonId { get; init; }

    /// <summary>What the codes are made of, under the installation's key: the database alone makes none.</summary>
    public required string Secret { get; set; }

    /// <summary>The time step of the last code that was taken. No code is taken twice, nor one from before it.</summary>
    public long LastStep { get; set; }
}

/// <summary>What stands in for a second factor that was lost, once.</summary>
internal sealed class RecoveryCode
{
    /// <summary>Whose it is.</summary>
    public required string PersonId { get; init; }

    /// <summary>Its SHA-256 in hex: it is 80 random bits.</summary>
    public required string Hash { get; init; }
}
