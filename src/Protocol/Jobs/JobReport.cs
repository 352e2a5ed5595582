using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Protocol.Jobs;

/// <summary>What an agent says about one job. A final report is sent until the server has stored it and answered.</summary>
/// <param name="Id">The job.</param>
/// <param name="Outcome">How far it is, or how it ended.</param>
/// <param name="Detail">Why it did not succeed, or while it is accepted what it waits for, in a person's words; null when there is nothing to say.</param>
public sealed record JobReport(JobId Id, JobOutcome Outcome, string? Detail)
{
    /// <summary>The <see cref="Detail"/> of a job that failed and of which it is certain that nothing of it was or will be run: it may be asked for again.</summary>
    public const string NeverRan = "could not be started: the agent ended just before it ran";

    /// <summary>The script's exit code; null when it did not run to its end.</summary>
    public int? ExitCode { get; init; }

    /// <summary>What the script wrote to standard output, as far as kept (<see cref="StandardOutputCut"/>).</summary>
    public string StandardOutput { get; init; } = string.Empty;

    /// <summary>What the script wrote to standard error, as far as kept (<see cref="StandardErrorCut"/>).</summary>
    public string StandardError { get; init; } = string.Empty;

    /// <summary>Bytes left out of <see cref="StandardOutput"/>; 0 when it is whole.</summary>
    public long StandardOutputCut { get; init; }

    /// <summary>Bytes left out of <see cref="StandardError"/>; 0 when it is whole.</summary>
    public long StandardErrorCut { get; init; }

    /// <summary>What is not as it was before, although the job itself is over, in a person's words; null when nothing is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Warning { get; init; }

    /// <summary>When it was started, by the host's clock; null when it was not.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended, by the host's clock; null while it has not.</summary>
    public DateTimeOffset? CompletedAt { get; init; }
}

/// <summary>How far a job is, or how it ended.</summary>
[JsonConverter(typeof(WireEnumConverter<JobOutcome>))]
public enum JobOutcome
{
    /// <summary>In the agent's journal on disk; not started yet.</summary>
    [JsonStringEnumMemberName("accepted")]
    Accepted,

    /// <summary>Started, no end yet.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>Final: it ran to its end with exit code 0.</summary>
    [JsonStringEnumMemberName("succeeded")]
    Succeeded,

    /// <summary>Final: it was refused, could not be started, or ended with another exit code.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>Final: it was started and its end is unknown (power loss, a killed host). Never taken for success.</summary>
    [JsonStringEnumMemberName("interrupted")]
    Interrupted,

    /// <summary>Final: it ended and was reported before; the agent has dropped its output since.</summary>
    [JsonStringEnumMemberName("already-reported")]
    AlreadyReported,

    /// <summary>Final: it was ended because a person asked for it. What it had done by then stays done; the detail says how far it was.</summary>
    [JsonStringEnumMemberName("cancelled")]
    Cancelled,
}

/// <summary>Questions about outcomes that both sides ask.</summary>
public static class JobOutcomes
{
    /// <summary>Whether nothing more will come after this outcome.</summary>
    public static bool IsFinal(this JobOutcome outcome) => outcome is not (JobOutcome.Accepted or JobOutcome.Running);
}
