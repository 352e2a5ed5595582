using System.Globalization;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Guests;

/// <summary>Virtual machines that are on: a process with the command line of Proxmox VE's kvm, and nothing in it.</summary>
internal sealed class VirtualMachines(LabDirectory directory, LabPlan plan)
{
    private string Folder => $"{directory.Path}/vms";

    /// <summary>The process of one that is on; null when it is off.</summary>
    public int? Pid(int vmid) => RunningProcess.Read($"{Folder}/{vmid}")?.Pid;

    /// <summary><c>running</c>, <c>paused</c> or <c>stopped</c>: what QEMU would say of it.</summary>
    public string Status(int vmid) => Pid(vmid) is null ? "stopped" : File.Exists($"{Folder}/{vmid}.paused") ? "paused" : "running";

    /// <summary>Whether one does not end when it is asked to: nothing in it listens.</summary>
    public bool IsDeaf(int vmid) => Pid(vmid) is not null && File.Exists($"{Folder}/{vmid}.deaf");

    /// <summary>Lets one that is on not listen any more.</summary>
    public void Deafen(int vmid) => File.WriteAllText($"{Folder}/{vmid}.deaf", "");

    /// <summary>Whether the agent inside has been stopped.</summary>
    public bool IsSilent(int vmid) => File.Exists($"{Folder}/{vmid}.silent");

    /// <summary>Those that are on, on whatever host.</summary>
    public IReadOnlySet<int> Running()
    {
        if (!Directory.Exists(Folder)) { return new HashSet<int>(); }
        return Directory.EnumerateFiles(Folder).Select(file => int.TryParse(Path.GetFileName(file), CultureInfo.InvariantCulture, out var vmid) ? vmid : 0)
            .Where(vmid => vmid > 0 && Pid(vmid) is not null).ToHashSet();
    }

    /// <summary>Switches one on at a host; one that is on stays as it is.</summary>
    public void Start(string host, int vmid, GuestConf conf)
    {
        if (Pid(vmid) is not null) { return; }
        Directory.CreateDirectory(Folder);
        File.Delete($"{Folder}/{vmid}.paused");
        File.Delete($"{Folder}/{vmid}.deaf");
        File.Delete($"{Folder}/{vmid}.silent");
        var pidFile = PidFile(host, vmid);
        var id = vmid.ToString(CultureInfo.InvariantCulture);
        var pid = Placeholder.Start($"{Folder}/{vmid}.fifo", "/usr/bin/kvm",
        [
            "-id", id, "-name", $"{conf["name"] ?? $"VM {id}"},debug-threads=on", "-no-shutdown",
            "-chardev", $"socket,id=qmp,path=/var/run/qemu-server/{id}.qmp,server=on,wait=off", "-mon", "chardev=qmp,mode=control",
            "-pidfile", pidFile, "-daemonize", "-smbios", $"type=1,{conf["smbios1"]}", "-smp", $"{conf["cores"] ?? "1"},sockets=1", "-m", conf["memory"] ?? "512",
        ]);
        Join(vmid, pid);
        // As QEMU writes it, with a newline; last comes what the lab itself goes by.
        LabDirectory.Replace(pidFile, string.Create(CultureInfo.InvariantCulture, $"{pid}\n"), LabDirectory.Readable);
        RunningProcess.Write($"{Folder}/{vmid}", pid);
    }

    /// <summary>Stops its virtual CPUs, or lets them go on.</summary>
    public void Pause(int vmid, bool paused)
    {
        if (paused) { File.WriteAllText($"{Folder}/{vmid}.paused", ""); }
        else { File.Delete($"{Folder}/{vmid}.paused"); }
    }

    /// <summary>Moves one that is on to another host: another process there, and what is inside goes on.</summary>
    public void Move(int vmid, string host, GuestConf conf)
    {
        if (Pid(vmid) is not { } old) { return; }
        var isPaused = Status(vmid) is "paused";
        File.Delete($"{Folder}/{vmid}");
        foreach (var at in plan.Hosts) { File.Delete(PidFile(at.Name, vmid)); }
        Start(host, vmid, conf);
        if (!plan.IsSimulated) { new MachineInside(directory, plan, vmid).Follow(old, Pid(vmid)!.Value); }
        Pause(vmid, isPaused);
        Native.SendSignal(old, Native.SigKill);
    }

    /// <summary>Stops the agent inside, or starts it again.</summary>
    public void Silence(int vmid, bool silent)
    {
        if (silent) { File.WriteAllText($"{Folder}/{vmid}.silent", ""); }
        else { File.Delete($"{Folder}/{vmid}.silent"); }
    }

    /// <summary>Switches one off at once, with all that shows it.</summary>
    public void Kill(int vmid)
    {
        if (!plan.IsSimulated) { new MachineInside(directory, plan, vmid).Kill(); }
        if (Pid(vmid) is { } pid)
        {
            Native.SendSignal(pid, Native.SigKill);
            while (Pid(vmid) is not null) { Thread.Sleep(1); }
        }

        foreach (var host in plan.Hosts) { File.Delete(PidFile(host.Name, vmid)); }
        foreach (var file in new[] { $"{Folder}/{vmid}", $"{Folder}/{vmid}.paused", $"{Folder}/{vmid}.deaf", $"{Folder}/{vmid}.silent", $"{Folder}/{vmid}.fifo" })
        {
            if (Directory.Exists(Folder)) { File.Delete(file); }
        }

        if (plan.IsSimulated)
        {
            if (Directory.Exists(SimulatedScope(vmid))) { Directory.Delete(SimulatedScope(vmid), recursive: true); }
        }
        else
        {
            ControlGroups.Remove($"{directory.Tag}/qemu.slice/{vmid}.scope");
        }
    }

    private string PidFile(string host, int vmid) => $"{directory.Host(host)}/var/run/qemu-server/{vmid}.pid";

    private string SimulatedScope(int vmid) => $"{directory.SimulatedGroups}/qemu.slice/{vmid}.scope";

    private void Join(int vmid, int pid)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{pid}\n");
        if (plan.IsSimulated)
        {
            SimulatedGroup.Write(SimulatedScope(vmid), pid, "max");
            return;
        }

        foreach (var hierarchy in ControlGroups.Hierarchies())
        {
            var slice = $"{hierarchy}/{directory.Tag}/qemu.slice";
            Directory.CreateDirectory($"{slice}/{vmid}.scope");
            // In version 2 each group has to hand its controllers down, or there is nothing to read below it.
            foreach (var above in new[] { hierarchy, $"{hierarchy}/{directory.Tag}", slice }) { ControlGroups.HandDown(above); }
            // A cpuset of version 1 starts without CPUs and takes no process; no figure of a guest is in there.
            try { File.WriteAllText($"{slice}/{vmid}.scope/cgroup.procs", line); }
            catch (IOException) { Directory.Delete($"{slice}/{vmid}.scope"); }
        }
    }
}
