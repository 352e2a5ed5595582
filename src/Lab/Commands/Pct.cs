using System.Globalization;
using NannyOrleans.Lab.Cluster;
using NannyOrleans.Lab.Guests;

namespace NannyOrleans.Lab.Commands;

/// <summary>`pct` on a lab host: messages, order of checks and exit codes of pve-container 6.1.</summary>
internal sealed class Pct(LabHost host)
{
    private const string Folder = "lxc";

    private static readonly string[] Locks =
        ["backup", "create", "destroyed", "disk", "fstrim", "migrate", "mounted", "rollback", "snapshot", "snapshot-delete"];

    private static readonly CommandOption[] SetOptions =
    [
        CommandOption.Integer("cores", 1), CommandOption.Text("delete"), CommandOption.Text("description"), CommandOption.Text("features"),
        CommandOption.Text("hostname"),
        new("lock", v => Locks.Contains(v) ? null : $"value '{v}' does not have a value in the enumeration '{string.Join(", ", Locks)}'"),
        CommandOption.Integer("memory", 16), CommandOption.Text("net0"), CommandOption.Boolean("onboot"), CommandOption.Text("ostype"),
        CommandOption.Boolean("protection"), CommandOption.Text("startup"), CommandOption.Integer("swap", 0), CommandOption.Text("tags"),
        CommandOption.Boolean("template"),
    ];

    /// <summary>The sub-commands a lab has, as one release knows them: `--keep-env` came with 8.2.</summary>
    public static IReadOnlyList<CommandSpec> SpecsOf(PveRelease release) => release.Has("8.2")
        ? Specs
        : [.. Specs.Select(s => s.Name is "exec" ? s with { Options = [] } : s)];

    /// <summary>The sub-commands a lab has.</summary>
    public static IReadOnlyList<CommandSpec> Specs { get; } =
    [
        new("list", TakesVmid: false, TakesRest: false, [], "pct list "),
        WithVmid("status", CommandOption.Boolean("verbose")),
        WithVmid("config", CommandOption.Boolean("current"), CommandOption.Text("snapshot")),
        new("exec", TakesVmid: true, TakesRest: true, [CommandOption.Boolean("keep-env")], "pct exec <vmid> [<extra-args>] [OPTIONS]"),
        WithVmid("start", CommandOption.Boolean("skiplock"), CommandOption.Boolean("debug")),
        WithVmid("stop", CommandOption.Boolean("skiplock"), CommandOption.Boolean("overrule-shutdown")),
        WithVmid("shutdown", CommandOption.Integer("timeout", 0), CommandOption.Boolean("forceStop")),
        WithVmid("reboot", CommandOption.Integer("timeout", 0)),
        MigrateCommand.PctSpec,
        WithVmid("set", SetOptions),
        new("unlock", TakesVmid: true, TakesRest: false, [], "pct unlock <vmid>"),
    ];

    public Answer Run(CommandSpec command, Arguments arguments, IReadOnlyList<byte[]> rest)
    {
        var answer = Act(command, arguments, rest);
        // What pvestatd would notice within ten seconds.
        if (command.Name is "start" or "stop" or "shutdown" or "reboot" or "migrate") { new ClusterFiles(host.Directory, host.Plan).Publish(); }
        return answer;
    }

    private Answer Act(CommandSpec command, Arguments arguments, IReadOnlyList<byte[]> rest) => command.Name switch
    {
        "list" => List(),
        "status" => Status(arguments.Vmid, arguments.Is("verbose")),
        "config" => Config(arguments),
        "exec" => Exec(arguments, rest),
        "start" => Start(arguments.Vmid),
        "stop" => Stop(arguments.Vmid),
        "shutdown" => Shutdown(arguments),
        "reboot" => Reboot(arguments),
        "migrate" => MigrateCommand.Run(host, isContainer: true, arguments, [.. rest.Select(System.Text.Encoding.UTF8.GetString)]),
        "set" => Set(arguments),
        "unlock" => Unlock(arguments.Vmid),
        _ => throw new InvalidOperationException(command.Name),
    };

    private Answer List()
    {
        var warnings = "";
        var running = host.Guests.Running();
        var rows = new List<CtRow>();
        foreach (var vmid in host.Vmids(Folder))
        {
            var conf = host.Conf(Folder, vmid, ref warnings);
            if (conf is null) { continue; } // moved away between the two looks
            rows.Add(new(vmid, running.Contains(vmid), conf["lock"] ?? "", conf["hostname"] ?? $"CT{vmid}"));
        }

        var bad = rows.FindIndex(r => r.Vmid < 100);
        return bad < 0
            ? new Answer.Ends(0, GuestTable.PctList(rows), warnings)
            : new Answer.Ends(255, "", $"{warnings}400 Result verification failed\n[{bad}].vmid: invalid format - value does not look like a valid VM ID\n\npct list \n");
    }

