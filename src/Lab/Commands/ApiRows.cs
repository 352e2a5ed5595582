using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using NannyOrleans.Lab.Cluster;
using NannyOrleans.Lab.Guests;

namespace NannyOrleans.Lab.Commands;

/// <summary>Guests, nodes and storages as the API's rows, in the shape a release has.</summary>
internal static class ApiRows
{
    private static readonly string[] Pressures = ["cpufull", "cpusome", "iofull", "iosome", "memoryfull", "memorysome"];

    private static readonly string[] ContainerIntegers =
        ["console", "cores", "cpuunits", "debug", "memory", "onboot", "protection", "swap", "template", "tty", "unprivileged"];

    private static readonly string[] MachineIntegers =
        ["acpi", "autostart", "balloon", "cores", "freeze", "kvm", "localtime", "numa", "onboot", "protection", "reboot", "shares", "sockets", "tablet", "template", "tdf", "vcpus"];

    /// <summary>A row of /nodes/N/lxc. Before pve-container 5.0.10 the vmid is a string.</summary>
    public static JsonObject Container(PveRelease release, GuestSeen g)
    {
        var row = PerlJson.Object(
            ("cpu", 0), ("cpus", g.Cpus), ("disk", g.Disk), ("diskread", 0), ("diskwrite", 0), ("maxdisk", g.MaxDisk), ("maxmem", g.MaxMemory),
            ("maxswap", g.MaxSwap), ("mem", g.Memory), ("name", g.Name), ("netin", g.NetIn), ("netout", g.NetOut), ("status", g.Status),
            ("swap", 0), ("type", "lxc"), ("uptime", g.Uptime),
            ("vmid", release.Major is 7 ? JsonValue.Create(g.Vmid.ToString(CultureInfo.InvariantCulture)) : JsonValue.Create(g.Vmid)));
        if (g.Pid is { } pid) { row["pid"] = pid; }
        if (g.Pid is not null && release.Major >= 9)
        {
            foreach (var what in Pressures) { row[$"pressure{what}"] = null; }
        }

        return Common(row, g);
    }

    /// <summary>A row of /nodes/N/qemu, or with <paramref name="full"/> what status/current says.</summary>
    public static JsonObject Machine(PveRelease release, GuestSeen g, bool full = false)
    {
        var row = PerlJson.Object(
            ("cpu", 0), ("cpus", g.Cpus), ("disk", 0), ("maxdisk", g.MaxDisk), ("maxmem", g.MaxMemory), ("mem", g.Memory), ("name", g.Name),
            ("netin", g.NetIn), ("netout", g.NetOut), ("status", g.PveStatus), ("uptime", g.Uptime), ("vmid", g.Vmid));
        if (release.Major >= 9) { row["memhost"] = g.Memory; }
        if (full) { row["qmpstatus"] = g.Status; }
        if (g.Pid is { } pid)
        {
            row["pid"] = pid;
            row["diskread"] = 0;
            row["diskwrite"] = 0;
            if (full)
            {
                row["running-machine"] = "pc-i440fx-10.1+pve0";
                row["running-qemu"] = "10.1.2";
            }
        }

        if (full && g.Conf["agent"] is { } agent && GuestConf.SubKeys(agent).Values.First() is "1") { row["agent"] = 1; }
        return Common(row, g);
    }

    private static JsonObject Common(JsonObject row, GuestSeen g)
    {
        if (g.Conf["tags"] is { } tags) { row["tags"] = tags; }
        if (g.Conf["lock"] is { } why) { row["lock"] = why; }
        if (g.IsTemplate) { row["template"] = 1; }
        return row;
    }

    /// <summary>A guest's row of /cluster/resources. One of a node that is not heard of has lost all but its place.</summary>
    public static JsonObject Resource(PveRelease release, GuestSeen g, bool isHeard, string? haState)
    {
        var row = PerlJson.Object(
            ("id", $"{g.Kind}/{g.Vmid}"), ("node", g.Node), ("status", isHeard ? g.Status : "unknown"), ("type", g.Kind), ("vmid", g.Vmid));
        if (isHeard)
        {
            foreach (var (key, value) in new (string, long)[]
            {
                ("cpu", 0), ("disk", g.Disk), ("diskread", 0), ("diskwrite", 0), ("maxcpu", g.Cpus), ("maxdisk", g.MaxDisk), ("maxmem", g.MaxMemory),
                ("mem", g.Memory), ("netin", g.NetIn), ("netout", g.NetOut), ("template", g.IsTemplate ? 1 : 0), ("uptime", g.Uptime),
            })
            {
                row[key] = value;
            }

            row["name"] = g.Name;
            if (release.Major >= 9) { row["memhost"] = g.IsContainer ? 0 : g.Memory; }
        }

        if (g.Conf["tags"] is { } tags) { row["tags"] = tags; }
        if (g.Conf["lock"] is { } why) { row["lock"] = why; }
        if (haState is not null) { row["hastate"] = haState; }
        return row;
    }

    /// <summary>A node's row of /nodes and of /cluster/resources. Figures only of one that is heard of.</summary>
    public static JsonObject Node(string name, bool isOnline, MachineSeen? machine)
    {
        var row = PerlJson.Object(
            ("id", $"node/{name}"), ("node", name), ("status", !isOnline ? "offline" : machine is null ? "unknown" : "online"), ("type", "node"));
        if (machine is null || !isOnline) { return row; }
        row["cpu"] = 0;
        row["level"] = "";
        foreach (var (key, value) in new[]
        {
            ("disk", machine.DiskUsed), ("maxcpu", machine.Cpus), ("maxdisk", machine.Disk), ("maxmem", machine.Memory),
            ("mem", machine.Memory - machine.MemoryAvailable), ("uptime", machine.Uptime),
        })
        {
            row[key] = value;
        }

        return row;
    }

    /// <summary>A guest's conf as its config endpoint gives it: pending values as if active, whole numbers as numbers, and the file's digest.</summary>
    public static JsonObject Config(string file, string kind)
    {
        var conf = GuestConf.Parse(file).WithPending();
        var integers = kind is "lxc" ? ContainerIntegers : MachineIntegers;
        var node = PerlJson.Object(("digest", Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(file)))));
        foreach (var (key, value) in conf.Keys)
        {
            node[key] = integers.Contains(key) && long.TryParse(value, CultureInfo.InvariantCulture, out var number) ? number : value;
        }

        if (conf.Description is { } text) { node["description"] = text + "\n"; }
        if (conf.Raw.Count > 0) { node["lxc"] = new JsonArray([.. conf.Raw.Select(r => new JsonArray(r.Key, r.Value))]); }
        return node;
    }

    /// <summary>A row of /nodes/N/storage.</summary>
    public static JsonObject Storage(StorageSeen s)
    {
        var row = PerlJson.Object(
            ("active", s.Total is null ? 0 : 1), ("avail", (s.Total ?? 0) - s.Used), ("content", s.Content), ("enabled", s.IsEnabled ? 1 : 0),
            ("shared", s.IsShared ? 1 : 0), ("storage", s.Id), ("total", s.Total ?? 0), ("type", s.Type), ("used", s.Used));
        if (s.Total is > 0) { row["used_fraction"] = double.Parse(((double)s.Used / s.Total.Value).ToString("G15", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture); }
        return row;
    }

    /// <summary>A made-up certificate's fingerprint, the same for a name.</summary>
    public static string Fingerprint(string name) => string.Join(':', SHA256.HashData(Encoding.UTF8.GetBytes(name)).Select(b => b.ToString("X2", CultureInfo.InvariantCulture)));
}
