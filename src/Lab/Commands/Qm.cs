using System.Globalization;
using NannyOrleans.Lab.Guests;

namespace NannyOrleans.Lab.Commands;

/// <summary>`qm` on a lab host. A lab's VMs are conf files: they are always stopped.</summary>
internal sealed class Qm(LabHost host)
{
    private const string Folder = "qemu-server";

    /// <summary>The sub-commands a lab has.</summary>
    public static IReadOnlyList<CommandSpec> Specs { get; } =
    [
        new("list", TakesVmid: false, TakesRest: false, [CommandOption.Boolean("full")], "qm list  [OPTIONS]"),
        new("status", TakesVmid: true, TakesRest: false, [CommandOption.Boolean("verbose")], "qm status <vmid> [OPTIONS]"),
        new("config", TakesVmid: true, TakesRest: false, [CommandOption.Boolean("current"), CommandOption.Text("snapshot")], "qm config <vmid> [OPTIONS]"),
    ];

    public Answer Run(CommandSpec command, Arguments arguments) => command.Name switch
    {
        "list" => List(),
        "status" => Status(arguments),
        "config" => Config(arguments),
        _ => throw new InvalidOperationException(command.Name),
    };

    private Answer List()
    {
        var warnings = "";
        var rows = new List<VmRow>();
        foreach (var vmid in host.Vmids(Folder))
        {
            if (host.Conf(Folder, vmid, ref warnings) is { } conf)
            {
                rows.Add(new(vmid, conf["name"] ?? $"VM {vmid}", int.Parse(conf["memory"] ?? "512", CultureInfo.InvariantCulture), Bootdisk(conf)));
            }
        }

        return new Answer.Ends(0, GuestTable.QmList(rows), warnings);
    }

    private Answer Status(Arguments arguments)
    {
        var warnings = "";
        if (host.Conf(Folder, arguments.Vmid, ref warnings) is null) { return host.Missing(Folder, arguments.Vmid, 2); }
        if (arguments.Is("verbose")) { return Answer.Dies(255, "nanny-lab: `qm status --verbose` is not in this lab"); }
        return new Answer.Ends(0, "status: stopped\n", warnings);
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

    /// <summary>GiB of the first disk in the boot order; 0 when there is none.</summary>
    private static double Bootdisk(GuestConf conf)
    {
        var first = conf["boot"]?.Replace("order=", "", StringComparison.Ordinal).Split(';')[0] ?? "";
        var size = conf[first]?.Split(',').FirstOrDefault(part => part.StartsWith("size=", StringComparison.Ordinal))?["size=".Length..] ?? "0G";
        var number = double.Parse(size.TrimEnd('K', 'M', 'G', 'T'), CultureInfo.InvariantCulture);
        return size[^1] switch { 'T' => number * 1024, 'M' => number / 1024, 'K' => number / 1024 / 1024, _ => number };
    }
}
