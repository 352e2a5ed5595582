using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Inventories;

/// <summary>The host's storages: what storage.cfg has, how full pvestatd found them, and what ZFS says of its pools. None of it touches a storage.</summary>
internal static class Storages
{
    /// <summary>Null when storage.cfg could not be read.</summary>
    public static IReadOnlyList<StorageSeen>? Read(PveFiles files, NodeName node, HostTexts texts, List<string> problems)
    {
        if (files.Storage is null)
        {
            return null;
        }

        var figures = files.Rrd is null ? null : RrdFile.Storages(files.Rrd, node);
        var found = new List<StorageSeen>();
        foreach (var one in StorageCfg.Parse(files.Storage, node))
        {
            var figure = figures?.GetValueOrDefault(one.Name);
            found.Add(new(
                one.Name,
                one.Type,
                one.Content,
                one.Shared,
                one.Disabled ? "disabled" : figure is null ? "unknown" : "available",
                one.Disabled ? null : figure?.UsedBytes,
                one.Disabled ? null : figure?.TotalBytes,
                Health(one.Pool, texts, problems)));
        }

        return found;
    }

    // The kernel module's own word. A pool that is not imported has no such file.
    private static string? Health(string? pool, HostTexts texts, List<string> problems) =>
        pool is { Length: > 0 } && pool[0] is not '.' ? texts.Value($"/proc/spl/kstat/zfs/{pool}/state", problems) : null;
}
