using Microsoft.Extensions.Logging.Abstractions;
using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Jobs;

/// <summary>Two processes stand for a guest's first one before and after.</summary>
public sealed class RebootGuestHandlerTests : IDisposable
{
    private readonly LabHost host = new();
    private readonly RunningVm before = new(200);
    private readonly RunningVm after = new(200);
    private readonly HurriedClock clock = new() { Hurried = false };
    private readonly List<string> waitedFor = [];

    public RebootGuestHandlerTests()
    {
        host.WriteFacts();
        host.Container(100);
        host.Runs(100);
        host.Vm(200, "name: db-01\n");
        host.Write("init.pid", $"{before.Pid}\n");
        host.Write("var/run/qemu-server/200.pid", $"{before.Pid}\n");
        host.Command("lxc-info", "cat $root/init.pid");
        host.Command("pct", $"echo \"$*\" >> $root/pct.calls; echo {after.Pid} > $root/init.pid");
        host.Command("qm", $"echo \"$*\" >> $root/qm.calls; echo {after.Pid} > $root/var/run/qemu-server/200.pid");
    }

    public void Dispose()
    {
        before.Dispose();
        after.Dispose();
        host.Dispose();
    }

    [Fact]
    public async Task A_container_is_restarted_by_one_command_and_done_when_it_has_another_first_process()
    {
        var end = await Run(Job(100));
        Assert.Equal((JobOutcome.Succeeded, null), (end.Outcome, end.Detail));
        Assert.Equal("reboot 100 --timeout 30\n", host.Read("pct.calls"));
    }

    [Fact]
    public async Task A_VM_is_restarted_likewise()
    {
        var end = await Run(Job(200));
        Assert.Equal((JobOutcome.Succeeded, null), (end.Outcome, end.Detail));
        Assert.Equal("reboot 200 --timeout 30\n", host.Read("qm.calls"));
    }

    [Theory]
    [InlineData(101, "", "guest 101 is not on this node")]
    [InlineData(100, "template: 1\n", "container is a template")]
    [InlineData(100, "lock: backup\n", "container is locked (backup)")]
    [InlineData(100, "lock: \u001b[2Jx\n", "container is locked (\uFFFD[2Jx)")]
    public async Task What_may_not_be_restarted_is_left_alone(int vmid, string conf, string detail)
    {
        host.Container(100, conf);
        var end = await Run(Job(vmid));
        Assert.Equal((JobOutcome.Failed, detail), (end.Outcome, end.Detail));
        Assert.Equal(0, host.Calls("pct"));
    }

    [Fact]
    public async Task A_stopped_container_is_left_alone()
    {
        host.Runs();
        Assert.Equal("container is not running", (await Run(Job(100))).Detail);
        Assert.Equal(0, host.Calls("pct"));
    }

    [Fact]
    public async Task A_container_of_which_nobody_can_tell_whether_it_runs_is_left_alone()
    {
        host.Command("lxc-info", "echo 'no such thing' >&2; exit 1");
        Assert.Equal("cannot tell whether container 100 runs: lxc-info -n 100 -pH: exit code 1: no such thing", (await Run(Job(100))).Detail);
        Assert.Equal(0, host.Calls("pct"));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(86401, 0)]
    [InlineData(60, -1)]
    [InlineData(60, 86401)]
    public async Task A_job_with_a_wrong_time_is_refused(int timeout, int wait)
    {
        Assert.Contains(" s is not from ", (await Run(Job(100, timeout) with { WaitSeconds = wait })).Detail, StringComparison.Ordinal);
        Assert.Equal(0, host.Calls("pct"));
    }

    [Fact]
    public async Task A_locked_container_is_waited_for_and_never_restarted()
    {
        host.Container(100, "lock: backup\n");
        clock.Hurried = true;
        var end = await Run(Job(100) with { WaitSeconds = 60 });
        Assert.Equal((JobOutcome.Failed, "container is locked (backup)"), (end.Outcome, end.Detail));
        Assert.Equal(["container is locked (backup)"], waitedFor);
        Assert.Equal(0, host.Calls("pct"));
    }

    [Fact]
    public async Task Once_the_lock_is_gone_it_is_restarted()
    {
        host.Container(100, "lock: snapshot\n");
        clock.Hurried = true;
        clock.OnWait = () =>
        {
            host.Container(100);
            (clock.OnWait, clock.Hurried) = (null, false);
        };
        Assert.Equal(JobOutcome.Succeeded, (await Run(Job(100) with { WaitSeconds = 60 })).Outcome);
        Assert.Equal(["container is locked (snapshot)"], waitedFor);
    }

    [Fact]
    public async Task A_cancel_while_it_waits_ends_it()
    {
        host.Container(100, "lock: backup\n");
        using var cancel = new CancellationTokenSource();
        clock.OnWait = cancel.Cancel;
        Assert.Equal(JobOutcome.Cancelled, (await Run(Job(100) with { WaitSeconds = 60 }, cancel.Token)).Outcome);
        Assert.Equal(0, host.Calls("pct"));
    }

    [Fact]
    public async Task What_pct_says_is_the_reason()
    {
        host.Command("pct", "printf \"can't lock \\033]0;x\\007file - got timeout\\n\" >&2; exit 255");
        var end = await Run(Job(100));
        Assert.Equal((JobOutcome.Failed, "pct reboot: exit code 255: can't lock \uFFFD]0;x\uFFFDfile - got timeout", 255), (end.Outcome, end.Detail, end.ExitCode));
    }

