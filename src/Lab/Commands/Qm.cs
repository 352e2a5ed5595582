using System.Globalization;
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
        new("agent", TakesVmid: true, TakesRest: true, [], "qm guest cmd <vmid> <command>"),
        new("guest", TakesVmid: false, TakesRest: true, [], "qm guest cmd <vmid> <command>"),
    ];

    public Answer Run(CommandSpec command, Arguments arguments, IReadOnlyList<string> rest) => command.Name switch
    {
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

    private Answer Guest(IReadOnlyList<string> rest)
    {
        if (rest.Count is 0 || rest[0] is not "cmd") { return Answer.Dies(255, "nanny-lab: of `qm guest` only `cmd` is in this lab"); }
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
        return words[0] switch
        {
            "ping" => new Answer.Ends(0),
            "get-osinfo" => Answer.Says(PerlJson.Pretty(GuestAgent.OsInfo(conf))),
            "network-get-interfaces" => Answer.Says(PerlJson.Pretty(GuestAgent.Interfaces(vmid, conf))),
            "get-host-name" => Answer.Says(PerlJson.Pretty(PerlJson.Object(("host-name", guest.Name)))),
            _ => Answer.Dies(255, $"nanny-lab: `qm guest cmd ID {words[0]}` is not in this lab"),
        };
    }

    private static bool HasAgent(GuestConf conf)
    {
        var keys = GuestConf.SubKeys(conf["agent"] ?? "");
        return (keys.GetValueOrDefault("enabled") ?? keys.GetValueOrDefault("")) is "1";
    }
}
