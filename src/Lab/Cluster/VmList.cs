using System.Globalization;
using System.Text;

namespace NannyOrleans.Lab.Cluster;

/// <summary>Where one guest is.</summary>
/// <param name="Vmid">As the file is named: pmxcfs takes any number here, also ones below 100.</param>
/// <param name="Node">The node whose directory holds its file.</param>
/// <param name="Kind"><c>lxc</c> or <c>qemu</c>.</param>
/// <param name="Version">The list's version when this guest's file last changed.</param>
public sealed record VmListEntry(int Vmid, string Node, string Kind, int Version);

/// <summary>Every guest file of the cluster, with pmxcfs' change counters.</summary>
/// <param name="Version">Counts changes.</param>
/// <param name="Entries">Sorted by vmid.</param>
public sealed record VmList(int Version, IReadOnlyList<VmListEntry> Entries)
{
    /// <summary>No guests, nothing counted yet.</summary>
    public static VmList Empty { get; } = new(0, []);

    /// <summary>
    /// The list after a look at the files: entries that are the same keep their version, new, moved and
    /// <paramref name="changed"/> ones count the list up.
    /// </summary>
    public VmList Seen(IEnumerable<(int Vmid, string Node, string Kind)> files, IReadOnlySet<int> changed)
    {
        var version = Version;
        var entries = new List<VmListEntry>();
        foreach (var file in files.OrderBy(f => f.Vmid))
        {
            var old = Entries.FirstOrDefault(e => e.Vmid == file.Vmid);
            var same = old is not null && old.Node == file.Node && old.Kind == file.Kind && !changed.Contains(file.Vmid);
            entries.Add(same ? old! : new(file.Vmid, file.Node, file.Kind, ++version));
        }

        if (Entries.Any(e => entries.All(now => now.Vmid != e.Vmid))) { version++; }
        return new(version, entries);
    }

    /// <summary>The lab's own stored form (not <c>.vmlist</c>): a line for each entry.</summary>
    public string Format()
    {
        var text = new StringBuilder().Append(Version).Append('\n');
        foreach (var e in Entries) { text.Append(CultureInfo.InvariantCulture, $"{e.Vmid} {e.Node} {e.Kind} {e.Version}\n"); }
        return text.ToString();
    }

    /// <summary>Reads the stored form.</summary>
    public static VmList Parse(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length is 0) { return Empty; }
        var entries = lines.Skip(1).Select(line => line.Split(' ')).Select(parts => new VmListEntry(
            int.Parse(parts[0], CultureInfo.InvariantCulture), parts[1], parts[2], int.Parse(parts[3], CultureInfo.InvariantCulture)));
        return new(int.Parse(lines[0], CultureInfo.InvariantCulture), entries.ToList());
    }
}
