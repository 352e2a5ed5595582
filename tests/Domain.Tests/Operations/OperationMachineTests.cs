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
    [InlineData("timed out after 60 s", "stopped", OperationMachine.Timeout, "timed out after 60 s: Told to stop.")]
    [InlineData("exit code 143", "stopped", "stopped", "Told to stop.")] // by somebody else
    [InlineData("timed out after 60 s", "no-space", "no-space", "Told to stop.")] // it had ended by itself
    public void A_script_that_was_told_to_stop_by_its_deadline_is_a_timeout(string detail, string said, string code, string message)
    {
        var document = $$$"""{"mode":"apply","error":{"code":"{{{said}}}","message":"Told to stop."}}""";
        var report = Ended(JobOutcome.Failed, document, 124) with { Detail = detail };
        Assert.Equal(new Refusal(code, message), OperationMachine.Report(Operation(PatchMode.Apply), report, Noon).Failure);
    }

    [Theory]
    [InlineData("container not running", false, "container-not-running")]
    [InlineData("the VM is not running", false, "vm-not-running")]
    [InlineData("the QEMU guest agent is not running in the VM; install and start qemu-guest-agent there", false, "guest-agent-silent")]
    [InlineData("could not start in the container: x", false, "not-started")]
    [InlineData(JobReport.NeverRan, true, OperationMachine.NeverRan)]
    [InlineData("exit code 100", true, "script-failed")]
    [InlineData("timed out after 60 s", true, OperationMachine.Timeout)]
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

    [Fact]
    public void What_is_waited_for_is_shown_until_it_starts_and_a_late_word_of_it_changes_nothing()
    {
        var waiting = OperationMachine.Report(Operation(), new(Id(1), JobOutcome.Accepted, "The container is locked (backup)."), Noon);
        Assert.Equal((OperationStatus.Pending, "The container is locked (backup)."), (waiting.Status, waiting.WaitingFor));
        Assert.Same(waiting, OperationMachine.Report(waiting, new(Id(1), JobOutcome.Accepted, "The container is locked (backup)."), Noon));
        var running = OperationMachine.Report(waiting, new(Id(1), JobOutcome.Running, null), Noon);
        Assert.Null(running.WaitingFor);
        Assert.Same(running, OperationMachine.Report(running, new(Id(1), JobOutcome.Accepted, "late"), Noon));
        Assert.Same(running, OperationMachine.Report(running, new(Id(1), JobOutcome.Running, null), Noon));
        Assert.Null(OperationMachine.Report(waiting, new(Id(1), JobOutcome.Failed, "gave up"), Noon).WaitingFor);
        Assert.Equal(500, OperationMachine.Report(Operation(), new(Id(1), JobOutcome.Accepted, new('x', 100_000)), Noon).WaitingFor?.Length);
    }

    [Theory]
    [InlineData(JobOutcome.Succeeded, null, OperationStatus.Succeeded, null)]
    [InlineData(JobOutcome.Failed, "timeout: it is not back after 900 s", OperationStatus.Failed, OperationMachine.Timeout)]
    [InlineData(JobOutcome.Failed, "container not running", OperationStatus.Failed, "container-not-running")]
    [InlineData(JobOutcome.Interrupted, null, OperationStatus.Interrupted, "interrupted")]
    [InlineData(JobOutcome.Cancelled, null, OperationStatus.Cancelled, "cancelled")]
    public void A_restart_needs_no_document(JobOutcome outcome, string? detail, OperationStatus status, string? code)
    {
        var ended = OperationMachine.Report(Operation() with { Kind = OperationKind.Reboot, Mode = null }, new(Id(1), outcome, detail), Noon);
        Assert.Equal((status, code, null), (ended.Status, ended.Failure?.Code, ended.Findings));
    }

    public static TheoryData<string, bool, string> Diagnoses => new()
    {
        { """{"checks":[{"name":"status","result":"ok","message":"It runs.","advice":null}]}""", true, "one check" },
        { """{"checks":[]}""", false, "nothing was looked at" },
        { "", false, "no document" },
        { "null", false, "no document" },
        { """{"checks":null}""", false, "no list" },
        { """{"checks":[null]}""", false, "no check" },
        { """{"checks":[{"name":"","result":"ok","message":"x","advice":null}]}""", false, "no name" },
        { """{"checks":[{"name":"status","result":"fine","message":"x","advice":null}]}""", false, "no such result" },
        { """{"checks":[{"name":"status","result":"ok","message":null,"advice":null}]}""", false, "no message" },
        { $$"""{"checks":[{"name":"status","result":"ok","message":"{{new string('x', DiagnosisText.MaxText + 1)}}","advice":null}]}""", false, "a message without end" },
        { $$"""{"checks":[{{string.Join(',', Enumerable.Repeat("""{"name":"status","result":"ok","message":"x","advice":null}""", DiagnosisText.MaxChecks + 1))}}]}""", false, "checks without end" },
    };

    [Theory]
    [MemberData(nameof(Diagnoses), DisableDiscoveryEnumeration = true)]
    public void A_diagnosis_is_whole_or_none(string printed, bool whole, string why)
    {
        var ended = OperationMachine.Report(Operation() with { Kind = OperationKind.Diagnosis, Mode = null }, new(Id(1), JobOutcome.Succeeded, null) { StandardOutput = printed }, Noon);
        Assert.True((whole ? OperationStatus.Succeeded : OperationStatus.Failed) == ended.Status && whole == (ended.Diagnosis is not null), why);
        Assert.Equal(whole ? null : "unreadable-result", ended.Failure?.Code);
    }

    [Fact]
    public void To_want_an_end_is_noted_once_and_never_on_what_has_ended()
    {
        var wanted = OperationMachine.Cancel(Operation());
        Assert.True(wanted.CancelRequested);
        Assert.Same(wanted, OperationMachine.Cancel(wanted));
        var ended = OperationMachine.Report(wanted, Ended(JobOutcome.Succeeded, Findings(), 0), Noon); // it was nearly done
        Assert.Equal(OperationStatus.Succeeded, ended.Status);
        Assert.Same(ended, OperationMachine.Cancel(ended));
    }

    private static JobReport Ended(JobOutcome outcome, string output, int exit) =>
        new(Id(1), outcome, null) { StandardOutput = output, ExitCode = exit, StartedAt = Noon, CompletedAt = Noon.AddSeconds(5) };

    [Fact]
    public void A_restart_nobody_answers_for_is_a_timeout_and_what_comes_late_is_noted_once_and_makes_no_success_of_it()
    {
        var running = Operation() with { Kind = OperationKind.Reboot, Mode = null, Status = OperationStatus.Running };
        var given = OperationMachine.GiveUp(running, TimeSpan.FromSeconds(181), Noon);
        Assert.Equal((OperationStatus.Failed, OperationMachine.Timeout, Noon), (given.Status, given.Failure?.Code, given.CompletedAt));
        Assert.Contains("not answered for 181 s", given.Failure!.Message, StringComparison.Ordinal);
        Assert.Same(given, OperationMachine.GiveUp(given, TimeSpan.FromSeconds(999), Noon));
        Assert.Same(given, OperationMachine.Report(given, new(Id(1), JobOutcome.Running, null), Noon));

        var late = OperationMachine.Report(given, new(Id(1), JobOutcome.Succeeded, "came back with kernel 6.17"), Noon.AddHours(1));
        Assert.Equal(new(JobOutcome.Succeeded, "came back with kernel 6.17", Noon.AddHours(1)), late.LateAnswer);
        Assert.Equal(given, late with { LateAnswer = null });
        Assert.Same(late, OperationMachine.Report(late, new(Id(1), JobOutcome.Failed, "twice"), Noon.AddHours(2)));
    }

    [Fact]
    public void What_the_agent_could_not_put_back_is_noted_and_takes_no_success_away()
    {
        var report = new JobReport(Id(1), JobOutcome.Succeeded, null) { StandardOutput = Findings(), Warning = "could not be stopped again: " + new string('x', 9000) };
        var ended = OperationMachine.Report(Operation(), report, Noon);
        Assert.Equal((OperationStatus.Succeeded, 500), (ended.Status, ended.Warning!.Length));
    }

    [Fact]
    public void After_an_agents_own_timeout_nothing_comes_late()
    {
        var ended = OperationMachine.Report(Operation() with { Kind = OperationKind.Reboot, Mode = null }, new(Id(1), JobOutcome.Failed, "timeout: it has not been restarted"), Noon);
        Assert.True(ended.IsTimedOutReboot);
        Assert.Same(ended, OperationMachine.Report(ended, new(Id(1), JobOutcome.Succeeded, null), Noon));
    }
}
