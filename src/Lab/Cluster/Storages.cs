using System.Globalization;

namespace NannyOrleans.Lab.Cluster;

/// <summary>One storage of <c>storage.cfg</c> as one node sees it.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Type">dir, lvmthin, zfspool, nfs, pbs, ...</param>
/// <param name="Content">As configured.</param>
/// <param name="IsShared">Whether all nodes see the same.</param>
/// <param name="IsEnabled">Not switched off in the file.</param>
/// <param name="Total">Bytes; null when it cannot be reached, which leaves it without figures everywhere.</param>
/// <param name="Used">Bytes.</param>
public sealed record StorageSeen(string Id, string Type, string Content, bool IsShared, bool IsEnabled, long? Total, long Used);

/// <summary>The storages of a lab: several types, one of which does not answer.</summary>
public static class Storages
{
    private const long Gib = 1L << 30;
    private static readonly string[] AlwaysShared = ["nfs", "cifs", "pbs", "iscsi", "cephfs", "rbd"];

    /// <summary>What a lab's <c>storage.cfg</c> starts with.</summary>
    public static string Config(string firstNode) => $"""
        dir: local
        	path /var/lib/vz
        	content iso,vztmpl,backup,rootdir,images

        lvmthin: local-lvm
        	thinpool data
        	vgname pve
        	content rootdir,images

        zfspool: local-zfs
        	pool rpool/data
        	content images,rootdir
        	nodes {firstNode}
        	sparse 1

        nfs: backup-nas
        	export /export/pve
        	path /mnt/pve/backup-nas
        	server 10.99.0.5
        	content backup,iso
        	prune-backups keep-all=1

        pbs: backup-pbs
        	datastore lab
        	server 10.99.0.6
        	content backup
        	fingerprint 00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00
        	prune-backups keep-all=1
        	username backup@pbs


        """;

    /// <summary>Those of a file that <paramref name="node"/> has. A <c>dir</c> has the figures of <paramref name="disk"/>; a backup server never answers.</summary>
    public static IReadOnlyList<StorageSeen> Read(string config, string node, (long Total, long Used) disk)
    {
        var seen = new List<StorageSeen>();
        foreach (var section in config.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var lines = section.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (lines.Length is 0 || lines[0].Split(": ") is not [var type, var id]) { continue; }
            var keys = new Dictionary<string, string>();
            foreach (var words in lines.Skip(1).Select(l => l.Trim().Split(' ', 2))) { keys[words[0]] = words.ElementAtOrDefault(1) ?? "1"; }
            if (keys.TryGetValue("nodes", out var nodes) && !nodes.Split(',').Contains(node)) { continue; }
            (long Total, long Used)? figures = type switch
            {
                "dir" => disk,
                "lvmthin" => (100 * Gib, 37 * Gib),
                "zfspool" => (200 * Gib, 25 * Gib),
                "nfs" => (1000 * Gib, 730 * Gib),
                _ => null,
            };
            seen.Add(new(id, type, keys.GetValueOrDefault("content", "images"),
                AlwaysShared.Contains(type) || keys.GetValueOrDefault("shared") is "1", !keys.ContainsKey("disable"),
                keys.ContainsKey("disable") ? null : figures?.Total, figures?.Used ?? 0));
        }

        return seen;
    }

    /// <summary>Bytes of a size as conf files write it, such as <c>size=8G</c>.</summary>
    public static long Bytes(string size)
    {
        if (size.Length is 0) { return 0; }
        var shift = size[^1] switch { 'T' => 40, 'G' => 30, 'M' => 20, 'K' => 10, _ => 0 };
        return double.TryParse(size.TrimEnd('T', 'G', 'M', 'K'), CultureInfo.InvariantCulture, out var number) ? (long)(number * (1L << shift)) : 0;
    }
}
