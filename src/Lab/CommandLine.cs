using System.CommandLine;
using System.Globalization;
using NannyOrleans.Lab.Cluster;
using NannyOrleans.Lab.Verbs;

namespace NannyOrleans.Lab;

/// <summary>The verbs as a person types them.</summary>
internal static class CommandLine
{
    private static readonly Option<string?> Dir = new("--dir")
    {
        Description = "The lab's own directory. Default /var/lib/nanny-lab as root, else ~/.local/share/nanny-lab.",
        HelpName = "DIR",
        Recursive = true,
    };

    public static RootCommand Build()
    {
        var root = new RootCommand("A Proxmox VE cluster on this machine: hosts are directories with PVE's commands, containers are real.") { Dir };
        root.Subcommands.Add(Up());
        root.Subcommands.Add(Verb("down", "Stop and remove the lab, whatever state it is in. The cache stays.", (verbs, _) => verbs.Down()));
        root.Subcommands.Add(Verb("reset", "Containers as new, all hosts on, every update pending again.", (verbs, _) => verbs.Reset()));
        root.Subcommands.Add(Status());
        root.Subcommands.Add(Power());
        root.Subcommands.Add(OfHost("power-off", "Cut a host's power.", (verbs, host) => verbs.Power(host, on: false)));
        root.Subcommands.Add(OfHost("power-on", "Give a host its power back: it boots.", (verbs, host) => verbs.Power(host, on: true)));
        root.Subcommands.Add(RebootAs());
        root.Subcommands.Add(SetPmxcfs());
        root.Subcommands.Add(Machine());
        root.Subcommands.Add(Migrate());
        root.Subcommands.Add(MigrationTakes());
        root.Subcommands.Add(Backup());
        root.Subcommands.Add(Destroy());
        root.Subcommands.Add(Ha());
        root.Subcommands.Add(Lock());
        root.Subcommands.Add(OfGuest("unlock", "Take a guest's lock away.", (verbs, vmid) => verbs.Lock(vmid, null)));
        root.Subcommands.Add(OfGuest("freeze", "Stop all of a container's processes.", (verbs, vmid) => verbs.Freeze(vmid, frozen: true)));
        root.Subcommands.Add(OfGuest("thaw", "Let a frozen container go on.", (verbs, vmid) => verbs.Freeze(vmid, frozen: false)));
        root.Subcommands.Add(Repository());
        root.Subcommands.Add(DpkgLocks());
        root.Subcommands.Add(Qdevice());
        root.Subcommands.Add(Network());
        root.Subcommands.Add(Ceph());
        root.Subcommands.Add(Referee());
        root.Subcommands.Add(Env());
        return root;
    }

