using System.Globalization;
using System.Text;
using NannyOrleans.Lab.Base;
using NannyOrleans.Lab.Cluster;
using NannyOrleans.Lab.Commands;
using NannyOrleans.Lab.Guests;
using NannyOrleans.Lab.Ha;
using NannyOrleans.Lab.Hosts;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Verbs;

/// <summary>What `up` is asked for.</summary>
internal sealed record UpRequest(
    int Hosts, int Containers, int Stopped, bool Simulated, TimeSpan CommandCost, string Cache, string? Mirror, string? PlanFile, string Release, IReadOnlyList<string> Families, TimeSpan HaRound);

/// <summary>The verbs a person types. Each can be repeated, and mends what a killed one left.</summary>
internal sealed class LabVerbs(LabDirectory directory, Action<string> say)
{
    private static readonly ParallelOptions AFewAtOnce = new() { MaxDegreeOfParallelism = 4 };

    /// <summary>Brings the lab to what is asked, from nothing or from whatever there is.</summary>
    public async Task Up(UpRequest ask, CancellationToken cancellationToken)
    {
        RefuseForeignDirectory();
        using var held = directory.Control(say);
        var reason = WhySimulated(ask.Simulated);
        if (reason is not null) { RefuseClosedDirectory(); }
        var baseDirectory = reason is null ? await new BaseRootfs(ask.Cache, ask.Mirror, say).Ready(cancellationToken) : "";
        var plan = ask.PlanFile is null
            ? LabPlan.For(ask.Hosts, ask.Containers, ask.Stopped, reason, ask.CommandCost, baseDirectory, ask.Release)
            : LabPlan.Parse(await File.ReadAllTextAsync(ask.PlanFile, cancellationToken)) with
            {
                SimulatedReason = reason,
                CommandCost = ask.CommandCost,
                Base = baseDirectory,
            };
        plan = plan with { HaRound = ask.HaRound == LabPlan.UsualHaRound ? plan.HaRound : ask.HaRound };
        if (ask.Families.Count > 0)
        {
            var more = ask.Families.Select((family, i) => new PlannedGuest(300 + i, $"{family}-{i + 1:00}", plan.Hosts[i % plan.Hosts.Count].Name, "lxc", IsWanted: true, family));
            plan = plan with { Guests = plan.Guests.Concat(more).OrderBy(g => g.Vmid).ToList() };
        }

        if (plan.IsSimulated && plan.Guests.FirstOrDefault(g => g.Family is not "apt") is { } foreign)
        {
            throw new LabFailure($"guest {foreign.Vmid} is of the family {foreign.Family}, which cannot be simulated: it needs root and LXC");
        }

        if (directory.IsLab && !SameShape(LabPlan.Parse(await File.ReadAllTextAsync(directory.PlanFile, cancellationToken)), plan))
        {
            throw new LabFailure($"{directory.Path} is a lab of another shape: `nanny-lab down` it first");
        }

        // The plan makes the directory a lab: from here on `down` may remove it.
        LabDirectory.Replace(directory.PlanFile, plan.Format(), LabDirectory.Readable);
        plan = directory.WithoutForgotten(plan);
        Directory.CreateDirectory($"{directory.Path}/state");
        if (reason is not null) { say($"SIMULATED guests: {reason}\nHost patching is not simulated: a host's own jobs are refused"); }
        var files = EtcPve(plan);
        foreach (var host in plan.Hosts)
        {
            HostRoot.Lay(directory, plan, host);
            new ClusterFiles(directory, plan).Lay(host.Name, files);
        }

        var guests = GuestsOf(plan);
        if (!plan.IsSimulated)
        {
            Directory.CreateDirectory(directory.Lxc);
            Directory.CreateDirectory(directory.Roots);
        }

        if (guests is SimulatedGuests simulated && !simulated.Prepare())
        {
            say("this machine gives users no name spaces: a guest's script that sets PATH itself gets this machine's programs");
        }

        foreach (var guest in plan.Guests.Where(g => g.Kind is "lxc")) { guests.Make(guest, plan.Base); }
        var hosts = Change(plan, host => On(host) with { OnbootDone = true }, "up");
        say($"hosts: {string.Join(' ', hosts.Select(h => h.Name))}");
        StartAll(plan, Wanted(plan));
        foreach (var guest in plan.Guests.Where(g => plan.HaVmids.Contains(g.Vmid))) { GuestVerbs.WriteHa(directory, plan, plan.Hosts[0].Name, guest.Vmid, guest.Kind, managed: true); }
        if (plan.IsClustered) { LabDaemon.Ensure(directory, plan); }
    }

