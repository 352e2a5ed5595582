namespace NannyOrleans.Scripts.Tests;

/// <summary>The scripts as they are sent: the common part, and then the one that knows a package manager.</summary>
internal static class CatalogueScript
{
    private static readonly string Directory = Path.Combine(AppContext.BaseDirectory, "Scripts");

    /// <summary>Those there are.</summary>
    public static IEnumerable<string> Families =>
        System.IO.Directory.GetFiles(Directory, "*-update.sh").Select(file => Path.GetFileName(file)[..^"-update.sh".Length]).Order(StringComparer.Ordinal);

    /// <summary>One of them.</summary>
    public static string Of(string family) => Part("common.sh") + Part($"{family}-update.sh");

    private static string Part(string name) => File.ReadAllText(Path.Combine(Directory, name));
}
