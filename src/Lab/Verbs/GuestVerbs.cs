using System.Globalization;
using NannyOrleans.Lab.Cluster;
using NannyOrleans.Lab.Commands;
using NannyOrleans.Lab.Guests;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Verbs;

/// <summary>The verbs that act on one guest: what on a real cluster somebody else does while an agent looks on.</summary>
internal sealed class GuestVerbs(LabDirectory directory, Action<string> say)
{
    /// <summary>Switches a VM on or off, or stops its virtual CPUs or the agent inside.</summary>
    /// <param name="vmid">Which.</param>
    /// <param name="wanted"><c>on</c>, <c>off</c>, <c>paused</c>, <c>deaf</c>: on, and it does not shut down when it is asked to; or <c>silent</c>: on, and its guest agent is stopped.</param>
    public void Machine(int vmid, string wanted) => With(vmid, (plan, guests, guest) =>
    {
        if (guest.Kind is not "qemu") { throw new LabFailure($"{vmid} is a container: use pct on {guest.Host}"); }
        var hosts = directory.ReadHosts(plan);
        var host = hosts.Single(h => h.Name == guest.Host);
        if (!host.IsOn) { throw new LabFailure($"{guest.Host} is switched off"); }
        if (wanted is "off") { guests.Machines.Kill(vmid); }
        else
        {
            if (guests.Machines.Pid(vmid) is null && !Membership.IsQuorate(host, hosts, directory.Qdevice(plan))) { throw new LabFailure("cluster not ready - no quorum?"); }
            guests.Machines.Start(guest.Host, vmid, guest.Conf);
            guests.Machines.Pause(vmid, wanted is "paused");
            if (wanted is "deaf") { guests.Machines.Deafen(vmid); }
            guests.Machines.Silence(vmid, wanted is "silent");
        }

        new ClusterFiles(directory, plan).Publish();
    });

    /// <summary>Moves a guest's conf to another host; one that runs is stopped before and started there, as `pct migrate --restart` does.</summary>
    public void Migrate(int vmid, string target) => With(vmid, (plan, guests, guest) =>
    {
        LabVerbs.Known(plan, target);
        if (guest.Host == target) { throw new LabFailure("target is local node."); }
        NeedQuorum(plan, guest.Host);
        if (!Quorate(plan, target)) { throw new LabFailure($"{target} is off or has no quorum"); }
        if (guest.Conf["lock"] is { } why) { throw new LabFailure($"{(guest.Kind is "lxc" ? "CT" : "VM")} is locked ({why})"); }
        var wasRunning = guests.Running().Contains(vmid);
        var wasPaused = guests.Machines.Status(vmid) is "paused";
        if (wasRunning) { guests.Kill(vmid); }
        if (!new ClusterFiles(directory, plan).Move(guest.Host, guest.File, guest.FileOn(target))) { throw new LabFailure("cluster not ready - no quorum?"); }
        if (wasRunning && guests.Start(vmid) is { } failure) { throw new LabFailure($"{vmid} did not start at {target}: {failure.Trim()}"); }
        if (wasPaused) { guests.Machines.Pause(vmid, paused: true); }
        new ClusterFiles(directory, plan).Publish();
        say($"{vmid} is on {target} now");
    });

    /// <summary>Stops a guest and removes it for good: `up` and `reset` do not bring it back.</summary>
    public void Destroy(int vmid) => With(vmid, (plan, guests, guest) =>
    {
        NeedQuorum(plan, guest.Host);
        if (guest.Conf["protection"] is "1") { throw new LabFailure($"can't remove {(guest.Kind is "lxc" ? "CT" : "VM")} {vmid} - protection mode enabled"); }
        guests.Kill(vmid);
        SetHa(plan, vmid, managed: false);
        directory.ForgetGuest(vmid);
        if (!new ClusterFiles(directory, plan).Delete(guest.Host, guest.File)) { throw new LabFailure("cluster not ready - no quorum?"); }
        guests.Containers.Remove(vmid);
        new ClusterFiles(directory, plan).Publish();
        say($"{vmid} is gone");
    });

    /// <summary>Sets or takes away a guest's <c>lock</c>, as a backup or a migration does.</summary>
    public void Lock(int vmid, string? why) => With(vmid, (plan, _, guest) =>
    {
        var conf = guest.Conf.With("lock", why);
        if (!new ClusterFiles(directory, plan).Write(guest.Host, guest.File, conf.Format())) { throw new LabFailure("cluster not ready - no quorum?"); }
    });

