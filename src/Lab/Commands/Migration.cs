using System.Globalization;
using NannyOrleans.Lab.Cluster;
using NannyOrleans.Lab.Guests;

namespace NannyOrleans.Lab.Commands;

/// <summary>What one migration was asked for.</summary>
/// <param name="Target">Where to.</param>
/// <param name="IsOnline">`--online`.</param>
/// <param name="IsRestart">`--restart`, of a container.</param>
/// <param name="WithLocalDisks">`--with-local-disks`, of a VM.</param>
/// <param name="Timeout">How long a container may take to shut down.</param>
internal sealed record MigrationAsk(string Target, bool IsOnline, bool IsRestart, bool WithLocalDisks, TimeSpan Timeout);

/// <summary>The worker behind `pct migrate` and `qm migrate`: phases, messages and what a failure leaves as in PVE::AbstractMigrate.</summary>
/// <remarks>A guest's disk is the lab's and does not move; copying it takes as long as <c>migration-takes</c> says.</remarks>
internal sealed class Migration(LabHost host, int vmid, bool isContainer, MigrationAsk ask)
{
    private readonly HostTask task = HostTask.Begin(host.Directory, host.Name, isContainer ? "vzmigrate" : "qmigrate", vmid);
    private readonly System.Text.StringBuilder output = new();
    private readonly DateTimeOffset began = DateTimeOffset.UtcNow;
    private readonly TimeSpan copying = MigrationTime.Read(host.Directory); // as it was when this one began
    private bool hasProblems;

    private string Folder => isContainer ? "lxc" : "qemu-server";
    private string What => isContainer ? "CT" : "VM";
    private PlannedHost Target => host.Plan.Hosts.Single(h => h.Name == ask.Target);
    private VirtualMachines Machines => new(host.Directory, host.Plan);

    /// <summary>Migrates, and ends as the command does.</summary>
    public Answer Run()
    {
        try
        {
            var failure = Locked(Steps);
            var time = (DateTimeOffset.UtcNow - began).ToString("hh\\:mm\\:ss", CultureInfo.InvariantCulture);
            if (failure is not null) { Log($"ERROR: migration aborted (duration {time}): {failure}"); }
            else { Log(hasProblems ? $"ERROR: migration finished with problems (duration {time})" : $"migration finished successfully (duration {time})"); }
            var end = failure is not null ? "migration aborted" : hasProblems ? "migration problems" : null;
            task.End(end);
            return new Answer.Ends(end is null ? 0 : 255, output.ToString(), end is null ? "" : end + "\n");
        }
        catch (PowerLost)
        {
            // The machine is gone with all that ran on it: no clean-up, no end of the task.
            return new Answer.Ends(255, output.ToString(), $"nanny-lab: host {host.Name} lost its power\n");
        }
    }

    private string? Locked(Func<string?> work)
    {
        var (held, timedOut) = host.LockGuest(vmid);
        if (held is null) { return ((Answer.Ends)timedOut!).Err.TrimEnd('\n'); }
        using (held) { return work(); }
    }

    private string? Steps()
    {
        var warnings = "";
        if (host.Conf(Folder, vmid, ref warnings) is not { } conf) { return $"Configuration file '{host.ConfPath(Folder, vmid)}' does not exist"; }
        var wasRunning = IsRunning();
        if (Prepare(conf, wasRunning) is { } refused) { return refused; }
        if (wasRunning && isContainer)
        {
            Log($"shutdown CT {vmid}");
            if (!host.Guests.Shutdown(vmid, ask.Timeout))
            {
                StillUp();
                return string.Create(CultureInfo.InvariantCulture, $"command 'lxc-stop -n {vmid} --nokill --timeout {ask.Timeout.TotalSeconds:0}' failed: exit code 1");
            }

            StillUp();
        }

        if (Move(conf, wasRunning) is { } failure)
        {
            Log($"ERROR: {failure}");
            Log("aborting phase 1 - cleanup resources");
            GiveBack(conf, wasRunning);
            return failure;
        }

        Arrive(conf, wasRunning);
        return null;
    }

    /// <summary>All that is looked at before anything changes.</summary>
    private string? Prepare(GuestConf conf, bool isRunning)
    {
        if (conf["lock"] is { } why) { return $"{What} is locked ({why})"; }
        if (isContainer && isRunning && ask.IsOnline) { return "lxc live migration is currently not implemented"; }
        if (isContainer && isRunning && !ask.IsRestart) { return "running container can only be migrated in restart mode"; }
        if (!isContainer && isRunning && !ask.IsOnline) { return "can't migrate running VM without --online"; }
        if (!isContainer && !isRunning && ask.IsOnline) { Log("WARNING: VM isn't running. Doing offline migration instead."); }
        if (!isContainer && conf.Keys.FirstOrDefault(k => k.Key.StartsWith("hostpci", StringComparison.Ordinal) || k.Key.StartsWith("usb", StringComparison.Ordinal)) is { Key: { } device })
        {
            return $"can't migrate VM which uses local devices: {device}";
        }

        foreach (var (key, value) in Volumes(conf))
        {
            var volume = GuestConf.SubKeys(value).GetValueOrDefault("", "");
            if (volume.StartsWith('/'))
            {
                if (GuestConf.SubKeys(value).GetValueOrDefault("shared") is "1") { continue; }
                return $"cannot migrate local {(volume.StartsWith("/dev/", StringComparison.Ordinal) ? "device" : "bind")} mount point '{key}'";
            }

            var storage = volume.Split(':')[0];
            if (StoragesOf(ask.Target).All(s => s.Id != storage || !s.IsEnabled)) { return $"storage '{storage}' is not available on node '{ask.Target}'"; }
        }

        if (Reached()) { return null; }
        Log($"# /usr/bin/ssh -e none -o 'BatchMode=yes' -o 'HostKeyAlias={ask.Target}' root@{Target.Ip} /bin/true");
        Log($"ssh: connect to host {Target.Ip} port 22: No route to host");
        return "Can't connect to destination address using public key";
    }

