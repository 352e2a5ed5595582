using System.Globalization;
using NannyOrleans.Lab.Cluster;

namespace NannyOrleans.Lab.Commands;

/// <summary>`pct migrate` and `qm migrate` up to where the worker begins, or HA takes over: order of checks as in Proxmox VE's API.</summary>
internal static class MigrateCommand
{
    private const int UsualTimeout = 180;

    public static CommandSpec PctSpec { get; } = new("migrate", TakesVmid: true, TakesRest: true,
    [
        CommandOption.Boolean("restart"), CommandOption.Boolean("online"), CommandOption.Integer("timeout", 0), CommandOption.Text("target-storage"), CommandOption.Text("bwlimit"),
    ], "pct migrate <vmid> <target> [OPTIONS]");

    public static CommandSpec QmSpec { get; } = new("migrate", TakesVmid: true, TakesRest: true,
    [
        CommandOption.Boolean("online"), CommandOption.Boolean("with-local-disks"), CommandOption.Boolean("force"), CommandOption.Text("targetstorage"), CommandOption.Text("bwlimit"),
    ], "qm migrate <vmid> <target> [OPTIONS]");

    /// <summary>Checks, and then does it or asks HA to.</summary>
    /// <param name="host">Where the command runs.</param>
    /// <param name="isContainer">`pct` or `qm`.</param>
    /// <param name="arguments">The vmid and options.</param>
    /// <param name="plain">The other plain words: the target, and nothing more.</param>
    public static Answer Run(LabHost host, bool isContainer, Arguments arguments, IReadOnlyList<string> plain)
    {
        var spec = isContainer ? PctSpec : QmSpec;
        var (what, folder, vmid) = isContainer ? ("CT", "lxc", arguments.Vmid) : ("VM", "qemu-server", arguments.Vmid);
        if (plain.Count is not 1) { return Answer.Dies(255, $"400 {(plain.Count is 0 ? "not enough" : "too many")} arguments\n{spec.Usage}"); }
        var target = plain[0];
        if (target == host.Name) { return Answer.Dies(255, $"400 Parameter verification failed.\ntarget: target is local node.\n{spec.Usage}"); }
        if (!host.IsQuorate) { return Answer.Dies(255, "cluster not ready - no quorum?"); }
        if (host.Plan.Hosts.All(h => h.Name != target)) { return Answer.Dies(255, $"no such cluster node '{target}'"); }
        var warnings = "";
        if (host.Conf(folder, vmid, ref warnings) is null) { return host.Missing(folder, vmid, 255); }
        var isRunning = isContainer ? host.Guests.Running().Contains(vmid) : new Guests.VirtualMachines(host.Directory, host.Plan).Pid(vmid) is not null;
        if (isContainer && isRunning && !arguments.Is("online") && !arguments.Is("restart")) { return Answer.Dies(255, "can't migrate running container without --online or --restart"); }
        if (!isContainer && isRunning && !arguments.Is("online")) { return Answer.Dies(255, "can't migrate running VM without --online"); }
        if (new HaView(host).Resources.Any(r => r.Vmid == vmid))
        {
            return new ClusterFiles(host.Directory, host.Plan).Append(host.Name, HaFiles.Commands, $"migrate {(isContainer ? "ct" : "vm")}:{vmid} {target}")
                ? Answer.Says($"Requesting HA migration for {what} {vmid} to node {target}\n")
                : Answer.Dies(255, "cluster not ready - no quorum?");
        }

        var timeout = arguments.Options.TryGetValue("timeout", out var seconds) ? int.Parse(seconds, CultureInfo.InvariantCulture) : UsualTimeout;
        return new Migration(host, vmid, isContainer, new(
            target, arguments.Is("online"), arguments.Is("restart"), arguments.Is("with-local-disks"), TimeSpan.FromSeconds(timeout))).Run();
    }
}
