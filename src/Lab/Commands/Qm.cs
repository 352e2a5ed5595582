using System.Globalization;
using NannyOrleans.Lab.Cluster;
using NannyOrleans.Lab.Guests;

namespace NannyOrleans.Lab.Commands;

/// <summary>`qm` on a lab host: messages, order of checks and exit codes of qemu-server 9.2.</summary>
internal sealed class Qm(LabHost host)
{
    private const string Folder = "qemu-server";

    /// <summary>The sub-commands a lab has.</summary>
    public static IReadOnlyList<CommandSpec> Specs { get; } =
    [
        new("list", TakesVmid: false, TakesRest: false, [CommandOption.Boolean("full")], "qm list  [OPTIONS]"),
        new("status", TakesVmid: true, TakesRest: false, [CommandOption.Boolean("verbose")], "qm status <vmid> [OPTIONS]"),
        new("config", TakesVmid: true, TakesRest: false, [CommandOption.Boolean("current"), CommandOption.Text("snapshot")], "qm config <vmid> [OPTIONS]"),
        WithVmid("start", CommandOption.Boolean("skiplock"), CommandOption.Integer("timeout", 0)),
        WithVmid("stop", CommandOption.Boolean("skiplock"), CommandOption.Integer("timeout", 0), CommandOption.Boolean("overrule-shutdown")),
        WithVmid("shutdown", CommandOption.Boolean("skiplock"), CommandOption.Integer("timeout", 0), CommandOption.Boolean("forceStop"), CommandOption.Boolean("keepActive")),
        WithVmid("reboot", CommandOption.Integer("timeout", 0)),
        MigrateCommand.QmSpec,
        WithVmid("unlock"),
        new("agent", TakesVmid: true, TakesRest: true, [], "qm guest cmd <vmid> <command>"),
        new("guest", TakesVmid: false, TakesRest: true, [], "qm guest cmd <vmid> <command>"),
    ];

    /// <summary>`qm guest exec`, which has options of its own.</summary>
    public static CommandSpec ExecSpec { get; } = new("exec", TakesVmid: true, TakesRest: true,
        [CommandOption.Integer("timeout", 0), CommandOption.Boolean("synchronous"), CommandOption.Boolean("pass-stdin")], "qm guest exec <vmid> [<extra-args>] [OPTIONS]");

    public Answer Run(CommandSpec command, Arguments arguments, IReadOnlyList<string> rest)
    {
        var answer = Act(command, arguments, rest);
        if (command.Name is "start" or "stop" or "shutdown" or "reboot" or "migrate") { new ClusterFiles(host.Directory, host.Plan).Publish(); }
        return answer;
    }

    private Answer Act(CommandSpec command, Arguments arguments, IReadOnlyList<string> rest) => command.Name switch
    {
        "start" or "stop" or "shutdown" or "reboot" or "unlock" => Power(command.Name, arguments),
        "migrate" => MigrateCommand.Run(host, isContainer: false, arguments, rest),
        "list" => List(arguments.Is("full")),
        "status" => Status(arguments),
        "config" => Config(arguments),
        "agent" => AskAgent(arguments.Vmid, rest),
        "guest" => Guest(rest),
        _ => throw new InvalidOperationException(command.Name),
    };

    private Answer List(bool full)
    {
        var rows = host.Status.Guests(host.EtcPve, host.Name).Where(g => !g.IsContainer).ToList();
        var warnings = "";
        foreach (var row in rows) { _ = host.Conf(Folder, row.Vmid, ref warnings); }
        return new Answer.Ends(0, GuestTable.QmList(rows.Select(g => new VmRow(
            g.Vmid, g.Name, (int)(g.MaxMemory >> 20), g.MaxDisk / (double)(1L << 30), full ? g.Status : g.PveStatus, g.Pid ?? 0)).ToList()), warnings);
    }

