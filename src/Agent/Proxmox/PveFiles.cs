using System.Text;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>One look at <c>/etc/pve</c>: texts only, nothing understood yet. A null text could not be read; the problems say why.</summary>
/// <param name="Members"><c>.members</c>.</param>
/// <param name="Lxc">The node's CT files by file name; null when the directory could not be listed.</param>
/// <param name="Qemu">The node's VM files by file name; null when the directory could not be listed.</param>
/// <param name="Problems">What could not be read and why.</param>
internal sealed record PveFiles(
    string? Members,
    IReadOnlyDictionary<string, string?>? Lxc,
    IReadOnlyDictionary<string, string?>? Qemu,
    IReadOnlyList<string> Problems)
{
    /// <summary><c>.vmlist</c>.</summary>
    public string? VmList { get; init; }

    /// <summary><c>.rrd</c>, as it is.</summary>
    public byte[]? Rrd { get; init; }

    /// <summary><c>corosync.conf</c>; null on a standalone host, without a problem.</summary>
    public string? Corosync { get; init; }

    /// <summary><c>storage.cfg</c>; empty when there is none.</summary>
    public string? Storage { get; init; }

    /// <summary><c>ha/resources.cfg</c>; null without a problem when there is none.</summary>
    public string? HaResources { get; init; }

    /// <summary><c>ha/manager_status</c>; null without a problem when there is none.</summary>
    public string? HaManager { get; init; }

    /// <summary><c>ha/crm_commands</c>: what the manager has been asked for and has not taken up yet; null without a problem when there is none.</summary>
    public string? HaCommands { get; init; }

    /// <summary>The <c>lrm_status</c> of each directory in <c>nodes</c> that has one, a null for one that could not be read; empty where HA was never used.</summary>
    public IReadOnlyDictionary<string, string?> Lrms { get; init; } = new Dictionary<string, string?>();

    /// <summary>Whether one of HA's files is there and could not be read.</summary>
    public bool HaUnread { get; init; }

    /// <summary>Whether Ceph is configured here (<c>ceph.conf</c>).</summary>
    public bool HasCeph { get; init; }

    /// <summary>Reads all of it for one node. Blocks for as long as pmxcfs does.</summary>
    public static PveFiles Read(Host host, NodeName node)
    {
        var pve = host.At("/etc/pve");
        var problems = new List<string>();
        var (file, confs) = (new FileBytes(LargestList), new FileBytes(LargestFile));
        if (Text("/.members", out _) is not { } members)
        {
            // The mount point of a stopped pmxcfs is an empty directory: that is no cluster without guests, it is no answer.
            return new(null, null, null, [$"{pve} cannot be used, is pmxcfs (service pve-cluster) running? {problems[0]}"]);
        }

        var corosync = Text("/corosync.conf", out _, optional: true);
        var resources = Text("/ha/resources.cfg", out var resourcesUnread, optional: true);
        var commands = Text("/ha/crm_commands", out var commandsUnread, optional: true); // before the status: the manager empties it before it writes what it took up
        var manager = Text("/ha/manager_status", out var managerUnread, optional: true);
        var storage = Text("/storage.cfg", out var storageUnread, optional: true);
        var rrd = file.Read($"{pve}/.rrd") is 0 ? file.Content.ToArray() : null; // it may be missing: pmxcfs has just started
        return new(members, Confs("lxc"), Confs("qemu-server"), problems)
        {
            VmList = Text("/.vmlist", out _), // after the files: a guest that moves away meanwhile is in neither
            Rrd = rrd,
            Corosync = corosync,
            HaResources = resources,
            HaManager = manager,
            HaCommands = commands,
            Lrms = resources is null && manager is null ? new Dictionary<string, string?>() : Lrms(),
            HaUnread = resourcesUnread || managerUnread || commandsUnread,
            Storage = storage ?? (storageUnread ? null : string.Empty),
            HasCeph = File.Exists($"{pve}/ceph.conf"),
        };

        string? Text(string path, out bool unread, bool optional = false)
        {
            var error = file.Read(pve + path);
            unread = error is not 0 && !(optional && error is FileBytes.NotThere);
            if (unread)
            {
                problems.Add(FileBytes.Problem(pve + path, error));
            }

            return error is 0 ? Encoding.UTF8.GetString(file.Content) : null;
        }

        Dictionary<string, string?> Lrms()
        {
            var found = new Dictionary<string, string?>(StringComparer.Ordinal);
            try
            {
                foreach (var directory in Directory.EnumerateDirectories(Path.Combine(pve, "nodes")))
                {
                    var name = Path.GetFileName(directory);
                    var text = Text($"/nodes/{name}/lrm_status", out var unread, optional: true);
                    if (text is not null || unread)
                    {
                        found[name] = text;
                    }
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                problems.Add(e.Message);
                found[node.Value] = null;
            }

            return found;
        }

        Dictionary<string, string?>? Confs(string kind)
        {
            var directory = Path.Combine(pve, "nodes", node.Value, kind);
            try
            {
                var found = new Dictionary<string, string?>(StringComparer.Ordinal);
                foreach (var path in Directory.EnumerateFiles(directory, "*.conf"))
                {
                    var error = confs.Read(path);
                    if (error is not FileBytes.NotThere) // else it moved to another node between the listing and here; that node has it now
                    {
                        found[Path.GetFileName(path)] = error is 0 ? Encoding.UTF8.GetString(confs.Content) : null;
                    }

                    if (error is not (0 or FileBytes.NotThere))
                    {
                        problems.Add(FileBytes.Problem(path, error));
                    }
                }

                return found;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                problems.Add(e.Message);
                return null;
            }
        }
    }

    /// <summary>Reads one container's file. Blocks for as long as pmxcfs does.</summary>
    /// <returns>Null when that container is not on the node.</returns>
    /// <exception cref="UnreadableException">It cannot be told whether it is.</exception>
    public static string? ReadContainer(Host host, NodeName node, Vmid vmid)
    {
        var directory = Path.Combine(host.At("/etc/pve"), "nodes", node.Value, "lxc");
        try
        {
            return File.ReadAllText(Path.Combine(directory, $"{vmid}.conf"));
        }
        catch (FileNotFoundException) when (Directory.Exists(directory))
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnreadableException($"{directory} cannot be read, is pmxcfs (service pve-cluster) running? {e.Message}");
        }
    }

    // pmxcfs allows 1 MiB in a file of its own; the lists that it makes up grow with the cluster.
    private const int LargestFile = 1024 * 1024;
    private const int LargestList = 8 * 1024 * 1024;
}
