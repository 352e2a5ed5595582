using Microsoft.Extensions.Logging.Abstractions;
using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Jobs;

public sealed class RebootHostHandlerTests : IDisposable
{
    private const string Another = "5f0cbd1e-9d07-4f6c-8b6d-222222222222\n";
    private const string Old = "6.17.4-1-pve";
    private const string New = "6.17.9-1-pve";
    private static readonly RebootHost Job = new(JobId.Parse("01JDMT2Q4N0000000000000001"), 600);
    private readonly LabHost host = new();
    private readonly HurriedClock clock = new();
    private int running;

    public RebootHostHandlerTests()
    {
        host.WriteFacts();
        Restarts();
    }

    public void Dispose() => host.Dispose();

    [Fact]
    public async Task A_machine_under_another_boot_id_was_restarted_and_its_kernel_is_named()
    {
        var end = await Run();
        Assert.Equal((JobOutcome.Succeeded, $"came back with kernel {Old}"), (end.Outcome, end.Detail));
        Assert.Equal((1, 1), (host.Calls("systemctl"), running));
        Assert.Equal("reboot\n", host.Read("systemctl.calls"));
    }

    [Theory]
    [InlineData(null, null, Old, JobOutcome.Failed, $"came back with kernel {Old}, newest is {New}")] // as when GRUB's default is another entry
    [InlineData(null, null, New, JobOutcome.Succeeded, $"came back with kernel {New}")]
    [InlineData("proxmox-boot-pin", Old, Old, JobOutcome.Succeeded, $"came back with kernel {Old}")] // a person wants it so
    [InlineData("proxmox-boot-pin", Old, New, JobOutcome.Failed, $"came back with kernel {New}, pinned is {Old}")]
    [InlineData("next-boot-pin", Old, Old, JobOutcome.Succeeded, $"came back with kernel {Old}")] // and the boot has taken the pin away
    [InlineData(null, null, "6.17.10-1-pve", JobOutcome.Succeeded, "came back with kernel 6.17.10-1-pve")] // newer than what dpkg still has
    [InlineData(null, null, "6.12.1-amd64", JobOutcome.Failed, $"came back with kernel 6.12.1-amd64, newest is {New}")] // Debian's own
    public async Task The_kernel_it_came_back_with_counts(string? pinFile, string? pin, string comesBackWith, JobOutcome outcome, string detail)
    {
        host.Write("var/lib/dpkg/status", HostFiles.Package($"proxmox-kernel-{Old}-signed") + HostFiles.Package($"proxmox-kernel-{New}-signed"));
        host.Write($"boot/vmlinuz-{New}", string.Empty);
        if (pinFile is not null)
        {
            host.Write($"etc/kernel/{pinFile}", $"{pin}\n");
        }

        Restarts($"rm -f $root/etc/kernel/next-boot-pin; echo {comesBackWith} > $root/proc/sys/kernel/osrelease");
        var end = await Run();
        Assert.Equal((outcome, detail), (end.Outcome, end.Detail));
    }

    [Fact]
    public async Task Where_the_kernels_cannot_be_compared_the_restart_counts_and_it_is_said()
    {
        File.Delete(Path.Combine(host.Directory, "boot/vmlinuz-6.17.4-1-pve"));
        var end = await Run();
        Assert.Equal((JobOutcome.Succeeded, $"came back with kernel {Old}; cannot tell whether it is the newest: dpkg knows no Proxmox VE kernel that is in /boot"), (end.Outcome, end.Detail));
    }

    [Fact]
    public async Task A_machine_that_does_not_go_down_in_time_is_a_timeout()
    {
        host.Command("systemctl", "echo \"$*\" >> $root/systemctl.calls");
        var end = await Run();
        Assert.Equal((JobOutcome.Failed, "timeout: the machine has not been restarted; it may still be shutting down"), (end.Outcome, end.Detail));
    }

    [Fact]
    public async Task What_systemctl_says_is_the_reason()
    {
        host.Command("systemctl", "printf 'Call to Reboot failed: \\033[31mOperation inhibited\\n' >&2; exit 1");
        var end = await Run();
        Assert.Equal((JobOutcome.Failed, "systemctl reboot: exit code 1: Call to Reboot failed: \uFFFD[31mOperation inhibited"), (end.Outcome, end.Detail));
    }

    [Fact]
    public async Task A_systemctl_that_the_shutdown_ended_has_not_failed()
    {
        Restarts("kill -TERM $$");
        Assert.Equal(JobOutcome.Succeeded, (await Run()).Outcome);
    }