    private static Command Up()
    {
        var hosts = Count("--hosts", "PVE hosts; one is a standalone host without a cluster.", 3, least: 1, most: 32);
        var containers = Count("--containers", "Containers in all, spread over the hosts and started.", 6, least: 0, most: 200);
        var stopped = Count("--stopped", "Further containers that are made and not started.", 0, least: 0, most: 100);
        var cost = Count("--command-cost-ms", "CPU time each pct and qm burns, in milliseconds; about 850 on a real host.", 0, least: 0, most: 60_000);
        var round = new Option<double>("--ha-round-seconds")
        {
            Description = "Time of one round of HA, from which all its delays follow; ten seconds on a real cluster. Default: NANNY_LAB_HA_ROUND_SECONDS, or 10.",
            HelpName = "SECONDS",
            DefaultValueFactory = _ => double.TryParse(Environment.GetEnvironmentVariable("NANNY_LAB_HA_ROUND_SECONDS"), CultureInfo.InvariantCulture, out var s) ? s : LabPlan.UsualHaRound.TotalSeconds,
        };
        var simulated = new Option<bool>("--simulated") { Description = "Directories instead of containers, as without root or LXC." };
        var cache = new Option<string?>("--cache")
        {
            Description = "Where the base root file system is kept, for all labs. Default /var/cache/nanny-lab.",
            HelpName = "DIR",
        };
        var mirror = new Option<string?>("--mirror") { Description = "Debian mirror to build the base from. Default: this machine's own.", HelpName = "URL" };
        var release = new Option<string>("--pve")
        {
            Description = $"Release of Proxmox VE on all hosts: {string.Join(", ", PveRelease.All.Select(r => r.Name))}. A plan file can mix them.",
            HelpName = "RELEASE",
            DefaultValueFactory = _ => PveRelease.Usual,
        };
        release.AcceptOnlyFromAmong([.. PveRelease.All.Select(r => r.Name)]);
        var plan = new Option<string?>("--plan")
        {
            Description = "Hosts and guests from a file instead of counts: lines `host ID NAME IP [RELEASE] [votes=N]`, `guest VMID lxc|qemu HOST on|off NAME [family=apt|dnf|zypper|pacman]`, "
                + "`ha VMID`, `qdevice IP`, `ceph HEALTH_OK|HEALTH_WARN|HEALTH_ERR`.",
            HelpName = "FILE",
        };
        var families = new Option<string[]>("--family")
        {
            Description = "A container more, 300 and up, of another family: dnf, zypper or pacman. Can be given several times.",
            HelpName = "FAMILY",
            DefaultValueFactory = _ => [],
        };
        families.AcceptOnlyFromAmong([.. PlannedGuest.Families]);
        var command = new Command("up", "Bring the lab to the wanted state; repeating it changes nothing.")
        {
            hosts, containers, stopped, simulated, plan, release, cost, cache, mirror, families, round,
        };
        command.SetAction((parsed, cancellationToken) => Guarded(async () =>
        {
            var ask = new UpRequest(
                parsed.GetValue(hosts), parsed.GetValue(containers), parsed.GetValue(stopped), parsed.GetValue(simulated),
                TimeSpan.FromMilliseconds(parsed.GetValue(cost)),
                Path.GetFullPath(parsed.GetValue(cache) ?? "/var/cache/nanny-lab"), parsed.GetValue(mirror), parsed.GetValue(plan), parsed.GetValue(release)!,
                parsed.GetValue(families) ?? [],
                parsed.GetValue(round) is >= 0.05 and <= 600 and var seconds ? TimeSpan.FromSeconds(seconds) : throw new LabFailure("--ha-round-seconds takes 0.05 to 600"));
            await Verbs(parsed).Up(ask, cancellationToken);
            return 0;
        }));
        return command;
    }

    private static Command Status()
    {
        var command = new Command("status", "Show hosts and guests; exit code 0 when all is as `up` wants it, else 3.");
        command.SetAction((parsed, _) => Guarded(() => Task.FromResult(Verbs(parsed).Status(Console.Out) ? 0 : 3)));
        return command;
    }