    /// <summary>Removes the lab, whatever state it is in. The cache stays.</summary>
    public void Down()
    {
        if (!Directory.Exists(directory.Path))
        {
            say($"no lab in {directory.Path}");
            return;
        }

        RefuseForeignDirectory();
        using var held = directory.Control(say);
        // First what could go on making things: the daemon, and reboots under way.
        Processes.KillAll(() => Processes.Find(words => LabDaemon.IsOf(directory, words)));
        if (Native.IsRoot) { new Containers(directory).Clear(); }
        Processes.KillAll(() => Placeholder.Find(directory.Path));
        Mounts.Clear(directory.Path);
        // The plan goes last: while it is there, a `down` that was killed can be repeated.
        foreach (var folder in Directory.EnumerateDirectories(directory.Path)) { Directory.Delete(folder, recursive: true); }
        foreach (var file in Directory.EnumerateFiles(directory.Path).Where(f => f != directory.PlanFile)) { File.Delete(file); }
        File.Delete(directory.PlanFile);
        Directory.Delete(directory.Path);
        say($"removed {directory.Path}");
    }

    /// <summary>Containers as they were made, all hosts on, everything pending again. Conf files stay as they are.</summary>
    public void Reset()
    {
        var plan = Plan();
        using var held = directory.Control(say);
        var guests = GuestsOf(plan);
        var containers = plan.Guests.Where(g => g.Kind is "lxc").ToList();
        Parallel.ForEach(containers, AFewAtOnce, guest =>
        {
            if (guests.Running().Contains(guest.Vmid)) { guests.Kill(guest.Vmid); }
            guests.Reset(guest, plan.Base);
        });
        if (!plan.IsSimulated) { Parallel.ForEach(plan.Hosts, AFewAtOnce, host => new HostSystems(directory, plan).Reset(host.Name)); }
        Change(plan, host => On(host) with { OnbootDone = true, Island = "" }, "reset");
        var machines = new VirtualMachines(directory, plan);
        foreach (var vmid in machines.Running().Except(Wanted(plan))) { machines.Kill(vmid); }
        StartAll(plan, Wanted(plan));
    }

    /// <summary>Prints what there is; true when all is as `up` wants it.</summary>
    public bool Status(TextWriter output)
    {
        var plan = Plan();
        var hosts = directory.ReadHosts(plan);
        var guests = new PlacedGuests(directory, plan);
        var running = guests.Running();
        var kind = plan.IsSimulated ? "simulated" : "real";
        var text = new StringBuilder();
        if (plan.IsSimulated) { text.Append(CultureInfo.InvariantCulture, $"SIMULATED guests: {plan.SimulatedReason}\n\n"); }
        text.Append("HOST     POWER  PMXCFS   VOTES  QUORATE  BOOT ID\n");
        foreach (var host in hosts)
        {
            var quorate = Membership.IsQuorate(host, hosts, directory.Qdevice(plan)) ? "yes" : "no";
            var pmxcfs = host.IsOn ? host.Pmxcfs.ToString().ToLowerInvariant() : "-";
            text.Append(CultureInfo.InvariantCulture, $"{host.Name,-8} {(!host.IsOn ? "off" : host.Island.Length > 0 ? "cut" : "on"),-6} {pmxcfs,-8} {host.Votes,-6} {quorate,-8} {host.BootId}\n");
        }

        text.Append("\nVMID       NAME                 NODE     STATUS   KIND\n");
        foreach (var guest in plan.Guests)
        {
            var status = running.Contains(guest.Vmid) ? "running" : "stopped";
            text.Append(CultureInfo.InvariantCulture,
                $"{guest.Vmid,-10} {guest.Name,-20} {guests.Find(guest.Vmid)?.Host ?? "-",-8} {status,-8} {(guest.Kind is "qemu" ? "conf only" : kind)}\n");
        }

        output.Write(text);
        return hosts.All(h => h.HasPmxcfs && Membership.IsQuorate(h, hosts, directory.Qdevice(plan)))
            && plan.Guests.All(g => g.IsWanted == running.Contains(g.Vmid));
    }

