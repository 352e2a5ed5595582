using NannyOrleans.Lab.Verbs;

namespace NannyOrleans.Lab.Commands;

/// <summary>`systemctl` on a lab host: reboot, and the questions about units that a host has.</summary>
internal sealed class Systemctl(LabHost host)
{
    private static readonly string[] Always = ["corosync", "pvestatd", "pveproxy", "pvedaemon", "pve-ha-lrm", "pve-ha-crm", "pvescheduler", "pve-firewall", "ssh", "cron", "lxcfs", "watchdog-mux"];

    public Answer Run(IReadOnlyList<string> words)
    {
        if (!host.State.IsOn) { return host.Unusable()!; }
        switch (words.Where(w => !w.StartsWith('-')).ToList())
        {
            case ["reboot"]:
                new LabVerbs(host.Directory, _ => { }).AskReboot(host.Name);
                return new Answer.Ends(0);
            case ["is-system-running"]:
                return Answer.Says("running\n");
            case ["is-active", .. { Count: > 0 } units]:
                var active = units.Select(IsActive).ToList();
                var told = words.Contains("--quiet") || words.Contains("-q") ? "" : string.Concat(active.Select(a => a ? "active\n" : "inactive\n"));
                return new Answer.Ends(active.Contains(true) ? 0 : 3, told);
            case ["list-jobs"]:
                return Answer.Says("No jobs running.\n");
            default:
                return Answer.Dies(1, $"nanny-lab: `systemctl {string.Join(' ', words)}` is not in this lab");
        }
    }

    private bool IsActive(string unit)
    {
        var name = unit.EndsWith(".service", StringComparison.Ordinal) ? unit[..^".service".Length] : unit;
        return name is "pve-cluster" ? host.State.HasPmxcfs : Always.Contains(name) && (name is not "corosync" || host.Plan.IsClustered);
    }
}