    private Answer Status(int vmid, bool verbose)
    {
        var warnings = "";
        var conf = host.Conf(Folder, vmid, ref warnings);
        if (conf is null) { return host.Missing(Folder, vmid, 2); }
        if (verbose)
        {
            var guest = host.Status.Guests(host.EtcPve, host.Name).Single(g => g.IsContainer && g.Vmid == vmid);
            return new Answer.Ends(0, PerlJson.Lines(ApiRows.Container(host.Release, guest)), warnings);
        }

        return new Answer.Ends(0, $"status: {(IsRunning(vmid) ? "running" : "stopped")}\n", warnings);
    }

    private Answer Config(Arguments arguments)
    {
        var warnings = "";
        var conf = host.Conf(Folder, arguments.Vmid, ref warnings);
        if (conf is null) { return host.Missing(Folder, arguments.Vmid, 2); }
        if (arguments.Options.TryGetValue("snapshot", out var name))
        {
            return conf.Snapshot(name) is { } snapshot
                ? new Answer.Ends(0, snapshot.Print(), warnings)
                : new Answer.Ends(255, "", $"{warnings}snapshot '{name}' does not exist\n");
        }

        return new Answer.Ends(0, (arguments.Is("current") ? conf : conf.WithPending()).Print(), warnings);
    }

    private Answer Exec(Arguments arguments, IReadOnlyList<byte[]> rest)
    {
        var warnings = "";
        if (host.Conf(Folder, arguments.Vmid, ref warnings) is null) { return host.Missing(Folder, arguments.Vmid, 2); }
        if (!IsRunning(arguments.Vmid)) { return Answer.Dies(255, $"container '{arguments.Vmid}' not running!"); }
        if (arguments.Rest.Count is 0) { return Answer.Dies(255, "missing command at /usr/share/perl5/PVE/CLI/pct.pm line 246."); }
        return host.Guests.Attach(arguments.Vmid, arguments.Is("keep-env", unlessGiven: true), rest);
    }

    private Answer Start(int vmid)
    {
        if (IsRunning(vmid)) { return Answer.Dies(255, $"CT {vmid} already running"); }
        if (!host.IsQuorate) { return Answer.Dies(255, "cluster not ready - no quorum?"); }
        return ThroughHa(vmid, "start", "started", () => StartHere(vmid));
    }

    /// <summary>Stops one as an LRM does: cleanly, and after a minute by force.</summary>
    public Answer StopHere(int vmid) => UnderLock(vmid, () =>
    {
        if (IsRunning(vmid) && !host.Guests.Shutdown(vmid, TimeSpan.FromSeconds(60))) { host.Guests.Kill(vmid); }
        return new Answer.Ends(0);
    });

    /// <summary>Starts one on this host, whoever asks.</summary>
    public Answer StartHere(int vmid)
    {
        var (held, timedOut) = host.LockGuest(vmid);
        if (held is null) { return timedOut!; }
        using (held)
        {
            var warnings = "";
            var conf = host.Conf(Folder, vmid, ref warnings);
            if (conf is null) { return host.Missing(Folder, vmid, 255); }
            if (conf["template"] is "1") { return Answer.Dies(255, "you can't start a CT if it's a template"); }
            if (conf["lock"] is { } why) { return Answer.Dies(255, $"CT is locked ({why})"); }
            return Started(vmid, host.Guests.Start(vmid, conf));
        }
    }

    private Answer Stop(int vmid) => WhileRunning(vmid, $"CT {vmid} not running", () =>
    {
        host.Guests.Kill(vmid);
        return new Answer.Ends(0);
    });

    private Answer Shutdown(Arguments arguments)
    {
        var vmid = arguments.Vmid;
        return WhileRunning(vmid, $"CT {vmid} not running", () =>
        {
            var timeout = TimeoutOf(arguments);
            if (host.Guests.Shutdown(vmid, timeout)) { return new Answer.Ends(0); }
            if (arguments.Is("forceStop"))
            {
                host.Guests.Kill(vmid);
                return new Answer.Ends(0);
            }

            return new Answer.Ends(255,
                string.Create(CultureInfo.InvariantCulture, $"command 'lxc-stop -n {vmid} --nokill --timeout {timeout.TotalSeconds:0}' failed: exit code 1\n"),
                "container did not stop\n");
        });
    }

    /// <summary>Stops whatever the conf's lock says, and only then fails to start because of it: so does Proxmox VE.</summary>
    private Answer Reboot(Arguments arguments)
    {
        var vmid = arguments.Vmid;
        if (!IsRunning(vmid)) { return Answer.Dies(255, $"VM {vmid} not running"); }
        var (held, timedOut) = host.LockGuest(vmid);
        if (held is null) { return timedOut!; }
        using (held)
        {
            if (!host.Guests.Shutdown(vmid, TimeoutOf(arguments))) { host.Guests.Kill(vmid); }
            var warnings = "";
            var conf = host.Conf(Folder, vmid, ref warnings);
            if (conf is null) { return host.Missing(Folder, vmid, 255); }
            if (conf["lock"] is not null)
            {
                return new Answer.Ends(255,
                    "run_buffer: 322 Script exited with status 255\n"
                    + $"lxc_init: 844 Failed to run lxc.hook.pre-start for container \"{vmid}\"\n"
                    + $"__lxc_start: 2027 Failed to initialize container \"{vmid}\"\n",
                    $"startup for container '{vmid}' failed\n");
            }

            return Started(vmid, host.Guests.Start(vmid, conf));
        }
    }

