using System.Globalization;
using System.Text;

namespace NannyOrleans.Lab.Guests;

/// <summary>A guest's conf file. Only what stands before the first section describes the present.</summary>
/// <param name="Description">Lines of the leading comment, decoded, joined by newlines; null without one.</param>
/// <param name="Keys">The main section's keys, in the file's order.</param>
/// <param name="Raw">Lines <c>lxc.*</c>, which Proxmox VE passes on to LXC.</param>
/// <param name="Sections"><c>pve:pending</c> and snapshots, each with its own lines as they stand.</param>
/// <param name="Unparsable">Lines that mean nothing. Proxmox VE warns of each and drops it at the next write.</param>
public sealed record GuestConf(
    string? Description,
    IReadOnlyList<KeyValuePair<string, string>> Keys,
    IReadOnlyList<KeyValuePair<string, string>> Raw,
    IReadOnlyList<(string Name, IReadOnlyList<string> Lines)> Sections,
    IReadOnlyList<string> Unparsable)
{
    /// <summary>A key of the main section, or null.</summary>
    public string? this[string key] => Keys.Where(k => k.Key == key).Select(k => k.Value).FirstOrDefault();

    /// <summary>Reads a conf file, leniently as Proxmox VE does.</summary>
    public static GuestConf Parse(string text)
    {
        string? description = null;
        var keys = new List<KeyValuePair<string, string>>();
        var raw = new List<KeyValuePair<string, string>>();
        var sections = new List<(string, IReadOnlyList<string>)>();
        var unparsable = new List<string>();
        List<string>? section = null;
        foreach (var line in text.Split('\n'))
        {
            if (line.Trim().Length is 0) { continue; }
            if (line[0] is '[' && line.TrimEnd()[^1] is ']')
            {
                section = [];
                sections.Add((line.Trim()[1..^1], section));
            }
            else if (section is not null)
            {
                section.Add(line);
            }
            else if (line[0] is '#')
            {
                var decoded = Uri.UnescapeDataString(line[1..].TrimEnd('\r'));
                description = description is null ? decoded : $"{description}\n{decoded}";
            }
            else if (KeyOf(line) is { } pair)
            {
                (pair.Key.StartsWith("lxc.", StringComparison.Ordinal) ? raw : keys).Add(pair);
            }
            else
            {
                unparsable.Add(line);
            }
        }

        return new(description, keys, raw, sections, unparsable);
    }

    /// <summary>The values with pending ones as if they were active, as `pct config` without `--current` shows them.</summary>
    public GuestConf WithPending()
    {
        var pending = Sections.FirstOrDefault(s => s.Name == "pve:pending").Lines ?? [];
        var conf = this;
        foreach (var pair in pending.Select(KeyOf).OfType<KeyValuePair<string, string>>())
        {
            conf = pair.Key is "delete"
                ? pair.Value.Split([',', ';', ' '], StringSplitOptions.RemoveEmptyEntries).Aggregate(conf, (c, key) => c.With(key, null))
                : conf.With(pair.Key, pair.Value);
        }

        return conf;
    }

    /// <summary>One snapshot's section as a conf of its own, or null.</summary>
    public GuestConf? Snapshot(string name)
    {
        var section = Sections.FirstOrDefault(s => s.Name == name);
        return section.Lines is null ? null : Parse(string.Join('\n', section.Lines));
    }

    /// <summary>The parts of a value such as <c>name=eth0,bridge=vmbr0</c>. A first part without a name goes under an empty one.</summary>
    public static IReadOnlyDictionary<string, string> SubKeys(string value)
    {
        var keys = new Dictionary<string, string>();
        foreach (var part in value.Split(','))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            keys[equals < 0 ? "" : part[..equals]] = part[(equals + 1)..];
        }

        return keys;
    }

    /// <summary>The conf with a key set, or removed when <paramref name="value"/> is null.</summary>
    public GuestConf With(string key, string? value)
    {
        if (key is "description") { return this with { Description = value }; }
        var keys = Keys.Where(k => k.Key != key).ToList();
        if (value is not null) { keys.Add(new(key, value)); }
        return this with { Keys = keys };
    }

    /// <summary>The file Proxmox VE writes: description first, keys sorted, raw LXC lines, then the sections as they were.</summary>
    public string Format()
    {
        var text = new StringBuilder();
        if (Description is not null)
        {
            foreach (var line in Description.Split('\n')) { text.Append('#').Append(Escape(line)).Append('\n'); }
        }

        foreach (var (key, value) in Sorted(Keys)) { text.Append(CultureInfo.InvariantCulture, $"{key}: {value}\n"); }
        foreach (var (key, value) in Raw) { text.Append(CultureInfo.InvariantCulture, $"{key}: {value}\n"); }
        foreach (var (name, lines) in Sections)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n[{name}]\n");
            foreach (var line in lines) { text.Append(line).Append('\n'); }
        }

        return text.ToString();
    }

    /// <summary>What `pct config` and `qm config` print: sorted, the description escaped on one line, raw LXC lines last.</summary>
    public string Print()
    {
        var keys = Description is null
            ? Keys
            : [.. Keys, new("description", Escape(Description + "\n"))];
        var text = new StringBuilder();
        foreach (var (key, value) in Sorted(keys)) { text.Append(CultureInfo.InvariantCulture, $"{key}: {value}\n"); }
        foreach (var (key, value) in Raw) { text.Append(CultureInfo.InvariantCulture, $"{key}: {value}\n"); }
        return text.ToString();
    }

    private static IEnumerable<KeyValuePair<string, string>> Sorted(IEnumerable<KeyValuePair<string, string>> keys) =>
        keys.OrderBy(k => k.Key, StringComparer.Ordinal);

    private static KeyValuePair<string, string>? KeyOf(string line)
    {
        var raw = line.StartsWith("lxc.", StringComparison.Ordinal);
        var end = raw ? line.AsSpan().IndexOfAny(':', '=') : line.IndexOf(':', StringComparison.Ordinal);
        if (end <= 0) { return null; }
        var key = line[..end].TrimEnd();
        foreach (var c in key)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-') && !(raw && c is '.')) { return null; }
        }

        return char.IsAsciiLetter(key[0]) ? new(key, line[(end + 1)..].Trim()) : null;
    }

    /// <summary>Proxmox VE's encode_text: everything but printable ASCII, and <c>%</c> and <c>:</c>.</summary>
    private static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            if (b is >= 0x20 and <= 0x7e and not ((byte)'%' or (byte)':')) { escaped.Append((char)b); }
            else { escaped.Append(CultureInfo.InvariantCulture, $"%{b:X2}"); }
        }

        return escaped.ToString();
    }
}
