using NannyOrleans.Agent.Inventories;

namespace NannyOrleans.Agent.Diagnoses;

/// <summary>Which package sources a distribution's own files enable, as far as it takes to tell whether there are any and where they are.</summary>
internal static class PackageSources
{
    /// <summary>The addresses a file enables.</summary>
    public static IReadOnlyList<string> EnabledIn(string path, string text) => path switch
    {
        _ when path.EndsWith(".list", StringComparison.Ordinal) || path.EndsWith(".sources", StringComparison.Ordinal) => PackageRepositories.EnabledIn(path, text).ConvertAll(one => one.Uri),
        _ when path.EndsWith(".repo", StringComparison.Ordinal) => InSections(text),
        _ when path.EndsWith("mirrorlist", StringComparison.Ordinal) => [.. Lines(text).Where(line => Value(line, "Server") is not null).Select(line => Value(line, "Server")!)],
        _ => [.. Lines(text).Select(line => line.StartsWith('@') ? line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..].Trim() : line)], // apk: @tag address
    };

    /// <summary>The host of the first address that names one; null when none does.</summary>
    public static string? HostOf(IEnumerable<string> addresses) => addresses.Select(HostOf).FirstOrDefault(host => host is not null);

    private static string? HostOf(string address)
    {
        // mirror+http://…; a name that is none is never given to a program.
        var start = address.IndexOf("://", StringComparison.Ordinal);
        if (start < 0)
        {
            return null;
        }

        var rest = address[(start + 3)..];
        var host = rest.Split('/', '?')[0];
        host = host[(host.LastIndexOf('@') + 1)..].Split(':')[0];
        return host.Length is > 0 and <= 253 && char.IsAsciiLetterOrDigit(host[0]) && host.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-') ? host : null;
    }

    private static List<string> InSections(string text)
    {
        var found = new List<string>();
        var (enabled, addresses) = (true, new List<string>());
        foreach (var line in Lines(text).Append("["))
        {
            if (line.StartsWith('['))
            {
                found.AddRange(enabled ? addresses : []);
                (enabled, addresses) = (true, []);
            }
            else if (Value(line, "enabled") is { } value)
            {
                enabled = value is not ("0" or "no" or "false" or "False" or "No");
            }
            else if ((Value(line, "baseurl") ?? Value(line, "mirrorlist") ?? Value(line, "metalink")) is { } address)
            {
                addresses.Add(address);
            }
        }

        return found;
    }

    private static IEnumerable<string> Lines(string text) => text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] is not ('#' or ';'));

    private static string? Value(string line, string key) => line.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals && line[..equals].Trim() == key ? line[(equals + 1)..].Trim() : null;
}
