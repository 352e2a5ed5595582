using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using NannyOrleans.Lab.Cluster;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Commands;

/// <summary>`pvesh get PATH` on a lab host, for the paths discovery could ask. Text tables are not in the lab.</summary>
internal sealed class Pvesh(LabHost host)
{
    private static readonly CommandSpec Get = new("get", TakesVmid: false, TakesRest: true,
    [
        CommandOption.Text("output-format"), CommandOption.Boolean("noborder"), CommandOption.Boolean("noheader"), CommandOption.Boolean("quiet"), CommandOption.Boolean("noproxy"),
    ], "pvesh get <api_path> [OPTIONS] [FORMAT_OPTIONS]");

    public Answer Run(IReadOnlyList<string> words)
    {
        if (words.Count is 0) { return new Answer.Ends(255, "", "ERROR: no command specified\nUSAGE: pvesh <COMMAND> [ARGS] [OPTIONS]\n"); }
        if (words[0] is "set") { return Set(words); }
        if (words[0] is not "get") { return Answer.Dies(255, $"nanny-lab: `pvesh {words[0]}` is not in this lab"); }
        var spec = words.Contains("/cluster/resources") ? Get with { Options = [.. Get.Options, CommandOption.Text("type")] } : Get;
        var arguments = Arguments.Parse(spec, [.. words.Skip(1)]);
        if (arguments.Wrong is { } wrong) { return wrong; }
        if (arguments.Rest.Count is 0) { return new Answer.Ends(255, "", $"400 not enough arguments\n{Get.Usage}\n"); }
        var path = words[1 + arguments.Rest[0]];
        var format = arguments.Options.GetValueOrDefault("output-format", "text");
        if (format is not ("json" or "json-pretty")) { return Answer.Dies(255, $"nanny-lab: `pvesh --output-format {format}` is not in this lab, json and json-pretty are"); }
        var result = Ask(path, arguments.Options.GetValueOrDefault("type"));
        if (result.Failure is { } failure) { return failure; }
        return Answer.Says(format is "json" ? PerlJson.Line(result.Value) : PerlJson.Pretty(result.Value));
    }

