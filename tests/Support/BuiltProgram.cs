namespace NannyOrleans.Tests.Support;

/// <summary>Our own programs in their projects' output.</summary>
internal static class BuiltProgram
{
    /// <summary>The path of the program that a project in <c>src</c> builds, of the same configuration as these tests.</summary>
    public static string Of(string project)
    {
        // .../tests/Api.Tests/bin/Debug/net10.0/ here, .../src/Api/bin/Debug/net10.0/ there
        var here = AppContext.BaseDirectory;
        var repository = here[..here.LastIndexOf("/tests/", StringComparison.Ordinal)];
        var output = here[(here.LastIndexOf("/bin/", StringComparison.Ordinal) + 1)..];
        var path = Path.Combine(repository, "src", project, output, project switch { "Agent" => "nannyagent", "Ctl" => "nannyctl", _ => $"nanny-{project.ToLowerInvariant()}" });
        Assert.True(File.Exists(path), $"{path} is not built.");
        return path;
    }
}
