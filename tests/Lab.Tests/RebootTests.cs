using NannyOrleans.Lab.Linux;
using NannyOrleans.Lab.Verbs;

namespace NannyOrleans.Lab.Tests;

/// <summary>Reboots that go wrong as they were told to beforehand, and power that goes and comes.</summary>
public sealed class RebootTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_slow_reboot_is_over_after_its_time_also_when_the_daemon_was_killed_meanwhile()
    {
        LabUnderTest.NeedsContainers();
        await using var lab = await LabUnderTest.Up("--hosts", "1", "--containers", "1");
        var boot = await Boot(lab);
        await Done(lab, "reboot-as", "pve1", "slow", "3600");
        await lab.Must("pve1", "systemctl reboot");
        await Until(lab, $"grep -q 'power off' {lab.Directory}/state/pve1 && [ -e {lab.Directory}/state/daemon ]");
        Assert.DoesNotContain("running", (await lab.Verb("status")).StandardOutput, StringComparison.Ordinal); // 100 went down with it
        var daemon = RunningProcess.Read($"{lab.Directory}/state/daemon")!.Pid;
        Native.SendSignal(daemon, Native.SigKill);
        await Until(lab, $"! kill -0 {daemon} 2>/dev/null");
        // An hour later.
        var state = $"{lab.Directory}/state/pve1";
        LabDirectory.Replace(state, string.Concat((await File.ReadAllLinesAsync(state)).Select(line => line.StartsWith("back ", StringComparison.Ordinal) ? "back 1\n" : line + "\n")));
        LabDaemon.Ensure(new LabDirectory(lab.Directory), new LabDirectory(lab.Directory).ReadPlan());
        await Until(lab, "pct status 100 2>/dev/null | grep -q running");
        Assert.NotEqual(boot, await Boot(lab));
        Assert.Equal(0, (await lab.Verb("status")).ExitCode);
    }

    [Fact]
    public async Task A_host_that_never_comes_back_waits_for_somebody_to_switch_it_on()
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "1", "--containers", "1");
        var boot = await Boot(lab);
        await Done(lab, "reboot-as", "pve1", "never");
        await lab.Must("pve1", "systemctl reboot");
        await Until(lab, $"grep -q 'power off' {lab.Directory}/state/pve1");
        Assert.Contains("\nback 0\n", await File.ReadAllTextAsync($"{lab.Directory}/state/pve1"), StringComparison.Ordinal); // nothing is due, ever
        Assert.Equal(boot, await Boot(lab));
        await Done(lab, "power-on", "pve1");
        Assert.NotEqual(boot, await Boot(lab));
        Assert.Equal("status: running\n", await lab.Must("pve1", "pct status 100"));
    }

    [Fact]
    public async Task A_host_can_come_back_with_the_kernel_it_had()
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "1", "--containers", "0");
        var root = lab.Root("pve1");
        var kernel = await File.ReadAllTextAsync($"{root}/proc/sys/kernel/osrelease");
        await File.WriteAllTextAsync($"{root}/boot/vmlinuz-6.99.1-1-pve", "");
        await Done(lab, "reboot-as", "pve1", "old-kernel");
        await Rebooted(lab);
        Assert.Equal(kernel, await File.ReadAllTextAsync($"{root}/proc/sys/kernel/osrelease"));
        await Done(lab, "reboot-as", "pve1", "normal");
        await Rebooted(lab);
        Assert.Equal("6.99.1-1-pve\n", await File.ReadAllTextAsync($"{root}/proc/sys/kernel/osrelease"));
    }

    [Fact]
    public async Task Power_takes_all_containers_along_and_brings_those_with_onboot_back()
    {
        LabUnderTest.NeedsContainers();
        await using var lab = await LabUnderTest.Up("--hosts", "1", "--containers", "2");
        await lab.Must("pve1", "pct set 101 --onboot 0");
        await Done(lab, "power-off", "pve1");
        Assert.Equal(255, (await lab.Run("pve1", "pct list")).ExitCode);
        Assert.DoesNotContain(File.ReadLines("/proc/net/unix"), line => line.Contains($" @{lab.Directory}/lxc/", StringComparison.Ordinal));
        await Done(lab, "power-on", "pve1");
        Assert.Equal("status: running\nstatus: stopped\n", await lab.Must("pve1", "pct status 100; pct status 101"));
    }

    [Theory]
    [InlineData("slow", null, "SECONDS is missing")]
    [InlineData("slow", -1.0, "SECONDS takes 0 to 86400")]
    [InlineData("never", 3.0, "SECONDS is for `slow`, not for `never`")]
    public void Says_what_is_wrong_with_a_way_to_reboot(string kind, double? seconds, string reason) =>
        Assert.Contains(reason, Assert.Throws<LabFailure>(() => RebootWay.Of(kind, seconds)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Down_ends_the_daemon()
    {
        var lab = await LabUnderTest.Up("--simulated", "--hosts", "1", "--containers", "0");
        var directory = new LabDirectory(lab.Directory);
        LabDaemon.Ensure(directory, directory.ReadPlan());
        await Until(lab, $"[ -e {directory.DaemonFile} ]");
        await lab.DisposeAsync();
        Assert.Empty(Processes.Find(words => LabDaemon.IsOf(directory, words)));
    }

    private static async Task Rebooted(LabUnderTest lab)
    {
        var boot = await Boot(lab);
        await lab.Must("pve1", "systemctl reboot");
        await Until(lab, $"! grep -q '{boot.Trim()}' {lab.Root("pve1")}/proc/sys/kernel/random/boot_id");
        await Done(lab, "power-on", "pve1"); // a verb waits for the one under way
    }

    private static Task<string> Boot(LabUnderTest lab) => File.ReadAllTextAsync($"{lab.Root("pve1")}/proc/sys/kernel/random/boot_id");

    private static async Task Done(LabUnderTest lab, params string[] words)
    {
        var result = await lab.Verb(words);
        Assert.True(result.ExitCode is 0, result.StandardError);
    }

    private static Task<string> Until(LabUnderTest lab, string condition) => lab.Must("pve1", $"until {condition}; do sleep 0.05; done").WaitAsync(Patience);
}