    /// <summary>Cuts or gives a host its power. Its containers end at once, and start again when it is on and quorate.</summary>
    public void Power(string name, bool on)
    {
        var plan = Plan();
        using var held = directory.Control(say);
        Known(plan, name);
        if (on) { ComeBack(plan, name, "power"); }
        else { Cut(plan, name, "power"); }
    }

    /// <summary>What the watchdog of a host does that lost quorum while HA had services there: a reset, without a word to anybody.</summary>
    public void Fence(string name, string bootId)
    {
        var plan = Plan();
        using var held = directory.Control(say);
        var now = directory.ReadHosts(plan).Single(h => h.Name == name);
        if (!now.IsOn || now.BootId != bootId) { return; }
        Cut(plan, name, "fence");
        var way = RebootWay.Read(directory, name);
        if (way.Kind is "slow") { Change(plan, host => host.Name == name ? host with { BackAt = way.BackAt(DateTimeOffset.UtcNow) } : host, "fence"); }
        else if (way.Kind is not "never") { ComeBack(plan, name, "fence"); }
    }

    private void Cut(LabPlan plan, string name, string why)
    {
        Change(plan, host => host.Name == name ? Off(host) : host, why);
        var guests = new PlacedGuests(directory, plan);
        // Twice: a `pct start` that looked before the power went may come to its end just now.
        new HostSystems(directory, plan).Kill(name);
        HostTask.KillAll(directory, name);
        for (var look = 0; look < 2; look++) { Parallel.ForEach(guests.Running().Where(vmid => guests.On(name, vmid) is not null), AFewAtOnce, guests.Kill); }
        new ClusterFiles(directory, plan).Publish();
    }

    /// <summary>Asks a host to reboot, as `systemctl reboot` on it does: comes back at once, and the rest happens by itself.</summary>
    public void AskReboot(string name)
    {
        var plan = Plan();
        Known(plan, name);
        var host = directory.ReadHosts(plan).Single(h => h.Name == name);
        if (!host.IsOn) { throw new LabFailure($"{name} is switched off"); }
        // Of this boot: a word that comes late must not end the next one.
        HostRoot.Detach(directory, name, "@background", "reboot", host.BootId);
    }

    /// <summary>A clean reboot: guests are shut down, all that runs in the host ends, and it starts anew as <see cref="SetReboot"/> has it.</summary>
    /// <param name="name">The host.</param>
    /// <param name="bootId">The boot it was asked for in; another one stays.</param>
    public void Reboot(string name, string bootId)
    {
        var plan = Plan();
        using var held = directory.Control(say);
        var now = directory.ReadHosts(plan).Single(h => h.Name == name);
        if (!now.IsOn || now.BootId != bootId) { return; }
        // Its LRM says so first: HA freezes what is there, and takes no stopped guest for one that failed.
        Change(plan, host => host.Name == name ? host with { IsRestarting = true } : host);
        var guests = new PlacedGuests(directory, plan);
        Parallel.ForEach(guests.Running().Where(vmid => guests.On(name, vmid) is { Kind: "lxc" }), AFewAtOnce, vmid =>
        {
            // What pve-guests gives each, before it kills.
            if (!guests.Containers.Shutdown(vmid, TimeSpan.FromSeconds(180))) { guests.Containers.Kill(vmid); }
        });
        foreach (var vmid in guests.Machines.Running().Where(vmid => guests.On(name, vmid) is { Kind: "qemu" })) { guests.Machines.Kill(vmid); }
        new HostSystems(directory, plan).Kill(name);
        var way = RebootWay.Read(directory, name);
        // What is due stands in the host's state: the daemon brings it back, also one that was started anew.
        Change(plan, host => host.Name == name ? Off(host) with { BackAt = way.BackAt(DateTimeOffset.UtcNow) } : host, "reboot");
        new HostSystems(directory, plan).Kill(name); // a job that came in between
        HostTask.KillAll(directory, name);
        if (way.Kind is "normal" or "old-kernel") { ComeBack(plan, name, "reboot"); }
        else { LabDaemon.Ensure(directory, plan); }
    }

    /// <summary>Sets how a host's reboots go from now on.</summary>
    /// <param name="name">The host.</param>
    /// <param name="kind"><c>normal</c>, <c>slow</c>, <c>never</c> (it stays off until somebody switches it on) or <c>old-kernel</c>.</param>
    /// <param name="seconds">Of a slow one, until it is back.</param>
    public void SetReboot(string name, string kind, double? seconds)
    {
        var plan = Plan();
        using var held = directory.Control(say);
        Known(plan, name);
        RebootWay.Of(kind, seconds).Write(directory, name);
    }