    private Answer Status(Arguments arguments)
    {
        var warnings = "";
        if (host.Conf(Folder, arguments.Vmid, ref warnings) is null) { return host.Missing(Folder, arguments.Vmid, 2); }
        var guest = host.Status.Guests(host.EtcPve, host.Name).Single(g => g.Vmid == arguments.Vmid);
        return new Answer.Ends(0, arguments.Is("verbose") ? PerlJson.Lines(ApiRows.Machine(host.Release, guest, full: true)) : $"status: {guest.Status}\n", warnings);
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

    private Answer Power(string what, Arguments arguments)
    {
        var vmid = arguments.Vmid;
        var warnings = "";
        if (host.Conf(Folder, vmid, ref warnings) is not { } conf) { return host.Missing(Folder, vmid, what is "unlock" ? 2 : 255); }
        var machines = new VirtualMachines(host.Directory, host.Plan);
        var status = machines.Status(vmid);
        if (what is "unlock") { return host.Save(Folder, vmid, conf.With("lock", null), warnings); }
        if (what is "reboot")
        {
            // Neither the lock nor HA is looked at.
            if (status is "paused") { return Answer.Dies(255, "VM is paused - cannot shutdown"); }
            if (status is "stopped") { return Answer.Dies(255, $"VM {vmid} not running"); }
            machines.Kill(vmid);
            machines.Start(host.Name, vmid, conf);
            return new Answer.Ends(0);
        }

        if (what is "start" && !host.IsQuorate) { return Answer.Dies(255, "cluster not ready - no quorum?"); }
        return ThroughHa(vmid, what is "start" ? "start" : "stop", () =>
        {
            if (conf["lock"] is { } why && !arguments.Is("skiplock")) { return Answer.Dies(255, $"VM is locked ({why})"); }
            if (what is "start")
            {
                if (status is not "stopped") { return Answer.Dies(255, $"VM {vmid} already running"); }
                machines.Start(host.Name, vmid, conf);
                return new Answer.Ends(0);
            }

            if (what is "shutdown" && status is "paused" && !arguments.Is("forceStop")) { return Answer.Dies(255, "VM is paused - cannot shutdown"); }
            if (what is "shutdown" && machines.IsDeaf(vmid) && !EndsIn(machines, vmid, arguments) && !arguments.Is("forceStop")) { return Answer.Dies(255, "VM quit/powerdown failed - got timeout"); }
            if (status is not "stopped") { machines.Kill(vmid); }
            return new Answer.Ends(0);
        });
    }

    /// <summary>Waits as long as a shutdown may take, three minutes unless told otherwise; whether somebody else ended the VM meanwhile.</summary>
    private static bool EndsIn(VirtualMachines machines, int vmid, Arguments arguments)
    {
        var limit = arguments.Options.TryGetValue("timeout", out var seconds) ? int.Parse(seconds, CultureInfo.InvariantCulture) : 180;
        for (var began = Environment.TickCount64; Environment.TickCount64 - began < limit * 1000L; Thread.Sleep(20))
        {
            if (machines.Pid(vmid) is null) { return true; }
        }

        return machines.Pid(vmid) is null;
    }

    private Answer ThroughHa(int vmid, string ask, Func<Answer> work)
    {
        var file = $"{host.EtcPve}/ha/resources.cfg";
        var resources = HaFiles.Resources(File.Exists(file) ? File.ReadAllText(file) : "");
        if (resources.All(r => r.Vmid != vmid)) { return work(); }
        var wanted = HaFiles.Format(resources.Select(r => r.Vmid == vmid ? r with { State = ask is "start" ? "started" : "stopped" } : r));
        if (!new ClusterFiles(host.Directory, host.Plan).Write(host.Name, "ha/resources.cfg", wanted)) { return Answer.Dies(255, "cluster not ready - no quorum?"); }
        if (!host.Plan.IsClustered) { _ = work(); }
        return Answer.Says($"Requesting HA {ask} for VM {vmid}\n");
    }

    /// <summary>`qm guest exec` and `exec-status`: 0 whatever the command's own code is, which stands in the answer.</summary>
    public Answer Exec(IReadOnlyList<string> words)
    {
        if (words is ["exec-status", var of, var number] && int.TryParse(of, CultureInfo.InvariantCulture, out var id) && int.TryParse(number, CultureInfo.InvariantCulture, out var known))
        {
            return Unanswering(id) ?? Told(id, known) ?? Answer.Says(PerlJson.Pretty(PerlJson.Object(("exited", 0))));
        }

        if (words[0] is not "exec") { return Answer.Dies(255, "400 not enough arguments\nqm guest exec-status <vmid> <pid>"); }
        var given = words.Skip(1).ToList();
        var arguments = Arguments.Parse(ExecSpec, given);
        if (arguments.Wrong is { } wrong) { return wrong; }
        var vmid = arguments.Vmid;
        var synchronous = arguments.Is("synchronous", unlessGiven: true);
        if (!synchronous && arguments.Options.ContainsKey("timeout"))
        {
            return new Answer.Ends(255, "", $"400 Parameter verification failed.\nsynchronous: needs to be set to use 'timeout'\n{ExecSpec.Usage}\n");
        }

        if (Unanswering(vmid) is { } no) { return no; }
        if (host.Plan.IsSimulated) { return Answer.Dies(255, "nanny-lab: `qm guest exec` is not simulated: it needs root and LXC"); }
        var command = arguments.Rest.Select(i => given[i]).ToList();
        if (command.Count is 0) { return Answer.Dies(255, "400 not enough arguments\n" + ExecSpec.Usage); }
        var input = "/dev/null";
        if (arguments.Is("pass-stdin"))
        {
            input = Path.GetTempFileName();
            using var file = File.Create(input);
            Console.OpenStandardInput().CopyTo(file);
            if (file.Length > 1 << 20) { return Answer.Dies(255, "input too large"); }
        }

        var pid = new MachineInside(host.Directory, host.Plan, vmid).Exec(Machine(vmid), command, input);
        if (input is not "/dev/null") { File.Delete(input); }
        if (!synchronous) { return Answer.Says(PerlJson.Pretty(PerlJson.Object(("pid", pid)))); }
        var limit = arguments.Options.TryGetValue("timeout", out var seconds) ? int.Parse(seconds, CultureInfo.InvariantCulture) : 30;
        var began = Environment.TickCount64;
        while (limit is 0 || Environment.TickCount64 - began < limit * 1000L)
        {
            if (Told(vmid, pid, command[0]) is { } told) { return told; }
            Thread.Sleep(20);
        }

        return new Answer.Ends(0, PerlJson.Pretty(PerlJson.Object(("pid", pid))), "timeout reached, returning pid\n");
    }

    private int Machine(int vmid) => new VirtualMachines(host.Directory, host.Plan).Pid(vmid) ?? 0;

    /// <summary>The agent's answer about a command that has ended; null while it runs.</summary>
    private Answer? Told(int vmid, int pid, string program = "")
    {
        if (new MachineInside(host.Directory, host.Plan, vmid).Ask(Machine(vmid), pid) is not { } seen) { return Answer.Dies(255, "Agent error: Invalid parameter 'pid'"); }
        if (seen.Failure is { } failure) { return Answer.Dies(255, $"Agent error: Failed to execute child process \u201c{program}\u201d ({failure})"); }
        if (!seen.HasExited) { return null; }
        var row = PerlJson.Object(("exited", 1));
        if ((seen.Status & 0x7f) is > 0 and var signal) { row["signal"] = signal; }
        else { row["exitcode"] = seen.Status >> 8; }
        // The agent keeps this much of each and reads the rest into nothing.
        foreach (var (name, text) in (ReadOnlySpan<(string, string)>)[("out", seen.Out), ("err", seen.Err)])
        {
            if (text.Length > 0) { row[$"{name}-data"] = text.Length > MostOutput ? text[..MostOutput] : text; }
            if (text.Length > MostOutput) { row[$"{name}-truncated"] = 1; }
        }

        return Answer.Says(PerlJson.Pretty(row));
    }

    /// <summary>Why the agent of a VM does not answer; null when it does.</summary>
    private Answer? Unanswering(int vmid)
    {
        var warnings = "";
        if (host.Conf(Folder, vmid, ref warnings) is not { } conf) { return host.Missing(Folder, vmid, 2); }
        if (!HasAgent(conf)) { return Answer.Dies(255, "No QEMU guest agent configured"); }
        return new VirtualMachines(host.Directory, host.Plan).Status(vmid) switch
        {
            "stopped" => Answer.Dies(255, $"VM {vmid} is not running"),
            "paused" => Answer.Dies(255, $"VM {vmid} qga command 'guest-ping' failed - got timeout"),
            _ when IsSilent(vmid) => Answer.Dies(255, "QEMU guest agent is not running"),
            _ => null,
        };
    }

    private static CommandSpec WithVmid(string name, params CommandOption[] options) =>
        new(name, TakesVmid: true, TakesRest: false, options, $"qm {name} <vmid> [OPTIONS]");

    private Answer Guest(IReadOnlyList<string> rest)
    {
        if (rest.Count is 0 || rest[0] is not "cmd") { return Answer.Dies(255, "nanny-lab: of `qm guest` only `cmd`, `exec` and `exec-status` are in this lab"); }
        return rest.Count > 2 && int.TryParse(rest[1], CultureInfo.InvariantCulture, out var vmid)
            ? AskAgent(vmid, [.. rest.Skip(2)])
            : Answer.Dies(255, "400 not enough arguments\nqm guest cmd <vmid> <command>");
    }

    /// <summary>What the agent in the VM answers. Nobody is in there: its name and addresses come from the conf.</summary>
    private Answer AskAgent(int vmid, IReadOnlyList<string> words)
    {
        var warnings = "";
        if (host.Conf(Folder, vmid, ref warnings) is not { } conf) { return host.Missing(Folder, vmid, 2); }
        if (words.Count is 0) { return Answer.Dies(255, "400 not enough arguments\nqm guest cmd <vmid> <command>"); }
        var guest = host.Status.Guests(host.EtcPve, host.Name).Single(g => g.Vmid == vmid);
        if (!HasAgent(conf)) { return Answer.Dies(255, "No QEMU guest agent configured"); }
        if (guest.Pid is null) { return Answer.Dies(255, $"VM {vmid} is not running"); }
        // A VM that is paused has an agent that cannot answer.
        if (guest.Status is "paused") { return Answer.Dies(255, $"VM {vmid} qga command 'guest-ping' failed - got timeout"); }
        if (IsSilent(vmid)) { return Answer.Dies(255, "QEMU guest agent is not running"); }
        return words[0] switch
        {
            "ping" => new Answer.Ends(0),
            "get-osinfo" => Answer.Says(PerlJson.Pretty(GuestAgent.OsInfo(conf))),
            "network-get-interfaces" => Answer.Says(PerlJson.Pretty(GuestAgent.Interfaces(vmid, conf))),
            "get-host-name" => Answer.Says(PerlJson.Pretty(PerlJson.Object(("host-name", guest.Name)))),
            _ => Answer.Dies(255, $"nanny-lab: `qm guest cmd ID {words[0]}` is not in this lab"),
        };
    }

    private bool IsSilent(int vmid) => new VirtualMachines(host.Directory, host.Plan).IsSilent(vmid);

    /// <summary>Bytes of each output that the agent inside keeps: GUEST_EXEC_MAX_OUTPUT of QEMU.</summary>
    private const int MostOutput = 16 << 20;

    private static bool HasAgent(GuestConf conf)
    {
        var keys = GuestConf.SubKeys(conf["agent"] ?? "");
        return (keys.GetValueOrDefault("enabled") ?? keys.GetValueOrDefault("")) is "1";
    }
}
