using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>One look at <c>/etc/pve</c>: texts only, nothing understood yet. A null text could not be read; the problems say why.</summary>
/// <param name="Members"><c>.members</c>.</param>
/// <param name="VmList"><c>.vmlist</c>.</param>
/// <param name="Corosync"><c>corosync.conf</c>; null on a standalone host, without a problem.</param>
/// <param name="Lxc">The node's CT files by file name; null when the directory could not be listed.</param>
/// <param name="Qemu">The node's VM files by file name; null when the directory could not be listed.</param>
/// <param name="Problems">What could not be read and why.</param>
internal sealed record PveFiles(
    string? Members,
    string? VmList,
    string? Corosync,
    IReadOnlyDictionary<string, string?>? Lxc,
    IReadOnlyDictionary<string, string?>? Qemu,
    IReadOnlyList<string> Problems)
{
    /// <summary>Reads all of it for one node. Blocks for as long as pmxcfs does.</summary>
    public static PveFiles Read(Host host, NodeName node)
    {
        var pve = host.At("/etc/pve");
        var problems = new List<string>();
        var members = Text(Path.Combine(pve, ".members"), problems);
        if (members is null)
        {
            // The mount point of a stopped pmxcfs is an empty directory: that is no cluster without guests, it is no answer.
            return new(null, null, null, null, null, [$"{pve} cannot be used, is pmxcfs (service pve-cluster) running? {problems[0]}"]);
        }

        var corosync = Path.Combine(pve, "corosync.conf");
        return new(
            members,
            Text(Path.Combine(pve, ".vmlist"), problems),
            File.Exists(corosync) ? Text(corosync, problems) : null,
            Confs(Path.Combine(pve, "nodes", node.Value, "lxc"), problems),
            Confs(Path.Combine(pve, "nodes", node.Value, "qemu-server"), problems),
            problems);
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

    private static Dictionary<string, string?>? Confs(string directory, List<string> problems)
    {
        try
        {
            var found = new Dictionary<string, string?>(StringComparer.Ordinal);
            foreach (var path in Directory.EnumerateFiles(directory, "*.conf"))
            {
                try
                {
                    found[Path.GetFileName(path)] = File.ReadAllText(path);
                }
                catch (FileNotFoundException)
                {
                    // It moved to another node between the listing and here; that node has it now.
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    found[Path.GetFileName(path)] = null;
                    problems.Add(e.Message);
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

    private static string? Text(string path, List<string> problems)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(e.Message);
            return null;
        }
    }
}