    /// <summary>Brings hosts back whose time has come.</summary>
    public void BringBack()
    {
        var plan = Plan();
        using var held = directory.Control(say);
        foreach (var host in directory.ReadHosts(plan).Where(h => h.IsDueBack(DateTimeOffset.UtcNow))) { ComeBack(plan, host.Name, "reboot"); }
    }

    private void ComeBack(LabPlan plan, string name, string why)
    {
        Boot(plan, name);
        Change(plan, host => host.Name == name ? On(host) : host, why);
        StartOnboot(plan);
    }

    /// <summary>What a boot leaves behind of the one before.</summary>
    private void Boot(LabPlan plan, string name)
    {
        if (directory.ReadHosts(plan).Single(h => h.Name == name).IsOn) { return; }
        File.Delete($"{directory.Host(name)}/run/reboot-required");
        File.Delete($"{directory.Host(name)}/run/reboot-required.pkgs");
        if (RebootWay.Read(directory, name).Kind is not "old-kernel") { new HostSystems(directory, plan).BootKernel(name); }
    }

    /// <summary>Ends or starts a host's pmxcfs.</summary>
    public void SetPmxcfs(string name, Pmxcfs wanted)
    {
        var plan = Plan();
        using var held = directory.Control(say);
        Known(plan, name);
        if (!directory.ReadHosts(plan).Single(h => h.Name == name).IsOn) { throw new LabFailure($"{name} is switched off"); }
        Change(plan, host => host.Name == name ? Starting(host with { Pmxcfs = wanted }, host) : host);
        StartOnboot(plan);
    }

    /// <summary>What points an agent at a host, for a shell to evaluate.</summary>
    public string Environment(string name)
    {
        Known(Plan(), name);
        var root = directory.Host(name);
        return $"ROOT='{root}'\nPATH='{root}/usr/sbin:{root}/usr/bin':\"$PATH\"\nexport ROOT PATH\n";
    }

    /// <summary>Sets which of Proxmox VE's repositories a host has, and whether any answers.</summary>
    /// <param name="name">The host.</param>
    /// <param name="wanted"><c>no-subscription</c>, <c>enterprise</c> (beside it), <c>enterprise-only</c> or <c>unreachable</c>.</param>
    public void Repository(string name, string wanted)
    {
        var plan = Plan();
        using var held = directory.Control(say);
        Known(plan, name);
        var root = directory.Host(name);
        foreach (var (file, content) in HostFiles.AptSources(plan.ReleaseOf(name)))
        {
            var isPaid = file.Contains("pve-enterprise", StringComparison.Ordinal);
            var isFree = content.Contains("download.proxmox.com", StringComparison.Ordinal);
            var text = isPaid && wanted.StartsWith("enterprise", StringComparison.Ordinal) ? content.Replace("Enabled: no\n", "", StringComparison.Ordinal).Replace("# deb", "deb", StringComparison.Ordinal)
                : isFree && wanted is "enterprise-only" ? file.EndsWith(".sources", StringComparison.Ordinal) ? content + "Enabled: no\n" : "# " + content
                : content;
            LabDirectory.Replace($"{root}/{file}", text, LabDirectory.Readable);
        }

        Directory.CreateDirectory($"{root}/var/lib/nanny-lab");
        if (wanted is "unreachable") { File.WriteAllText($"{root}/var/lib/nanny-lab/unreachable", ""); }
        else { File.Delete($"{root}/var/lib/nanny-lab/unreachable"); }
    }

    /// <summary>Cuts hosts off from the others and from the QDevice, together, or joins them with all who were not cut off.</summary>
    public void Network(IReadOnlyList<string> names, bool cut)
    {
        var plan = Plan();
        using var held = directory.Control(say);
        foreach (var name in names) { Known(plan, name); }
        Change(plan, host => names.Contains(host.Name) ? host with { Island = cut ? string.Join('+', names.Order(StringComparer.Ordinal)) : "" } : host, "network");
        StartOnboot(plan);
    }

    /// <summary>Sets Ceph's health, as if by something that belongs to no host.</summary>
    public void Ceph(string health)
    {
        var plan = Plan();
        CephState.Change(directory, plan, now => now with { Health = health });
    }