    private string? Move(GuestConf conf, bool wasRunning)
    {
        Log($"starting migration of {What} {vmid} to node '{ask.Target}' ({Target.Ip})");
        if (host.Save(Folder, vmid, conf.With("lock", "migrate"), "") is Answer.Ends { Code: not 0 } denied) { return denied.Err.TrimEnd('\n'); }
        var local = Volumes(conf).Select(v => GuestConf.SubKeys(v.Value).GetValueOrDefault("", "")).Where(IsLocal).ToList();
        foreach (var volume in local) { Log(isContainer ? $"found local volume '{volume}' (in current VM config)" : $"found local disk '{volume}' (attached)"); }
        if (!isContainer && wasRunning && local.Count > 0 && !ask.WithLocalDisks)
        {
            foreach (var volume in local) { Log($"ERROR: can't migrate local disk '{volume}': can't live migrate attached local disks without with-local-disks option"); }
            return "Problem found while scanning volumes - can't migrate VM - check log";
        }

        Copy();
        if (!isContainer && wasRunning && !Reached()) { return $"online migrate failure - {ask.Target} does not answer"; }
        return new ClusterFiles(host.Directory, host.Plan).Move(host.Name, host.ConfPath(Folder, vmid), $"nodes/{ask.Target}/{Folder}/{vmid}.conf")
            ? null
            : $"Failed to move config to node '{ask.Target}' - rename failed: Permission denied";
    }

    /// <summary>What the target does once the conf is there.</summary>
    private void Arrive(GuestConf conf, bool wasRunning)
    {
        if (!isContainer && wasRunning) { Machines.Move(vmid, ask.Target, conf); }
        Log("start final cleanup");
        var files = new ClusterFiles(host.Directory, host.Plan);
        if (!files.Write(host.Name, $"nodes/{ask.Target}/{Folder}/{vmid}.conf", conf.Format())) { Problem("failed to clear migrate lock"); }
        if (!isContainer || !wasRunning) { return; }
        Log("start container on target node");
        var command = $"/usr/bin/ssh -e none -o 'BatchMode=yes' -o 'HostKeyAlias={ask.Target}' root@{Target.Ip} pct start {vmid}";
        Log($"# {command}");
        if (!Reached()) { Problem($"command '{command}' failed: exit code 255"); }
        else if (host.Guests.Start(vmid, conf) is { } failure) { Problem(failure.Trim()); }
    }

    /// <summary>After a failure the guest is where it was, without its lock, and runs if it did.</summary>
    private void GiveBack(GuestConf conf, bool wasRunning)
    {
        Log("start final cleanup");
        if (host.Save(Folder, vmid, conf, "") is Answer.Ends { Code: not 0 } denied) { Problem(denied.Err.TrimEnd('\n')); }
        if (!isContainer || !wasRunning) { return; }
        Log("start container on source node");
        if (host.Guests.Start(vmid, conf) is { } failure) { Problem(failure.Trim()); }
    }

    /// <summary>The time that disks take. A lab's are shared by all hosts, so there is nothing to do in it.</summary>
    private void Copy()
    {
        var until = DateTimeOffset.UtcNow + copying;
        do
        {
            StillUp();
            Thread.Sleep(20);
        }
        while (DateTimeOffset.UtcNow < until);
    }

    private bool IsRunning() => isContainer ? host.Guests.Running().Contains(vmid) : Machines.Pid(vmid) is not null;

    private static IEnumerable<KeyValuePair<string, string>> DisksOf(GuestConf conf) => conf.Keys.Where(k =>
        new[] { "scsi", "virtio", "sata", "ide", "efidisk", "tpmstate" }.Any(p => k.Key.StartsWith(p, StringComparison.Ordinal) && k.Key[p.Length..].All(char.IsDigit) && k.Key.Length > p.Length)
        && !k.Value.Contains("media=cdrom", StringComparison.Ordinal));

    private IEnumerable<KeyValuePair<string, string>> Volumes(GuestConf conf) => isContainer
        ? conf.Keys.Where(k => k.Key is "rootfs" || (k.Key.StartsWith("mp", StringComparison.Ordinal) && k.Key[2..].All(char.IsDigit)))
        : DisksOf(conf);

    private bool IsLocal(string volume) => volume.Contains(':', StringComparison.Ordinal) && StoragesOf(host.Name).Any(s => s.Id == volume.Split(':')[0] && !s.IsShared);

    private IReadOnlyList<StorageSeen> StoragesOf(string node) => host.Status.StoragesOf(host.EtcPve, node);

    private bool Reached()
    {
        var hosts = host.Directory.ReadHosts(host.Plan);
        return Membership.Reaches(hosts.Single(h => h.Name == host.Name), hosts.Single(h => h.Name == ask.Target));
    }

    private void StillUp()
    {
        var now = host.Directory.ReadHosts(host.Plan).Single(h => h.Name == host.Name);
        if (!now.IsOn || now.BootId != host.State.BootId) { throw new PowerLost(); }
    }

    private void Problem(string text)
    {
        hasProblems = true;
        Log($"ERROR: {text}");
    }

    private void Log(string text)
    {
        var line = $"{DateTime.Now.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)} {text}\n";
        output.Append(line);
        task.Log(line);
    }

    /// <summary>The host this runs on was switched off: nothing of it goes on.</summary>
    private sealed class PowerLost : Exception;
}
