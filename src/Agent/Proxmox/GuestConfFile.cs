using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>A guest's file on this node.</summary>
/// <param name="Type">CT or VM.</param>
/// <param name="Text">The file.</param>
internal sealed record GuestConfFile(GuestType Type, string Text)
{
    /// <summary>Reads it. Blocks for as long as pmxcfs does.</summary>
    /// <returns>Null when that guest is not on the node.</returns>
    /// <exception cref="UnreadableException">It cannot be told whether it is.</exception>
    public static GuestConfFile? Read(Host host, NodeName node, Vmid vmid) =>
        PveFiles.ReadContainer(host, node, vmid) is { } container ? new(GuestType.Lxc, container)
        : ReadVm(host, node, vmid) is { } vm ? new(GuestType.Qemu, vm)
        : null;

    private static string? ReadVm(Host host, NodeName node, Vmid vmid)
    {
        var directory = Path.Combine(host.At("/etc/pve"), "nodes", node.Value, "qemu-server");
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
}
