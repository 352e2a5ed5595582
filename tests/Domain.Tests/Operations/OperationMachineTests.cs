using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Jobs;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Operations;

public sealed class OperationMachineTests
{
    [Theory]
    [InlineData(0, "dry-run", OperationStatus.Succeeded, null)]
    [InlineData(0, "apply", OperationStatus.Failed, "unreadable-result")] // a result of something else than was asked
    [InlineData(0, "", OperationStatus.Failed, "unreadable-result")] // exit code 0 alone proves nothing
    public void Success_needs_an_exit_code_and_a_document_of_the_mode_asked_for(int exit, string mode, OperationStatus status, string? code)
    {
        var ended = OperationMachine.Report(Operation(), Ended(JobOutcome.Succeeded, mode is "" ? "" : Findings(mode), exit), Noon);
        Assert.Equal((status, code), (ended.Status, ended.Failure?.Code));
    }

    [Fact]
    public void Packages_still_pending_after_an_apply_are_a_failure_although_the_exit_code_is_0()
    {
        var ended = OperationMachine.Report(Operation(PatchMode.Apply), Ended(JobOutcome.Succeeded, Findings("apply", failed: """["nginx"]"""), 0), Noon);
        Assert.Equal((OperationStatus.Failed, "packages-failed"), (ended.Status, ended.Failure?.Code));
        Assert.Contains("nginx", ended.Failure!.Message);
    }

    [Fact]
    public void The_scripts_own_error_is_what_the_person_reads()
    {
        const string Document = """{"mode":"dry-run","error":{"code":"repository-unreachable","message":"deb.example did not answer."}}""";
        var ended = OperationMachine.Report(Operation(), Ended(JobOutcome.Failed, Document, 100), Noon);
        Assert.Equal(new Refusal("repository-unreachable", "deb.example did not answer."), ended.Failure);
        Assert.Equal(100, ended.ExitCode);
    }

    [Theory]
    [InlineData("container not running", false, "container-not-running")]
    [InlineData("could not start in the container: x", false, "not-started")]
    [InlineData("exit code 100", true, "script-failed")]
    public void A_failure_has_a_code_to_branch_on(string detail, bool started, string code)
    {
        var report = new JobReport(Id(1), JobOutcome.Failed, detail) { StartedAt = started ? Noon : null };
        Assert.Equal(new Refusal(code, detail), OperationMachine.Report(Operation(), report, Noon).Failure);
    }

    [Theory]
    [InlineData(JobOutcome.Interrupted, "interrupted")]
    [InlineData(JobOutcome.AlreadyReported, "result-lost")]
    public void An_end_nobody_knows_is_interrupted(JobOutcome outcome, string code)
    {
        var ended = OperationMachine.Report(Operation(), new(Id(1), outcome, null), Noon);
        Assert.Equal((OperationStatus.Interrupted, code), (ended.Status, ended.Failure?.Code));
        Assert.Equal(Noon, ended.CompletedAt);
    }

    [Fact]
    public void An_ended_operation_never_changes_again()
    {
        var ended = OperationMachine.Report(Operation(), Ended(JobOutcome.Succeeded, Findings(), 0), Noon);
        foreach (var outcome in Enum.GetValues<JobOutcome>())
        {
            Assert.Same(ended, OperationMachine.Report(ended, new(Id(1), outcome, "late"), Noon.AddHours(1)));
        }
    }

    [Fact]
    public void Accepted_is_still_pending_and_running_is_running()
    {
        var accepted = OperationMachine.Report(Operation(), new(Id(1), JobOutcome.Accepted, null), Noon);
        Assert.Equal(OperationStatus.Pending, accepted.Status);
        var running = OperationMachine.Report(accepted, new(Id(1), JobOutcome.Running, null) { StartedAt = Noon }, Noon);
        Assert.Equal((OperationStatus.Running, Noon), (running.Status, running.StartedAt));
    }

    private static JobReport Ended(JobOutcome outcome, string output, int exit) =>
        new(Id(1), outcome, null) { StandardOutput = output, ExitCode = exit, StartedAt = Noon, CompletedAt = Noon.AddSeconds(5) };
}
