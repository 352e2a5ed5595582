using System.Text;
using System.Text.Json;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;

namespace NannyOrleans.Agent.Inventories;

/// <summary>Where a Proxmox VE host has its packages from, by apt's own files, and what is wrong with that. Not for use from two places at once.</summary>
internal sealed class PackageRepositories(Host host)
{
    private readonly HostTexts texts = new(host);

    /// <summary>The subscription's status: <c>notfound</c> without <c>/etc/subscription</c>; null when the file cannot be read.</summary>
    public string? Subscription(List<string> problems)
    {
        const string File = "/etc/subscription";
        var before = problems.Count;
        return texts.Read(File, problems) switch
        {
            null => problems.Count > before ? null : "notfound",
            var text when StatusIn(text) is { } status => PlainText.Of(status, 40),
            _ => Unread(),
        };

        string? Unread()
        {
            problems.Add($"{host.At(File)} cannot be understood");
            return null;
        }
    }

    /// <summary>When apt last fetched its lists; null when there are none.</summary>
    public DateTimeOffset? ListsAt()
    {
        // A fetch that brought nothing new changes no list; where apt's periodic runs are set up they leave a stamp.
        DateTime? newest = null;
        foreach (var path in (string[])["/var/lib/apt/lists", "/var/lib/apt/periodic/update-success-stamp"])
        {
            var full = host.At(path);
            if (Directory.Exists(full) || File.Exists(full))
            {
                var at = File.GetLastWriteTimeUtc(full);
                newest = newest is { } other && other > at ? other : at;
            }
        }

        return newest is { } found ? new DateTimeOffset(found, TimeSpan.Zero) : null;
    }

    /// <summary>What is wrong with the repositories; null when they cannot be read.</summary>
    public IReadOnlyList<string>? Problems(string? subscription, DateTimeOffset? listsAt, DateTimeOffset now, List<string> problems)
    {
        var found = new List<string>();
        var hasPve = false;
        if (SourceFiles(problems) is not { } files)
        {
            return null;
        }

        foreach (var path in files)
        {
            var before = problems.Count;
            var text = texts.Read(path, problems);
            if (problems.Count > before)
            {
                return null; // a repository in it may be the one that matters
            }

            foreach (var (uri, components) in EnabledIn(path, text ?? string.Empty))
            {
                hasPve |= uri.Contains("/debian/pve", StringComparison.Ordinal) || Array.Exists(components, component => Array.IndexOf(PveComponents, component) >= 0);
                if (uri.Contains("//enterprise.proxmox.com/", StringComparison.Ordinal) && subscription is not (null or "active") && found.Count < MostProblems)
                {
                    found.Add(PlainText.Of($"{path} enables an enterprise repository ({uri}), and the subscription is '{subscription}': its updates are refused"));
                }
            }
        }

        if (!hasPve)
        {
            found.Add("no Proxmox VE repository is enabled: Proxmox VE itself gets no updates");
        }

        if (listsAt is not { } at)
        {
            found.Add("apt's package lists have never been fetched");
        }
        else if (now - at > OldLists)
        {
            found.Add($"apt's package lists are from {at:yyyy-MM-dd}, older than {OldLists.Days} days");
        }

        return found;
    }

    /// <summary>The repositories that a file in apt's one-line or deb822 format enables, with their components.</summary>
    internal static List<AptSource> EnabledIn(string path, string text)
    {
        var found = new List<AptSource>();
        if (!path.EndsWith(".sources", StringComparison.Ordinal))
        {
            foreach (var line in text.AsSpan().EnumerateLines())
            {
                // deb [arch=amd64 signed-by=/x] uri suite component…
                var entry = line.IndexOf('#') is >= 0 and var comment ? line[..comment].Trim() : line.Trim();
                if (entry.StartsWith("deb ") || entry.StartsWith("deb\t"))
                {
                    entry = entry[4..].TrimStart();
                    entry = entry is ['[', ..] && entry.IndexOf(']') is > 0 and var end ? entry[(end + 1)..] : entry;
                    if (Words(entry.ToString()) is [var uri, _, .. var components])
                    {
                        found.Add(new(uri, components));
                    }
                }
            }

            return found;
        }

        var fields = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var key = string.Empty;
        foreach (var raw in text.Split('\n').Append(string.Empty))
        {
            var line = raw.TrimEnd();
            if (line.Length is 0)
            {
                if (Words(fields.GetValueOrDefault("Types", "deb")).Contains("deb") && !IsOff(fields.GetValueOrDefault("Enabled")))
                {
                    foreach (var uri in Words(fields.GetValueOrDefault("URIs", string.Empty)))
                    {
                        found.Add(new(uri, Words(fields.GetValueOrDefault("Components", string.Empty))));
                    }
                }

                fields.Clear();
                key = string.Empty;
            }
            else if (line[0] is ' ' or '\t')
            {
                fields[key] = $"{fields.GetValueOrDefault(key)} {line.Trim()}";
            }
            else if (line[0] is not '#' && line.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon)
            {
                key = line[..colon];
                fields[key] = line[(colon + 1)..].Trim();
            }
        }

        return found;
    }

    private List<string>? SourceFiles(List<string> problems)
    {
        if (!Directory.Exists(host.At("/etc/apt")))
        {
            problems.Add($"{host.At("/etc/apt")} does not exist");
            return null;
        }

        var files = new List<string> { "/etc/apt/sources.list" };
        var directory = host.At("/etc/apt/sources.list.d");
        try
        {
            if (Directory.Exists(directory))
            {
                files.AddRange(Directory.EnumerateFiles(directory)
                    .Where(path => path.EndsWith(".list", StringComparison.Ordinal) || path.EndsWith(".sources", StringComparison.Ordinal))
                    .Select(path => $"/etc/apt/sources.list.d/{Path.GetFileName(path)}")
                    .Order(StringComparer.Ordinal));
            }

            return files;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(e.Message);
            return null;
        }
    }

    // The key, a checksum, then what the shop answered: JSON in base 64.
    private static string? StatusIn(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.TrimEntries);
        try
        {
            var json = Encoding.UTF8.GetString(Convert.FromBase64String(string.Concat(lines.Skip(2))));
            return LenientJson.Read(json, "subscription", root => LenientJson.Text(root, "status") ?? string.Empty) is { Length: > 0 } status
                ? status.ToLowerInvariant()
                : null;
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            return null;
        }
    }

    private static bool IsOff(string? value) => value?.ToLowerInvariant() is "no" or "false" or "0" or "off" or "without" or "disable";

    private static string[] Words(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static readonly string[] PveComponents = ["pve-enterprise", "pve-no-subscription", "pvetest", "pve-test"];
    private const int MostProblems = 100;
    private static readonly TimeSpan OldLists = TimeSpan.FromDays(7);
}

/// <summary>A repository that apt uses.</summary>
/// <param name="Uri">Where it is.</param>
/// <param name="Components">Its components.</param>
internal sealed record AptSource(string Uri, string[] Components);