    private Result Ask(string path, string? type)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return parts switch
        {
            ["version"] => Say(PerlJson.Object(
                ("release", host.Release.Name), ("repoid", host.Release.RepoId), ("version", host.Release.Manager))),
            ["nodes"] => Say(Rows(host.Plan.Hosts.Select(h => With(Node(h.Name), "ssl_fingerprint", ApiRows.Fingerprint(h.Name))))),
            ["nodes", var node, .. var rest] => OnNode(path, node, [.. rest]),
            ["cluster", "status"] => Say(ClusterStatus()),
            ["cluster", "resources"] => type is null or "vm" or "storage" or "node" or "sdn" ? Say(Resources(type)) : Dies(255,
                $"400 Parameter verification failed.\ntype: value '{type}' does not have a value in the enumeration 'vm, storage, node, sdn'\npvesh get /cluster/resources [OPTIONS] [FORMAT_OPTIONS]"),
            ["cluster", "config", "nodes"] => Say(Rows(host.Plan.IsClustered ? host.Plan.Hosts.Select(ConfigNode) : [])),
            ["cluster", "ha", "resources"] => Say(Rows(new HaView(host).Resources.Select(HaResource))),
            ["cluster", "ha", "status", "current"] => Say(new HaView(host).Current()),
            ["cluster", "ha", "status", "manager_status"] => Say(new HaView(host).State()),
            ["cluster", "ceph", "status"] => OfCeph(ceph => ceph.Status()),
            ["cluster", "ceph", "flags"] => OfCeph(ceph => ceph.Flags()),
            ["cluster", "ceph", "flags", var flag] when CephState.KnownFlags.Contains(flag) => OfCeph(ceph => ceph.IsSet(flag) ? 1 : 0),
            _ => Unknown(path),
        };
    }

    /// <summary>What another node has to answer is asked there, over ssh. A host that is off makes a real one wait for two minutes.</summary>
    private Result OnNode(string path, string node, string[] rest)
    {
        if (node == host.Name) { return Local(host, path, rest); }
        if (host.Plan.Hosts.FirstOrDefault(h => h.Name == node) is not { } planned) { return Dies(11, $"hostname lookup '{node}' failed - failed to get address info for: {node}: Temporary failure in name resolution"); }
        var there = host.At(node);
        if (!Membership.Reaches(host.State, there.State))
        {
            return Dies(255, $"ssh: connect to host {planned.Ip} port 22: No route to host\nproxy handler failed: command '/usr/bin/ssh -e none -o 'BatchMode=yes' -o 'HostKeyAlias={node}' root@{planned.Ip} -- pvesh --noproxy 1 get {path} --output-format json' failed: exit code 255");
        }

        if (!there.State.HasPmxcfs) { return Dies(255, $"proxy handler failed: {LabHost.NoPmxcfs(111, "Connection refused").Err.TrimEnd('\n')}"); }
        var answer = Local(there, path, rest);
        return answer.Failure is Answer.Ends ends ? new(null, ends with { Err = $"proxy handler failed: {ends.Err}" }) : answer;
    }

    private static Result Local(LabHost at, string path, string[] rest) => rest switch
    {
        ["status"] => Say(NodeStatus(at)),
        ["lxc"] => Say(Rows(Guests(at, "lxc").Select(g => ApiRows.Container(at.Release, g)))),
        ["qemu"] => Say(Rows(Guests(at, "qemu").Select(g => ApiRows.Machine(at.Release, g)))),
        ["lxc" or "qemu", var vmid, .. var what] when int.TryParse(vmid, CultureInfo.InvariantCulture, out var id) => Guest(at, path, rest[0], id, [.. what]),
        ["storage"] => Say(Rows(at.Status.StoragesOf(at.EtcPve, at.Name).Select(ApiRows.Storage))),
        ["apt", "update"] => Say(JsonNode.Parse(File.ReadAllText($"{at.Directory.Host(at.Name)}/var/lib/pve-manager/pkgupdates"))),
        ["subscription"] => Say(PerlJson.Object(
            ("message", "There is no subscription key"), ("serverid", null), ("status", "notfound"),
            ("url", "https://www.proxmox.com/en/proxmox-virtual-environment/pricing"))),
        _ => Unknown(path),
    };

    private static Result Guest(LabHost at, string path, string kind, int vmid, string[] what)
    {
        var folder = kind is "lxc" ? "lxc" : "qemu-server";
        var known = what is ["config"] or ["status", "current"] || (kind is "lxc" && what is ["interfaces"] && at.Release.Has("8.1"));
        if (!known) { return Unknown(path); }
        var file = $"{at.EtcPve}/{at.ConfPath(folder, vmid)}";
        if (!File.Exists(file)) { return new(null, at.Missing(folder, vmid, 2)); }
        if (what is ["config"]) { return Say(ApiRows.Config(File.ReadAllText(file), kind)); }
        var guest = Guests(at, kind).Single(g => g.Vmid == vmid);
        if (what is ["interfaces"]) { return Say(guest.Pid is { } pid ? Interfaces(at.Release, pid) : null); }
        return Say(With(kind is "lxc" ? ApiRows.Container(at.Release, guest) : ApiRows.Machine(at.Release, guest, full: true), "ha", new HaView(at).OfGuest(vmid)));
    }

    /// <summary>Read in the container's name space as on a real host. With 8.4 the long names came beside the short ones.</summary>
    private static JsonArray Interfaces(PveRelease release, int pid)
    {
        var list = new JsonArray();
        foreach (var line in NetworkOf.Process(pid))
        {
            var row = PerlJson.Object(("hwaddr", line.Address), ("name", line.Name));
            foreach (var (ip, prefix, isV6) in line.Ips) { row[isV6 ? "inet6" : "inet"] = $"{ip}/{prefix}"; }
            if (!release.Has("8.4"))
            {
                list.Add((JsonNode)row);
                continue;
            }

            row["hardware-address"] = line.Address;
            row["ip-addresses"] = new JsonArray([.. line.Ips.Select(ip => PerlJson.Object(
                ("ip-address", ip.Ip), ("ip-address-type", ip.IsV6 ? "inet6" : "inet"), ("prefix", ip.Prefix.ToString(CultureInfo.InvariantCulture))))]);
            list.Add((JsonNode)row);
        }

        return list;
    }

    private static JsonObject NodeStatus(LabHost at)
    {
        var m = at.Status.Machine;
        var kernel = File.ReadAllText($"{at.Directory.Host(at.Name)}/proc/sys/kernel/osrelease").Trim();
        var version = File.ReadAllText($"{at.Directory.Host(at.Name)}/proc/sys/kernel/version").Trim();
        var memory = PerlJson.Object(("free", m.MemoryFree), ("total", m.Memory), ("used", m.Memory - m.MemoryAvailable));
        var cpu = PerlJson.Object(
            ("cores", m.Cpus), ("cpus", m.Cpus), ("flags", "fpu vme de pse (shortened)"), ("hvm", ""), ("mhz", "2299.998"),
            ("model", "Example x86-64 CPU"), ("sockets", 1), ("user_hz", 100));
        var status = PerlJson.Object(
            ("cpu", 0), ("cpuinfo", cpu), ("idle", 0), ("ksm", PerlJson.Object(("shared", 0))), ("kversion", $"Linux {kernel} {version}"),
            ("loadavg", new JsonArray(m.Load[0], m.Load[1], m.Load[2])), ("memory", memory),
            ("pveversion", $"pve-manager/{at.Release.Manager}/{at.Release.RepoId}"),
            ("rootfs", PerlJson.Object(("avail", m.DiskAvailable), ("free", m.Disk - m.DiskUsed), ("total", m.Disk), ("used", m.DiskUsed))),
            ("swap", PerlJson.Object(("free", m.SwapFree), ("total", m.Swap), ("used", m.Swap - m.SwapFree))), ("uptime", m.Uptime), ("wait", 0));
        if (at.Release.Major >= 8)
        {
            status["boot-info"] = PerlJson.Object(("mode", "legacy-bios"));
            status["current-kernel"] = PerlJson.Object(
                ("machine", "x86_64"), ("release", kernel), ("sysname", "Linux"), ("version", version));
        }

        if (at.Release.Major >= 9)
        {
            memory["available"] = m.MemoryAvailable;
            cpu["family"] = "6";
            cpu["vendor"] = "GenuineIntel";
        }

        return status;
    }

    private JsonArray ClusterStatus()
    {
        var rows = new JsonArray();
        if (host.Plan.IsClustered)
        {
            rows.Add((JsonNode)PerlJson.Object(
                ("id", "cluster"), ("name", LabPlan.ClusterName), ("nodes", host.Plan.Hosts.Count), ("quorate", host.IsQuorate ? 1 : 0),
                ("type", "cluster"), ("version", host.Plan.Hosts.Count)));
        }

        foreach (var node in host.Plan.Hosts)
        {
            rows.Add((JsonNode)PerlJson.Object(
                ("id", $"node/{node.Name}"), ("ip", node.Ip), ("level", ""), ("local", node.Name == host.Name ? 1 : 0), ("name", node.Name),
                ("nodeid", host.Plan.IsClustered ? node.Id : 0), ("online", IsHeard(node.Name) ? 1 : 0), ("type", "node")));
        }

        return rows;
    }

    private JsonArray Resources(string? type)
    {
        var rows = new List<JsonObject>();
        var ha = new HaView(host);
        foreach (var node in host.Plan.Hosts.Select(h => h.Name))
        {
            var isHeard = IsHeard(node);
            if (type is null or "vm") { rows.AddRange(host.Status.Guests(host.EtcPve, node).Select(g => ApiRows.Resource(host.Release, g, isHeard, ha.ServiceState(g.Vmid)))); }
            if (type is null or "node")
            {
                var row = With(Node(node), "cgroup-mode", File.Exists($"{ControlGroups.Top}/cgroup.controllers") ? 2 : 1);
                if (host.Release.Has("8.3") && ha.NodeState(node) is { } state) { row["hastate"] = state; }
                rows.Add(row);
            }

            if (type is null or "storage") { rows.AddRange(host.Status.StoragesOf(host.EtcPve, node).Where(s => s.IsEnabled).Select(s => StorageResource(node, s, isHeard))); }
            if (type is null && host.Release.Major >= 9)
            {
                rows.Add(PerlJson.Object(
                    ("id", $"network/{node}/zone/localnetwork"), ("network", "localnetwork"), ("network-type", "zone"), ("node", node), ("status", "ok"),
                    ("type", "network")));
            }
        }

        return Rows(rows);
    }

    private static JsonObject StorageResource(string node, StorageSeen s, bool isHeard)
    {
        var row = PerlJson.Object(
            ("content", s.Content), ("id", $"storage/{node}/{s.Id}"), ("node", node), ("plugintype", s.Type), ("shared", s.IsShared ? 1 : 0),
            ("storage", s.Id), ("type", "storage"));
        row["status"] = isHeard && s.Total is not null ? "available" : "unknown";
        if (isHeard && s.Total is { } total)
        {
            row["disk"] = s.Used;
            row["maxdisk"] = total;
        }

        return row;
    }

    private JsonObject HaResource(HaResource resource)
    {
        var row = PerlJson.Object(
            ("digest", Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(File.ReadAllText($"{host.EtcPve}/ha/resources.cfg"))))),
            ("sid", resource.Sid), ("state", resource.State), ("type", resource.Sid[..2]));
        return row;
    }

    /// <summary>All values are strings here, and numbers in /cluster/status.</summary>
    private static JsonObject ConfigNode(PlannedHost node) => PerlJson.Object(
        ("name", node.Name), ("node", node.Name), ("nodeid", node.Id.ToString(CultureInfo.InvariantCulture)), ("quorum_votes", node.Votes.ToString(CultureInfo.InvariantCulture)),
        ("ring0_addr", node.Ip));

    private Result OfCeph(Func<Ceph, JsonNode> say)
    {
        var ceph = new Ceph(host);
        return !ceph.IsThere ? Dies(2, "binary not installed: /usr/bin/ceph-mon")
            : !ceph.HasMonitors ? Dies(255, "got timeout")
            : Say(say(ceph));
    }

    /// <summary>`pvesh set /cluster/ceph/flags/FLAG --value 0|1`: the only thing to set.</summary>
    private Answer Set(IReadOnlyList<string> words)
    {
        if (words is not [_, var path, "--value" or "-value", "0" or "1"] || path.Split('/', StringSplitOptions.RemoveEmptyEntries) is not ["cluster", "ceph", "flags", var flag])
        {
            return Answer.Dies(255, $"nanny-lab: `pvesh {string.Join(' ', words)}` is not in this lab");
        }

        return OfCeph(ceph => ceph.Flags()).Failure ?? (new Ceph(host).Set(flag, words[3] is "1") is Answer.Ends { Code: not 0 } wrong ? wrong : new Answer.Ends(0));
    }

    private JsonObject Node(string name) => ApiRows.Node(name, IsHeard(name), IsHeard(name) ? host.Status.Machine : null);

    private bool IsHeard(string node) => Membership.SeesOnline(host.State, host.All.Single(h => h.Name == node));

    private static IEnumerable<GuestSeen> Guests(LabHost at, string kind) => at.Status.Guests(at.EtcPve, at.Name).Where(g => g.Kind == kind);

    private static JsonObject With(JsonObject row, string key, JsonNode? value)
    {
        row[key] = value;
        return row;
    }

    private static JsonArray Rows(IEnumerable<JsonNode> rows) => new([.. rows]);

    private static Result Say(JsonNode? value) => new(value, null);

    private static Result Dies(int code, string text) => new(null, Answer.Dies(code, text));

    /// <summary>How a path shows that this release does not have it.</summary>
    private static Result Unknown(string path) => Dies(1, $"No 'get' handler defined for '{path}'");

    private sealed record Result(JsonNode? Value, Answer? Failure);
}
