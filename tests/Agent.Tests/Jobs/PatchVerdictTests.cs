using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Jobs;

public sealed class PatchVerdictTests
{
    private const string Started = "nanny-patch: started\n";

    [Theory]
    [InlineData(0, 5, Started, JobOutcome.Succeeded, null)]
    [InlineData(0, 5, "perl: warning: locale\n" + Started + "done\n", JobOutcome.Succeeded, null)] // pct may speak first
    [InlineData(0, 5, "", JobOutcome.Failed, "could not start in the container: exit code 0, no message")]
    [InlineData(0, 5, "echo nanny-patch: started\n", JobOutcome.Failed, "could not start in the container: echo nanny-patch: started")] // the line, not the words
    [InlineData(255, 5, "container '100' not running!\n", JobOutcome.Failed, "container not running")]
    [InlineData(255, 5, "container '1000' not running!\n", JobOutcome.Failed, "could not start in the container: container '1000' not running!")]
    [InlineData(2, 5, "a\nb\nc\nd\n", JobOutcome.Failed, "could not start in the container: b; c; d")]
    [InlineData(124, 60, Started, JobOutcome.Failed, "timed out after 60 s")]
    [InlineData(137, 70, Started, JobOutcome.Failed, "timed out after 60 s")]
    [InlineData(143, 61, Started, JobOutcome.Failed, "timed out after 60 s")] // BusyBox
    [InlineData(124, 59, Started, JobOutcome.Failed, "exit code 124")] // the script's own
    [InlineData(137, 3, Started, JobOutcome.Failed, "exit code 137: killed, perhaps for want of memory")]
    [InlineData(1, 5, Started + "E: broken\n", JobOutcome.Failed, "exit code 1: E: broken")]
    public void The_end_is_judged_by_marker_code_and_time(int code, int seconds, string stderr, JobOutcome outcome, string? detail) => Assert.Equal(
        (outcome, detail),
        PatchVerdict.Of(RunningAgent.Job(new("apt-update.sh", new('a', 64)), timeoutSeconds: 60), code, TimeSpan.FromSeconds(seconds), stderr));

    [Fact]
    public void What_did_not_start_in_a_VM_says_so()
    {
        var like = RunningAgent.Job(new("apt-update.sh", new('a', 64)));
        var vm = new PatchVm(like.Id, 60, new(201), PatchMode.Apply, [], like.Script);
        Assert.Equal((JobOutcome.Failed, "could not start in the VM: sh: not found"), PatchVerdict.Of(vm, 127, TimeSpan.FromSeconds(1), "sh: not found\n"));
    }
}
