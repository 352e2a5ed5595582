using System.Text.Json;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Agent.Metrics;

/// <summary>What a sample needs of <c>/etc/pve</c>. Blocks for as long as pmxcfs does. Not for use from two places at once.</summary>
internal sealed class PveFigures(Host host, NodeName node)
{
    private readonly FileBytes file = new();
    private readonly string pve = host.At("/etc/pve");
    private readonly Dictionary<Vmid, (DateTime Changed, GuestLimits Limits)> limits = [];

    /// <summary>Reads all of it.</summary>
    /// <param name="limited">Guests whose memory limit is known already: their confs are not asked.</param>
    public PveSeen Read(IReadOnlySet<Vmid> limited)
    {
        var problems = new List<string>();
        var members = Path.Combine(pve, ".members");
        if (file.Read(members) is not 0 and var error)
        {
            // The mount point of a stopped pmxcfs is an empty directory: that is no host without guests, it is no answer.
            return PveSeen.Nothing($"{pve} cannot be used, is pmxcfs (service pve-cluster) running? {FileBytes.Problem(members, error)}");
        }

        var quorate = Quorate(members, problems);
        return new(Guests(limited, problems), Storages(problems), quorate, HaState(quorate, problems), problems);
    }

    /// <summary>The limits in a conf's present state: what stands before the first section. Memory has a default in Proxmox VE, 512 MiB.</summary>
    internal static GuestLimits Limits(GuestType type, ReadOnlySpan<byte> conf)
    {
        long? memory = 512, swap = type is GuestType.Lxc ? 512 : null;
        var lines = new Words(conf);
        while (lines.NextLine(out var line) && !line.StartsWith("["u8))
        {
            if (line.StartsWith("memory:"u8))
            {
                memory = Mebibytes(line["memory:"u8.Length..]);
            }
            else if (line.StartsWith("swap:"u8) && type is GuestType.Lxc)
            {
                swap = Mebibytes(line["swap:"u8.Length..]);
            }
        }

        return new(memory * 1024 * 1024, swap * 1024 * 1024);
    }

    /// <summary>The node's state in HA's <c>manager_status</c>; null when it has none.</summary>
    /// <exception cref="JsonException">It is not what HA's manager writes.</exception>
    internal static string? HaState(ReadOnlyMemory<byte> status, NodeName node)
    {
        using var document = JsonDocument.Parse(status);
        return document.RootElement.ValueKind is not JsonValueKind.Object ? throw new JsonException("it is not a JSON object")
            : !document.RootElement.TryGetProperty("node_status", out var nodes) ? null
            : nodes.ValueKind is not JsonValueKind.Object ? throw new JsonException("node_status is not a JSON object")
            : !nodes.TryGetProperty(node.Value, out var state) ? null
            : state.ValueKind is JsonValueKind.String ? PlainText.Of(state.GetString()!, 40)
            : throw new JsonException($"node_status of {node} is no text");
    }

    private static long? Mebibytes(ReadOnlySpan<byte> text)
    {
        var value = text.Trim(" \t\r"u8);
        value = value.StartsWith("current="u8) ? value["current="u8.Length..] : value;
        var comma = value.IndexOf((byte)',');
        return Words.Number(comma < 0 ? value : value[..comma]) is < 1L << 40 and var number ? number : null;
    }

    private List<PveGuest>? Guests(IReadOnlySet<Vmid> limited, List<string> problems)
    {
        var found = new List<PveGuest>();
        foreach (var (type, name) in ((GuestType, string)[])[(GuestType.Lxc, "lxc"), (GuestType.Qemu, "qemu-server")])
        {
            var directory = Path.Combine(pve, "nodes", node.Value, name);
            try
            {
                foreach (var path in Directory.EnumerateFiles(directory, "*.conf"))
                {
                    if (Vmid.TryParse(Path.GetFileNameWithoutExtension(path), null, out var vmid) && found.Count < NodeMetrics.MaxItems)
                    {
                        found.Add(new(vmid, type, limited.Contains(vmid) ? default : Limits(type, vmid, path)));
                    }
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                problems.Add($"{directory} cannot be read: {e.Message}");
                return null;
            }
        }

        found.Sort(static (one, other) => one.Vmid.CompareTo(other.Vmid));
        if (limits.Count > 2 * (found.Count + 100))
        {
            limits.Clear(); // guests that are gone; the others are read again
        }

        return found;
    }

    private GuestLimits Limits(GuestType type, Vmid vmid, string path)
    {
        var changed = File.GetLastWriteTimeUtc(path);
        if (limits.TryGetValue(vmid, out var known) && known.Changed == changed)
        {
            return known.Limits;
        }

        if (file.Read(path) is not 0)
        {
            return default; // it has just moved away, or the inventory says why
        }

        var read = Limits(type, file.Content);
        limits[vmid] = (changed, read);
        return read;
    }

    private List<StorageUsage>? Storages(List<string> problems)
    {
        var path = Path.Combine(pve, ".rrd");
        if (file.Read(path) is not 0 and var error)
        {
            problems.Add(FileBytes.Problem(path, error));
            return null;
        }

        var found = new List<StorageUsage>();
        foreach (var (name, storage) in RrdFile.Storages(file.Content, node))
        {
            if (storage is { TotalBytes: { } total, UsedBytes: { } used } && found.Count < NodeMetrics.MaxItems)
            {
                found.Add(new(name, new(used, total)));
            }
        }

        found.Sort(static (one, other) => string.CompareOrdinal(one.Name, other.Name));
        return found;
    }

    private bool? Quorate(string path, List<string> problems)
    {
        try
        {
            return ClusterFiles.ParseMembers(System.Text.Encoding.UTF8.GetString(file.Content), corosync: null).Quorate;
        }
        catch (JsonException e)
        {
            problems.Add($"{path}: {PlainText.Of(e.Message)}");
            return null;
        }
    }

    private string? HaState(bool? quorate, List<string> problems)
    {
        var path = Path.Combine(pve, "ha/manager_status");
        var error = file.Read(path);
        if (error is FileBytes.NotThere || (error is 0 && file.Content.IsEmpty))
        {
            return null; // HA was never used
        }

        if (error is not 0)
        {
            problems.Add(FileBytes.Problem(path, error));
            return null;
        }

        if (quorate is not true)
        {
            problems.Add($"{path} may be old: this host has no quorum");
            return null;
        }

        try
        {
            return HaState(file.Content.ToArray(), node);
        }
        catch (JsonException e)
        {
            problems.Add($"{path}: {PlainText.Of(e.Message)}");
            return null;
        }
    }
}

/// <summary>What <c>/etc/pve</c> says. Null is what could not be read; the problems say why.</summary>
internal sealed record PveSeen(List<PveGuest>? Guests, List<StorageUsage>? Storages, bool? Quorate, string? HaState, List<string> Problems)
{
    /// <summary>It says nothing at all.</summary>
    public static PveSeen Nothing(string problem) => new(null, null, null, null, [problem]);
}

/// <summary>A guest of this host by its conf's name.</summary>
internal readonly record struct PveGuest(Vmid Vmid, GuestType Type, GuestLimits Limits);
