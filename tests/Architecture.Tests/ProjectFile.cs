using System.Xml.Linq;

namespace NannyOrleans.Architecture.Tests;

/// <summary>What a .csproj file says it needs.</summary>
internal sealed class ProjectFile
{
    private readonly XElement root;

    private ProjectFile(string path)
    {
        Path = path;
        Name = System.IO.Path.GetFileNameWithoutExtension(path);
        root = XElement.Load(path);
    }

    public string Path { get; }

    public string Name { get; }

    /// <summary>Names of the projects it references.</summary>
    public IReadOnlyList<string> Projects =>
        [.. Included("ProjectReference").Select(path => System.IO.Path.GetFileNameWithoutExtension(path.Replace('\\', '/')))];

    /// <summary>Names of the packages and shared frameworks it references, and of its SDK.</summary>
    public IReadOnlyList<string> Packages =>
        [.. Included("PackageReference"), .. Included("FrameworkReference"), (string?)root.Attribute("Sdk") ?? ""];

    /// <summary>Package names beside which it states a version, in any of the ways there are.</summary>
    public IReadOnlyList<string> Versioned =>
        [.. root.Descendants()
            .Where(item => item.Name.LocalName is "PackageVersion" or "GlobalPackageReference"
                || (item.Name.LocalName is "PackageReference"
                    && item.Attributes().Select(a => a.Name.LocalName).Concat(item.Elements().Select(e => e.Name.LocalName))
                        .Any(name => name is "Version" or "VersionOverride")))
            .Select(item => (string?)item.Attribute("Include") ?? (string?)item.Attribute("Update") ?? item.Name.LocalName)];

    /// <summary>The projects in a folder of the repository, such as <c>src</c>; none when it does not exist.</summary>
    public static IReadOnlyList<ProjectFile> In(string folder)
    {
        var path = System.IO.Path.Combine(Repository(), folder);
        return Directory.Exists(path)
            ? [.. Directory.GetFiles(path, "*.csproj", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => new ProjectFile(file))]
            : [];
    }

    private static string Repository()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(System.IO.Path.Combine(directory.FullName, "NannyOrleans.sln")))
        {
            directory = directory.Parent ?? throw new InvalidOperationException("No NannyOrleans.sln above the test's own directory.");
        }

        return directory.FullName;
    }

    private IEnumerable<string> Included(string item) =>
        root.Descendants().Where(e => e.Name.LocalName == item).SelectMany(e => ((string?)e.Attribute("Include") ?? "").Split(';'));
}
