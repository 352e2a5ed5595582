using System.Text.Json.Serialization;

namespace NannyOrleans.Domain.Campaigns;

/// <summary>One condition and how it stands.</summary>
/// <param name="Name">Which condition: stable, lower-case with hyphens.</param>
/// <param name="Verdict">How it stands.</param>
/// <param name="Reason">Why, in a person's words.</param>
public sealed record GateResult(string Name, GateVerdict Verdict, string Reason);

/// <summary>How a condition stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<GateVerdict>))]
public enum GateVerdict
{
    /// <summary>It holds.</summary>
    [JsonStringEnumMemberName("pass")]
    Pass,

    /// <summary>It does not hold, or nobody can tell; it is awaited.</summary>
    [JsonStringEnumMemberName("wait")]
    Wait,

    /// <summary>It will not hold however long one waits.</summary>
    [JsonStringEnumMemberName("never")]
    Never,
}
