namespace NannyOrleans.Agent.Tests.Support;

/// <summary>
/// Outputs captured from real hosts, kept beside the repository where there is room for them. Without them the tests' own fixtures are all
/// there is.
/// </summary>
public static class Captures
{
    private static readonly string? Folder = Find();

    /// <summary>The capture's text; null when there are no captures here.</summary>
    public static string? Read(string name) => Folder is null ? null : File.ReadAllText(Path.Combine(Folder, name));

    /// <summary>The captures whose names match; none when there are no captures here.</summary>
    public static IEnumerable<(string Name, string Text)> Like(string pattern) => Folder is null
        ? []
        : Directory.EnumerateFiles(Folder, pattern, SearchOption.AllDirectories).Select(path => (Path.GetFileName(path), File.ReadAllText(path)));

    private static string? Find()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (Path.Combine(directory.FullName, "shared/pve/samples") is var samples && Directory.Exists(samples))
            {
                return samples;
            }
        }

        return null;
    }
}