    private Answer Set(Arguments arguments)
    {
        if (arguments.Options.Count is 0) { return Answer.Dies(255, "no options specified"); }
        var vmid = arguments.Vmid;
        var (held, timedOut) = host.LockGuest(vmid);
        if (held is null) { return timedOut!; }
        using (held)
        {
            var warnings = "";
            var conf = host.Conf(Folder, vmid, ref warnings);
            if (conf is null) { return host.Missing(Folder, vmid, 2); }
            if (conf["lock"] is { } why) { return new Answer.Ends(255, "", $"{warnings}CT is locked ({why})\n"); }
            foreach (var (name, value) in arguments.Options)
            {
                conf = name switch
                {
                    "delete" => value.Split([',', ';', ' '], StringSplitOptions.RemoveEmptyEntries).Aggregate(conf, (c, key) => c.With(key, null)),
                    "tags" => conf.With("tags", Tags(value)),
                    "onboot" or "protection" or "template" => conf.With(name, arguments.Is(name) ? "1" : "0"),
                    _ => conf.With(name, value),
                };
            }

            return host.Save(Folder, vmid, conf, warnings);
        }
    }

    private Answer Unlock(int vmid)
    {
        var (held, timedOut) = host.LockGuest(vmid);
        if (held is null) { return timedOut!; }
        using (held)
        {
            var warnings = "";
            var conf = host.Conf(Folder, vmid, ref warnings);
            if (conf is null) { return host.Missing(Folder, vmid, 2); }
            return conf["lock"] is null
                ? new Answer.Ends(255, "", $"{warnings}no lock found trying to remove any lock\n")
                : host.Save(Folder, vmid, conf.With("lock", null), warnings);
        }
    }

    private Answer WhileRunning(int vmid, string notRunning, Func<Answer> work)
    {
        if (!IsRunning(vmid)) { return Answer.Dies(255, notRunning); }
        return ThroughHa(vmid, "stop", "stopped", () => UnderLock(vmid, work));
    }

    /// <summary>
    /// Of a guest that HA manages Proxmox VE only asks HA, and comes back at once with 0. HA does it in its rounds; on a single host,
    /// where a lab has none, before the command ends.
    /// </summary>
    private Answer ThroughHa(int vmid, string ask, string state, Func<Answer> work)
    {
        var file = $"{host.EtcPve}/ha/resources.cfg";
        var resources = HaFiles.Resources(File.Exists(file) ? File.ReadAllText(file) : "");
        if (resources.All(r => r.Vmid != vmid)) { return work(); }
        var wanted = HaFiles.Format(resources.Select(r => r.Vmid == vmid ? r with { State = state } : r));
        if (!new ClusterFiles(host.Directory, host.Plan).Write(host.Name, "ha/resources.cfg", wanted)) { return Answer.Dies(255, "cluster not ready - no quorum?"); }
        if (!host.Plan.IsClustered) { _ = work(); }
        return Answer.Says($"Requesting HA {ask} for CT {vmid}\n");
    }

    private Answer UnderLock(int vmid, Func<Answer> work)
    {
        var (held, timedOut) = host.LockGuest(vmid);
        if (held is null) { return timedOut!; }
        using (held)
        {
            var warnings = "";
            return host.Conf(Folder, vmid, ref warnings)?["lock"] is { } why ? Answer.Dies(255, $"CT is locked ({why})") : work();
        }
    }

    private static Answer Started(int vmid, string? failure) => failure is null
        ? new Answer.Ends(0)
        : new Answer.Ends(255, failure, $"startup for container '{vmid}' failed\n");

    /// <summary>A container runs on the host that has its file.</summary>
    private bool IsRunning(int vmid) =>
        host.Guests.Running().Contains(vmid) && File.Exists($"{host.Directory.EtcPve(host.Name)}/{host.ConfPath(Folder, vmid)}");

    private static TimeSpan TimeoutOf(Arguments arguments) => TimeSpan.FromSeconds(
        arguments.Options.TryGetValue("timeout", out var seconds) ? int.Parse(seconds, CultureInfo.InvariantCulture) : 60);

    private static string Tags(string value) => string.Join(';',
        value.ToLowerInvariant().Split([';', ',', ' '], StringSplitOptions.RemoveEmptyEntries).Distinct().Order(StringComparer.Ordinal));

    private static CommandSpec WithVmid(string name, params CommandOption[] options) =>
        new(name, TakesVmid: true, TakesRest: false, options, $"pct {name} <vmid> [OPTIONS]");
}
