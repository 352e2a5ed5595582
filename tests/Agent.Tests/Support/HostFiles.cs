using System.Diagnostics;
using System.Globalization;

namespace NannyOrleans.Agent.Tests.Support;

/// <summary>The files and programs from which discovery reads, on a <see cref="LabHost"/> where nothing is wrong.</summary>
public static class HostFiles
{
    private const string Sockets = "Num       RefCount Protocol Flags    Type St Inode Path\n";

    /// <summary>Writes all of them. Containers that run have this test's process as their first one, and its system.</summary>
    public static void WriteFacts(this LabHost host)
    {
        host.Runs();
        Directory.CreateDirectory(Path.Combine(host.Directory, "var/run"));
        host.Write("proc/net/arp", "IP address       HW type     Flags       HW address            Mask     Device\n");
        host.Write("proc/net/fib_trie", Fixture.Read("fib_trie.two-networks"));
        host.Write("proc/net/route", Fixture.Read("route.two-networks"));
        host.Write("proc/net/if_inet6", "fe800000000000000000000000000001 02 40 20 80    vmbr0\n20010db8000000000000000000000011 02 40 00 80    vmbr0\n00000000000000000000000000000001 01 80 10 80       lo\n");
        host.Write("proc/stat", "cpu  1 2 3 4\ncpu0 1 2 3 4\ncpu1 1 2 3 4\nintr 1\nctxt 5\nbtime 1767600000\n");
        host.Write("proc/meminfo", "MemTotal:       16384000 kB\nMemFree:         1000 kB\nSwapTotal:             0 kB\n");
        host.Write("proc/sys/kernel/osrelease", "6.17.4-1-pve\n");
        host.Write("etc/os-release", Fixture.Read("os-release.debian"));
        host.Write("sys/class/net/eno1/address", "BC:24:11:00:00:01\n");
        host.Write("sys/class/net/veth100i0/address", "fe:00:00:00:00:01\n");
        host.Write("sys/class/net/lo/address", "00:00:00:00:00:00\n");
        host.Write("sys/class/dmi/id/product_uuid", "4C4C4544-0000-0000-0000-000000000001\n");
        host.Write("var/lib/dpkg/status", Package("proxmox-kernel-6.17.4-1-pve-signed"));
        host.Write("boot/vmlinuz-6.17.4-1-pve", string.Empty);
        host.Write("etc/apt/sources.list", "deb http://deb.example.org/debian trixie main\n");
        host.Write("etc/apt/sources.list.d/proxmox.sources", "Types: deb\nURIs: http://pve.example.org/debian/pve\nSuites: trixie\nComponents: pve-no-subscription\n");
        host.Write("var/lib/apt/lists/lock", string.Empty);
        host.Write("var/cache/apt/pkgcache.bin", string.Empty);
        host.Write("etc/pve/storage.cfg", "dir: local\n\tpath /var/lib/vz\n\tcontent iso,backup\n");
        host.Write("etc/pve/.rrd", "pve-storage-9.0/pve1/local:1767600000:1000:400\n");
        host.Write("var/lib/pve-manager/pkgupdates", "[]"); // the newest of the three
        host.Command("lxc-info", string.Create(CultureInfo.InvariantCulture, $"echo \"$*\" >> $root/lxc-info.calls; echo {Environment.ProcessId}"));
        host.Command("lxc-attach", "echo \"$*\" >> $root/lxc-attach.calls; cat $root/os-release");
        host.Command("qm", "echo \"$*\" >> $root/qm.calls; echo 'QEMU guest agent is not running' >&2; exit 255");
        host.Command("pvesh", "echo \"$*\" >> $root/pvesh.calls; echo '[]'");
        host.Command("pct", "echo \"$*\" >> $root/pct.calls; cat $root/os-release");
        host.Command("pveversion", "echo \"$*\" >> $root/pveversion.calls; echo 'pve-manager/9.2.11/0000000000000000 (running kernel: 6.17.4-1-pve)'");
        host.Write("os-release", Fixture.Read("os-release.debian"));
    }

    /// <summary>A package as dpkg's status file has it.</summary>
    public static string Package(string name, string status = "install ok installed") =>
        $"Package: {name}\nStatus: {status}\nPriority: optional\nDescription: x\n Package: y\n\n";

    /// <summary>These containers run, and no others.</summary>
    public static void Runs(this LabHost host, params int[] containers) => host.Write("proc/net/unix", Sockets + string.Concat(containers.Select(vmid =>
        string.Create(CultureInfo.InvariantCulture, $"0000: 00000002 00000000 00010000 0001 01 {vmid} @{host.Directory}/var/lib/lxc/{vmid}/command\n"))));

    /// <summary>Adds a VM with a file, and to .vmlist.</summary>
    public static void Vm(this LabHost host, int vmid, string conf)
    {
        host.Write($"etc/pve/nodes/pve1/qemu-server/{vmid}.conf", conf);
        host.ListGuests();
    }

    /// <summary>Has a VM run: a process that is called like its QEMU, until it is disposed.</summary>
    public static RunningVm RunVm(this LabHost host, int vmid)
    {
        var vm = new RunningVm(vmid);
        host.Write($"var/run/qemu-server/{vmid}.pid", string.Create(CultureInfo.InvariantCulture, $"{vm.Pid}\n"));
        return vm;
    }

    /// <summary>Writes .vmlist as pmxcfs does, from the files of all nodes.</summary>
    public static void ListGuests(this LabHost host)
    {
        var ids = Directory.GetFiles(Path.Combine(host.Directory, "etc/pve/nodes"), "*.conf", SearchOption.AllDirectories).Select(path =>
        {
            var kind = Path.GetDirectoryName(path)!;
            return $"\"{Path.GetFileNameWithoutExtension(path)}\": {{ \"node\": \"{Path.GetFileName(Path.GetDirectoryName(kind))}\", \"type\": \"{(kind.EndsWith("lxc", StringComparison.Ordinal) ? "lxc" : "qemu")}\", \"version\": 1 }}";
        }).Distinct();
        host.Write("etc/pve/.vmlist", $"{{\n\"version\": 1,\n\"ids\": {{\n{string.Join(",\n", ids)}}}\n\n}}\n");
    }

    /// <summary>How often a program was called whose calls are kept.</summary>
    public static int Calls(this LabHost host, string program)
    {
        var file = Path.Combine(host.Directory, $"{program}.calls");
        return File.Exists(file) ? File.ReadAllLines(file).Length : 0;
    }

    /// <summary>How many of Proxmox VE's own commands ran.</summary>
    public static int PveCalls(this LabHost host) => host.Calls("pct") + host.Calls("qm") + host.Calls("pvesh") + host.Calls("pveversion");
}

/// <summary>A process with a VM's command line. It ends with its standard input.</summary>
public sealed class RunningVm : IDisposable
{
    private readonly Process process;

    public RunningVm(int vmid)
    {
        var start = new ProcessStartInfo("sh") { RedirectStandardInput = true };
        foreach (var argument in (string[])["-c", "read line", "kvm", "-id", vmid.ToString(CultureInfo.InvariantCulture)])
        {
            start.ArgumentList.Add(argument);
        }

        process = Process.Start(start)!;
    }

    public int Pid => process.Id;

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }
}
