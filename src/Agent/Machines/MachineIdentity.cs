using System.Security.Cryptography;
using System.Text;
using NannyOrleans.Agent.Inventories;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Machines;

/// <summary>Which machine this is, outside Proxmox VE: a VM, bare metal, a container of whatever kind.</summary>
internal static class MachineIdentity
{
    /// <summary>Reads who this machine is.</summary>
    /// <exception cref="UnreadableException">It cannot be told; the message says why and what helps.</exception>
    public static HostIdentity Read(Host host)
    {
        var hostname = host.Hostname();
        return new(hostname, NodeOf(hostname), ClusterOf(MachineId(host), SmbiosUuid(host)), hostname);
    }

    /// <summary>
    /// The machine's id: nothing in it can be turned back into what it is made of. machine-id(5) asks for that, since the raw
    /// id may unlock other things. A copy of a VM has another SMBIOS uuid, so it is another machine even with the same machine-id.
    /// </summary>
    internal static ClusterId ClusterOf(string machineId, string? smbiosUuid) =>
        ClusterId.Parse($"m{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Application}\n{machineId}\n{smbiosUuid}")))[..16]}");

    /// <summary>The first label of the host name as a node name: what one may not have becomes a hyphen.</summary>
    internal static NodeName NodeOf(string hostname)
    {
        var name = string.Create(Math.Min(hostname.Length, LongestName), hostname, static (to, from) =>
        {
            for (var i = 0; i < to.Length; i++)
            {
                to[i] = char.IsAsciiLetterOrDigit(from[i]) || from[i] is '.' ? from[i] : '-';
            }
        });
        name = name.Split('.')[0].Trim('-');
        return NodeName.TryParse(name, null, out var node) ? node : NodeName.Parse("machine");
    }

    private static string MachineId(Host host)
    {
        var path = host.At("/etc/machine-id");
        var file = new FileBytes(4096);
        var error = file.Read(path);
        var id = Encoding.ASCII.GetString(file.Content).Trim();
        return (error, id) switch
        {
            (0, { Length: 32 }) when id.AsSpan().TrimStart("0123456789abcdef").IsEmpty && !id.AsSpan().TrimStart('0').IsEmpty => id,
            (0, "" or "uninitialized") or (FileBytes.NotThere, _) =>
                throw new UnreadableException($"{path} is missing or empty, and without it this machine cannot be told from others. Make it with: systemd-machine-id-setup"),
            (0, _) => throw new UnreadableException($"{path} does not hold 32 hex digits, so this machine cannot be told from others. Remove it and run: systemd-machine-id-setup"),
            _ => throw new UnreadableException(FileBytes.Problem(path, error)),
        };
    }

    // Not everywhere, and only for root. Where there is none now, there is none the next time.
    private static string? SmbiosUuid(Host host)
    {
        var file = new FileBytes(4096);
        return file.Read(host.At("/sys/class/dmi/id/product_uuid")) is 0 ? HostFacts.Uuid(Encoding.ASCII.GetString(file.Content).Trim()) : null;
    }

    // Fixed for ever: another one makes every machine another one.
    private const string Application = "NannyOrleans agent, machine outside Proxmox VE";
    private const int LongestName = 63;
}