    [Fact]
    public async Task A_container_that_is_not_back_in_time_is_a_timeout()
    {
        host.Command("pct", $"printf 'Num \\n' > $root/proc/net/unix");
        Assert.Equal("timeout: the guest is stopped and has not come back", (await Run(Job(100, timeout: 1))).Detail);
    }

    [Fact]
    public async Task An_agent_ended_while_pct_works_leaves_the_end_to_the_next_one()
    {
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        host.Command("pct", $"echo \"$*\" >> $root/pct.calls; read line < {gate}; echo {after.Pid} > $root/init.pid");
        using var stopping = new CancellationTokenSource();
        var (job, entry) = (Job(100, timeout: 600), Entry(Job(100, timeout: 600)));
        var first = Run(job, entry, default, stopping.Token);
        await Eventually.Until(() => host.Calls("pct") is 1, "pct");
        await stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal(JobOutcome.Running, entry.Outcome);

        await File.WriteAllTextAsync(gate, "go on\n");
        Assert.Equal(JobOutcome.Succeeded, (await Run(job, entry, new(canceled: true), default)).Outcome); // and no cancel counts by now
        Assert.Equal(1, host.Calls("pct"));
    }

    [Fact]
    public async Task Begun_in_the_journal_and_never_run_it_is_never_run()
    {
        var entry = Entry(Job(100));
        entry.Start(host.Host.BootId(), new(before.Pid, 1));
        host.Runs();
        var end = await Run(Job(100), entry, default, default);
        Assert.Equal((JobOutcome.Failed, JobReport.NeverRan), (end.Outcome, end.Detail));
        Assert.Equal(0, host.Calls("pct"));
    }

    [Fact]
    public async Task After_a_restart_of_the_host_a_running_container_was_started_anew()
    {
        var entry = Entry(Job(100));
        entry.Start("another boot", new(before.Pid, 1));
        var end = await Run(Job(100), entry, default, default);
        Assert.Equal((JobOutcome.Succeeded, "the host itself was restarted meanwhile"), (end.Outcome, end.Detail));
        Assert.Equal(0, host.Calls("pct"));
    }

    [Fact]
    public async Task A_machine_outside_Proxmox_VE_has_no_guests()
    {
        var entry = Entry(Job(100));
        await new RebootGuestHandler(host.Host, null, new(Eventually.Limit), clock, NullLogger.Instance).Run(Job(100), entry, new(() => { }, _ => { }, _ => { }, default), default);
        Assert.Equal("this machine is no Proxmox VE host and has no guest 100; only the host that runs it can restart it", entry.End!.Detail);
    }

    public static TheoryData<string, bool, bool, int?, bool, bool, bool, string?> Looks => new()
    {
        // why, runs, has another first process, exit code, command runs, another boot, late, the end
        { "pct may yet fail to start it", true, true, null, true, false, false, null },
        { "pct is stuck after a good start", true, true, null, true, false, true, "Succeeded" },
        { "pct is done and so is the guest", true, true, 0, false, false, false, "Succeeded" },
        { "qm returns before the VM is back", false, false, 0, false, false, false, null },
        { "pct was killed, the guest is back", true, true, null, false, false, false, "Succeeded" },
        { "pct was killed, nothing happened", true, false, null, false, false, false, null },
        { "and nothing ever will", true, false, null, false, false, true, "Failed timeout: the guest still runs and has not been restarted" },
        { "pct failed", false, false, 255, false, false, false, "Failed pct reboot: exit code 255: it said nothing" },
        { "pct failed and it came back", true, true, 255, false, false, false, "Failed pct reboot: exit code 255: it said nothing; the guest did start anew" },
        { "a power loss ended pct with a code", true, false, 143, false, true, false, "Succeeded the host itself was restarted meanwhile" },
        { "the host is back, the guest not yet", false, false, null, false, true, false, null },
    };

    [Theory]
    [MemberData(nameof(Looks))]
    public void Each_look_is_an_end_or_none(string why, bool runs, bool anew, int? code, bool commandRuns, bool anotherBoot, bool late, string? expected)
    {
        var first = new FirstProcess(10, 20);
        var guest = runs ? new GuestProcess(GuestStatus.Running, anew ? new(10, 30) : first, null) : new GuestProcess(GuestStatus.Stopped, null, null);
        var end = GuestRebootChecks.Of(new("pct", first, guest, code, string.Empty, commandRuns, anotherBoot, late));
        Assert.True(expected == (end is null ? null : $"{end.Outcome} {end.Detail}".TrimEnd()), $"{why}: {end}");
    }

    private static RebootGuest Job(int vmid, int timeout = 60) => new(JobId.Parse("01JDMT2Q4N0000000000000001"), timeout, new Vmid(vmid));

    private JournalEntry Entry(RebootGuest job) => new JobJournal(host.Host, TimeProvider.System).Add(job);

    private Task<JobEnd> Run(RebootGuest job, CancellationToken cancelled = default) => Run(job, Entry(job), cancelled, default);

    private async Task<JobEnd> Run(RebootGuest job, JournalEntry entry, CancellationToken cancelled, CancellationToken stopping)
    {
        var handler = new RebootGuestHandler(host.Host, NodeName.Parse("pve1"), new BoundedReads(Eventually.Limit), clock, NullLogger.Instance);
        await handler.Run(job, entry, new(() => { }, waitedFor.Add, _ => { }, cancelled), stopping).Within("the restart's end");
        return entry.End!;
    }
}
