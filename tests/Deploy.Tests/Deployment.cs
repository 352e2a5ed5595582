using System.Diagnostics;
using NannyOrleans.Silo;
using YamlDotNet.RepresentationModel;

namespace NannyOrleans.Deploy.Tests;

/// <summary>The files of <c>deploy/</c>, and what is true of the programs they are about.</summary>
internal static class Deployment
{
    public static string Repository { get; } = AppContext.BaseDirectory[..AppContext.BaseDirectory.LastIndexOf("/tests/", StringComparison.Ordinal)];

    public static string PathOf(string file) => Path.Combine(Repository, "deploy", file);

    /// <summary>The documents of a YAML file, each a mapping.</summary>
    public static IReadOnlyList<YamlMappingNode> Yaml(string file)
    {
        using var reader = File.OpenText(PathOf(file));
        var stream = new YamlStream();
        stream.Load(reader);
        return [.. stream.Documents.Select(document => Assert.IsType<YamlMappingNode>(document.RootNode))];
    }

    /// <summary>Whether a program of ours reads this variable: a property of the options that a section is named after, or a setting that the Api's sources name.</summary>
    public static bool Knows(string variable)
    {
        if (variable is "NANNY_ADMIN_PASSWORD" or "NANNY_urls")
        {
            return true;
        }

        return variable.Split("__") is [['N', 'A', 'N', 'N', 'Y', '_', .. var section], var setting]
            && (typeof(SiloOptions).Assembly.GetTypes().Any(options => options.Name == $"{section}Options" && options.GetProperty(setting) is { CanWrite: true }) || IsNamed($"\"{section}:{setting}\""));
    }

    private static bool IsNamed(string setting) =>
        Directory.EnumerateFiles(Path.Combine(Repository, "src/Api"), "*.cs", SearchOption.AllDirectories).Any(source => File.ReadAllText(source).Contains(setting, StringComparison.Ordinal));

    /// <summary>Runs one of the system's own tools; where it is not there, the test is skipped and says so.</summary>
    public static async Task<(int Code, string Said)> Run(string tool, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        Assert.SkipUnless(ToolIs(tool), $"{tool} is needed.");
        var start = new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var run = Process.Start(start)!;
        var error = run.StandardError.ReadToEndAsync();
        var output = await run.StandardOutput.ReadToEndAsync();
        await run.WaitForExitAsync().Within($"{tool}'s end");
        return (run.ExitCode, output + await error);
    }

    public static bool ToolIs(string tool) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(["/usr/sbin"]).Any(directory => File.Exists(Path.Combine(directory, tool)));

    /// <summary>The key whose value's keys count as well, where they are not said again.</summary>
    private const string Merge = "<<";

    extension(YamlNode node)
    {
        /// <summary>What is at a path of keys and indices; null where there is nothing.</summary>
        public YamlNode? At(string path) => path.Split('.').Aggregate((YamlNode?)node, (at, key) => at switch
        {
            YamlMappingNode mapping => mapping.Children.TryGetValue(key, out var value) ? value
                : mapping.Children.TryGetValue(Merge, out var merged) ? merged.At(key) : null,
            YamlSequenceNode list => int.TryParse(key, out var index) && index < list.Children.Count ? list.Children[index] : null,
            _ => null,
        });

        public string? Text(string path) => (node.At(path) as YamlScalarNode)?.Value;

        /// <summary>The names in a mapping, or the texts in a list; none where there is neither.</summary>
        public IReadOnlyList<string> Names(string path) => node.At(path) switch
        {
            YamlMappingNode mapping => [.. mapping.Children.Keys.Select(key => ((YamlScalarNode)key).Value!).Where(key => key is not Merge), .. mapping.Names(Merge)],
            YamlSequenceNode list => [.. list.Children.OfType<YamlScalarNode>().Select(item => item.Value!)],
            _ => [],
        };

        public IReadOnlyList<YamlNode> Items(string path) => node.At(path) is YamlSequenceNode list ? [.. list.Children] : [];

        /// <summary>Every mapping in it, at any depth.</summary>
        public IEnumerable<YamlMappingNode> Mappings() => node.AllNodes.OfType<YamlMappingNode>();
    }
}