    /// <summary>Sets how long migrations take.</summary>
    public void MigrationTakes(double seconds)
    {
        _ = directory.RequirePlan();
        MigrationTime.Write(directory, seconds);
    }

    /// <summary>Begins a backup that does nothing, or ends it: the guest's lock, and a task in the list of its host.</summary>
    public void Backup(int vmid, bool begins) => With(vmid, (plan, _, guest) =>
    {
        var known = HostTask.Running(directory, guest.Host, "vzdump", vmid);
        var fifo = $"{directory.Path}/state/backup-{vmid}.fifo";
        if (begins)
        {
            if (guest.Conf["lock"] is { } why) { throw new LabFailure($"{vmid} is locked ({why})"); }
            var process = Placeholder.Start(fifo, "task UPID:vzdump", [fifo]);
            var task = HostTask.Begin(directory, guest.Host, "vzdump", vmid, process);
            task.Log($"INFO: starting new backup job: vzdump {vmid}\nINFO: Starting Backup of VM {vmid} ({guest.Kind})\n");
            if (!new ClusterFiles(directory, plan).Write(guest.Host, guest.File, guest.Conf.With("lock", "backup").Format())) { throw new LabFailure("cluster not ready - no quorum?"); }
            return;
        }

        if (known.Count is 0) { throw new LabFailure($"no backup of {vmid} runs on {guest.Host}"); }
        foreach (var upid in known)
        {
            HostTask.Kill(upid);
            var task = HostTask.Of(directory, guest.Host, upid);
            task.Log($"INFO: Finished Backup of VM {vmid} (00:00:01)\nINFO: Backup job finished successfully\n");
            task.End(null);
        }

        if (!new ClusterFiles(directory, plan).Write(guest.Host, guest.File, guest.Conf.With("lock", null).Format())) { throw new LabFailure("cluster not ready - no quorum?"); }
    });

    /// <summary>Freezes a container that runs, or lets it go on: a command in it hangs meanwhile.</summary>
    public void Freeze(int vmid, bool frozen) => With(vmid, (plan, guests, guest) =>
    {
        if (plan.IsSimulated || guest.Kind is not "lxc" || !guests.Containers.Running().Contains(vmid)) { throw new LabFailure($"{vmid} is no real container that runs"); }
        Containers.Freeze(directory, vmid, frozen);
    });

    /// <summary>Puts a guest under HA's care, or takes it out.</summary>
    public void Ha(int vmid, bool managed) => With(vmid, (plan, _, _) => SetHa(plan, vmid, managed));

    /// <summary>Writes <c>ha/resources.cfg</c>; what HA then says of the guest follows from it.</summary>
    public static void WriteHa(LabDirectory directory, LabPlan plan, string writer, int vmid, string kind, bool managed)
    {
        var file = $"{directory.EtcPve(writer)}/ha/resources.cfg";
        var now = HaFiles.Resources(File.Exists(file) ? File.ReadAllText(file) : "");
        if (now.Any(r => r.Vmid == vmid) == managed) { return; }
        var wanted = managed
            ? now.Append(new(string.Create(CultureInfo.InvariantCulture, $"{(kind is "lxc" ? "ct" : "vm")}:{vmid}"), "started"))
            : now.Where(r => r.Vmid != vmid);
        if (!new ClusterFiles(directory, plan).Write(writer, "ha/resources.cfg", HaFiles.Format(wanted))) { throw new LabFailure("cluster not ready - no quorum?"); }
    }

    private void SetHa(LabPlan plan, int vmid, bool managed)
    {
        var guest = new PlacedGuests(directory, plan).Find(vmid)!;
        WriteHa(directory, plan, guest.Host, vmid, guest.Kind, managed);
    }

    private void With(int vmid, Action<LabPlan, PlacedGuests, PlacedGuest> act)
    {
        var plan = directory.RequirePlan();
        using var held = directory.Control(say);
        var guests = new PlacedGuests(directory, plan);
        var guest = guests.Find(vmid) ?? throw new LabFailure($"no guest {vmid} in this lab");
        act(plan, guests, guest);
    }

    /// <summary>Looked at before anything is stopped: a move that cannot be must change nothing.</summary>
    private void NeedQuorum(LabPlan plan, string host)
    {
        if (!Quorate(plan, host)) { throw new LabFailure("cluster not ready - no quorum?"); }
    }

    private bool Quorate(LabPlan plan, string name)
    {
        var hosts = directory.ReadHosts(plan);
        var host = hosts.Single(h => h.Name == name);
        return host.HasPmxcfs && Membership.IsQuorate(host, hosts, directory.Qdevice(plan));
    }
}
