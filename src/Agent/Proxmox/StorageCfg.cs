using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>A storage of <c>/etc/pve/storage.cfg</c>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Content">What it is for, sorted; empty when the file does not say.</param>
/// <param name="Shared">Whether all its nodes see the same content: by its type, or because the file says so.</param>
/// <param name="Disabled">Whether it is switched off.</param>
/// <param name="Pool">The pool of a ZFS storage, without the dataset below it; null for others.</param>
internal sealed record StorageCfg(string Name, string Type, IReadOnlyList<string> Content, bool Shared, bool Disabled, string? Pool)
{
    /// <summary>Reads the storages that <paramref name="node"/> has. Lines that are no part of one are skipped.</summary>
    public static IReadOnlyList<StorageCfg> Parse(string text, NodeName node)
    {
        var found = new List<StorageCfg>();
        StorageCfg? current = null;
        var here = true;
        foreach (var range in text.AsSpan().Split('\n'))
        {
            var line = text.AsSpan(range).TrimEnd();
            if (line is [] or ['#', ..])
            {
                continue;
            }

            if (line[0] is not (' ' or '\t'))
            {
                Keep();
                (current, here) = (Begin(line), true);
            }
            else if (current is not null)
            {
                var word = line.Trim();
                var blank = word.IndexOfAny(' ', '\t');
                var value = blank < 0 ? string.Empty : word[blank..].Trim().ToString();
                switch (blank < 0 ? word : word[..blank])
                {
                    case "content": current = current with { Content = Words(value) }; break;
                    case "disable": current = current with { Disabled = value is not "0" }; break;
                    case "shared": current = current with { Shared = current.Shared || value is not "0" }; break;
                    case "nodes": here = Words(value).Contains(node.Value); break;
                    case "pool" when current.Type is "zfspool": current = current with { Pool = value.Split('/')[0] }; break;
                }
            }
        }

        Keep();
        return found;

        void Keep()
        {
            if (current is not null && here && found.Count < Protocol.Inventories.Inventory.MaxItems)
            {
                found.Add(current);
            }
        }
    }

    private static StorageCfg? Begin(ReadOnlySpan<char> line)
    {
        var colon = line.IndexOf(':');
        var type = colon > 0 ? line[..colon].ToString() : string.Empty;
        var name = line[(colon + 1)..].Trim();
        return type.Length > 0 && name.Length > 0
            ? new(PlainText.Of(name.ToString(), 200), PlainText.Of(type, 40), [], Array.IndexOf(SharedTypes, type) >= 0, Disabled: false, Pool: null)
            : null;
    }

    private static List<string> Words(string value)
    {
        var words = new List<string>();
        foreach (var range in value.AsSpan().SplitAny(',', ';', ' ', '\t'))
        {
            if (value.AsSpan(range) is { IsEmpty: false } word && words.Count < 100)
            {
                words.Add(PlainText.Of(word.ToString(), 200));
            }
        }

        words.Sort(StringComparer.Ordinal);
        return words;
    }

    // @SHARED_STORAGE of PVE::Storage::Plugin, and what later releases set by themselves.
    private static readonly string[] SharedTypes =
        ["iscsi", "iscsidirect", "nfs", "cifs", "rbd", "cephfs", "glusterfs", "zfs", "drbd", "pbs", "esxi"];
}