    /// <summary>Prints what the referee wrote; true when quorum held all the time.</summary>
    public bool Referee(TextWriter output)
    {
        var plan = Plan();
        using var held = directory.State();
        var (text, isHeld) = Cluster.Referee.Judge(File.Exists(directory.RefereeFile) ? File.ReadAllText(directory.RefereeFile) : "", plan.IsClustered);
        output.Write(text);
        return isHeld;
    }

    /// <summary>Lets the referee begin anew with what is now.</summary>
    public void RestartReferee()
    {
        var plan = Plan();
        using var held = directory.State();
        new Referee(directory).Restart(directory.ReadHosts(plan), directory.Qdevice(plan));
    }

    /// <summary>Gives or takes the vote of the QDevice.</summary>
    public void Qdevice(bool casts)
    {
        var plan = Plan();
        using var held = directory.Control(say);
        if (plan.QdeviceIp is null) { throw new LabFailure("this cluster has no QDevice: a plan's line `qdevice IP` gives it one"); }
        Change(plan, host => host, "qdevice", casts);
        StartOnboot(plan);
    }

    private static IEnumerable<int> Wanted(LabPlan plan) => plan.Guests.Where(g => g.IsWanted).Select(g => g.Vmid);

    private static HostState Off(HostState host) => host with { IsOn = false, Pmxcfs = Pmxcfs.Stopped, BackAt = 0 };

    private static HostState On(HostState host) => Starting(host.IsOn
        ? host with { Pmxcfs = Pmxcfs.Running }
        : host with { IsOn = true, Pmxcfs = Pmxcfs.Running, BootId = Guid.NewGuid().ToString(), OnbootDone = false, BackAt = 0, IsRestarting = false }, host);

    private static HostState Starting(HostState host, HostState before) =>
        host.HasPmxcfs && !before.HasPmxcfs ? host with { Started = DateTimeOffset.UtcNow.ToUnixTimeSeconds() } : host;

    private IReadOnlyList<HostState> Change(LabPlan plan, Func<HostState, HostState> change, string why = "other", bool? casts = null)
    {
        var hosts = new ClusterFiles(directory, plan).Change(change, why, casts);
        foreach (var host in hosts)
        {
            LabDirectory.Replace($"{directory.Host(host.Name)}/proc/sys/kernel/random/boot_id", host.BootId + "\n", LabDirectory.Readable);
        }

        return hosts;
    }

    /// <summary>Guests with `onboot` start once in a boot, as soon as their host is quorate: so does pve-guests.</summary>
    private void StartOnboot(LabPlan plan)
    {
        var hosts = directory.ReadHosts(plan);
        var due = hosts.Where(h => h.HasPmxcfs && !h.OnbootDone && Membership.IsQuorate(h, hosts, directory.Qdevice(plan))).Select(h => h.Name).ToHashSet();
        if (due.Count is 0) { return; }
        var guests = new PlacedGuests(directory, plan);
        foreach (var guest in plan.Guests.SelectMany(g => due.Select(host => guests.On(host, g.Vmid))).OfType<PlacedGuest>().Where(g => g.Conf["lock"] is "backup"))
        {
            // Of all locks that were left, this is the one pve-guests takes away at a boot.
            new ClusterFiles(directory, plan).Write(guest.Host, guest.File, guest.Conf.With("lock", null).Format());
        }

        // What HA manages is the LRM's to start, in its round.
        var managed = plan.IsClustered ? new HaOnDisk(directory, plan, hosts).World().Resources.Select(r => r.Vmid).ToHashSet() : [];
        StartAll(plan, plan.Guests.Select(g => g.Vmid).Where(vmid => !managed.Contains(vmid) && due.Any(host => guests.On(host, vmid) is { } g && g.Conf["onboot"] is "1" && g.Conf["lock"] is null)));
        Change(plan, host => due.Contains(host.Name) ? host with { OnbootDone = true } : host);
    }

    private void StartAll(LabPlan plan, IEnumerable<int> wanted)
    {
        var guests = new PlacedGuests(directory, plan);
        var running = guests.Running();
        var failures = new System.Collections.Concurrent.ConcurrentBag<string>();
        var toStart = wanted.Where(vmid => !running.Contains(vmid)).ToList();
        Parallel.ForEach(toStart, AFewAtOnce, vmid =>
        {
            if (guests.Start(vmid) is { } failure) { failures.Add($"{vmid} did not start: {failure.Trim()}"); }
        });
        new ClusterFiles(directory, plan).Publish();
        if (!failures.IsEmpty) { throw new LabFailure(string.Join('\n', failures.Order(StringComparer.Ordinal))); }
        if (toStart.Count > 0) { say($"started: {string.Join(' ', toStart)}"); }
    }

