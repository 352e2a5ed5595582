using System.Text.Json.Nodes;
using CliWrap;
using CliWrap.Buffered;

namespace NannyOrleans.Lab.Tests;

/// <summary>A host's own jobs, its kernels and its reboot; guests of other families; what runs inside a VM.</summary>
public sealed class HostSystemTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_hosts_own_upgrade_brings_a_kernel_which_the_next_boot_runs()
    {
        LabUnderTest.NeedsContainers();
        await using var lab = await LabUnderTest.Up("--hosts", "1", "--containers", "1");
        var root = lab.Root("pve1");
        const string next = "6.17.4-2-pve";
        var plan = await Job(lab, "apt-get -q update >/dev/null && apt-get -s dist-upgrade");
        Assert.Contains($"Inst proxmox-kernel-{next}-signed (6.17.4-2 Proxmox Debian Repository:stable [amd64])\n", plan.StandardOutput, StringComparison.Ordinal);
        Assert.Contains("Inst lab-tls [3.0.2] (3.0.13 Debian-Security:stable [all])\n", plan.StandardOutput, StringComparison.Ordinal);
        var done = await Job(lab, "DEBIAN_FRONTEND=noninteractive apt-get -y -q dist-upgrade </dev/null && uname -r");
        Assert.True(done.ExitCode is 0, done.StandardError);
        Assert.EndsWith("6.17.4-1-pve\n", done.StandardOutput, StringComparison.Ordinal);
        // What is read from outside is what the job changed.
        Assert.True(File.Exists($"{root}/boot/vmlinuz-{next}"));
        Assert.Contains($"Package: proxmox-kernel-{next}-signed\n", await File.ReadAllTextAsync($"{root}/var/lib/dpkg/status"), StringComparison.Ordinal);
        Assert.Contains("100        running", await lab.Must("pve1", "pct list"), StringComparison.Ordinal);

        var boot = await File.ReadAllTextAsync($"{root}/proc/sys/kernel/random/boot_id");
        await lab.Must("pve1", "systemctl reboot");
        await lab.Must("pve1", $"until [ \"$(cat {root}/proc/sys/kernel/osrelease)\" = {next} ] && pct status 100 | grep -q running; do :; done").WaitAsync(Patience);
        Assert.NotEqual(boot, await File.ReadAllTextAsync($"{root}/proc/sys/kernel/random/boot_id"));
        Assert.Equal($"{next}\n", (await Job(lab, "uname -r")).StandardOutput);

        Assert.Equal(0, (await lab.Verb("reset")).ExitCode);
        Assert.Equal("6.17.4-1-pve\n", (await Job(lab, "uname -r")).StandardOutput);
        Assert.False(File.Exists($"{root}/boot/vmlinuz-{next}"));
    }

    [Fact]
    public async Task A_job_of_a_host_keeps_its_code_and_streams_and_ends_with_its_process_group_or_with_power()
    {
        LabUnderTest.NeedsContainers();
        await using var lab = await LabUnderTest.Up("--hosts", "1", "--containers", "0");
        var ended = await Job(lab, "echo out; echo err >&2; exit 42");
        Assert.Equal((42, "out\n", "err\n"), (ended.ExitCode, ended.StandardOutput, ended.StandardError));
        Assert.Equal("here\n", await lab.Must("pve1", "env --default-signal=PIPE echo here")); // without -i it is this machine's
        await lab.Must("pve1", """
            set -m
            env -i PATH=/usr/bin:/bin sh -c 'touch /run/began; exec sleep 7654' </dev/null >/dev/null 2>&1 &
            until [ -e "$(dirname "$(command -v pct)")/../../run/began" ]; do :; done
            kill -TERM -- -$!
            wait $! || true
            """);
        Assert.NotEqual(0, (await Job(lab, "grep -lq 7654 /proc/[2-9]*/cmdline")).ExitCode);

        var long_ = Job(lab, "touch /run/long; sleep 7655");
        await lab.Must("pve1", $"until [ -e {lab.Root("pve1")}/run/long ]; do :; done").WaitAsync(Patience);
        Assert.Equal(0, (await lab.Verb("host", "pve1", "off")).ExitCode);
        Assert.NotEqual(0, (await long_.WaitAsync(Patience)).ExitCode);
        var refused = await Job(lab, "true");
        Assert.Equal((255, "nanny-lab: host pve1 is switched off, nothing runs on it\n"), (refused.ExitCode, refused.StandardError));
    }

    [Fact]
    public async Task The_enterprise_repository_refuses_and_the_others_are_refreshed()
    {
        LabUnderTest.NeedsContainers();
        await using var lab = await LabUnderTest.Up("--hosts", "1", "--containers", "0", "--pve", "8.4");
        Assert.Equal(0, (await lab.Verb("repository", "pve1", "enterprise")).ExitCode);
        var update = await Job(lab, "apt-get -q update");
        Assert.Equal(100, update.ExitCode);
        Assert.Contains("  401  Unauthorized [IP: ", update.StandardOutput, StringComparison.Ordinal);
        Assert.Contains("E: The repository 'https://enterprise.proxmox.com/debian/pve bookworm InRelease' is not signed.", update.StandardError, StringComparison.Ordinal);
        Assert.Contains("Inst pve-manager", (await Job(lab, "apt-get -s dist-upgrade")).StandardOutput, StringComparison.Ordinal);
        Assert.Equal(0, (await lab.Verb("repository", "pve1", "unreachable")).ExitCode);
        Assert.Contains("Temporary failure resolving 'download.proxmox.com'", (await Job(lab, "apt-get -q -o Acquire::Retries=0 update")).StandardError, StringComparison.Ordinal);
        Assert.Equal(0, (await lab.Verb("repository", "pve1", "no-subscription")).ExitCode);
        Assert.Equal(0, (await Job(lab, "apt-get -q update")).ExitCode);
    }

    [Theory]
    [InlineData("pve1")]
    [InlineData("100")]
    public async Task Dpkgs_locks_are_held_until_they_are_released(string target)
    {
        LabUnderTest.NeedsContainers();
        await using var lab = await LabUnderTest.Up("--hosts", "1", "--containers", "1");
        var inside = target is "pve1" ? "" : $"pct exec {target} -- ";
        Assert.Equal(0, (await Configure()).ExitCode);
        Assert.Equal(0, (await lab.Verb("dpkg", target, "hold")).ExitCode);
        Assert.Contains("lock", (await Configure()).StandardError, StringComparison.Ordinal);
        var again = await lab.Verb("dpkg", target, "hold");
        Assert.Equal((1, $"nanny-lab: dpkg's locks of {target}: /var/lib/dpkg/lock-frontend is locked already\n"), (again.ExitCode, again.StandardError));
        Assert.Equal(0, (await lab.Verb("dpkg", target, "release")).ExitCode);
        Assert.Equal(0, (await Configure()).ExitCode);
        Assert.Equal(0, (await lab.Verb("dpkg", target, "release")).ExitCode); // nothing to release

        Task<BufferedCommandResult> Configure() => inside is "" ? Job(lab, "dpkg --configure -a") : lab.Run("pve1", $"{inside}dpkg --configure -a");
    }

    [Fact]
    public async Task A_simulated_host_refuses_its_own_jobs()
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "1", "--containers", "0");
        var refused = await Job(lab, "true");
        Assert.Equal((125, "nanny-lab: host patching is not simulated: it needs root and LXC\n"), (refused.ExitCode, refused.StandardError));
    }

    [Theory]
    [InlineData("dnf", "rocky", "dnf -q check-update | grep -c ^lab-; dnf -q -y upgrade --exclude=lab-web >/dev/null 2>&1", "rpm -q --qf '%{name} %{version}\\n' lab-db lab-web")]
    [InlineData("zypper", "opensuse-leap", "zypper -n -q list-updates | grep -c '| lab-'; zypper -n addlock lab-web >/dev/null; zypper -n update >/dev/null", "rpm -q --qf '%{name} %{version}\\n' lab-db lab-web")]
    [InlineData("pacman", "arch", "pacman -Qu | grep -c ^lab-; pacman -Syu --noconfirm --ignore lab-web >/dev/null 2>&1", "pacman -Q lab-db lab-web | sed s/-1$//")]
    public async Task A_container_of_another_family_has_that_familys_own_manager_and_updates(string family, string id, string upgrade, string versions)
    {
        LabUnderTest.NeedsContainers();
        await using var lab = await LabUnderTest.Up("--hosts", "1", "--containers", "0", "--family", family);
        Assert.Contains(id, await lab.Must("pve1", "pct exec 300 -- grep ^ID= /etc/os-release"), StringComparison.Ordinal);
        Assert.NotEqual(0, (await lab.Run("pve1", "pct exec 300 -- apt-get --version")).ExitCode);
        var upgraded = await lab.On("pve1", "pct exec 300 -- sh -s").WithStandardInputPipe(PipeSource.FromString(upgrade + " </dev/null\n")).ExecuteBufferedAsync();
        Assert.Equal("4\n", upgraded.StandardOutput);
        var seen = await lab.On("pve1", "pct exec 300 -- sh -s").WithStandardInputPipe(PipeSource.FromString(versions + "\n")).ExecuteBufferedAsync();
        Assert.Equal("lab-db 8.0.35\nlab-web 1.18.0\n", seen.StandardOutput);
    }

    [Theory]
    [InlineData("guest 300 lxc pve1 on x-01 family=apk", "family= takes one of apt dnf zypper pacman")]
    [InlineData("guest 300 lxc pve1 on x-01 dnf", "family= takes one of")]
    public void A_family_that_is_not_in_the_lab_is_refused_by_name(string line, string says) =>
        Assert.Contains(says, Assert.Throws<LabFailure>(() => LabPlan.Parse(line)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_plan_keeps_its_families()
    {
        const string line = "guest 300 lxc pve1 on x-01 family=zypper\n";
        Assert.Contains(line, LabPlan.Parse(line).Format(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_vms_agent_runs_commands_and_the_vm_reboots_into_another_process()
    {
        LabUnderTest.NeedsContainers();
        await using var lab = await LabUnderTest.Up("--hosts", "1", "--containers", "0");
        await lab.Must("pve1", "qm start 201");
        // 0 whatever the command's code; text that is not ASCII comes encoded twice.
        Assert.Equal(
            "{\n   \"err-data\" : \"e\\n\",\n   \"exitcode\" : 3,\n   \"exited\" : 1,\n   \"out-data\" : \"h\u00c3\u00a4\\n\"\n}\n",
            await lab.Must("pve1", "qm guest exec 201 -- sh -c 'echo h\u00e4; echo e >&2; exit 3'"));
        Assert.Equal(9, (int?)JsonNode.Parse(await lab.Must("pve1", "qm guest exec 201 -- sh -c 'kill -KILL $$'"))!["signal"]);
        Assert.Equal("4\n", (string?)JsonNode.Parse(await lab.Must("pve1", "echo 'apt-get -s upgrade | grep -c ^Inst' | qm guest exec 201 --pass-stdin 1 -- sh -s"))!["out-data"]);
        var late = await lab.Run("pve1", "qm guest exec 201 --timeout 1 -- sh -c 'until [ -e /run/go ]; do sleep .05; done; echo gone'");
        Assert.Equal((0, "timeout reached, returning pid\n"), (late.ExitCode, late.StandardError));
        var pid = (int)JsonNode.Parse(late.StandardOutput)!["pid"]!;
        await lab.Must("pve1", "qm guest exec 201 -- touch /run/go");
        var told = await lab.Must("pve1", $"until qm guest exec-status 201 {pid} | tee {lab.Directory}/told | grep -q exitcode; do :; done; cat {lab.Directory}/told").WaitAsync(Patience);
        File.Delete($"{lab.Directory}/told");
        Assert.Equal("gone\n", (string?)JsonNode.Parse(told)!["out-data"]);
        Assert.Equal("Agent error: Invalid parameter 'pid'\n", (await lab.Run("pve1", $"qm guest exec-status 201 {pid}")).StandardError);

        // Of each output the agent keeps 16 MiB.
        var flood = JsonNode.Parse(await lab.Must("pve1", "qm guest exec 201 -- sh -c 'head -c 16777217 /dev/zero | tr \\\\0 x; echo e >&2'"))!;
        Assert.Equal((16 << 20, 1, null), (((string)flood["out-data"]!).Length, (int?)flood["out-truncated"], (int?)flood["err-truncated"]));

        // A stopped agent answers nothing until it is started again, and the VM runs on.
        Assert.Equal(0, (await lab.Verb("vm", "201", "silent")).ExitCode);
        Assert.Equal((255, "QEMU guest agent is not running\n"), await Said(lab, "qm guest exec 201 -- true"));
        Assert.Equal((255, "QEMU guest agent is not running\n"), await Said(lab, "qm guest cmd 201 get-osinfo"));
        Assert.Equal("status: running\n", await lab.Must("pve1", "qm status 201"));
        Assert.Equal(0, (await lab.Verb("vm", "201", "on")).ExitCode);
        Assert.Equal("ubuntu", (string?)JsonNode.Parse(await lab.Must("pve1", "qm agent 201 get-osinfo"))!["id"]);
        Assert.Equal("ubuntu\n", (string?)JsonNode.Parse(await lab.Must("pve1", "qm guest exec 201 -- sh -c '. /etc/os-release; echo $ID'"))!["out-data"]);

        var before = await File.ReadAllTextAsync($"{lab.Root("pve1")}/var/run/qemu-server/201.pid");
        await lab.Must("pve1", "qm reboot 201");
        Assert.NotEqual(before, await File.ReadAllTextAsync($"{lab.Root("pve1")}/var/run/qemu-server/201.pid"));
        await lab.Must("pve1", "qm shutdown 201 && qm shutdown 201"); // of a stopped one, too
        Assert.Equal((255, "VM 201 not running\n"), await Said(lab, "qm reboot 201"));
        Assert.Equal((255, "VM 201 is not running\n"), await Said(lab, "qm guest exec 201 -- true"));
        Assert.DoesNotContain("vm201", await lab.Must("pve1", "pct list; qm list"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Guests_can_be_locked_and_frozen_and_frozen_ones_removed()
    {
        LabUnderTest.NeedsContainers();
        await using var lab = await LabUnderTest.Up("--hosts", "1", "--containers", "1");
        Assert.Equal(0, (await lab.Verb("lock", "100", "backup")).ExitCode);
        Assert.Equal((255, "CT is locked (backup)\n"), await Said(lab, "pct stop 100"));
        Assert.Equal(0, (await lab.Verb("unlock", "100")).ExitCode);
        Assert.Equal(0, (await lab.Verb("freeze", "100")).ExitCode);
        Assert.Equal(124, (await lab.Run("pve1", "timeout 1 pct exec 100 -- true </dev/null >/dev/null 2>&1")).ExitCode);
        Assert.Equal(0, (await lab.Verb("thaw", "100")).ExitCode);
        await lab.Must("pve1", "pct exec 100 -- true").WaitAsync(Patience);
        await lab.Verb("freeze", "100");
        Assert.Equal(0, (await lab.Verb("down").WaitAsync(Patience)).ExitCode);
        Assert.False(Directory.Exists(lab.Directory));
    }

    /// <summary>Runs a script as a host's own job is run.</summary>
    private static Task<BufferedCommandResult> Job(LabUnderTest lab, string script) => lab
        .On("pve1", "env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 timeout -k 10 120 sh -s --")
        .WithStandardInputPipe(PipeSource.FromString(script + "\n")).ExecuteBufferedAsync();

    private static async Task<(int Code, string Error)> Said(LabUnderTest lab, string line)
    {
        var result = await lab.Run("pve1", line);
        return (result.ExitCode, result.StandardError);
    }
}
