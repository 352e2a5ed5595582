using NannyOrleans.Agent.Proxmox;

namespace NannyOrleans.Agent.Tests.Proxmox;

public sealed class GuestExecTests
{
    [Theory]
    [InlineData("""{ "exitcode" : 0, "exited" : 1, "out-data" : "hello\n" }""", "hello\n")]
    [InlineData("""{ "exitcode" : "0", "exited" : "1", "out-data" : "hello" }""", "hello")]
    [InlineData("""{ "exitcode" : 0, "exited" : true }""", "")]
    [InlineData("""{ "exitcode" : 0, "exited" : 1, "out-data" : "a", "out-truncated" : 0 }""", "a")]
    public void A_command_that_ended_well_has_its_output(string json, string output) => Assert.Equal((output, null), GuestExec.Read(json));

    [Theory]
    [InlineData("ended with 3: no room left", """{ "exitcode" : 3, "exited" : 1, "err-data" : "no room\nleft\n", "out-data" : "x" }""")]
    [InlineData("was killed", """{ "exited" : 1, "signal" : 9, "out-data" : "x" }""")]
    [InlineData("did not end in time", """{ "pid" : 812 }""")]
    [InlineData("no answer", """{ "exitcode" : 0, "out-data" : "x" }""")]
    [InlineData("no answer", """{ "exitcode" : 0, "exited" : 0, "out-data" : "x" }""")]
    [InlineData("cut off", """{ "exitcode" : 0, "exited" : 1, "out-data" : "x", "out-truncated" : 1 }""")]
    [InlineData("cut off", """{ "exitcode" : 0, "exited" : 1, "out-data" : "x", "out-truncated" : true }""")]
    [InlineData("cut off", """{ "exitcode" : 0, "exited" : 1, "out-data" : "x", "out-truncated" : "?" }""")]
    [InlineData("no answer", """{ "exitcode" : 0, "exited" : 1, "out-data" : "\ud800" }""")]
    [InlineData("no answer", "[]")]
    [InlineData("no answer", "")]
    public void Anything_else_is_no_output_but_a_reason(string reason, string json)
    {
        var (output, problem) = GuestExec.Read(json);
        Assert.Null(output);
        Assert.Contains(reason, problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("agent: 1", "No QEMU guest agent configured\n")]
    [InlineData("install and start qemu-guest-agent", "QEMU guest agent is not running\n")]
    [InlineData("does not answer", "VM 200 qga command 'guest-ping' failed - got timeout\n")]
    [InlineData("the VM is not running", "VM 200 is not running\n")]
    [InlineData("/etc/sysconfig/qemu-ga", "Agent error: Command guest-exec has been disabled: the command is not allowed\n")]
    [InlineData("/etc/sysconfig/qemu-ga", "Agent error: The command guest-exec has been disabled for this instance\n")]
    [InlineData("worked in: Agent error: \uFFFD[31m", "Agent error: \u001b[31m\n")]
    [InlineData("did not say why", " \n")]
    public void Each_refusal_has_a_text_of_its_own(string reason, string error) => Assert.Contains(reason, GuestExec.Refusal(error), StringComparison.Ordinal);
}
