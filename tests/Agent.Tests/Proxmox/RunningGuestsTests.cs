using System.Diagnostics;
using System.Globalization;
using System.Text;
using CsCheck;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Tests.Proxmox;

public sealed class RunningGuestsTests : IDisposable
{
    private const string Header = "Num       RefCount Protocol Flags    Type St Inode Path\n";
    private readonly LabHost host = new();

    public void Dispose() => host.Dispose();

    [Fact]
    public void A_container_with_a_listening_command_socket_runs()
    {
        var sockets = $"""
            {Header.TrimEnd()}
            00000000a1: 00000002 00000000 00010000 0001 01 1001 @/var/lib/lxc/100/command
            00000000a2: 00000003 00000000 00000000 0001 03 1002 @/var/lib/lxc/101/command
            00000000a3: 00000002 00000000 00010000 0001 01 1003 @/var/lib/lxc/102/commands
            00000000a4: 00000002 00000000 00010000 0001 01 1004 @/srv/lxc/103/command
            00000000a5: 00000002 00000000 00010000 0001 01 1005 @/var/lib/lxc/99/command
            00000000a6: 00000002 00000000 00010000 0001 01 1006 /var/lib/lxc/104/command
            00000000a7: 00000002 00000000 00010000 0001 01 1007
            00000000a8: 00000002 00000000 00010000 0001 01 1008 @/var/lib/lxc/105/command
            """;
        Assert.Equal([new(100), new(105)], RunningGuests.ListeningContainers(Encoding.UTF8.GetBytes(sockets), "/var/lib/lxc").Order());
    }

    [Fact]
    public void The_directory_of_containers_may_be_a_link()
    {
        Directory.CreateDirectory(Path.Combine(host.Directory, "elsewhere/lxc"));
        Directory.CreateDirectory(Path.Combine(host.Directory, "var/lib"));
        Directory.CreateSymbolicLink(Path.Combine(host.Directory, "var/lib/lxc"), "../../elsewhere/lxc");
        host.Write("proc/net/unix", $"{Header}0: 2 0 00010000 0001 01 1 @{host.Directory}/elsewhere/lxc/100/command\n");
        var running = new RunningGuests(host.Host).Containers();
        Assert.Equal((GuestStatus.Running, null), running.Of(new(100)));
        Assert.Equal((GuestStatus.Stopped, null), running.Of(new(101)));
    }

    [Theory]
    [InlineData(null, "No such file")]
    [InlineData("", "not the kernel's list of sockets")]
    [InlineData("garbage\n", "not the kernel's list of sockets")]
    public void A_list_that_cannot_be_read_makes_unknown_not_stopped(string? content, string reason)
    {
        if (content is not null)
        {
            host.Write("proc/net/unix", content);
        }

        var (status, problem) = new RunningGuests(host.Host).Containers().Of(new(100));
        Assert.Equal(GuestStatus.Unknown, status);
        Assert.Contains(reason, problem, StringComparison.Ordinal);
        Assert.Contains("/proc/net/unix", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_VM_runs_while_its_process_lives_and_is_its_own()
    {
        using var qemu = Process.Start(new ProcessStartInfo("sh", ["-c", "read line", "kvm", "-id", "200", "-name", "web"]) { RedirectStandardInput = true })!;
        try
        {
            host.Write("var/run/qemu-server/200.pid", string.Create(CultureInfo.InvariantCulture, $"{qemu.Id}\n"));
            host.Write("var/run/qemu-server/201.pid", string.Create(CultureInfo.InvariantCulture, $"{qemu.Id}\n")); // another VM has its pid now
            host.Write("var/run/qemu-server/202.pid", "4194999\n"); // above the kernel's largest
            host.Write("var/run/qemu-server/203.pid", "");
            host.Write("var/run/qemu-server/204.pid", "12 34\n");
            host.Write("var/run/qemu-server/x.pid", "1\n");
            var running = new RunningGuests(host.Host).Vms();
            Assert.Equal(GuestStatus.Running, running.Of(new(200)).Status);
            Assert.Equal(GuestStatus.Stopped, running.Of(new(201)).Status);
            Assert.Equal(GuestStatus.Stopped, running.Of(new(202)).Status);
            Assert.Equal(GuestStatus.Stopped, running.Of(new(210)).Status);
            Assert.Equal(GuestStatus.Unknown, running.Of(new(203)).Status);
            Assert.Contains("204.pid does not hold a process id", running.Of(new(204)).Problem, StringComparison.Ordinal);
        }
        finally
        {
            qemu.Kill();
            qemu.WaitForExit();
        }

        Assert.Equal(GuestStatus.Stopped, new RunningGuests(host.Host).Vms().Of(new(200)).Status);
    }

    [Fact]
    public void No_directory_of_pid_files_is_no_VM_but_no_run_directory_is_no_answer()
    {
        Assert.Equal(GuestStatus.Unknown, new RunningGuests(host.Host).Vms().Of(new(200)).Status);
        Directory.CreateDirectory(Path.Combine(host.Directory, "var/run"));
        Assert.Equal((GuestStatus.Stopped, null), new RunningGuests(host.Host).Vms().Of(new(200)));
    }

    [Theory]
    [InlineData("/usr/bin/kvm\0-id\0200\0-name\0x\0", true)]
    [InlineData("/usr/bin/kvm\0-id\0200", true)]
    [InlineData("/usr/bin/kvm\0-id\02000\0", false)]
    [InlineData("/usr/bin/kvm\0-name\0-id 200\0", false)]
    [InlineData("/usr/bin/kvm\0-id\0", false)]
    [InlineData("vi\0200\0-id\0", false)]
    [InlineData("", false)]
    public void A_command_line_tells_whose_it_is(string commandLine, bool expected) =>
        Assert.Equal(expected, RunningGuests.IsOf(new Vmid(200), Encoding.UTF8.GetBytes(commandLine)));

    [Fact]
    public void Any_list_of_sockets_is_survived() => Gen.OneOf(
            Gen.Byte.Array[0, 300],
            Gen.OneOf("@/var/lib/lxc/", "100", "/command", " 00010000 ", "\n", "@", "0", "\0", "999999999999").Array[0, 40].Select(parts => Encoding.UTF8.GetBytes(string.Concat(parts))))
        .Sample(bytes => Assert.All(RunningGuests.ListeningContainers(bytes, "/var/lib/lxc"), vmid => Assert.InRange(vmid.Value, Vmid.Smallest, Vmid.Largest)));
}
