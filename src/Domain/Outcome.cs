using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace NannyOrleans.Domain;

/// <summary>A "no" that reaches the person: a value, not an exception.</summary>
/// <param name="Code">Stable, lower-case with hyphens; callers may branch on it.</param>
/// <param name="Message">One sentence for a person.</param>
public sealed record Refusal(string Code, string Message);

/// <summary>What a decision gave: a value, or why not.</summary>
/// <typeparam name="T">What is given when it is not refused.</typeparam>
/// <param name="Value">The value; null when refused.</param>
/// <param name="Refusal">Why not; null when not refused.</param>
[SuppressMessage("Usage", "CA2225:Operator overloads have named alternates", Justification = "The constructor is the named alternate.")]
public sealed record Outcome<T>(T? Value, Refusal? Refusal)
    where T : class
{
    /// <summary>Whether the answer is a no; then <see cref="Refusal"/> is there and <see cref="Value"/> is not.</summary>
    [JsonIgnore]
    [MemberNotNullWhen(true, nameof(Refusal))]
    [MemberNotNullWhen(false, nameof(Value))]
    public bool IsRefused => Refusal is not null;

    /// <summary>A yes.</summary>
    public static implicit operator Outcome<T>(T value) => new(value, null);

    /// <summary>A no.</summary>
    public static implicit operator Outcome<T>(Refusal refusal) => new(null, refusal);
}
