using System.Globalization;
using NannyOrleans.Lab.Ha;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Cluster;

/// <summary>
/// The hosts' copies of /etc/pve. Real directories, one for each host: a host that loses quorum keeps its last known state.
/// A write goes to every host the writer is quorate with, under one lock.
/// </summary>
/// <remarks>What a directory cannot do: refuse root's own writes without quorum. The lab's commands refuse them.</remarks>
internal sealed class ClusterFiles(LabDirectory directory, LabPlan plan)
{
    private const string Pending = ".sync";
    private static readonly string[] Parts = ["nodes", "priv", "ha"];

    /// <summary>Changes hosts' states and lets every pmxcfs see it. Repeating it mends what a crash left.</summary>
    /// <param name="change">What becomes of each.</param>
    /// <param name="why">In a word, for the referee.</param>
    /// <param name="casts">Whether the QDevice gives its vote from now on; null leaves it as it is.</param>
    public IReadOnlyList<HostState> Change(Func<HostState, HostState> change, string why = "", bool? casts = null)
    {
        using var held = directory.State();
        var before = directory.ReadHosts(plan);
        var after = before.Select(change).ToList();
        var was = directory.Qdevice(plan);
        new Referee(directory).Watch(before, after, was, was with { IsCasting = casts ?? was.IsCasting }, why);
        if (casts is true) { File.Delete(directory.QdeviceOffMark); }
        else if (casts is false) { File.WriteAllText(directory.QdeviceOffMark, ""); }
        after = after.Select(h => Membership.SeesChange(h, before, after, directory.Qdevice(plan)) ? h with { MembersVersion = h.MembersVersion + 1 } : h).ToList();
        foreach (var host in after) { Place(host); }
        after = Synchronise(after);
        foreach (var host in after.Where(h => h.HasPmxcfs && !Membership.IsQuorate(h, after, directory.Qdevice(plan)))) { Close(host); }
        foreach (var host in after) { LabDirectory.Replace(directory.StateFile(host.Name), host.Format(), LabDirectory.Readable); }
        Refresh(after, new HashSet<int>());
        return after;
    }

    /// <summary>Rewrites what pmxcfs, pvestatd and the HA daemons would, after guests were started or stopped.</summary>
    public void Publish()
    {
        using var held = directory.State();
        Refresh(directory.ReadHosts(plan), new HashSet<int>());
    }

    /// <summary>Writes a file of /etc/pve from <paramref name="writer"/>; false when that host has no quorum.</summary>
    /// <param name="writer">The host whose command writes.</param>
    /// <param name="file">Relative to /etc/pve.</param>
    /// <param name="content">The whole new content.</param>
    public bool Write(string writer, string file, string content) => Edit(writer, file, etcPve => LabDirectory.Replace($"{etcPve}/{file}", content));

    /// <summary>Adds a line to a file; false when <paramref name="writer"/> has no quorum.</summary>
    public bool Append(string writer, string file, string line)
    {
        var path = $"{directory.EtcPve(writer)}/{file}";
        return Edit(writer, file, () =>
        {
            var content = (File.Exists(path) ? File.ReadAllText(path) : "") + line + "\n";
            return etcPve => LabDirectory.Replace($"{etcPve}/{file}", content);
        });
    }

    /// <summary>Moves a file, as a migrated guest's; false when <paramref name="writer"/> has no quorum.</summary>
    public bool Move(string writer, string file, string to) => Edit(writer, to, etcPve => File.Move($"{etcPve}/{file}", $"{etcPve}/{to}"));

    /// <summary>Removes a file; false when <paramref name="writer"/> has no quorum.</summary>
    public bool Delete(string writer, string file) => Edit(writer, file, etcPve => File.Delete($"{etcPve}/{file}"));

    private bool Edit(string writer, string file, Action<string> edit) => Edit(writer, file, () => edit);