    private List<KeyValuePair<string, string>> EtcPve(LabPlan plan)
    {
        var ca = $"{directory.Path}/state/pve-root-ca.pem";
        var key = $"{directory.Path}/state/pve-root-ca.key";
        if (!File.Exists(ca) || !File.Exists(key))
        {
            var made = Certificates.MakeRootCa();
            LabDirectory.Replace(key, made.Key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            LabDirectory.Replace(ca, made.Certificate);
        }

        var files = new List<KeyValuePair<string, string>>
        {
            new("pve-root-ca.pem", File.ReadAllText(ca)),
            new("priv/pve-root-ca.key", File.ReadAllText(key)),
            new("storage.cfg", Storages.Config(plan.Hosts[0].Name)),
            new("datacenter.cfg", "keyboard: en-us\nmigration: type=insecure,network=10.99.0.0/24\n"),
        };
        if (plan.CephHealth is not null) { files.Add(new("ceph.conf", CephConf(plan))); }
        if (plan.IsClustered) { files.Add(new("corosync.conf", PmxcfsFiles.CorosyncConf(plan))); }
        files.AddRange(plan.Guests.Select(g => new KeyValuePair<string, string>(
            $"nodes/{g.Node}/{(g.Kind is "lxc" ? "lxc" : "qemu-server")}/{g.Vmid}.conf", FirstConf.For(g))));
        return files;
    }

    private static string CephConf(LabPlan plan) =>
        $"[global]\n\tauth_cluster_required = cephx\n\tfsid = 00000000-1111-2222-3333-444444444444\n\tmon_host = {string.Join(' ', plan.Hosts.Select(h => h.Ip))}\n\tpublic_network = 10.99.0.0/16\n";

    private static string? WhySimulated(bool asked) =>
        asked ? "asked for with --simulated"
        : !Native.IsRoot ? "containers need root"
        : Programs.Find("lxc-start") is null || Programs.Find("lxc-attach") is null ? "LXC is not installed: apt-get install lxc"
        : !File.ReadLines("/proc/filesystems").Any(line => line.EndsWith("\toverlay", StringComparison.Ordinal)) ? "this kernel has no overlayfs"
        : null;

    /// <summary>Root's simulated guests run as nobody, who has to get to them.</summary>
    private void RefuseClosedDirectory()
    {
        for (var above = Path.GetDirectoryName(Path.GetFullPath(directory.Path)); Native.IsRoot && above is not null; above = Path.GetDirectoryName(above))
        {
            if (Directory.Exists(above) && !File.GetUnixFileMode(above).HasFlag(UnixFileMode.OtherExecute))
            {
                throw new LabFailure($"{above} is closed to other users, and root's simulated guests run as nobody: choose another --dir, or chmod o+x it");
            }
        }
    }

    /// <summary>A lab is known by its plan, or, when a crash or a person took that, by having nothing but what labs have.</summary>
    private void RefuseForeignDirectory()
    {
        if (!Directory.Exists(directory.Path) || directory.IsLab) { return; }
        var entries = Directory.EnumerateFileSystemEntries(directory.Path).Select(e => Path.GetFileName(e)!).ToHashSet();
        if (entries.Count is 0) { return; }
        if (!entries.Contains(Path.GetFileName(directory.ControlLock)) || !entries.All(LabDirectory.IsOwnName))
        {
            throw new LabFailure($"{directory.Path} is not empty and not a lab: not touching it");
        }
    }

    private LabPlan Plan() => directory.RequirePlan();

    private IGuests GuestsOf(LabPlan plan) => plan.IsSimulated ? new SimulatedGuests(directory) : new Containers(directory);

    /// <summary>Refuses a host that is not in the plan.</summary>
    public static void Known(LabPlan plan, string name)
    {
        if (plan.Hosts.All(h => h.Name != name))
        {
            throw new LabFailure($"no host `{name}` in this lab: {string.Join(' ', plan.Hosts.Select(h => h.Name))}");
        }
    }

    private static bool SameShape(LabPlan a, LabPlan b) => a.IsSimulated == b.IsSimulated
        && a.Base == b.Base && a.QdeviceIp == b.QdeviceIp && a.CephHealth == b.CephHealth && a.Hosts.SequenceEqual(b.Hosts) && a.Guests.SequenceEqual(b.Guests);
}
