using System.Globalization;
using System.Text;

namespace NannyOrleans.Lab.Cluster;

/// <summary><c>.rrd</c> and <c>.version</c>: what pmxcfs shows of what the hosts tell each other.</summary>
internal static class StatusFiles
{
    private static readonly string[] Watched =
    [
        "corosync.conf", "corosync.conf.new", "storage.cfg", "user.cfg", "domains.cfg", "priv/shadow.cfg", "priv/acme/plugins.cfg", "priv/tfa.cfg",
        "priv/token.cfg", "datacenter.cfg", "vzdump.cron", "vzdump.conf", "jobs.cfg", "ha/crm_commands", "ha/manager_status", "ha/resources.cfg",
        "ha/groups.cfg", "ha/fence.cfg", "status.cfg", "replication.cfg", "ceph.conf", "sdn/vnets.cfg", "sdn/zones.cfg", "sdn/controllers.cfg",
        "sdn/subnets.cfg", "sdn/ipams.cfg", "sdn/dns.cfg", "sdn/.running-config", "virtual-guest/cpu-models.conf",
    ];

    private static readonly string[] WatchedSince8 = ["firewall/cluster.fw", "mapping/pci.cfg", "mapping/usb.cfg"];
    private static readonly string[] WatchedSince9 = ["mapping/directory.cfg", "notifications.cfg", "priv/notifications.cfg", "ha/rules.cfg", "sdn/fabrics.cfg"];

    /// <summary>One node's lines of <c>.rrd</c>, as its own release names and fills them.</summary>
    public static string Rrd(PveRelease release, string node, MachineSeen machine, IEnumerable<GuestSeen> guests, IEnumerable<StorageSeen> storages, long now)
    {
        var text = new StringBuilder();
        var more = release.Major >= 9;
        text.Append(CultureInfo.InvariantCulture,
            $"{release.StatusKey("node")}/{node}:{machine.Uptime}::{now}:{machine.Load[0]}:{machine.Cpus}:0:0:{machine.Memory}:{machine.Memory - machine.MemoryAvailable}:{machine.Swap}:{machine.Swap - machine.SwapFree}:{machine.Disk}:{machine.DiskUsed}:0:0");
        text.Append(more ? string.Create(CultureInfo.InvariantCulture, $":{machine.MemoryAvailable}:U:0:0:0:0:0\n") : "\n");
        foreach (var g in guests)
        {
            // A VM that is paused says so here and nowhere else.
            text.Append(CultureInfo.InvariantCulture, $"{release.StatusKey("vm")}/{g.Vmid}:{g.Uptime}:{g.Name}:{g.Status}:{(g.IsTemplate ? 1 : 0)}:{now}:{g.Cpus}:");
            text.Append(g.Pid is null
                ? string.Create(CultureInfo.InvariantCulture, $"U:{g.MaxMemory}:U:{g.MaxDisk}:{g.Disk}:U:U:U:U")
                : string.Create(CultureInfo.InvariantCulture, $"0:{g.MaxMemory}:{g.Memory}:{g.MaxDisk}:{g.Disk}:{g.NetIn}:{g.NetOut}:0:0"));
            if (more) { text.Append(g.Pid is null ? ":U:U:U:U:U:U:U" : ":0:0:0:0:0:0:0"); }
            text.Append('\n');
        }

        // Only what could be reached: a storage without a line is unknown.
        foreach (var s in storages.Where(s => s.Total is not null))
        {
            text.Append(CultureInfo.InvariantCulture, $"{release.StatusKey("storage")}/{node}/{s.Id}:{now}:{s.Total}:{s.Used}\n");
        }

        return text.ToString();
    }

    /// <summary><c>.version</c>: how often each file has changed since pmxcfs began.</summary>
    public static string Version(PveRelease release, HostState host, VmList list, IReadOnlyDictionary<string, int> changes, IEnumerable<string> online)
    {
        var watched = Watched.Concat(release.Major >= 8 ? WatchedSince8 : []).Concat(release.Major >= 9 ? WatchedSince9 : []);
        var files = string.Concat(watched.Select(f => string.Create(CultureInfo.InvariantCulture, $"\"{f}\": {changes.GetValueOrDefault(f, 1)},\n")));
        var nodes = string.Join(",\n", online.Select(n => $"\"{n}\": {{\n\"tasklist\": 1}}"));
        return string.Create(CultureInfo.InvariantCulture,
            $"{{\n\"starttime\": {host.Started},\n\"clinfo\": {host.MembersVersion},\n\"vmlist\": {list.Version},\n{files}\"kvstore\": {{\n{nodes}\n}}\n}}\n");
    }
}
