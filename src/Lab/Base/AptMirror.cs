namespace NannyOrleans.Lab.Base;

/// <summary>Finds the Debian mirror this machine itself uses.</summary>
public static class AptMirror
{
    private static readonly char[] Blanks = [' ', '\t'];

    /// <summary>The URI of the first source that has <c>main</c> of <paramref name="suite"/>, or null.</summary>
    /// <param name="files">Names and contents of /etc/apt/sources.list and what is in sources.list.d.</param>
    /// <param name="suite">A release's code name.</param>
    public static string? Find(IEnumerable<(string Name, string Content)> files, string suite) => files
        .SelectMany(f => f.Name.EndsWith(".sources", StringComparison.Ordinal) ? Deb822(f.Content) : OneLine(f.Content))
        .Where(s => s.Suites.Contains(suite) && s.Components.Contains("main"))
        .Select(s => s.Uri.TrimEnd('/'))
        .FirstOrDefault();

    private static IEnumerable<(string Uri, string[] Suites, string[] Components)> OneLine(string content)
    {
        foreach (var line in content.Split('\n'))
        {
            var text = line.Split('#')[0].Trim();
            if (!text.StartsWith("deb ", StringComparison.Ordinal) && !text.StartsWith("deb\t", StringComparison.Ordinal)) { continue; }
            text = text[4..].Trim();
            if (text.StartsWith('[')) { text = text[(text.IndexOf(']', StringComparison.Ordinal) + 1)..]; }
            var words = text.Split(Blanks, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length >= 3) { yield return (words[0], [words[1]], words[2..]); }
        }
    }

    private static IEnumerable<(string Uri, string[] Suites, string[] Components)> Deb822(string content)
    {
        var fields = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        string? last = null;
        foreach (var line in content.Split('\n').Append(""))
        {
            if (line.StartsWith('#')) { continue; }
            if (line.Trim().Length is 0)
            {
                if (Words(fields, "Types").Contains("deb") && !string.Equals(fields.GetValueOrDefault("Enabled"), "no", StringComparison.OrdinalIgnoreCase))
                {
                    foreach (var uri in Words(fields, "URIs")) { yield return (uri, Words(fields, "Suites"), Words(fields, "Components")); }
                }

                fields.Clear();
                last = null;
            }
            else if (Blanks.Contains(line[0]) && last is not null) { fields[last] += line; }
            else if (line.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon)
            {
                last = line[..colon].Trim();
                fields[last] = line[(colon + 1)..].Trim();
            }
        }
    }

    private static string[] Words(Dictionary<string, string> fields, string name) =>
        fields.GetValueOrDefault(name, "").Split(Blanks, StringSplitOptions.RemoveEmptyEntries);
}
