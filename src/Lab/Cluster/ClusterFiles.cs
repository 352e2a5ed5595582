using System.Globalization;
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

    /// <summary>Changes hosts' states and lets every pmxcfs see it. Repeating it mends what a crash left.</summary>
    public IReadOnlyList<HostState> Change(Func<HostState, HostState> change)
    {
        using var held = directory.State();
        var before = directory.ReadHosts(plan);
        var after = before.Select(change).ToList();
        after = after.Select(h => Membership.SeesChange(h, before, after) ? h with { MembersVersion = h.MembersVersion + 1 } : h).ToList();
        foreach (var host in after) { Place(host); }
        after = Synchronise(after);
        foreach (var host in after) { LabDirectory.Replace(directory.StateFile(host.Name), host.Format(), LabDirectory.Readable); }
        Refresh(after, new HashSet<int>());
        return after;
    }

    /// <summary>Writes a file of /etc/pve from <paramref name="writer"/>; false when that host has no quorum.</summary>
    /// <param name="writer">The host whose command writes.</param>
    /// <param name="file">Relative to /etc/pve.</param>
    /// <param name="content">The whole new content.</param>
    public bool Write(string writer, string file, string content)
    {
        using var held = directory.State();
        var hosts = directory.ReadHosts(plan);
        var from = hosts.Single(h => h.Name == writer);
        if (!from.HasPmxcfs || !Membership.IsQuorate(from, hosts)) { return false; }
        var version = from.Replica + 1;
        foreach (var host in hosts.Where(h => Membership.SeesOnline(from, h)))
        {
            LabDirectory.Replace($"{directory.EtcPve(host.Name)}/{file}", content);
            LabDirectory.Replace(directory.StateFile(host.Name), (host with { Replica = version }).Format(), LabDirectory.Readable);
        }

        var changed = int.TryParse(Path.GetFileNameWithoutExtension(file), CultureInfo.InvariantCulture, out var vmid) ? new HashSet<int> { vmid } : [];
        Refresh(hosts, changed);
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

    /// <summary>Hosts that are behind take over the copy of the one that leads.</summary>
    private List<HostState> Synchronise(List<HostState> hosts)
    {
        var leader = Membership.Leader(hosts);
        if (leader is null) { return hosts; }
        return hosts.Select(host =>
        {
            if (!host.HasPmxcfs || host.Replica == leader.Replica) { return host; }
            foreach (var part in new[] { "nodes", "priv", "ha" })
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
            LabDirectory.Replace($"{directory.EtcPve(host.Name)}/.members", PmxcfsFiles.Members(plan, host, hosts));
            LabDirectory.Replace($"{directory.EtcPve(host.Name)}/.vmlist", PmxcfsFiles.VmList(list));
        }
    }

    private static IEnumerable<(int Vmid, string Node, string Kind)> GuestFiles(string etcPve)
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
