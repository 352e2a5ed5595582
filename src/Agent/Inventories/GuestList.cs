using System.Text.Json;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Inventories;

/// <summary>A guest by its file.</summary>
/// <param name="Vmid">Its number.</param>
/// <param name="Type">CT or VM.</param>
/// <param name="Text">Its configuration; null when it could not be read.</param>
/// <param name="Problem">What is odd about its file; null when nothing is.</param>
internal sealed record GuestFile(Vmid Vmid, GuestType Type, string? Text, string? Problem);

/// <summary>The guests of one node by their files, held against <c>.vmlist</c>, which pmxcfs keeps from the same files.</summary>
internal static class GuestList
{
    /// <summary>Where the cluster's guests are; null when that cannot be told.</summary>
    public static IReadOnlyDictionary<Vmid, GuestPlace>? Places(PveFiles files, List<string> problems)
    {
        try
        {
            return files.VmList is null ? null : ClusterFiles.ParseVmList(files.VmList);
        }
        catch (JsonException e)
        {
            problems.Add(e.Message);
            return null;
        }
    }

    /// <summary>
    /// The node's guests, sorted; null when the files do not say for sure. A directory that is empty while the list is not, or cannot be compared,
    /// is no "none", and neither is a guest gone that the list still has here.
    /// </summary>
    public static IReadOnlyList<GuestFile>? Of(PveFiles files, NodeName node, IReadOnlyDictionary<Vmid, GuestPlace>? places, List<string> problems)
    {
        if (files.Lxc is null || files.Qemu is null)
        {
            return null;
        }

        var found = new Dictionary<Vmid, GuestFile>();
        Take(files.Lxc, GuestType.Lxc, found, places, problems);
        Take(files.Qemu, GuestType.Qemu, found, places, problems);
        if (places is null && found.Count is 0)
        {
            return null;
        }

        if (Missing(found, node, places) is { } missing)
        {
            problems.Add($".vmlist has guests on this node without a file: {missing}");
            return null;
        }

        if (found.Count > Inventory.MaxItems)
        {
            problems.Add($"{found.Count} guests are more than can be reported");
            return null;
        }

        var sorted = new List<GuestFile>(found.Values);
        sorted.Sort((one, other) => one.Vmid.CompareTo(other.Vmid));
        return sorted;
    }

    private static string? Missing(Dictionary<Vmid, GuestFile> found, NodeName node, IReadOnlyDictionary<Vmid, GuestPlace>? places)
    {
        var missing = new List<string>();
        foreach (var (vmid, place) in places ?? new Dictionary<Vmid, GuestPlace>())
        {
            if (place.Node == node && !found.ContainsKey(vmid) && missing.Count < 20)
            {
                missing.Add(vmid.ToString());
            }
        }

        missing.Sort(StringComparer.Ordinal);
        return missing.Count is 0 ? null : string.Join(", ", missing);
    }

    private static void Take(
        IReadOnlyDictionary<string, string?> confs, GuestType type, Dictionary<Vmid, GuestFile> found, IReadOnlyDictionary<Vmid, GuestPlace>? places, List<string> problems)
    {
        foreach (var (file, text) in confs)
        {
            if (!Vmid.TryParse(Path.GetFileNameWithoutExtension(file), null, out var vmid))
            {
                problems.Add(PlainText.Of($"{file} is not named after a vmid ({Vmid.Smallest} to {Vmid.Largest}) and is left out; it can break pct list"));
            }
            else if (found.TryGetValue(vmid, out var other))
            {
                // pmxcfs allows no such thing; what it says itself decides which of them is meant.
                var problem = other.Type == type
                    ? $"there are several files of guest {vmid}" // 100.conf and 0100.conf
                    : $"there is both a CT's and a VM's file of guest {vmid}";
                problems.Add(problem);
                var thisOne = other.Type == type ? file == $"{vmid}.conf" : places?.GetValueOrDefault(vmid)?.Type == type;
                found[vmid] = thisOne ? new(vmid, type, text, problem) : other with { Problem = problem };
            }
            else
            {
                found[vmid] = new(vmid, type, text, null);
            }
        }
    }
}