    [Theory]
    [InlineData(Another, 0, JobOutcome.Succeeded)]
    [InlineData(Another, 365, JobOutcome.Succeeded)] // the clock was wrong before, or is now
    [InlineData(Another, -365, JobOutcome.Succeeded)]
    [InlineData(null, 365, JobOutcome.Failed)]
    [InlineData(null, 0, JobOutcome.Failed)]
    [InlineData(null, -365, JobOutcome.Failed)] // a clock set back makes no job wait for ever
    public async Task Found_again_in_the_journal_it_is_never_begun_again(string? boot, int days, JobOutcome outcome)
    {
        var entry = Entry();
        entry.Start(host.Host.BootId());
        Directory.CreateDirectory(entry.Run.Claim); // systemctl was about to run, and did or did not
        clock.WallOffset = TimeSpan.FromDays(days);
        if (boot is not null)
        {
            host.Write("proc/sys/kernel/random/boot_id", boot);
        }

        var end = await Run(entry);
        Assert.Equal((outcome, 0), (end.Outcome, host.Calls("systemctl")));
        Assert.Equal(outcome is JobOutcome.Failed, end.Detail!.StartsWith("timeout: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Of_an_agent_that_ended_before_systemctl_ran_it_is_certain_that_nothing_was_begun()
    {
        var entry = Entry();
        entry.Start(host.Host.BootId());
        var end = await Run(entry);
        Assert.Equal((JobOutcome.Failed, JobReport.NeverRan, 0), (end.Outcome, end.Detail, host.Calls("systemctl")));
        Assert.True(Directory.Exists(entry.Run.Claim)); // which is what the one before would need, were it only slow
    }

    [Fact]
    public async Task A_claim_that_somebody_else_has_made_keeps_systemctl_from_running()
    {
        var entry = Entry();
        entry.Run.TryPrevent();
        Assert.Equal(JobOutcome.Failed, (await Run(entry)).Outcome);
        Assert.Equal(0, host.Calls("systemctl"));
    }

    [Fact]
    public async Task In_a_container_another_first_process_is_the_restart()
    {
        host.Write("proc/1/stat", Stat(100));
        host.Command("systemctl", $"echo '{Stat(200)}' > $root/proc/1/stat");
        Assert.Equal(JobOutcome.Succeeded, (await Run()).Outcome);
    }

    [Fact]
    public async Task An_agent_that_is_ended_by_the_restart_leaves_the_job_to_the_next_one()
    {
        using var stopping = new CancellationTokenSource();
        host.Command("systemctl", "echo \"$*\" >> $root/systemctl.calls");
        clock.OnWait = stopping.Cancel;
        var entry = Entry();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Run(entry, stopping: stopping.Token));
        Assert.Equal(JobOutcome.Running, entry.Outcome);

        clock.OnWait = null;
        host.Write("proc/sys/kernel/random/boot_id", Another);
        Assert.Equal(JobOutcome.Succeeded, (await Run(entry)).Outcome);
        Assert.Equal(1, host.Calls("systemctl"));
    }

    [Fact]
    public async Task A_cancel_counts_only_before_it_is_begun()
    {
        var cancelled = new CancellationToken(canceled: true);
        var (first, second) = (Entry(), Entry("01JDMT2Q4N0000000000000002"));
        Assert.Equal(JobOutcome.Cancelled, (await Run(first, cancelled: cancelled)).Outcome);
        Assert.Equal(0, host.Calls("systemctl"));

        second.Start("another boot");
        Assert.Equal(JobOutcome.Succeeded, (await Run(second, cancelled: cancelled)).Outcome);
    }

    [Fact]
    public async Task Without_a_boot_id_nothing_is_begun()
    {
        File.Delete(Path.Combine(host.Directory, "proc/sys/kernel/random/boot_id"));
        var end = await Run();
        Assert.Equal((JobOutcome.Failed, 0), (end.Outcome, host.Calls("systemctl")));
        Assert.EndsWith("cannot be read: nobody could tell whether the machine was restarted", end.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("6.12.57+deb13-amd64", JobOutcome.Succeeded, "came back with kernel 6.12.57+deb13-amd64")]
    [InlineData("6.12.48+deb13-amd64", JobOutcome.Failed, "came back with kernel 6.12.48+deb13-amd64, newest is 6.12.57+deb13-amd64")]
    public async Task A_machine_outside_Proxmox_VE_is_restarted_likewise(string comesBackWith, JobOutcome outcome, string detail)
    {
        host.Write("boot/vmlinuz-6.12.57+deb13-amd64", string.Empty);
        Restarts($"echo {comesBackWith} > $root/proc/sys/kernel/osrelease");
        var end = await Run(Entry(), isProxmox: false);
        Assert.Equal((outcome, detail), (end.Outcome, end.Detail));
    }

    private static string Stat(int started) => $"1 (systemd) S 0 1 1 0 -1 4194560 1 1 1 1 1 1 1 1 20 0 1 0 {started} 1 1";

    private void Restarts(string more = ":") => host.Command("systemctl", $"echo \"$*\" >> $root/systemctl.calls; echo {Another.Trim()} > $root/proc/sys/kernel/random/boot_id; {more}");

    private JournalEntry Entry(string id = "01JDMT2Q4N0000000000000001") => new JobJournal(host.Host, TimeProvider.System).Add(Job with { Id = JobId.Parse(id) });

    private Task<JobEnd> Run() => Run(Entry());

    private async Task<JobEnd> Run(JournalEntry entry, bool isProxmox = true, CancellationToken cancelled = default, CancellationToken stopping = default)
    {
        var handler = new RebootHostHandler(host.Host, isProxmox, clock, NullLogger.Instance);
        await handler.Run(Job, entry, new(() => running++, _ => { }, _ => { }, cancelled), stopping).Within("the restart's end");
        return entry.End!;
    }
}
