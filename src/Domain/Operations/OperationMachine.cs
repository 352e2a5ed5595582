using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Operations;

/// <summary>The decisions about one operation.</summary>
public static class OperationMachine
{
    /// <summary>The failure of an apply that ran to its end and left updates over, each named in the findings.</summary>
    public const string PackagesFailed = "packages-failed";

    /// <summary>The failure of a job whose script the agent did not trust: another content, or no signature of a key it has pinned.</summary>
    public const string ScriptRefused = "script-refused";

    /// <summary>The failure of what did not end within its time; an agent's detail says so by its first word.</summary>
    public const string Timeout = "timeout";

    /// <summary>The failure of a job of which nothing was or will be run; an agent's detail says so.</summary>
    public const string NeverRan = "never-ran";

    // A script's word for its end when it was told to stop.
    private const string Stopped = "stopped";

    /// <summary>The failure of an apply that would have installed something else than the dry run it was approved from listed.</summary>
    public const string PlanChanged = "plan-changed";

    private const string NoAnswer = "the agent has not answered for";
    private const int MaxWaitingFor = 500;

    /// <summary>Whether nothing more will come.</summary>
    public static bool IsFinal(this OperationStatus status) => status is not (OperationStatus.Pending or OperationStatus.Running);

    /// <summary>
    /// Takes what the agent says. A final operation keeps its status for ever; of a restart that the server gave up waiting for, what comes
    /// late is noted beside it. Repeating a report changes nothing.
    /// </summary>
    public static OperationRecord Report(OperationRecord operation, JobReport report, DateTimeOffset now)
    {
        if (operation.Status.IsFinal())
        {
            return IsGivenUp(operation) && operation.LateAnswer is null && report.Outcome.IsFinal()
                ? operation with { LateAnswer = new(report.Outcome, Bounded(report.Detail), now) }
                : operation;
        }

        if (!report.Outcome.IsFinal())
        {
            var next = report.Outcome switch
            {
                JobOutcome.Running => operation with { Status = OperationStatus.Running, StartedAt = report.StartedAt ?? operation.StartedAt, WaitingFor = null },
                JobOutcome.Accepted when operation.Status is OperationStatus.Pending => operation with { WaitingFor = Bounded(report.Detail) },
                _ => operation,
            };
            return next == operation ? operation : next;
        }

        var findings = operation.Kind is OperationKind.Patch ? PatchFindings.Read(report.StandardOutput) : null;
        var diagnosis = operation.Kind is OperationKind.Diagnosis && report.Outcome is JobOutcome.Succeeded ? DiagnosisText.Read(report.StandardOutput) : null;
        var (status, failure) = Judge(operation, report, findings, diagnosis);
        return operation with
        {
            Status = status,
            Failure = failure,
            Findings = findings,
            Diagnosis = diagnosis,
            WaitingFor = null,
            Warning = Bounded(report.Warning),
            ExitCode = report.ExitCode,
            StartedAt = report.StartedAt ?? operation.StartedAt,
            CompletedAt = report.CompletedAt ?? now,
        };
    }

    /// <summary>Ends a restart that the agent has not answered in time. One that has ended stays as it is.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="waited">How long the server has waited since the agent last had something to say of it.</param>
    /// <param name="now">When.</param>
    public static OperationRecord GiveUp(OperationRecord operation, TimeSpan waited, DateTimeOffset now) => operation.Status.IsFinal() ? operation : operation with
    {
        Status = OperationStatus.Failed,
        Failure = new(Timeout, $"{NoAnswer} {(long)waited.TotalSeconds} s: {(operation.Vmid is null ? "the machine" : "its host")} may be down, cut off, or still on its way. What its agent says later is noted here."),
        WaitingFor = null,
        CompletedAt = now,
    };

    /// <summary>Notes that a person wants it ended. An ended one stays as it is; asking twice changes nothing.</summary>
    public static OperationRecord Cancel(OperationRecord operation) =>
        operation.CancelRequested || operation.Status.IsFinal() ? operation : operation with { CancelRequested = true };

    // An agent's own timeout is its last word; only one of ours can be followed by another.
    private static bool IsGivenUp(OperationRecord operation) => operation.IsTimedOutReboot && operation.Failure!.Message.StartsWith(NoAnswer, StringComparison.Ordinal);

    // Success is claimed by the exit code and must be borne out by the document: either alone proves nothing.
    private static (OperationStatus Status, Refusal? Failure) Judge(OperationRecord operation, JobReport report, PatchFindings? findings, Diagnosis? diagnosis) => report.Outcome switch
    {
        JobOutcome.Interrupted => (OperationStatus.Interrupted, new("interrupted", report.Detail ?? "It was started; its end is unknown.")),
        JobOutcome.Cancelled => (OperationStatus.Cancelled, new("cancelled", report.Detail ?? "It was cancelled.")),
        JobOutcome.AlreadyReported => (OperationStatus.Interrupted, new("result-lost", "The agent reported the end before, but no result is stored.")),
        // The script only knows that it was told to stop; the agent knows why.
        JobOutcome.Failed when findings?.Error is { Code: Stopped } told && CodeOf(report) == Timeout => (OperationStatus.Failed, new(Timeout, $"{report.Detail}: {told.Message}")),
        JobOutcome.Failed => (OperationStatus.Failed, findings?.Error ?? new(CodeOf(report), report.Detail ?? $"Exit code {report.ExitCode}.")),
        _ when operation.Kind is OperationKind.Reboot or OperationKind.CampaignStep => (OperationStatus.Succeeded, null),
        _ when operation.Kind is OperationKind.Diagnosis => diagnosis is not null
            ? (OperationStatus.Succeeded, null)
            : (OperationStatus.Failed, new("unreadable-result", "The checks ended but what they found could not be read.")),
        _ when findings is null => (OperationStatus.Failed, new("unreadable-result", "The script ended well but its result could not be read.")),
        _ when findings.Error is { } error => (OperationStatus.Failed, error),
        _ when findings.Mode != operation.Mode => (OperationStatus.Failed, new("unreadable-result", "The result is of another mode than was asked for.")),
        _ when findings.Failed.Count > 0 => (OperationStatus.Failed, new(PackagesFailed, $"Still pending: {string.Join(", ", findings.Failed.Take(10))}.")),
        _ => (OperationStatus.Succeeded, null),
    };

    private static string CodeOf(JobReport report) => report.Detail switch
    {
        { } detail when detail.StartsWith("timeout:", StringComparison.Ordinal) || detail.StartsWith("timed out after ", StringComparison.Ordinal) => Timeout,
        JobReport.NeverRan => NeverRan,
        "container not running" => "container-not-running",
        "the VM is not running" => "vm-not-running",
        { } detail when detail.StartsWith("the QEMU guest agent ", StringComparison.Ordinal) => "guest-agent-silent",
        { } detail when detail.StartsWith(ScriptSignature.Refused, StringComparison.Ordinal) => ScriptRefused,
        _ when report.StartedAt is null => "not-started",
        _ => "script-failed",
    };

    private static string? Bounded(string? detail) => detail switch
    {
        null or "" => null,
        { Length: > MaxWaitingFor } => detail[..MaxWaitingFor],
        _ => detail,
    };
}
