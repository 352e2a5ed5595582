using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Jobs;

/// <summary>A VM's job from the server to its end. The qm here runs what the guest agent would on this machine, with the jobs' directories in the lab's.</summary>
public sealed class PatchVmHandlerTests : IAsyncLifetime
{
    private const string Marker = "echo 'nanny-patch: started' >&2\n";

    private const string Qm = """
        [ ! -f $root/qm.fails ] || { cat $root/qm.fails >&2; exit 255; }
        while [ "$1" != -- ]; do shift; done
        script=$4 job=$7
        shift 7
        if [ "$1" = /run/systemd/system ]; then shift; set -- $root/no-systemd "$@"; echo start >>$root/starts; fi
        sh -c "$script" nanny $root/inside "$job" "$@" >$root/qm.out
        code=$?
        printf '{"exited":1,"exitcode":%s,"out-data":"' $code
        sed 's/$/\\n/' $root/qm.out | tr -d '\n'
        printf '"}'
        """;

    private readonly LabHost host = new();
    private ControlPlane server = null!;

    public async ValueTask InitializeAsync()
    {
        server = await ControlPlane.Start();
        host.Vm(201, "agent: 1\nostype: l26\n");
        host.Container(100);
        host.Command("qm", Qm);
        RunningAgent.Register(host, server);
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        host.Dispose();
    }

    [Fact]
    public async Task It_runs_in_the_VM_and_its_output_comes_back_unharmed()
    {
        await using var agent = await Connected();
        await server.Send(Job(Marker + "echo \"args: $* \u00fc\"; head -c 300000 /dev/zero | tr '\\0' x; echo; echo last"));
        var end = await server.NextEnd("the end");
        Assert.Equal((JobOutcome.Succeeded, null, 0), (end.Outcome, end.Detail, end.ExitCode));
        Assert.Equal($"args: --dry-run --exclude nginx \u00fc\n{new string('x', 300000)}\nlast\n", end.StandardOutput);
        Assert.Equal("nanny-patch: started\n", end.StandardError);
    }

    [Theory]
    [InlineData("exit 3", "exit code 3", 3)]
    [InlineData("echo 'E: broken' >&2; exit 100", "exit code 100: E: broken", 100)]
    public async Task A_script_that_fails_fails_with_its_last_words(string script, string detail, int code)
    {
        await using var agent = await Connected();
        await server.Send(Job(Marker + script));
        var end = await server.NextEnd("the failure");
        Assert.Equal((JobOutcome.Failed, detail, code), (end.Outcome, end.Detail, end.ExitCode));
    }

    [Theory]
    [InlineData("template: 1\n", "", "VM is a template")]
    [InlineData("ostype: win11\n", "", "VM runs Windows (ostype win11), which is not patched from outside")]
    [InlineData("lock: backup\n", "", "VM is locked (backup)")]
    [InlineData("ostype: l26\n", "VM 201 is not running", "the VM is not running")]
    [InlineData("ostype: l26\n", "QEMU guest agent is not running", "the QEMU guest agent is not running in the VM; install and start qemu-guest-agent there")]
    public async Task A_VM_that_cannot_be_patched_is_not(string conf, string error, string detail)
    {
        host.Vm(201, conf);
        if (error.Length > 0)
        {
            host.Write("qm.fails", error);
        }

        await using var agent = await Connected();
        await server.Send(Job(Marker));
        var end = await server.NextEnd("the refusal");
        Assert.Equal((JobOutcome.Failed, detail), (end.Outcome, end.Detail));
        Assert.Null(end.StartedAt);
        Assert.False(File.Exists(Path.Combine(host.Directory, "starts")));
    }

    [Fact]
    public async Task A_container_is_no_VM()
    {
        await using var agent = await Connected();
        await server.Send(Job(Marker) with { Vmid = new(100) });
        Assert.Equal("VM 100 is not on this node", (await server.NextEnd("the refusal")).Detail);
    }

    [Fact]
    public async Task An_agent_that_is_restarted_finds_the_run_again_and_does_not_start_another()
    {
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        await using (await Connected())
        {
            await server.Send(Job(Marker + $"echo once >>{host.Directory}/runs; cat {gate}"));
            while ((await server.NextReport("the start")).Outcome is not JobOutcome.Running)
            {
            }
        }

        await using var agent = await Connected();
        await File.WriteAllTextAsync(gate, "through\n", TestContext.Current.CancellationToken);
        var end = await server.NextEnd("the end");
        Assert.Equal((JobOutcome.Succeeded, "through\n"), (end.Outcome, end.StandardOutput));
        Assert.Equal("once\n", host.Read("runs"));
        Assert.Equal("start\n", host.Read("starts"));
    }

    [Fact]
    public async Task A_cancelled_one_is_ended_in_the_VM()
    {
        Posix.MakePipe(Path.Combine(host.Directory, "never"));
        await using var agent = await Connected();
        var job = Job(Marker + $"cat {host.Directory}/never");
        await server.Send(job);
        while ((await server.NextReport("the start")).Outcome is not JobOutcome.Running)
        {
        }

        await server.Cancel(job);
        var end = await server.NextEnd("the cancel");
        Assert.Equal((JobOutcome.Cancelled, "cancelled while it ran; it ended as asked"), (end.Outcome, end.Detail));
    }

    private PatchVm Job(string script)
    {
        var like = RunningAgent.Job(server.Script("apt-update.sh", script));
        return new(like.Id, 600, new(201), PatchMode.DryRun, ["nginx"], like.Script);
    }

    private async Task<RunningAgent> Connected()
    {
        var agent = RunningAgent.On(host);
        await server.NextInventory();
        return agent;
    }
}
