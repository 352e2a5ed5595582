using System.Globalization;
using NannyOrleans.Lab.Cluster;

namespace NannyOrleans.Lab.Commands;

/// <summary>`ha-manager` on a lab host: it writes what HA reads, and HA acts in its rounds.</summary>
internal sealed class HaManager(LabHost host)
{
    private const int AccessDenied = 13;
    private const string NoQuorum = "cluster not ready - no quorum?";

    private ClusterFiles Files => new(host.Directory, host.Plan);

    public Answer Run(string[] words) => words switch
    {
        [] => new Answer.Ends(255, "", "ERROR: no command specified\nUSAGE: ha-manager <COMMAND> [ARGS] [OPTIONS]\n"),
        ["config"] => Answer.Says(string.Concat(new HaView(host).Resources.Select(r => $"{r.Sid}\n\tstate {r.State}\n\n"))),
        ["status", .. var rest] => Status(rest),
        ["add", var name, .. var rest] => Add(name, rest),
        ["set", var name, .. var rest] => Set(name, rest),
        ["remove", var name] => Remove(name),
        ["migrate" or "relocate", var name, var target] => Queue(words[0], name, target),
        ["crm-command", "migrate" or "relocate", var name, var target] => Queue(words[1], name, target),
        ["crm-command", "node-maintenance", "enable" or "disable", var node] => Maintenance(words[2], node),
        _ => Answer.Dies(255, $"nanny-lab: `ha-manager {string.Join(' ', words)}` is not in this lab"),
    };

    private Answer Status(string[] rest)
    {
        var arguments = Arguments.Parse(new("status", TakesVmid: false, TakesRest: false, [CommandOption.Boolean("verbose")], "ha-manager status [OPTIONS]"), rest);
        if (arguments.Wrong is { } wrong) { return wrong; }
        var view = new HaView(host);
        return Answer.Says(view.Lines() + (arguments.Is("verbose") ? "full cluster state:\n" + PerlJson.Pretty(view.State()) : ""));
    }

    private Answer Add(string name, string[] rest)
    {
        if (!host.IsQuorate) { return Answer.Dies(255, NoQuorum); }
        if (State(rest, "add") is not { } state) { return Wrong("add"); }
        var sid = Sid(name);
        if (sid is null || KindOf(sid) is null) { return Answer.Dies(17, $"resource '{sid ?? name}' does not exist in cluster"); }
        var resources = new HaView(host).Resources;
        return resources.Any(r => r.Sid == sid)
            ? Answer.Dies(255, $"create resource failed: resource ID '{sid}' already defined")
            : Write(resources.Append(new(sid, state)));
    }

    private Answer Set(string name, string[] rest)
    {
        if (!host.IsQuorate) { return Answer.Dies(255, NoQuorum); }
        if (State(rest, "set") is not { } state) { return Wrong("set"); }
        var resources = new HaView(host).Resources;
        return resources.Any(r => r.Sid == Sid(name))
            ? Write(resources.Select(r => r.Sid == Sid(name) ? r with { State = state } : r))
            : Answer.Dies(255, $"no such resource '{Sid(name) ?? name}'");
    }

    private Answer Remove(string name)
    {
        if (!host.IsQuorate) { return Answer.Dies(255, NoQuorum); }
        var resources = new HaView(host).Resources;
        return resources.Any(r => r.Sid == Sid(name))
            ? Write(resources.Where(r => r.Sid != Sid(name)))
            : Answer.Dies(255, $"cannot delete service '{Sid(name) ?? name}', not HA managed!");
    }

    private Answer Queue(string verb, string name, string target)
    {
        if (!host.IsQuorate) { return Answer.Dies(255, NoQuorum); }
        if (host.Plan.Hosts.All(h => h.Name != target)) { return Answer.Dies(255, $"no such cluster node '{target}'"); }
        return new HaView(host).Resources.Any(r => r.Sid == Sid(name))
            ? Files.Append(host.Name, HaFiles.Commands, $"{verb} {Sid(name)} {target}") ? new Answer.Ends(0) : Answer.Dies(255, NoQuorum)
            : Answer.Dies(255, $"service '{Sid(name) ?? name}' not HA managed!");
    }

    /// <summary>Only asks. A cluster that has no active CRM never does it, and nothing says so.</summary>
    private Answer Maintenance(string verb, string node)
    {
        if (!host.Plan.IsClustered || host.Plan.Hosts.All(h => h.Name != node)) { return Answer.Dies(255, $"no such cluster node '{node}'"); }
        return Files.Append(host.Name, HaFiles.Commands, $"{verb}-node-maintenance {node}")
            ? new Answer.Ends(0)
            : new Answer.Ends(AccessDenied, "", string.Concat(Enumerable.Repeat("trying to acquire cfs lock 'domain-ha' ...\n", 9)) + "cfs-lock 'domain-ha' error: no quorum!\n");
    }

    private Answer Write(IEnumerable<HaResource> resources) =>
        Files.Write(host.Name, "ha/resources.cfg", HaFiles.Format(resources)) ? new Answer.Ends(0) : Answer.Dies(255, NoQuorum);

    private static string? State(string[] rest, string verb)
    {
        var arguments = Arguments.Parse(new(verb, TakesVmid: false, TakesRest: false, [CommandOption.Text("state")], Usage(verb)), rest);
        var state = arguments.Options.GetValueOrDefault("state", "started");
        return arguments.Wrong is null && state is "started" or "enabled" or "stopped" or "disabled" or "ignored" ? state is "enabled" ? "started" : state : null;
    }

    private static Answer Wrong(string verb) => Answer.Dies(255,
        $"400 Parameter verification failed.\nstate: value does not have a value in the enumeration 'started, stopped, enabled, disabled, ignored'\n{Usage(verb)}");

    private static string Usage(string verb) => $"ha-manager {verb} <sid> [OPTIONS]";

    /// <summary>A service by its sid or its guest's id alone.</summary>
    private string? Sid(string name)
    {
        var id = name.Split(':') is ["ct" or "vm", var number] ? number : name;
        if (!int.TryParse(id, CultureInfo.InvariantCulture, out var vmid)) { return null; }
        return name == id ? $"{KindOf($"ct:{vmid}") ?? KindOf($"vm:{vmid}") ?? "vm"}:{vmid}" : name;
    }

    private string? KindOf(string sid) => host.Plan.Hosts.Any(h => File.Exists($"{host.EtcPve}/nodes/{h.Name}/{(sid.StartsWith("ct", StringComparison.Ordinal) ? "lxc" : "qemu-server")}/{sid[3..]}.conf")) ? sid[..2] : null;
}