    /// <param name="writer">Whose command writes.</param>
    /// <param name="file">The file that is new, by its change counter.</param>
    /// <param name="prepare">Called under the lock, once; what it gives is done to each copy.</param>
    private bool Edit(string writer, string file, Func<Action<string>> prepare)
    {
        using var held = directory.State();
        var hosts = directory.ReadHosts(plan);
        var from = hosts.Single(h => h.Name == writer);
        if (!from.HasPmxcfs || !Membership.IsQuorate(from, hosts, directory.Qdevice(plan))) { return false; }
        var version = from.Replica + 1;
        var edit = prepare();
        foreach (var host in hosts.Where(h => Membership.SeesOnline(from, h)))
        {
            edit(directory.EtcPve(host.Name));
            LabDirectory.Replace(directory.StateFile(host.Name), (host with { Replica = version }).Format(), LabDirectory.Readable);
        }

        var changes = Changes();
        changes[file] = changes.GetValueOrDefault(file, 1) + 1;
        LabDirectory.Replace(directory.ChangesFile, string.Concat(changes.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Value} {c.Key}\n"))));
        var changed = int.TryParse(Path.GetFileNameWithoutExtension(file), CultureInfo.InvariantCulture, out var vmid) ? new HashSet<int> { vmid } : [];
        Refresh(directory.ReadHosts(plan), changed);
        return true;
    }

    /// <summary>Lays a fresh copy of /etc/pve at a host that has none.</summary>
    public void Lay(string host, IEnumerable<KeyValuePair<string, string>> files)
    {
        var root = directory.RestingReplica(host);
        if (Directory.Exists($"{directory.EtcPve(host)}/nodes") || Directory.Exists($"{root}/nodes")) { return; }
        var making = root + Pending;
        if (Directory.Exists(making)) { Directory.Delete(making, recursive: true); }
        foreach (var node in plan.Hosts)
        {
            Directory.CreateDirectory($"{making}/nodes/{node.Name}/lxc");
            Directory.CreateDirectory($"{making}/nodes/{node.Name}/qemu-server");
        }

        Directory.CreateDirectory($"{making}/priv", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.CreateDirectory($"{making}/ha");
        File.CreateSymbolicLink($"{making}/local", $"nodes/{host}");
        File.CreateSymbolicLink($"{making}/lxc", $"nodes/{host}/lxc");
        File.CreateSymbolicLink($"{making}/qemu-server", $"nodes/{host}/qemu-server");
        foreach (var (file, content) in files) { LabDirectory.Replace($"{making}/{file}", content, ModeOf(file)); }
        Directory.Move(making, root);
    }

    /// <summary>Puts a host's copy where its pmxcfs' state wants it.</summary>
    private void Place(HostState host)
    {
        var shown = directory.EtcPve(host.Name);
        var resting = directory.RestingReplica(host.Name);
        Directory.CreateDirectory($"{directory.Host(host.Name)}/etc");
        Mounts.Clear(shown);
        if (host.HasPmxcfs)
        {
            if (!Directory.Exists(resting)) { return; }
            if (Directory.Exists(shown)) { Directory.Delete(shown, recursive: true); }
            Directory.Move(resting, shown);
            return;
        }

        if (Directory.Exists($"{shown}/nodes")) { Directory.Move(shown, resting); }
        Directory.CreateDirectory(shown);
        // Who is not root cannot mount: there a killed pmxcfs leaves the empty directory of a stopped one.
        if (host.IsOn && host.Pmxcfs is Pmxcfs.Killed && Native.IsRoot && !Native.MountDeadFuse(shown))
        {
            throw new LabFailure($"cannot make {shown} a dead mount: is /dev/fuse there?");
        }
    }

    /// <summary>Lets nobody write where there is no quorum. The files pmxcfs makes up lie above and go on.</summary>
    private void Close(HostState host)
    {
        // Who is not root cannot mount: there only the lab's own commands refuse.
        if (!Native.IsRoot) { return; }
        foreach (var part in Parts.Select(p => $"{directory.EtcPve(host.Name)}/{p}").Where(Directory.Exists))
        {
            if (!Native.MountReadOnly(part)) { throw new LabFailure($"cannot make {part} read-only"); }
        }
    }

    /// <summary>Hosts that are behind take over the copy of the one that leads where they are.</summary>
    private List<HostState> Synchronise(List<HostState> hosts)
    {
        return hosts.Select(host =>
        {
            var leader = Membership.Leader(hosts.Where(h => Membership.Reaches(host, h)));
            if (leader is null || !host.HasPmxcfs || host.Replica == leader.Replica) { return host; }
            foreach (var part in Parts)
            {
                var target = $"{directory.EtcPve(host.Name)}/{part}";
                Copy($"{directory.EtcPve(leader.Name)}/{part}", target + Pending);
                if (Directory.Exists(target)) { Directory.Delete(target, recursive: true); }
                Directory.Move(target + Pending, target);
            }

            return host with { Replica = leader.Replica };
        }).ToList();
    }

    /// <summary>Rewrites the files pmxcfs makes up, on each host where it runs.</summary>
    private void Refresh(IReadOnlyList<HostState> hosts, IReadOnlySet<int> changed)
    {
        var leader = Membership.Leader(hosts);
        if (leader is null) { return; }
        var old = File.Exists(directory.VmListFile) ? VmList.Parse(File.ReadAllText(directory.VmListFile)) : VmList.Empty;
        var list = old.Seen(GuestFiles(directory.EtcPve(leader.Name)), changed);
        LabDirectory.Replace(directory.VmListFile, list.Format());
        foreach (var host in hosts.Where(h => h.HasPmxcfs))
        {
            LabDirectory.Replace($"{directory.EtcPve(host.Name)}/.members", PmxcfsFiles.Members(plan, host, hosts, directory.Qdevice(plan)));
            // Who was cut off keeps the list of then.
            if (Membership.Reaches(leader, host)) { LabDirectory.Replace($"{directory.EtcPve(host.Name)}/.vmlist", PmxcfsFiles.VmList(list)); }
        }

        RefreshStatus(hosts, list, directory.EtcPve(leader.Name));
    }

    /// <summary>Rewrites what the hosts' daemons tell each other. A host that is not seen has no lines: pmxcfs forgets them after five minutes, the lab at once.</summary>
    private void RefreshStatus(IReadOnlyList<HostState> hosts, VmList list, string leading)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var status = new LabStatus(directory, plan);
        var guests = plan.Hosts.ToDictionary(h => h.Name, h => status.Guests(leading, h.Name));
        new HaOnDisk(directory, plan, hosts).Settle();
        var lines = hosts.Where(h => h.HasPmxcfs).ToDictionary(h => h.Name, h => StatusFiles.Rrd(
            plan.ReleaseOf(h.Name), h.Name, status.Machine, guests[h.Name], status.StoragesOf(leading, h.Name), now));
        var changes = Changes();
        foreach (var host in hosts.Where(h => h.HasPmxcfs))
        {
            var seen = hosts.Where(h => Membership.SeesOnline(host, h)).Select(h => h.Name).ToList();
            LabDirectory.Replace($"{directory.EtcPve(host.Name)}/.rrd", string.Concat(seen.Select(n => lines[n])));
            LabDirectory.Replace($"{directory.EtcPve(host.Name)}/.version", StatusFiles.Version(plan.ReleaseOf(host.Name), host, list, changes, seen));
        }
    }

    /// <summary>One round of HA: decided and written under the lock, and what is to be done handed back.</summary>
    public IReadOnlyList<HaEffect> HaRound(HaModel model, Func<string, bool> isUnderWay)
    {
        using var held = directory.State();
        var files = new HaOnDisk(directory, plan, directory.ReadHosts(plan));
        var world = files.World();
        var (status, effects) = model.Round(world, files.Status(), isUnderWay);
        files.Write(status);
        // Without a master nobody reads them: they wait.
        if (world.Commands.Count > 0 && status.Manager is { } manager && world.IsMember(manager.Master)) { files.ForgetCommands(); }
        return effects;
    }

    private Dictionary<string, int> Changes() => File.Exists(directory.ChangesFile)
        ? File.ReadLines(directory.ChangesFile).Select(l => l.Split(' ', 2)).ToDictionary(w => w[1], w => int.Parse(w[0], CultureInfo.InvariantCulture))
        : [];

    /// <summary>The guests whose files are in a copy of /etc/pve.</summary>
    public static IEnumerable<(int Vmid, string Node, string Kind)> GuestFiles(string etcPve)
    {
        foreach (var node in Directory.EnumerateDirectories($"{etcPve}/nodes"))
        {
            foreach (var (folder, kind) in new[] { ("lxc", "lxc"), ("qemu-server", "qemu") })
            {
                if (!Directory.Exists($"{node}/{folder}")) { continue; }
                foreach (var file in Directory.EnumerateFiles($"{node}/{folder}", "*.conf"))
                {
                    if (int.TryParse(Path.GetFileNameWithoutExtension(file), CultureInfo.InvariantCulture, out var vmid))
                    {
                        yield return (vmid, Path.GetFileName(node), kind);
                    }
                }
            }
        }
    }

    private static void Copy(string from, string to)
    {
        if (Directory.Exists(to)) { Directory.Delete(to, recursive: true); }
        Directory.CreateDirectory(to, File.GetUnixFileMode(from));
        foreach (var file in Directory.EnumerateFiles(from)) { File.Copy(file, $"{to}/{Path.GetFileName(file)}"); }
        foreach (var folder in Directory.EnumerateDirectories(from)) { Copy(folder, $"{to}/{Path.GetFileName(folder)}"); }
    }

    private static UnixFileMode ModeOf(string file) => file.StartsWith("priv/", StringComparison.Ordinal)
        ? UnixFileMode.UserRead | UnixFileMode.UserWrite
        : UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
}