    private static Command Power()
    {
        var host = Host();
        var power = new Argument<string>("on|off|reboot");
        power.AcceptOnlyFromAmong("on", "off", "reboot");
        var command = new Command("host", "Cut a host's power, give it back, or reboot it cleanly in the background.") { host, power };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            if (parsed.GetValue(power) is "reboot") { Verbs(parsed).AskReboot(parsed.GetValue(host)!); }
            else { Verbs(parsed).Power(parsed.GetValue(host)!, parsed.GetValue(power) is "on"); }
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command RebootAs()
    {
        var host = Host();
        var kind = new Argument<string>("KIND") { Description = "normal, slow, never (it stays off), or old-kernel." };
        kind.AcceptOnlyFromAmong(RebootWay.Kinds);
        var seconds = new Argument<double?>("SECONDS") { Description = "Of a slow one, until it is back.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("reboot-as", "Set how a host's reboots go from now on.") { host, kind, seconds };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            Verbs(parsed).SetReboot(parsed.GetValue(host)!, parsed.GetValue(kind)!, parsed.GetValue(seconds));
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command OfHost(string name, string description, Action<LabVerbs, string> run)
    {
        var host = Host();
        var command = new Command(name, description) { host };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            run(Verbs(parsed), parsed.GetValue(host)!);
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command SetPmxcfs()
    {
        var host = Host();
        var wanted = new Argument<string>("stop|kill|start");
        wanted.AcceptOnlyFromAmong("stop", "kill", "start");
        var command = new Command("pmxcfs", "Stop, kill or start the file system of /etc/pve on a host.") { host, wanted };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            var state = parsed.GetValue(wanted) switch { "stop" => Pmxcfs.Stopped, "kill" => Pmxcfs.Killed, _ => Pmxcfs.Running };
            Verbs(parsed).SetPmxcfs(parsed.GetValue(host)!, state);
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command Machine()
    {
        var vmid = Vmid();
        var power = new Argument<string>("on|off|paused|deaf|silent");
        power.AcceptOnlyFromAmong("on", "off", "paused", "deaf", "silent");
        var command = new Command("vm", "Switch a VM on or off, pause it, let it ignore that it shall shut down, or stop the guest agent inside: a process with kvm's command line.") { vmid, power };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            OnGuest(parsed).Machine(parsed.GetValue(vmid), parsed.GetValue(power)!);
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command Migrate()
    {
        var vmid = Vmid();
        var host = Host();
        var command = new Command("migrate", "Move a guest to another host; a running one is stopped and started there.") { vmid, host };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            OnGuest(parsed).Migrate(parsed.GetValue(vmid), parsed.GetValue(host)!);
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command MigrationTakes()
    {
        var seconds = new Argument<double>("SECONDS") { Description = "From the lock in the conf until the guest is at the target; 0 at first." };
        var command = new Command("migration-takes", "Set how long the disks of a guest take to another host.") { seconds };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            OnGuest(parsed).MigrationTakes(parsed.GetValue(seconds));
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command Backup()
    {
        var vmid = Vmid();
        var what = new Argument<string>("begin|end");
        what.AcceptOnlyFromAmong("begin", "end");
        var command = new Command("backup", "Let a backup of a guest begin or end: its lock, and a task vzdump in its host's list.") { vmid, what };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            OnGuest(parsed).Backup(parsed.GetValue(vmid), parsed.GetValue(what) is "begin");
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command Destroy()
    {
        var vmid = Vmid();
        var command = new Command("destroy", "Stop a guest and remove it for good.") { vmid };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            OnGuest(parsed).Destroy(parsed.GetValue(vmid));
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command Ha()
    {
        var action = new Argument<string>("add|remove");
        action.AcceptOnlyFromAmong("add", "remove");
        var vmid = Vmid();
        var command = new Command("ha", "Let HA manage a guest, or leave it alone.") { action, vmid };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            OnGuest(parsed).Ha(parsed.GetValue(vmid), parsed.GetValue(action) is "add");
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command Qdevice()
    {
        var power = new Argument<string>("on|off");
        power.AcceptOnlyFromAmong("on", "off");
        var command = new Command("qdevice", "Give or take the vote of the cluster's QDevice.") { power };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            Verbs(parsed).Qdevice(parsed.GetValue(power) is "on");
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command Network()
    {
        var what = new Argument<string>("cut|join");
        what.AcceptOnlyFromAmong("cut", "join");
        var hosts = new Argument<string[]>("NAME...") { Description = "Hosts: pve1, pve2, ...", Arity = ArgumentArity.OneOrMore };
        var command = new Command("network", "Cut hosts off from the others, those named still seeing each other, or join them again.") { what, hosts };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            Verbs(parsed).Network(parsed.GetValue(hosts)!, parsed.GetValue(what) is "cut");
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command Ceph()
    {
        var health = new Argument<string>("HEALTH_OK|HEALTH_WARN|HEALTH_ERR");
        health.AcceptOnlyFromAmong(CephState.Healths);
        var command = new Command("ceph", "Set the health of Ceph; flags and hosts that are off make it worse by themselves.") { health };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            Verbs(parsed).Ceph(parsed.GetValue(health)!);
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command Referee()
    {
        var restart = new Option<bool>("--restart") { Description = "Forget what was, and begin with the votes of now." };
        var command = new Command("referee", "Show each change of the votes online; exit code 0 when quorum held all the time, else 1.") { restart };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            if (!parsed.GetValue(restart)) { return Task.FromResult(Verbs(parsed).Referee(Console.Out) ? 0 : 1); }
            Verbs(parsed).RestartReferee();
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command Lock()
    {
        var vmid = Vmid();
        var why = new Argument<string>("LOCK") { Description = "backup, snapshot, migrate, rollback, ..." };
        var command = new Command("lock", "Lock a guest in its conf, as a backup does.") { vmid, why };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            OnGuest(parsed).Lock(parsed.GetValue(vmid), parsed.GetValue(why)!);
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command OfGuest(string name, string description, Action<GuestVerbs, int> run)
    {
        var vmid = Vmid();
        var command = new Command(name, description) { vmid };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            run(OnGuest(parsed), parsed.GetValue(vmid));
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command Repository()
    {
        var host = Host();
        var wanted = new Argument<string>("no-subscription|enterprise|enterprise-only|unreachable");
        wanted.AcceptOnlyFromAmong("no-subscription", "enterprise", "enterprise-only", "unreachable");
        var command = new Command("repository", "Set which repositories of Proxmox VE a host has; without a subscription the enterprise one answers 401.") { host, wanted };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            Verbs(parsed).Repository(parsed.GetValue(host)!, parsed.GetValue(wanted)!);
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command DpkgLocks()
    {
        var target = new Argument<string>("NAME|VMID") { Description = "A host or a container: pve1, 100, ..." };
        var wanted = new Argument<string>("hold|release");
        wanted.AcceptOnlyFromAmong("hold", "release");
        var command = new Command("dpkg", "Hold dpkg's locks in a host or a container, as another package manager at work.") { target, wanted };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            new DpkgLock(LabDirectory.At(parsed.GetValue(Dir)), Console.Error.WriteLine).Set(parsed.GetValue(target)!, parsed.GetValue(wanted) is "hold");
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command Env()
    {
        var host = Host();
        var command = new Command("env", "Print ROOT and PATH that point an agent at a host, for a shell to evaluate.") { host };
        command.SetAction((parsed, _) => Guarded(() =>
        {
            Console.Out.Write(Verbs(parsed).Environment(parsed.GetValue(host)!));
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command Verb(string name, string description, Action<LabVerbs, ParseResult> run)
    {
        var command = new Command(name, description);
        command.SetAction((parsed, _) => Guarded(() =>
        {
            run(Verbs(parsed), parsed);
            return Task.FromResult(0);
        }));
        return command;
    }

    private static LabVerbs Verbs(ParseResult parsed) => new(LabDirectory.At(parsed.GetValue(Dir)), Console.Error.WriteLine);

    private static GuestVerbs OnGuest(ParseResult parsed) => new(LabDirectory.At(parsed.GetValue(Dir)), Console.Error.WriteLine);

    private static Argument<int> Vmid() => new("VMID") { Description = "A guest: 100, 101, 200, ..." };

    private static async Task<int> Guarded(Func<Task<int>> work)
    {
        Linux.Native.UseOrdinaryUmask();
        try
        {
            return await work();
        }
        catch (Exception e) when (e is LabFailure or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"nanny-lab: {e.Message}");
            return 1;
        }
    }

    private static Argument<string> Host() => new("NAME") { Description = "A host: pve1, pve2, ..." };

    private static Option<int> Count(string name, string description, int usual, int least, int most)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => usual, HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && int.TryParse(result.Tokens[0].Value, out var n) && (n < least || n > most))
            {
                result.AddError($"{name} takes {least} to {most}");
            }
        });
        return option;
    }
}
