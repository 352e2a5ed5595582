using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>What we use of a guest's file under <c>/etc/pve/nodes/N/lxc</c> or <c>qemu-server</c>: its present state only.</summary>
/// <param name="Name"><c>hostname</c> of a CT, <c>name</c> of a VM; null when absent.</param>
/// <param name="OsType"><c>ostype</c>; null when absent.</param>
/// <param name="Lock"><c>lock</c>; null when absent.</param>
/// <param name="Template">Whether <c>template</c> is 1.</param>
internal sealed record GuestConf(string? Name, string? OsType, string? Lock, bool Template)
{
    /// <summary>
    /// Reads the lines before the first <c>[</c>. What follows is not the present state: pending changes, snapshots. Lines that
    /// start with <c>#</c> are the description, whatever they look like. A line that is none of these is skipped, as Proxmox does.
    /// </summary>
    public static GuestConf Parse(string text)
    {
        string? hostname = null, name = null, osType = null, locked = null;
        var template = false;
        foreach (var raw in text.Split('\n'))
        {
            var line = raw.TrimEnd();
            if (line.StartsWith('['))
            {
                break;
            }

            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (line.StartsWith('#') || colon <= 0)
            {
                continue;
            }

            var value = line[(colon + 1)..].Trim() is { Length: > 0 } some ? some : null;
            switch (line[..colon])
            {
                case "hostname": hostname = value; break;
                case "name": name = value; break;
                case "ostype": osType = value; break;
                case "lock": locked = value; break;
                case "template": template = value is "1"; break;
            }
        }

        return new(hostname ?? name, osType, locked, template);
    }

    /// <summary>The name Proxmox shows: a CT without one is <c>CT100</c>, a VM <c>VM 100</c>.</summary>
    public string ShownName(Protocol.Inventories.GuestType type, Vmid vmid) =>
        Name ?? (type is Protocol.Inventories.GuestType.Lxc ? $"CT{vmid}" : $"VM {vmid}");
}
