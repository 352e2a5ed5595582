using System.Text.Json.Serialization;

namespace NannyOrleans.Protocol.Jobs;

/// <summary>What the checks of one guest or machine found; on a <see cref="Diagnose"/> job's report it is the standard output, as JSON.</summary>
/// <param name="Checks">Each check, in the order they were made.</param>
public sealed record Diagnosis(IReadOnlyList<Check> Checks);

/// <summary>One check.</summary>
/// <param name="Name">What was looked at, such as <c>exec-as-root</c>, <c>status</c>, <c>network</c>, <c>package-sources</c>, <c>disk-space</c>, <c>lock</c>, <c>os</c>.</param>
/// <param name="Result">What came of it.</param>
/// <param name="Message">In plain words what is so, or why it can't be told.</param>
/// <param name="Advice">What a person can do about it; null when nothing is to be done.</param>
public sealed record Check(string Name, CheckResult Result, string Message, string? Advice);

/// <summary>What came of a check.</summary>
[JsonConverter(typeof(WireEnumConverter<CheckResult>))]
public enum CheckResult
{
    /// <summary>As it should be.</summary>
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>Patching works, and something deserves a look.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,

    /// <summary>Patching does not work for this reason.</summary>
    [JsonStringEnumMemberName("problem")]
    Problem,

    /// <summary>It could not be looked at, which is not the same as being well.</summary>
    [JsonStringEnumMemberName("unknown")]
    Unknown,
}
